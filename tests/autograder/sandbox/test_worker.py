"""One worker and its submission: what loads, what comes back, how it dies, and what it may lie."""

from __future__ import annotations

import os
import signal
import struct
import threading
from collections.abc import Callable
from typing import Any

import pytest
import torch

from autograder.course.model import Limits
from autograder.errors import (
    Location,
    ProtocolError,
    SandboxError,
    StudentError,
    WorkerCrashed,
    WorkerOutOfMemory,
    WorkerTimeout,
)
from autograder.sandbox import Package, Sandbox, Worker
from autograder.sandbox.channel import wire
from autograder.sandbox.doctor import readiness
from autograder.sandbox.proxy import Proxy, artifact, fetch, patient
from tests.autograder.sandbox.conftest import zygote_pid

Open = Callable[..., tuple[Proxy, Worker]]

# ---------------------------------------------------------------- loading


def test_modules_data_and_sources_are_found_as_if_they_lay_beside_each_other(opened: Open) -> None:
    source = """
    import inspect, json, pkgutil
    import helper
    from common import deep
    from parts.inner import where

    def sources(): return inspect.getsource(where), inspect.getsource(helper)
    def names(): return [__file__.rpartition('/')[2], where(), deep.VALUE, helper.VALUE]
    """
    files = {
        "helper.py": b"VALUE = 7\n",
        "common/__init__.py": b"",
        "common/deep.py": b"from . import __name__ as me\nVALUE = me\n",
        "parts/inner.py": b"def where():\n    return __name__\n",
    }
    student, _ = opened(source, files=files)
    assert student.names() == ["answer.py", "parts.inner", "common", 7]
    assert student.sources() == ("def where():\n    return __name__\n", "VALUE = 7\n")


def test_a_submission_does_not_replace_what_is_imported_already(opened: Open) -> None:
    student, _ = opened(
        "import torch, os\ndef f(): return torch.ones(1), os.sep", files={"torch.py": b"", "os.py": b"sep=1"}
    )
    assert student.f() == (torch.ones(1), "/")


def test_files_lie_where_relative_paths_look(opened: Open, sandbox: Sandbox) -> None:
    if not sandbox.layers["view"]:
        pytest.skip("submissions cannot read or write files at this level")
    student, _ = opened("def f(): return open('data/x.txt').read()", files={"data/x.txt": b"here"})
    assert student.f() == "here"


def test_a_handed_in_checkpoint_is_read_without_running_it(opened: Open, tmp_path: Any) -> None:
    torch.save({"w": torch.ones(2)}, tmp_path / "good.pt")
    evil = b"\x80\x04cposix\nsystem\n(S'true'\ntR."
    files = {"good.pt": (tmp_path / "good.pt").read_bytes(), "evil.pt": evil}
    student, _ = opened("", files=files)
    assert torch.equal(artifact(student, "good.pt")["w"], torch.ones(2))
    for name, error in (("evil.pt", "UnpicklingError"), ("none.pt", "FileNotFoundError")):
        with pytest.raises(StudentError, match=error):
            artifact(student, name)


@pytest.mark.parametrize(
    ("source", "kind", "line"),
    [
        ("x = 1\ndef f(:\n", "SyntaxError", 2),
        ("class A: raise ModuleNotFoundError", "ModuleNotFoundError", 1),
        ("\n\nclass A: raise SystemExit(0)", "SystemExit", 3),
        ("raise KeyboardInterrupt", "KeyboardInterrupt", 1),
        ("x = 1\n" + "y = '\u00e9'", None, 0),
    ],
)
def test_a_module_that_does_not_import(opened: Open, source: str, kind: str | None, line: int) -> None:
    _, worker = opened(source, load=False)
    if kind is None:
        worker.load()
        return
    with pytest.raises(StudentError) as caught:
        worker.load()
    assert (caught.value.kind, caught.value.location) == (kind, Location("answer.py", line))


# ---------------------------------------------------------------- errors


@pytest.mark.parametrize(
    "body",
    [
        "raise ValueError('no')",
        "import sys; sys.exit(0)",
        "raise KeyboardInterrupt",
        "raise GeneratorExit",
        "import pytest; pytest.skip('done')",
        "return f()",
        "raise type('Odd', (BaseException,), {'__str__': lambda self: 1 / 0})",
        "raise Exception('\\ud800 lone surrogate')",
        "input()",
        "import subprocess; subprocess.run(['true'])",
        "raise ExceptionGroup('several', [ValueError(1)])",
    ],
)
def test_whatever_is_raised_is_the_submissions_error_and_the_worker_lives(opened: Open, body: str) -> None:
    student, worker = opened(f"def f():\n    {body}\ndef g(): return 1")
    with pytest.raises(StudentError) as caught:
        student.f()
    assert caught.value.location == Location("answer.py", 2)
    assert worker.alive
    assert student.g() == 1


