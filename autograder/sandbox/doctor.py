"""Reports how well this host confines student code. A worker with hostile probes tries to break out."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from autograder.course.model import Limits
from autograder.errors import IsolationUnavailable, SandboxError, WorkerOutOfMemory
from autograder.sandbox.grader.gpu import find_gpu
from autograder.sandbox.grader.package import Package
from autograder.sandbox.grader.remote import Worker
from autograder.sandbox.grader.sandbox import Sandbox, environment
from autograder.sandbox.isolation.allowed_syscalls import REFUSED
from autograder.sandbox.isolation.filter import library
from autograder.sandbox.isolation.limits import THREADS
from autograder.sandbox.isolation.opening import opening
from autograder.sandbox.proxy import Proxy

__all__ = ["LAYERS", "LEVELS", "Layer", "Probe", "Report", "diagnose", "readiness"]

LEVELS = {
    "A": "root with namespaces, and a user id for each worker",
    "B": "user namespaces",
    "C": "no namespaces: Landlock and a seccomp filter; submissions cannot write files",
    "D": "too weak to confine student code: grading refuses to run",
}
LAYERS = {
    "files": "solutions, hidden checks and other people's work cannot be read",
    "view": "a worker sees only the interpreter and its packages, and writes to a private folder",
    "processes": "no other process is visible, and none outlives its worker",
    "network": "no socket can reach anything",
    "landlock": "files outside the allowed folders cannot be opened, even by root",
    "seccomp": "only allowed system calls: no sockets, processes, tracing, namespaces or file modes",
    "user": "a user id per worker: workers cannot reach each other, and their threads are counted separately",
    "privileges": "no capabilities, and no program can give any back",
    "limits": "memory, file size, threads and descriptors are limited",
}
PROBE_LIMITS = Limits(call_seconds=30, memory_mb=256, disk_mb=8, output_kb=16)


@dataclass(frozen=True)
class Layer:
    """A layer of isolation: its state on this host, the attacks that it prevents, and the reason for a failure."""

    name: str
    holds: bool
    closes: str
    why_not: str = ""


@dataclass(frozen=True)
class Probe:
    """An attack that a submission might try, and its result. `got` lists the successes of the attack."""

    name: str
    held: bool
    got: tuple[str, ...] = ()


@dataclass(frozen=True)
class Report:
    """The findings of `diagnose`.

    Attributes:
        level: "A" to "D"; `LEVELS` explains them.
        ready_ms: median milliseconds from the request to the warm zygote until the worker's first reply.
        problem: why grading is refused on this host, or "".
        gpu: the GPU for running times and the parts that workers may use, or the reason why there is none.
    """

    level: str
    layers: tuple[Layer, ...] = ()
    probes: tuple[Probe, ...] = ()
    ready_ms: float = 0.0
    problem: str = ""
    gpu: str = ""

    @property
    def ok(self) -> bool:
        """True if a course can be graded on this host."""
        return not self.problem and all(probe.held for probe in self.probes)

    def as_json(self) -> dict[str, Any]:
        """Plain data for json.dump."""
        return {**asdict(self), "ok": self.ok, "meaning": LEVELS[self.level]}


def diagnose(level: str | None = None) -> Report:
    """Start a sandbox of this level, or of the best possible one, and try to break out of it."""
    try:
        sandbox = Sandbox(level=level)
    except IsolationUnavailable as error:
        return Report("D", problem=str(error))
    with sandbox:
        layers = tuple(
            Layer(name, holds, LAYERS[name], sandbox.why_not.get(name, "")) for name, holds in sandbox.layers.items()
        )
        ready = readiness(sandbox)
        ready_ms = round(1000 * sorted(ready)[len(ready) // 2], 1)
        return Report(sandbox.level, layers, tuple(_probes(sandbox)), ready_ms, gpu=_gpu())


def _gpu() -> str:
    gpu, why = find_gpu()
    if gpu is None:
        return f"none ({why}): budgets for CUDA stay pending"
    nodes = ", ".join(opening("cuda").nodes) or "no device node"
    name = gpu.facts()["gpu"]
    return f"{name}; workers timed on it may use {nodes}, and their host memory has no limit but their deadlines"


def readiness(sandbox: Sandbox, times: int = 5) -> list[float]:
    """The seconds that it takes to get a confined, listening worker, measured several times."""
    with _probe_worker(sandbox):
        pass  # the zygote may still be warming up
    seconds = []
    for _ in range(times):
        started = time.perf_counter()
        with sandbox.spawn(_package(), PROBE_LIMITS):
            seconds.append(time.perf_counter() - started)
    return seconds


def _probes(sandbox: Sandbox) -> Iterator[Probe]:
    own = os.getpid()
    known = [*environment(), "TMPDIR", "LC_CTYPE", "TORCHINDUCTOR_CACHE_DIR"]
    refused = _refused_calls() if sandbox.layers["seccomp"] else {}
    with _secret() as secret, _probe_worker(sandbox) as worker:
        neighbour = worker.pid
        tries: Sequence[tuple[str, Callable[[Proxy], Any]]] = (
            ("read a secret file", lambda probe: probe.read_file(secret)),
            ("open a socket", lambda probe: probe.open_sockets()),
            ("signal the grader", lambda probe: probe.signal_process(own)),
            ("trace the grader or read its memory", lambda probe: probe.trace_process(own)),
            ("signal another worker", lambda probe: probe.signal_process(neighbour)),
            ("trace another worker", lambda probe: probe.trace_process(neighbour)),
            ("start processes", lambda probe: probe.start_processes()),
            ("write outside its folder", lambda probe: probe.write_outside([str(Path(secret).parent)])),
            ("change files that are not its own", lambda probe: probe.change_files([secret])),
            ("watch files", lambda probe: probe.watch_files()),
            ("make a refused system call", lambda probe: probe.make_calls(refused)),
            ("gain privileges", lambda probe: probe.change_privileges()),
            ("inherit variables or descriptors of the grader", lambda probe: probe.inherited(known)),
            ("start unlimited threads", lambda probe: probe.start_threads(4 * THREADS)),
            ("fill the disk", lambda probe: probe.fill_disk(PROBE_LIMITS.disk_mb)),
            ("take all memory", lambda probe: probe.take_memory(4 * PROBE_LIMITS.memory_mb)),
        )
        for name, attempt in tries:
            yield _try(sandbox, name, attempt)
        got = _try_on(worker, lambda probe: probe.find_processes())
        yield Probe("end another worker or be visible to it", not got, got)


def _refused_calls() -> dict[str, int]:
    """The numbers of the refused system calls on this machine, without fork and vfork, which would end the probe."""
    seccomp = library()
    names = sorted({name for names in REFUSED.values() for name in names.split()} - {"fork", "vfork"})
    found = {} if seccomp is None else {name: _number(seccomp, name) for name in names}
    return {name: number for name, number in found.items() if number >= 0}


def _number(seccomp: Any, name: str) -> int:
    """The number of a system call, or a negative one if this machine or its libseccomp does not know it."""
    try:
        return int(seccomp.resolve_syscall(seccomp.Arch.NATIVE, name))
    except OSError:
        return -1


def _try(sandbox: Sandbox, name: str, attempt: Callable[[Proxy], Any]) -> Probe:
    with _probe_worker(sandbox) as worker:
        got = _try_on(worker, attempt)
    return Probe(name, not got, got)


def _try_on(worker: Worker, attempt: Callable[[Proxy], Any]) -> tuple[str, ...]:
    try:
        return tuple(map(str, attempt(Proxy(worker))))
    except WorkerOutOfMemory:
        return ()
    except SandboxError as error:
        return (f"the probe itself ended: {error}",)


@contextmanager
def _probe_worker(sandbox: Sandbox) -> Iterator[Worker]:
    with sandbox.spawn(_package(), PROBE_LIMITS) as worker:
        worker.load()
        yield worker


def _package() -> Package:
    source = Path(__file__).with_name("probes.py").read_bytes()
    return Package({"probes.py": source}, "probes", frozenset({"probes.py"}))


@contextmanager
def _secret() -> Iterator[str]:
    """A file that every user of this host may read, but no worker."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        path = Path(folder) / "secret"
        path.write_text("the answer")
        path.chmod(0o644)
        yield str(path)
