"""The CUDA half of running times, on a real GPU: `make test-gpu`. Without one there is nothing to run here.

From the ground up, so that the first test that fails says what is wrong: a worker alone, step by step; verdicts on code
whose speed is known; the assignments' own budgets on their references.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from autograder.course.layout import Course
from autograder.course.model import Limits
from autograder.course.outcome import Outcome
from autograder.grading.client import GradingProcess
from autograder.grading.order import Order
from autograder.sandbox import Package, Sandbox, Worker
from autograder.sandbox.grader.gpu import Gpu, find_gpu
from autograder.sandbox.isolation.opening import opening
from autograder.sandbox.proxy import Proxy
from tests.autograder.conftest import Toy
from tests.autograder.test_running_time import RESULT, TENFOLD, WORKING, speed, timed

COURSE = Course.find(Path(__file__))
STEPS = b"""
import ctypes, os, traceback
import torch

def matmul():
    x = torch.randn(256, 256, device="cuda")
    torch.testing.assert_close((x @ x).cpu(), x.cpu() @ x.cpu(), rtol=1e-4, atol=1e-4)

def convolution():
    x, w = torch.randn(2, 3, 8, 8), torch.randn(4, 3, 3, 3)
    conv = torch.nn.functional.conv2d
    torch.testing.assert_close(conv(x.cuda(), w.cuda()).cpu(), conv(x, w), rtol=1e-4, atol=1e-4)

def backward():
    x = torch.randn(5, device="cuda", requires_grad=True)
    (x * x).sum().backward()
    torch.testing.assert_close(x.grad, 2 * x.detach())

def stream():
    with torch.cuda.stream(torch.cuda.Stream()):
        torch.ones(1000, device="cuda").sin()
    torch.cuda.synchronize()

def events():
    start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    start.record()
    matmul()
    end.record()
    torch.cuda.synchronize()
    assert start.elapsed_time(end) > 0

def l2_cache():
    assert torch.cuda.get_device_properties(0).L2_cache_size > 1 << 20

def one_gpu():
    assert torch.cuda.device_count() == 1, torch.cuda.device_count()

STEPS = {
    "libcuda is found": lambda: ctypes.CDLL("libcuda.so.1"),
    "cuInit": lambda: errors(ctypes.CDLL("libcuda.so.1").cuInit(0)),
    "torch.cuda.init": lambda: torch.cuda.init(),
    "one GPU": one_gpu,
    "the size of its cache": l2_cache,
    "matrix product": matmul,
    "convolution": convolution,
    "backward": backward,
    "a stream": stream,
    "events": events,
}

def errors(code):
    assert code == 0, f"error {code}"

def step(name):
    try:
        STEPS[name]()
        return "works"
    except BaseException as error:
        said = "".join(traceback.format_exception_only(error)).strip()
        return f"{said}; {len(os.listdir('/proc/self/fd'))} files are open"

def names():
    return list(STEPS)

def available():
    return torch.cuda.is_available()
"""
TRAINING = """
[[questions.budgets]]
id = "training"
kind = "training"
seconds = 20.0
[questions.budgets.sizes.cuda]
"""
TRAINS = """

@pytest.mark.question("speed")
def test_training(race):
    trained = race.train("training", lambda who, size: who.smooth(torch.ones(4, 4)))
    assert tuple(trained.shape) == (4, 4)
"""
LEFT_BEHIND = (
    """    with torch.cuda.stream(torch.cuda.Stream()):
        for _ in range(50 * WORK):
            torch.softmax(x, dim=1)
