"""The GPU as the grader sees it, through an nvidia-smi that a test writes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from types import SimpleNamespace

import pytest
import torch

from autograder.course.model import Limits
from autograder.errors import UsageError
from autograder.sandbox import Package, Sandbox
from autograder.sandbox.grader.gpu import Gpu, find_gpu, require_gpu
from autograder.sandbox.isolation import opening
from autograder.sandbox.proxy import Proxy
from autograder.sandbox.session.accelerator import Accelerator
from tests.autograder.checks.fake_sides import FakeCuda


def smi(*apps: str, facts: str = "NVIDIA H, 555.1, 81559, 345, 1980\n") -> Callable[[Sequence[str]], str]:
    """Answers each question about processes with the next of `apps`, the last one for ever."""
    waiting = list(apps)

    def ask(arguments: Sequence[str]) -> str:
        if arguments[0].startswith("--query-gpu="):
            return facts
        return waiting.pop(0) if len(waiting) > 1 else waiting[0]

    return ask


def refuse(arguments: Sequence[str]) -> str:
    raise OSError("nvidia-smi is not installed")


def test_facts() -> None:
    assert Gpu(smi()).facts() == {
        "gpu": "NVIDIA H",
        "gpu_driver": "555.1",
        "gpu_memory_mb": "81559",
        "gpu_clock_mhz": "345",
        "gpu_clock_max_mhz": "1980",
    }


@pytest.mark.parametrize("ask", [refuse, smi(facts=""), smi(facts="No devices were found\n")])
def test_none_is_one_clear_line(ask: Callable[[Sequence[str]], str]) -> None:
    gpu, why = find_gpu(ask)
    assert gpu is None
    assert why
    with pytest.raises(UsageError) as caught:
        require_gpu(ask)
    assert str(caught.value).startswith("--device cuda: no GPU can be used here: ")
    assert "\n" not in str(caught.value)


def test_memory_of_a_process() -> None:
    gpu = Gpu(smi("17, 512\n4711, 1024\n"))
    assert (gpu.used_mb(4711), gpu.used_mb(3)) == (1024.0, None)
    assert Gpu(smi("4711, [N/A]\n")).used_mb(4711) is None
    assert Gpu(refuse).used_mb(1) is None


def test_it_is_clean_when_no_process_is_left() -> None:
    assert Gpu(smi("17, 512\n", "17, 512\n", "")).cleaned([17], seconds=5.0)
    assert not Gpu(smi("17, 512\n")).cleaned([17], seconds=0.0)
    assert Gpu(smi("18, 512\n")).cleaned([17], seconds=0.0)


def test_only_cuda_opens_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "glob", lambda name: [name] if name == "/dev/nvidiactl" else [])
    assert opening.opening("cpu") == opening.CLOSED
    assert not opening.CLOSED.boundless
    opened = opening.opening("cuda")
    assert (opened.nodes, opened.boundless) == (("/dev/nvidiactl",), True)


DRIVER = b"""
import os, resource, socket, threading

def attempt(action):
    try:
        action()
        return "done"
    except OSError:
        return "refused"

def own_socket():
    ours = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.bind("\\0cuda-uvmfd-1")
    ours.listen(1)

def somebodys_socket():
    socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET).connect("\\0cuda-uvmfd-1")

def write(path):
    with open(path, "w") as file:
        file.write("1")

def attempts():
    return {
        "name a thread": attempt(lambda: write(f"/proc/self/task/{threading.get_native_id()}/comm")),
        "a memory file": attempt(lambda: os.memfd_create("cuda")),
        "a socket of its own": attempt(own_socket),
        "somebody's socket": attempt(somebodys_socket),
        "the network": attempt(socket.socket),
        "its fate when memory is short": attempt(lambda: write("/proc/self/oom_score_adj")),
        "a process": attempt(os.fork),
    }

def bounded():
    return resource.getrlimit(resource.RLIMIT_AS)[0] != resource.RLIM_INFINITY

def gradient():
    import torch
    x = torch.ones(2, requires_grad=True)
    (x * x).sum().backward()
    return os.environ["CUDA_VISIBLE_DEVICES"], x.grad
"""
DRIVERS_NEEDS = ("name a thread", "a memory file", "a socket of its own")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(device="cuda") as sandbox:
        yield sandbox


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_what_a_gpus_driver_needs_is_opened_for_it_alone(sandbox: Sandbox, device: str) -> None:
    """Without any of these cuInit ends in error 304."""
    with sandbox.spawn(Package({"m.py": DRIVER}, "m", frozenset({"m.py"})), Limits(), device=device) as worker:
        worker.load()
        student = Proxy(worker)
        found = student.attempts()
        wanted = {name: "done" if device == "cuda" and name in DRIVERS_NEEDS else "refused" for name in found}
        assert found == wanted
        assert student.bounded() is (device == "cpu")


@pytest.mark.parametrize("device, gpus", [("cpu", ""), ("cuda", "3")])
def test_one_gpu_is_seen_by_those_who_may_use_it(monkeypatch: pytest.MonkeyPatch, device: str, gpus: str) -> None:
    """And autograd, which counts them, is first used by the worker, not by what it was forked from."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5")
    package = Package({"m.py": DRIVER}, "m", frozenset({"m.py"}))
    with Sandbox(device="cuda") as sandbox, sandbox.spawn(package, Limits(), device=device) as worker:
        worker.load()
        seen, gradient = Proxy(worker).gradient()
        assert (seen, gradient.tolist()) == (gpus, [2.0, 2.0])


def test_nvidia_smi_is_asked_of_the_gpu_that_workers_see(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Sequence[str]] = []
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-4d1f,GPU-77aa")
    Gpu(lambda arguments: (asked.append(arguments), smi()(arguments))[1]).facts()
    assert "--id=GPU-4d1f" in asked[0]


def test_a_cpu_needs_nothing() -> None:
    seconds: list[float] = []
    cpu = Accelerator("cpu", library=None)
    x = torch.ones(2)
    assert cpu.take(x) is x
    cpu.settle(flush=True)
    with cpu.clock(seconds.append):
        pass
    assert seconds == []


def test_cuda_waits_before_and_after_it_is_timed() -> None:
    library, seconds = FakeCuda(), list[float]()
    cuda = Accelerator("cuda", library, place="cpu")
    library.log.clear()
    with cuda.clock(seconds.append):
        library.log.append("work")
    assert library.log == ["synchronize", "record", "work", "record", "synchronize"]
    assert seconds == [0.005]
    assert cuda.take("text") == "text"


def test_a_cache_of_unknown_size_is_flushed_too() -> None:
    library = FakeCuda()
    library.get_device_properties = lambda index: SimpleNamespace()
    Accelerator("cuda", library, place="cpu").settle(flush=True)
    assert "synchronize" in library.log


def test_out_of_memory_is_told_as_such() -> None:
    from autograder.sandbox.channel.failures import ran_out

    assert ran_out(RuntimeError("CUDA out of memory. Tried to allocate 20.00 GiB"))
    assert not ran_out(RuntimeError("a shape mismatch"))
