"""The pytest plugin: a check is a pytest test with the fixtures `student`, `reference`, `rng`, `memo` and `race`.

    @pytest.mark.question("conv-forward", weight=2)
    def test_forward(student, reference, rng): ...

Plain pytest on a folder of hidden checks runs every check against the reference, or with `--submission PATH` against
a confined submission. So an instructor can debug a check. Grading runs the same items and reads their verdicts with
`case_of`. The plugin ignores tests without the marker.
"""

from __future__ import annotations

import inspect
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from autograder.checks.harness.items import case_id, is_alone, question_of, title_of, weight_of
from autograder.course.result import CaseResult
from autograder.errors import CheckFailed, DeviceNeeded, UsageError

if TYPE_CHECKING:  # every pytest run in this environment loads the plugin, and only checks need torch
    from autograder.checks.draw import Draw
    from autograder.checks.harness.desk import Desk, Memo
    from autograder.checks.timing.race import Race
    from autograder.checks.timing.statistics import Measured
    from autograder.course.model import Question
    from autograder.sandbox import Sandbox
    from autograder.sandbox.proxy import Proxy

__all__ = ["DESK", "case_of", "run_check", "wrong_value"]

DESK: pytest.StashKey[Desk] = pytest.StashKey()
SANDBOX: pytest.StashKey[Sandbox] = pytest.StashKey()
CLEANUP: pytest.StashKey[ExitStack] = pytest.StashKey()
CASE: pytest.StashKey[CaseResult] = pytest.StashKey()
STARTED: pytest.StashKey[tuple[float, float]] = pytest.StashKey()
TIMED: pytest.StashKey[Measured | None] = pytest.StashKey()
WRONG: pytest.StashKey[object] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("autograder", "checks of a course assignment")
    group.addoption("--submission", type=Path, metavar="PATH", help="zip or folder to check instead of the reference")
    group.addoption("--run-seed", type=int, default=0, metavar="N", help="seed that inputs are drawn from (0)")
    group.addoption("--question", metavar="ID", help="only the checks of this question")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "question(id, weight=1.0, alone=False): whose points this check shares")
    config.addinivalue_line(
        "markers", "saved(file): of a public check, asked only once the notebook has saved this file"
    )
    config.stash[CLEANUP] = ExitStack()
    if config.getoption("--submission"):
        # The zygote must exist before this process reads a hidden check.
        from autograder.course.layout import Course
        from autograder.sandbox import Sandbox

        rules = list(Course(config.rootpath).rules.values())
        hidden = [config.rootpath / folder for folder in ("solutions", "tests")]
        config.stash[SANDBOX] = config.stash[CLEANUP].enter_context(Sandbox(hidden=hidden, rules=rules))


def pytest_unconfigure(config: pytest.Config) -> None:
    config.stash[CLEANUP].close()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    wanted = config.getoption("--question")
    if wanted:
        kept = [item for item in items if question_of(item) == wanted]
        config.hook.pytest_deselected(items=[item for item in items if item not in kept])
        items[:] = kept


def pytest_collectstart(collector: pytest.Collector) -> None:
    """Let checks import modules that lie beside them: `from geometries import …`."""
    if isinstance(collector, pytest.Module) and _is_check_folder(collector.path.parent):
        folder = str(collector.path.parent)
        for entry in (folder, str(collector.path.parents[3] / "solutions")):
            if entry not in sys.path:
                sys.path.insert(0, entry)


def _is_check_folder(folder: Path) -> bool:
    return folder.parent.name in ("hidden", "public") and (folder.parents[2] / "solutions" / folder.name).is_dir()


def case_of(item: pytest.Item) -> CaseResult:
    """The verdict on a check that was run."""
    return item.stash[CASE]


def wrong_value(item: pytest.Item) -> object:
    """The value that a check's last run found wrong; None if the check passed or found no value."""
    return item.stash[WRONG]


def _desk(request: pytest.FixtureRequest) -> Desk:
    config = request.config
    if DESK not in config.stash:
        from autograder.checks.harness.debug import open_desk

        config.stash[DESK] = open_desk(
            request.path,
            config.getoption("--submission"),
            config.stash.get(SANDBOX, None),
            config.getoption("--run-seed"),
            config.stash[CLEANUP],
        )
    return config.stash[DESK]


def _key(item: pytest.Item) -> str:
    return f"{question_of(item)}:{case_id(item)}"


@pytest.fixture
def student(request: pytest.FixtureRequest) -> Proxy:
    """The submission under grading, with new seeds and without objects of an earlier check."""
    return _student(_desk(request), request.node)


@pytest.fixture
def reference(request: pytest.FixtureRequest) -> Proxy:
    """The reference, with the same interface and seeds; its answers are computed once in a run."""
    return _reference(_desk(request), request.node)


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> Draw:
    """Draws this check's inputs: the same for every submission of a run, different in another run."""
    return _rng(_desk(request), request.node)


@pytest.fixture
def memo(request: pytest.FixtureRequest) -> Memo:
    """`memo(function, *args)`: a pure function's value, computed once in a run for equal arguments."""
    return _memo(_desk(request), request.node)


@pytest.fixture
def race(request: pytest.FixtureRequest) -> Race:
    """Times the submission against a budget of the question's; `autograder.checks.timing` explains its use."""
    return _race(_desk(request), request.node)


def _student(desk: Desk, item: pytest.Item) -> Proxy:
    from autograder.sandbox.proxy import Proxy

    channel = desk.subject.channel(_question(desk, item))
    channel.request("begin", {"seed": desk.generator_seed(_key(item))})
    return Proxy(channel)