"""
    + WORKING
)
SLOW = {
    "tenfold": ((WORKING, TENFOLD),),
    "left-behind": ((WORKING, LEFT_BEHIND),),
    "lying": ((RESULT, "    torch.cuda.Event.elapsed_time = lambda *a: 1e-3\n" + RESULT), (WORKING, TENFOLD)),
}


@pytest.fixture(scope="session")
def gpu() -> Gpu:
    found, why = find_gpu()
    if found is None:
        pytest.exit(f"no GPU can be used here: {why}", returncode=1)
    print(found.facts(), opening("cuda").nodes)
    return found


@pytest.fixture(scope="module")
def sandbox(gpu: Gpu) -> Iterator[Sandbox]:
    with Sandbox(device="cuda") as sandbox:
        print("isolation:", sandbox.level, dict(sandbox.layers), dict(sandbox.why_not))
        yield sandbox


def spawn(sandbox: Sandbox, device: str) -> Worker:
    worker = sandbox.spawn(Package({"m.py": STEPS}, "m", frozenset({"m.py"})), Limits(), device=device)
    worker.load()
    return worker


def test_what_works_in_a_worker(sandbox: Sandbox) -> None:
    """Every step with what it said; error 304 of cuInit is a system call or a file that isolation keeps closed."""
    with spawn(sandbox, "cuda") as worker:
        names = Proxy(worker).names()
        found = {name: Proxy(worker, timeout=120.0).step(name) for name in names}
        assert found == dict.fromkeys(names, "works"), f"opened: {opening('cuda')}\nprinted: {worker.output()}"


def test_a_worker_of_the_cpu_sees_none(sandbox: Sandbox) -> None:
    with spawn(sandbox, "cpu") as worker:
        assert Proxy(worker, timeout=60.0).available() is False


def test_nvidia_smi_sees_a_worker_until_it_is_gone(sandbox: Sandbox, gpu: Gpu) -> None:
    with spawn(sandbox, "cuda") as worker:
        worker.request("lay", {"values": [[torch.ones(2)]], "device": "cuda"}, 120.0)
        held = gpu.used_mb(worker.pid)
        print(f"nvidia-smi: {held} MiB in process {worker.pid}; None where it cannot tell, as in some containers")
        pid = worker.pid
    assert gpu.cleaned([pid])


@pytest.fixture(scope="module")
def graded(gpu: Gpu, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, dict[str, Any]]]:
    """Results of a class on the CPU, and filled in on the GPU: by device, then by submission."""
    course = tmp_path_factory.mktemp("gpu") / "course"
    source = Path(__file__).parents[1] / "autograder/toy_course"
    shutil.copytree(source, course, ignore=shutil.ignore_patterns("__pycache__"))
    toy = timed(Toy(course))
    manifest = toy.root / "solutions/t1_toy/assignment.toml"
    before, _, after = manifest.read_text().rpartition("rows = 60")  # the GPU's
    manifest.write_text(f"{before}rows = 4096{after}{TRAINING}")
    with (toy.root / "tests/hidden/t1_toy/test_speed.py").open("a") as file:
        file.write(TRAINS)
    toy.submit("same")
    for name, changes in SLOW.items():
        toy.submit(name, *changes)
    out = toy.root / "reports"
    found = {}
    for device in ("cpu", "cuda"):
        done = toy.run("grade", "t1", toy.submitted, "--out", out, "--device", device)
        assert done.returncode == 0, f"--device {device}: {done.stdout}{done.stderr}"
        found[device] = {path.parent.name: json.loads(path.read_text()) for path in out.glob("*/result.json")}
    return found


@pytest.mark.parametrize("name", ["same", *SLOW])
def test_what_waited_is_filled_in(graded: dict[str, dict[str, dict[str, Any]]], gpu: Gpu, name: str) -> None:
    before, after = graded["cpu"][name], graded["cuda"][name]
    assert speed(before)["gpu"]["outcome"] == speed(before)["training"]["outcome"] == "pending"
    assert speed(after)["gpu"]["outcome"] != "pending", speed(after)["gpu"]
    if speed(before)["forward"]["outcome"] != "too_noisy":
        assert speed(after)["forward"] == speed(before)["forward"]
    assert after["seed"] == before["seed"]
    assert after["environment"]["gpu"] == gpu.facts()["gpu"]


def test_the_reference_against_itself(graded: dict[str, dict[str, dict[str, Any]]]) -> None:
    same = speed(graded["cuda"]["same"])
    print(same["gpu"]["timing"], same["training"]["timing"])
    assert same["gpu"]["credit"] == 1.0, same["gpu"]
    assert same["gpu"]["timing"]["device"] == "cuda"
    assert same["training"]["outcome"] == "passed", same["training"]


@pytest.mark.parametrize("name", SLOW)
def test_nothing_slow_gains_a_band(graded: dict[str, dict[str, dict[str, Any]]], name: str) -> None:
    case = speed(graded["cuda"][name])["gpu"]
    print(case["timing"])
    assert (case["outcome"], case["credit"]) == ("too_slow", 0.0), case


@pytest.mark.parametrize("name", COURSE.names())
def test_the_assignments_own_budgets(gpu: Gpu, name: str) -> None:
    """The reference within every budget on CUDA; a budget that it cannot be graded by is named."""
    assignment = COURSE.assignment(name)
    with GradingProcess(Order.of(COURSE, assignment, 7, device="cuda")) as process:
        result = process.grade(COURSE.solution(assignment), "reference")
    cases = [case for question in result.questions for case in question.cases if case.timing]
    for case in cases:
        figures = {key: case.timing[key] for key in ("ratio", "interval", "pairs", "clock", "notes") if case.timing}
        print(f"{case.id:20s} {case.outcome:10s} {figures}")
    wanted = sum("cuda" in budget.sizes for question in assignment.questions for budget in question.budgets)
    assert sum(case.timing["device"] == "cuda" for case in cases if case.timing) == wanted
    assert {case.outcome for case in cases} <= {Outcome.PASSED, Outcome.TOO_NOISY}


def test_doctor_says_what_is_opened(gpu: Gpu, toy: Toy) -> None:
    done = toy.run("doctor", "--json")
    assert gpu.facts()["gpu"] in json.loads(done.stdout)["gpu"], done.stderr