def test_the_location_is_the_students_own_deepest_line(opened: Open) -> None:
    given = b"import torch\ndef multiply(a, b):\n    return torch.matmul(a, b)\n"
    student, _ = opened(
        "import torch\nfrom given import multiply\ndef f():\n    return multiply(torch.ones(2, 3), torch.ones(2, 3))",
        files={"given.py": given},
    )
    with pytest.raises(StudentError) as caught:
        student.f()
    assert caught.value.location == Location("answer.py", 4)
    assert "given.py" in caught.value.trace


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("import os; os._exit(0)", "status 0"),
        ("import os; os._exit(3)", "status 3"),
        ("import ctypes; ctypes.string_at(0)", "SIGSEGV"),
        ("import os; os.abort()", "SIG"),
        ("import os; os.close(3)", "closed its channel|status|SIGKILL"),
    ],
)
def test_a_worker_that_ends_is_crashed(opened: Open, body: str, says: str) -> None:
    student, worker = opened(f"def f():\n    {body}")
    with pytest.raises(WorkerCrashed, match=says):
        student.f()
    assert not worker.alive


def test_why_it_ended_is_known_however_busy_the_zygote_is(opened: Open, sandbox: Sandbox) -> None:
    """While nobody waits, it imports what workers will want, and hears of no end for seconds."""
    student, _ = opened("import os\ndef f(): os._exit(97)")
    zygote = zygote_pid(sandbox)
    os.kill(zygote, signal.SIGSTOP)
    later = threading.Timer(2.5, os.kill, (zygote, signal.SIGCONT))
    later.start()
    try:
        with pytest.raises(WorkerOutOfMemory):
            student.f()
    finally:
        later.join()


