"""Sandboxes of every level that this host offers, each started once, and workers with a given source."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from textwrap import dedent

import pytest

from autograder.course.model import Limits
from autograder.course.rules import load_rules
from autograder.errors import IsolationUnavailable
from autograder.sandbox import Package, Sandbox, Worker
from autograder.sandbox.proxy import Proxy

LIMITS = Limits(call_seconds=60, import_seconds=60, memory_mb=256, disk_mb=8, output_kb=16)

# The course's own: what torch can do is the same everywhere.
RULES = tuple(load_rules(Path(__file__).parents[3] / "solutions/rules.toml").values())

Open = Callable[..., tuple[Proxy, Worker]]


def zygote_pid(sandbox: Sandbox) -> int:
    """The process that forks: the only child of the one that was started, where there are namespaces."""
    started = sandbox._zygote.pid
    children = Path(f"/proc/{started}/task/{started}/children").read_text().split()
    return int(children[0]) if sandbox.layers["processes"] else started


@pytest.fixture(scope="session")
def sandbox_of() -> Iterator[Callable[[str], Sandbox]]:
    """The sandbox of a level; skips, saying why, where the host cannot have that level."""
    opened: list[Sandbox] = []

    @cache
    def start(level: str) -> Sandbox | str:
        try:
            opened.append(Sandbox(level=None if level == "best" else level, rules=RULES))
        except IsolationUnavailable as error:
            return str(error)
        return opened[-1]

    def get(level: str) -> Sandbox:
        sandbox = start(level)
        if isinstance(sandbox, str):
            pytest.skip(sandbox)
        return sandbox

    yield get
    for sandbox in opened:
        sandbox.close()


@pytest.fixture(scope="session")
def sandbox(sandbox_of: Callable[[str], Sandbox]) -> Sandbox:
    """The best sandbox that this host offers."""
    return sandbox_of("best")


@pytest.fixture
def opened(sandbox: Sandbox) -> Iterator[Open]:
    """Start a worker on a source text: `student, worker = opened('''def f(): …''')`."""
    workers: list[Worker] = []

    def open_(
        source: str,
        *,
        limits: Limits = LIMITS,
        rules: tuple[str, ...] = (),
        files: dict[str, bytes] | None = None,
        own: frozenset[str] = frozenset({"answer.py"}),
        load: bool = True,
    ) -> tuple[Proxy, Worker]:
        package = Package({"answer.py": dedent(source).encode(), **(files or {})}, "answer", own)
        workers.append(sandbox.spawn(package, limits, rules))
        if load:
            workers[-1].load()
        return Proxy(workers[-1]), workers[-1]

    yield open_
    for worker in workers:
        worker.close()