def _reference(desk: Desk, item: pytest.Item) -> Proxy:
    from autograder.sandbox.proxy import Proxy

    channel = desk.reference(_question(desk, item), _key(item))
    channel.request("begin", {"seed": desk.generator_seed(_key(item))})
    return Proxy(channel)


def _question(desk: Desk, item: pytest.Item) -> Question:
    id = str(question_of(item))
    if id not in desk.assignment.by_id:
        raise UsageError(f"{item.nodeid}: no question {id!r} in {desk.assignment.name}")
    return desk.assignment.by_id[id]


def _rng(desk: Desk, item: pytest.Item) -> Draw:
    return desk.draw(_key(item))


def _memo(desk: Desk, item: pytest.Item) -> Memo:
    return desk.remember


def _race(desk: Desk, item: pytest.Item) -> Race:
    from autograder.checks.timing.race import Race

    def keep(measured: Measured) -> None:
        if item.stash[TIMED] is not None:
            raise UsageError(f"{item.nodeid}: a check times one thing")
        item.stash[TIMED] = measured

    _student(desk, item)  # begins the case
    key = _key(item)
    seeds = desk.case_seed(f"timing of {key}"), desk.generator_seed(key)
    return Race(_question(desk, item), desk.rivals, desk.assignment.limits, *seeds, keep)


FIXTURES: dict[str, Callable[[Desk, pytest.Item], Any]] = {
    "student": _student,
    "reference": _reference,
    "rng": _rng,
    "memo": _memo,
    "race": _race,
}


def run_check(item: pytest.Function, following: pytest.Item | None, desk: Desk) -> CaseResult:
    """Run one check at a desk and return its verdict.

    A check that uses only this plugin's fixtures and its own parameters is called directly: pytest's protocol takes
    longer than most checks. Every other check goes through pytest.
    """
    item.config.stash[DESK] = desk
    given = item.callspec.params if hasattr(item, "callspec") else {}
    wanted = _arguments(item.function)
    if not set(item.fixturenames) - {"request"} <= FIXTURES.keys() | given.keys() or "request" in wanted:
        # An earlier check may have left fixtures open for a check that was then skipped. End those that this check does
        # not use.
        item.session._setupstate.teardown_exact(item)
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        return case_of(item)
    _start(item)
    try:
        with _noting(desk, item):
            item.function(**{name: given[name] if name in given else FIXTURES[name](desk, item) for name in wanted})
        desk.subject.settle()
    except (KeyboardInterrupt, pytest.exit.Exception):
        raise
    except BaseException as error:  # after any error the case has not passed
        return _case(item, error)
    return _case(item, None)


def _start(item: pytest.Item) -> None:
    item.stash[STARTED] = (time.perf_counter(), _call_seconds(item))
    item.stash[TIMED] = None  # of an earlier run
    item.stash[WRONG] = None


@cache
def _arguments(function: Callable[..., Any]) -> tuple[str, ...]:
    """Names of a check's arguments."""
    return tuple(inspect.signature(function).parameters)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    _start(item)
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    return (yield from _judged(item))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    return (yield from _judged(item))


def _judged(item: pytest.Item) -> Iterator[None]:
    """Keep the verdict on a check and its fixtures.

    The verdict's words replace the exception: pytest would print the arguments of every frame, and tensors would take
    minutes.
    """
    if question_of(item) is None:
        return (yield)
    try:
        with _noting(item.config.stash.get(DESK, None), item):
            yield
        if DESK in item.config.stash:
            item.config.stash[DESK].subject.settle()
    except (KeyboardInterrupt, pytest.exit.Exception):
        raise
    except BaseException as error:  # after any error the case has not passed
        case = item.stash[CASE] = _case(item, error)
        if isinstance(error, DeviceNeeded):
            pytest.skip(case.message)
        if item.config.getoption("fulltrace", False):
            raise
        words = "\n".join(filter(None, (case.message, case.hint, case.location, case.detail)))
        # The submission wrote some of this text. It must not send commands to the reader's terminal.
        inert = "".join(char if char.isprintable() or char in "\n\t" else "?" for char in words or str(error))
        raise pytest.fail.Exception(inert, pytrace=False) from None
    else:
        item.stash[CASE] = _case(item, None)


@contextmanager
def _noting(desk: Desk | None, item: pytest.Item) -> Iterator[None]:
    """Keep notes of the mistakes that the check in this block sets aside, if its desk has a place for notes."""
    if desk is None or desk.asides is None:
        yield
        return
    from autograder.checks.compare.asides import noting

    with noting(desk.asides, str(question_of(item))):
        yield


def _case(item: pytest.Item, error: BaseException | None) -> CaseResult:
    from autograder.checks.harness.verdict import judge

    verdict = judge(error)
    item.stash[WRONG] = error.value if isinstance(error, CheckFailed) else None
    began, called = item.stash[STARTED]
    measured = item.stash[TIMED]
    return CaseResult(
        id=case_id(item),
        title=title_of(item),
        outcome=verdict.outcome,
        message=verdict.message,
        hint=verdict.hint,
        location=verdict.location,
        detail=verdict.detail,
        weight=weight_of(item),
        seconds=round(time.perf_counter() - began, 6),
        student_seconds=round(_call_seconds(item) - called, 6),
        credit=verdict.credit,
        timing=measured.to_json() if measured else None,
        alone=is_alone(item),
    )


def _call_seconds(item: pytest.Item) -> float:
    desk = item.config.stash.get(DESK, None)
    return desk.subject.call_seconds if desk else 0.0
