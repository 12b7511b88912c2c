"""What the sandbox promises, one test each, at every level of isolation that this host offers."""

from __future__ import annotations

import os
import secrets
import select
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

import pytest

from autograder.course.model import Limits
from autograder.errors import GraderError, StudentError, WorkerCrashed, WorkerOutOfMemory, WorkerTimeout
from autograder.gradebook.facts import Student
from autograder.gradebook.store import Book
from autograder.sandbox import Package, Sandbox, Worker, probes
from autograder.sandbox.channel import control
from autograder.sandbox.channel.output import capped_file
from autograder.sandbox.grader.sandbox import environment
from autograder.sandbox.isolation.levels import Confinement
from autograder.sandbox.isolation.limits import THREADS
from autograder.sandbox.proxy import Proxy
from autograder.sandbox.worker.zygote import _Zygote
from tests.autograder.gradebook.test_faults import ATTACK, sound
from tests.autograder.sandbox.conftest import zygote_pid

LIMITS = Limits(call_seconds=60, import_seconds=60, memory_mb=256, disk_mb=8, output_kb=16)
REPOSITORY = Path(__file__).parents[3]
PROBES = Path(probes.__file__).read_bytes()

HANGS = """
import ctypes, signal, threading, time

def spin():
    for number in range(1, 65):
        try:
            signal.signal(number, signal.SIG_IGN)
        except (OSError, ValueError):
            pass
    signal.alarm(0)
    while True:
        pass

def hang_in_c():
    ctypes.CDLL(None).pause()

def hold_the_lock():
    ctypes.PyDLL(None).sleep(10_000)
"""


def level_name(level: str) -> str:
    return f"level-{level}"


@pytest.fixture(params=["best", "B", "C"], ids=level_name)
def box(request: pytest.FixtureRequest, sandbox_of: Callable[[str], Sandbox]) -> Sandbox:
    return sandbox_of(request.param)


@pytest.fixture
def open_worker(box: Sandbox) -> Iterator[Callable[..., Worker]]:
    workers: list[Worker] = []

    def open_(source: bytes = PROBES, limits: Limits = LIMITS) -> Worker:
        workers.append(box.spawn(Package({"attack.py": source}, "attack", frozenset({"attack.py"})), limits))
        workers[-1].load()
        return workers[-1]

    yield open_
    for worker in workers:
        worker.close()


@pytest.fixture
def probe(open_worker: Callable[..., Worker]) -> Proxy:
    """The hostile submission, loaded."""
    return Proxy(open_worker())


def test_no_file_of_solutions_or_tests_can_be_read(probe: Proxy) -> None:
    private = [
        path for name in ("solutions", "tests") for path in sorted((REPOSITORY / name).rglob("*")) if path.is_file()
    ]
    assert len(private) > 10
    for path in (*private[:5], *private[-5:], Path(__file__)):
        assert probe.read_file(str(path)) == []