def test_finding_out_why_it_ended_is_not_the_submissions_time(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    student, worker = opened("import os\ndef f(): os._exit(3)")
    counted, find_out = list[float](), worker._cause_of_death

    def watched() -> SandboxError:
        counted.append(worker.calls_seconds)
        return find_out()

    monkeypatch.setattr(worker, "_cause_of_death", watched)
    with pytest.raises(WorkerCrashed, match="status 3"):
        student.f()
    assert counted == [worker.calls_seconds]


def test_a_worker_that_is_killed_from_outside_is_crashed(opened: Open) -> None:
    student, worker = opened("def f(): return 1")
    os.kill(worker.pid, signal.SIGKILL)
    with pytest.raises(WorkerCrashed, match="SIGKILL"):
        student.f()


def test_a_worker_that_is_killed_while_its_memory_is_nearly_full_is_out_of_memory(opened: Open) -> None:
    """The kernel's killer looks like any other from outside, but for how full the worker is."""
    student, worker = opened("held = []\ndef f(): held.append(b'x' * (240 << 20)); return 1")
    assert student.f() == 1
    os.kill(worker.pid, signal.SIGKILL)
    with pytest.raises(WorkerOutOfMemory):
        student.f()


def test_a_worker_that_ends_while_it_is_imported(opened: Open) -> None:
    _, worker = opened("import os; os._exit(0)", load=False)
    with pytest.raises(WorkerCrashed):
        worker.load()


@pytest.mark.parametrize(
    "body",
    [
        "return torch.ones(1 << 33, dtype=torch.uint8)",
        "return bytearray(1 << 33)",
        "x = []\n    while True: x.append(torch.ones(1 << 22))",
        "x = []\n    while True: x.append([0] * 10_000)",
        "return np.ones(1 << 30)",
    ],
)
def test_too_much_memory_is_told_apart(opened: Open, body: str) -> None:
    student, _ = opened(f"import torch, numpy as np\ndef f():\n    {body}")
    with pytest.raises(WorkerOutOfMemory, match="256 MiB"):
        student.f()


def test_no_memory_left_to_be_asked_in_is_told_apart_too(opened: Open) -> None:
    student, _ = opened("""
    held = []
    def fill():
        while True:
            try: held.append(bytearray(1 << 20))
            except MemoryError: return None
    def f(x): return 1
    """)
    student.fill()
    with pytest.raises(WorkerOutOfMemory, match="256 MiB"):
        student.f(torch.zeros(20_000_000))


def test_a_worker_can_train_within_its_budget(opened: Open) -> None:
    student, _ = opened("""
    import torch
    def f():
        net = torch.nn.Sequential(torch.nn.Conv2d(3, 16, 3, padding=1), torch.nn.ReLU(), torch.nn.Flatten())
        net.append(torch.nn.Linear(16 * 32 * 32, 10))
        optimizer = torch.optim.Adam(net.parameters())
        data = torch.utils.data.DataLoader(torch.randn(100, 3, 32, 32), batch_size=50)
        for batch in data:
            optimizer.zero_grad()
            net(batch).square().mean().backward()
            optimizer.step()
        return torch.get_num_threads()
    """)
    assert student.f() == 1


# ---------------------------------------------------------------- what it prints


def test_what_it_prints_is_kept_apart(opened: Open) -> None:
    student, worker = opened(
        "import os, sys\ndef f():\n    print('hello'); print('w\\u00f6', file=sys.stderr); os.write(1, b'raw')"
    )
    assert student.f() is None
    assert worker.output() == "hello\nwö\nraw"
    worker.close()
    assert worker.output() == "hello\nwö\nraw"


# ---------------------------------------------------------------- lies on the channel

FRAME = struct.Struct("<4sIQ")
FORGERIES = {
    "garbage": b"HTTP/1.1 200 OK\r\n\r\n",
    "huge header": FRAME.pack(b"AGF1", 0xFFFF_FFFF, 0),
    "huge body": FRAME.pack(b"AGF1", 2, 1 << 62),
    "not json": FRAME.pack(b"AGF1", 2, 0) + b"{]",
    "deep": FRAME.pack(b"AGF1", 200_000, 0) + b"[" * 100_000 + b"]" * 100_000,
    "wrong keys": FRAME.pack(b"AGF1", 12, 0) + b'{"value": 1}',
    "not a reply": FRAME.pack(b"AGF1", 22, 0) + b'{"value":1,"blobs":[]}',
}


def reply(value: object) -> bytes:
    return b"".join(map(bytes, wire.encode(value)))


ERROR = {"kind": "E", "text": "", "trace": "", "file": "", "line": 0, "stub": False}
FORGERIES |= {  # loading is the first request, so that the call is the second
    "no number": reply({"value": 1, "used": []}),
    "another number": reply({"id": 3, "value": 1, "used": []}),
    "number is a tensor": reply({"id": torch.ones(2), "value": 1, "used": []}),
    "used is no list": reply({"id": 2, "value": 1, "used": torch.ones(2, 3)}),
    "used is odd": reply({"id": 2, "value": 1, "used": [torch.ones(3)]}),
    "unknown rule": reply({"id": 2, "value": 1, "used": [["no rule", "", 0]]}),
    "both": reply({"id": 2, "value": 1, "error": ERROR, "memory": False, "used": []}),
    "error is a tensor": reply({"id": 2, "error": torch.ones(2), "memory": False, "used": []}),
    "memory is a tensor": reply({"id": 2, "error": ERROR, "memory": torch.ones(2), "used": []}),
    "line is a text": reply({"id": 2, "error": {**ERROR, "line": "1"}, "memory": False, "used": []}),
    "stub is a number": reply({"id": 2, "error": {**ERROR, "stub": 1}, "memory": False, "used": []}),
    "kind is a list": reply({"id": 2, "error": {**ERROR, "kind": [1]}, "memory": False, "used": []}),
}


FORGER = """
import os, struct, time

def forge(frame):
    rest = memoryview(bytes(frame.tolist()))
    while rest:
        rest = rest[os.write(3, rest):]
    time.sleep(60)

def forge_and_answer(frame):
    os.write(3, bytes(frame.tolist()))

def drip():
    for byte in struct.pack("<4sIQ", b"AGF1", 100, 0) * 100:
        os.write(3, bytes([byte]))
        time.sleep(0.05)

def truncate():
    os.write(3, struct.pack("<4sIQ", b"AGF1", 100, 0) + b"{")
    os._exit(0)
"""


def as_tensor(frame: bytes) -> torch.Tensor:
    return torch.tensor(list(frame), dtype=torch.uint8)


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_frame_is_refused_and_ends_the_worker(opened: Open, name: str) -> None:
    student, worker = opened(FORGER)
    with pytest.raises(ProtocolError):
        student.forge(as_tensor(FORGERIES[name]))
    assert not worker.alive


def test_a_slow_frame_does_not_outlast_the_deadline(opened: Open) -> None:
    student, _ = opened(FORGER, limits=Limits(call_seconds=0.5))
    with pytest.raises(WorkerTimeout):
        student.drip()


def test_a_truncated_frame_is_a_crash(opened: Open) -> None:
    student, _ = opened(FORGER)
    with pytest.raises(WorkerCrashed):
        student.truncate()


def test_an_answer_that_nobody_asked_for_ends_the_worker(opened: Open) -> None:
    """A forged answer counts as the submission's answer; the true one, too late, shows that something was forged."""
    student, worker = opened(FORGER)
    assert student.forge_and_answer(as_tensor(reply({"id": 2, "value": 42, "used": []}))) == 42
    with pytest.raises(ProtocolError):
        student.forge_and_answer(as_tensor(b""))
    assert not worker.alive


def test_a_forged_location_does_not_reach_a_student(opened: Open) -> None:
    """A file name or a line number could carry a hidden input out."""
    for file, line in (("/submission/x=0.123456.py", 1), ("/submission/answer.py", 123456)):
        forged = reply({"id": 2, "error": {**ERROR, "file": file, "line": line}, "memory": False, "used": []})
        student, _ = opened(FORGER)
        with pytest.raises(StudentError) as caught:
            student.forge(as_tensor(forged))
        assert caught.value.location is None


def test_a_worker_that_does_not_listen_does_not_hold_the_grader_up(opened: Open) -> None:
    student, _ = opened("import os, time\ndef f(*data): os.readv = lambda *arguments: time.sleep(60)")
    student.f()
    with pytest.raises(WorkerTimeout):
        patient(student, 0.5).f(torch.zeros(10_000_000))


def test_what_cannot_cross_stays_inside(opened: Open) -> None:
    student, _ = opened(
        "import torch\ndef sparse(): return torch.eye(3).to_sparse()\ndef size(x): return x.to_dense().sum()"
    )
    held = student.sparse()
    assert isinstance(held, Proxy)
    assert student.size(held) == 3


def test_an_answer_too_large_is_the_submissions_error(opened: Open) -> None:
    student, worker = opened("def f(): return [[0.5] * 90_000] * 50", limits=Limits(memory_mb=1024))
    with pytest.raises(StudentError):
        student.f()
    assert worker.alive


# ---------------------------------------------------------------- bookkeeping


def test_time_in_calls_is_counted_outside(opened: Open) -> None:
    student, worker = opened(
        "import time\nreal = time.sleep\ntime.perf_counter = time.monotonic = lambda: 0\ndef f(): real(0.2)"
    )
    before = worker.calls_seconds
    student.f()
    assert worker.calls_seconds - before >= 0.1  # what the worker waited for a core is left out, and by ticks


def test_workers_are_ready_soon(sandbox: Sandbox) -> None:
    """No figure is asserted, only that the measure that `bench` prints can be taken."""
    assert len(readiness(sandbox, times=2)) == 2


def test_the_worker_side_imports_nothing_of_the_graders(opened: Open) -> None:
    student, _ = opened("import sys\ndef f(): return sorted(n for n in sys.modules if n.startswith('autograder'))")
    names = [name.split(".") for name in student.f()]
    assert {name[1] for name in names if len(name) > 1} == {"course", "errors", "sandbox"}
    sides = {name[2] for name in names if name[1:2] == ["sandbox"] and len(name) > 2}
    assert sides == {"channel", "isolation", "session", "worker"}


def test_a_package_may_hold_as_many_files_as_a_submission(opened: Open) -> None:
    """With names as long as in a folder that somebody wrapped five times."""
    files = {f"lib/{'가' * 60}{number}.py": b"" for number in range(10_000)}
    student, _ = opened(f"from lib import {'가' * 60}7\ndef f(): return 1", files={**files, "lib/__init__.py": b""})
    assert student.f() == 1


def test_a_package_may_hold_nothing(sandbox: Sandbox) -> None:
    package = Package({}, "missing", frozenset())
    with sandbox.spawn(package, Limits()) as worker, pytest.raises(StudentError, match="ModuleNotFoundError"):
        worker.load()


def test_a_part_of_a_module_is_found_by_a_name_that_is_a_number(opened: Open) -> None:
    source = """
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.rest = nn.Sequential(nn.ReLU(), nn.Linear(2, 2), nn.Linear(2, 5))[1:]
            self.add_module("0", nn.Linear(4, 3))
    """
    student, _ = opened(source)
    model = student.Net()
    assert fetch(getattr(model, "0").weight).shape == (3, 4)
    assert fetch(getattr(model.rest, "2").weight).shape == (5, 2)