def test_no_world_readable_file_can_be_read(probe: Proxy, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("the answer")
    for folder in (secret, *secret.parents[:3]):
        folder.chmod(0o755)
    assert probe.read_file(str(secret)) == []
    assert probe.read_file("/etc/passwd") == []


def test_the_probe_for_files_can_find_one(probe: Proxy) -> None:
    assert probe.read_file(os.__file__) != []


def test_no_network(probe: Proxy) -> None:
    assert probe.open_sockets() == []


def test_no_signal_to_the_grader_or_anybody(probe: Proxy) -> None:
    with subprocess.Popen(["sleep", "60"]) as bystander:
        for pid in (os.getpid(), os.getppid(), bystander.pid):
            assert probe.signal_process(pid) == []
        bystander.kill()


def test_no_look_into_another_process(probe: Proxy, open_worker: Callable[..., Worker]) -> None:
    for pid in (os.getpid(), os.getppid(), open_worker().pid):
        assert probe.trace_process(pid) == []
    assert probe.find_processes() == []


def test_no_new_process(probe: Proxy) -> None:
    assert probe.start_processes() == []


def test_no_privilege_to_gain(probe: Proxy) -> None:
    assert probe.change_privileges() == []


def test_nothing_is_inherited_from_the_grader(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COURSE_TOKEN", "secret")
    descriptor = os.open(__file__, os.O_RDONLY)
    os.set_inheritable(descriptor, True)
    try:
        with box.spawn(Package({"attack.py": PROBES}, "attack", frozenset()), LIMITS) as worker:
            worker.load()
            known = [*environment(), "TMPDIR", "LC_CTYPE", "TORCHINDUCTOR_CACHE_DIR"]
            assert Proxy(worker).inherited(known) == []
    finally:
        os.close(descriptor)


def test_the_environment_of_the_grader_does_not_reach_a_new_zygote() -> None:
    """But for the variables that choose a library's routines, which round differently."""
    program = (
        "import os; os.environ.update(COURSE_TOKEN='x', MKL_CBWR='COMPATIBLE', MKL_NUM_THREADS='4')\n"
        "from autograder.sandbox import Sandbox\n"
        "with Sandbox() as s: print(open(f'/proc/{s._zygote.pid}/environ').read())"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=REPOSITORY, check=True)
    assert "OMP_NUM_THREADS=1" in said.stdout
    assert "COURSE_TOKEN" not in said.stdout
    assert "MKL_CBWR=COMPATIBLE" in said.stdout
    assert "MKL_NUM_THREADS=1" in said.stdout


def test_files_are_written_to_the_workers_own_folder_only(probe: Proxy, tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    assert probe.write_outside([str(tmp_path), str(REPOSITORY), str(REPOSITORY / "tests")]) == []


def test_disk_is_bounded(probe: Proxy) -> None:
    assert probe.fill_disk(LIMITS.disk_mb) == []


def test_threads_are_bounded(probe: Proxy) -> None:
    assert probe.start_threads(8 * THREADS) == []


def test_memory_is_bounded(probe: Proxy) -> None:
    with pytest.raises(WorkerOutOfMemory):
        probe.take_memory(8 * LIMITS.memory_mb)


def test_memory_within_the_budget_is_there(probe: Proxy) -> None:
    assert probe.take_memory(LIMITS.memory_mb // 2) != []


@pytest.mark.parametrize("how", ["spin", "hang_in_c", "hold_the_lock"])
def test_time_is_bounded_whatever_the_worker_does(open_worker: Callable[..., Worker], how: str) -> None:
    worker = open_worker(HANGS.encode(), Limits(call_seconds=0.5))
    pidfd = os.pidfd_open(worker.pid)
    with pytest.raises(WorkerTimeout):
        getattr(Proxy(worker), how)()
    assert not worker.alive
    assert ended(pidfd)
    with pytest.raises(WorkerCrashed):
        worker.request("begin", {"seed": 0})


def test_importing_is_bounded_too(box: Sandbox) -> None:
    package = Package({"slow.py": b"while True: pass"}, "slow", frozenset({"slow.py"}))
    with box.spawn(package, Limits(import_seconds=0.5)) as worker, pytest.raises(WorkerTimeout):
        worker.load()


def test_output_is_bounded_and_costs_nothing(open_worker: Callable[..., Worker]) -> None:
    source = (
        "import os, sys\ndef flood():\n    for _ in range(20_000): print('x' * 1000)\n    print('y', file=sys.stderr)\n"
    )
    source += (
        "def raw():\n    try:\n        while os.write(1, b'x' * 4096): pass\n    except OSError: return 'refused'\n"
    )
    worker = open_worker(source.encode())
    assert Proxy(worker).flood() is None
    assert len(worker.output()) == LIMITS.output_kb << 10
    assert Proxy(worker).raw() == "refused"
    assert len(worker.output()) == LIMITS.output_kb << 10


def test_workers_do_not_see_each_others_files(box: Sandbox, open_worker: Callable[..., Worker]) -> None:
    source = b"import os\ndef leave(): open('mark', 'w').write('x')\ndef look(): return sorted(os.listdir('.'))\n"
    first, second = Proxy(open_worker(source)), Proxy(open_worker(source))
    try:
        first.leave()
        assert "mark" in first.look()
    except StudentError:
        assert not box.layers["view"]  # nothing can be written at all
        return
    assert "mark" not in second.look()
    assert "mark" not in Proxy(open_worker(source)).look()


def test_a_closed_worker_is_gone(open_worker: Callable[..., Worker]) -> None:
    worker = open_worker()
    pidfd = os.pidfd_open(worker.pid)
    worker.close()
    assert ended(pidfd)
    worker.close()


def test_a_grading_process_that_dies_leaves_no_worker(box: Sandbox) -> None:
    """Forks share the sandbox; each one's workers end with it."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reader)
            worker = box.spawn(Package({"attack.py": PROBES}, "attack", frozenset()), LIMITS)
            worker.load()
            os.write(writer, f"{worker.pid}\n".encode())
            time.sleep(60)
        finally:
            os._exit(1)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        pidfd = os.pidfd_open(int(pipe.readline()))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert ended(pidfd)


def test_forks_of_the_grader_use_the_sandbox_at_the_same_time(box: Sandbox) -> None:
    children = []
    for number in range(4):
        child = os.fork()
        if child == 0:
            status = 1
            try:
                source = f"def number(): return {number}".encode()
                for _ in range(3):
                    with box.spawn(Package({"attack.py": source}, "attack", frozenset()), LIMITS) as worker:
                        worker.load()
                        assert Proxy(worker).number() == number
                box.close()  # a fork's close ends nothing
                status = 0
            finally:
                os._exit(status)
        children.append(child)
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0] * 4
    with box.spawn(Package({"attack.py": PROBES}, "attack", frozenset()), LIMITS) as worker:
        worker.load()


def test_descriptors_do_not_leak(box: Sandbox) -> None:
    zygote = zygote_pid(box)
    package = Package({"attack.py": b"import os\ndef end(): os._exit(0)"}, "attack", frozenset())

    def use() -> None:
        with box.spawn(package, LIMITS) as worker:
            worker.load()
            with pytest.raises(WorkerCrashed):
                Proxy(worker).end()
        with box.spawn(package, LIMITS) as worker:
            worker.load()

    def count() -> tuple[int, int]:
        settle(zygote)
        with box.spawn(package, LIMITS):  # by when it has let go of what belonged to those before
            return count_descriptors(os.getpid()), count_descriptors(zygote)

    use()
    before = count()
    for _ in range(5):
        use()
    assert count() == before


def test_workers_end_with_the_zygote_and_the_zygote_with_its_owner() -> None:
    program = (
        "import time; from autograder.sandbox import Package, Sandbox; from autograder.course.model import Limits\n"
        "s = Sandbox(); w = s.spawn(Package({'m.py': b''}, 'm', frozenset()), Limits()); w.load()\n"
        "print(s._zygote.pid, w.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, cwd=REPOSITORY) as owner:
        assert owner.stdout is not None
        pidfds = [os.pidfd_open(int(pid)) for pid in owner.stdout.readline().split()]
        owner.kill()
        assert len(pidfds) == 2
        assert all(ended(pidfd) for pidfd in pidfds)


def test_a_dead_zygote_is_our_own_fault_and_leaves_no_worker() -> None:
    with Sandbox() as sandbox:
        worker = sandbox.spawn(Package({"m.py": b""}, "m", frozenset()), LIMITS)
        worker.load()
        pidfd = os.pidfd_open(worker.pid)
        sandbox._zygote.kill()
        assert ended(pidfd)
        with pytest.raises(WorkerCrashed):
            worker.request("begin", {"seed": 0})
        worker.close()
        with pytest.raises(GraderError):
            sandbox.spawn(Package({"m.py": b""}, "m", frozenset()), LIMITS)


def test_a_fork_that_fails_costs_one_worker_and_not_the_zygote(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> int:
        raise BlockingIOError("no process more")

    monkeypatch.setattr(os, "fork", refuse)
    bare = Confinement("D", namespaces=False, landlock=False, seccomp=None, first_user=None, readable=())
    owner, (end, _), (channel, with_channel), (reports, with_reports) = (
        os.pidfd_open(os.getpid()),
        control.pair(),
        socket.socketpair(),
        control.pair(),
    )
    given = [with_channel.detach(), capped_file(16), with_reports.detach()]
    _Zygote(end, owner, bare, (), ())._spawn({"limits": asdict(LIMITS), "rules": []}, given)
    os.close(owner)
    for descriptor in given:
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(descriptor)
    with pytest.raises(GraderError, match="cannot fork a worker: no process more"):
        Worker(Package({}, "m", frozenset()), LIMITS, channel, reports, capped_file(16), {})


def test_a_secret_token_is_nowhere_in_a_worker(open_worker: Callable[..., Worker]) -> None:
    """What the grader loads after the zygote has started is in no memory that a worker can scan."""
    token = secrets.token_hex(24)
    source = b"""
import ctypes
def scan(first, second):
    needle, hits, size = (first + second).encode(), 0, 0
    spans = [line.split()[:2] for line in open('/proc/self/maps') if '[v' not in line]
    for span, rights in spans:
        start, end = (int(part, 16) for part in span.split('-'))
        if rights.startswith('rw') and end - start < 1 << 28:
            content = ctypes.string_at(start, end - start)
            hits, size = hits + content.count(needle), size + len(content)
    return hits, size
"""
    worker = open_worker(source)
    try:
        hits, size = Proxy(worker).scan(token[:24], token[24:])
    except StudentError:  # it cannot even list its memory
        with pytest.raises(StudentError, match="PermissionError"):
            Proxy(worker).scan("a", "b")
        return
    assert size > 1 << 20
    assert hits <= 1  # the needle itself


def ended(pidfd: int) -> bool:
    """Whether the process ends; waits for it, generously."""
    try:
        poll = select.poll()
        poll.register(pidfd, select.POLLIN)
        return bool(poll.poll(20_000))
    finally:
        os.close(pidfd)


def count_descriptors(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


def settle(zygote: int) -> None:
    """Wait until the zygote has reaped every worker."""
    for _ in range(400):
        if not Path(f"/proc/{zygote}/task/{zygote}/children").read_text().split():
            return
        time.sleep(0.05)
    raise AssertionError("the zygote keeps a worker")


def test_the_book_is_out_of_reach(open_worker: Callable[..., Worker], tmp_path: Path) -> None:
    """From the worker of a submission nobody reads, writes, removes or renames the gradebook, open or closed."""
    path = tmp_path / "gradebook.db"
    Book.open(path).add_roster([Student("11", "11", "SECRET-KIM")])
    with closing(sqlite3.connect(path)) as held:  # the grader's own descriptors of it, and its log
        assert held.execute("select count(*) from student").fetchone() == (1,)
        before = {each.name: each.read_bytes() for each in tmp_path.iterdir()}
        assert path.name in before
        with pytest.raises(StudentError, match="the book was read: False"):  # it ran to its end
            Proxy(open_worker(ATTACK.replace("{book!r}", repr(str(path))).encode())).double(1)
        assert {each.name: each.read_bytes() for each in tmp_path.iterdir()} == before
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    sound(path)
