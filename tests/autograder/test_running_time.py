"""Running-time budgets from the command line, on the toy course with a question of speed: gross facts only."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from autograder.checks.timing.statistics import MIN_CLEAR_PAIRS
from tests.autograder.conftest import Toy

MANIFEST = """
[[questions]]
id = "speed"
title = "Fast enough"
points = 10
component = "smooth"
depends = ["double"]

[[questions.budgets]]
id = "forward"
bands = [{ ratio = 3.0, credit = 1.0 }, { ratio = 6.0, credit = 0.5 }]
[questions.budgets.sizes.cpu]
rows = 60

[[questions.budgets]]
id = "gpu"
ratio = 3
[questions.budgets.sizes.cuda]
rows = 60
"""
REFERENCE = '''

def smooth(x):
    """Rows, smoothed again and again."""
    for _ in range(WORK):
        x = torch.softmax(x, dim=1) + x.sin()
    return x


WORK = 4
'''
CHECKS = """
import pytest
import torch


def draw(rng, size):
    return (rng.normal(size.rows, 500, dtype=torch.float32),)


@pytest.mark.question("speed", weight=3)
def test_forward(race):
    race("forward", lambda who, x: who.smooth(x), draw)


@pytest.mark.question("speed")
def test_gpu(race):
    race("gpu", lambda who, x: who.smooth(x), draw)
"""
WORKING = "    for _ in range(WORK):\n"
RESULT = "    return x\n\n\nWORK"
TENFOLD = "    for _ in range(50 * WORK):\n        torch.softmax(x, dim=1)\n" + WORKING
LAZY = """
class Later(torch.Tensor):
    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        def real(value):
            if isinstance(value, Later):
                if "done" not in value.__dict__:
                    value.__dict__["done"] = now(value.__dict__["given"])
                return value.__dict__["done"]
            return value
        return function(*map(real, args), **(kwargs or {}))


def smooth(x):
    later = x.as_subclass(Later)
    later.__dict__["given"] = x
    return later


def now(x):
"""
# What a submission may try, all of it on code that is ten times as slow as it should be.
TRICKS = {
    "frozen-clocks": (
        (
            WORKING,
            "    import time\n    for name in ('perf_counter', 'time', 'monotonic', 'process_time', 'clock_gettime'):\n"
            "        setattr(time, name, lambda *arguments: 1.0)\n" + TENFOLD,
        ),
    ),
    "slows-the-other": (
        (
            WORKING,
            "    import threading\n    global BURNING\n    if not globals().get('BURNING'):\n"
            "        BURNING = threading.Thread(target=burn, daemon=True)\n        BURNING.start()\n"
            "    torch.set_num_threads(8)\n" + TENFOLD,
        ),
        (
            RESULT,
            "    return x\n\n\ndef burn():\n    x = torch.randn(200000)\n    while True:\n        x.sin()\n\n\nWORK",
        ),
    ),
    "lazy": ((WORKING, TENFOLD), ("def smooth(x):\n", LAZY.lstrip("\n"))),
    "in-threads": (
        (
            WORKING,
            "    import threading\n    done = x.clone()\n    threading.Thread(target=later, args=(x, done)).start()\n"
            "    return done\n\n\ndef later(x, done):\n" + TENFOLD,
        ),
        (RESULT, "    done.copy_(x)\n\n\nWORK"),
    ),
    "cached": (
        (WORKING, "    if KEPT:\n        return KEPT[0]\n" + TENFOLD),
        (RESULT, "    KEPT.append(x)\n    return x\n\n\nKEPT = []\nWORK"),
    ),
}


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """The results of a class, by submission."""
    course = tmp_path_factory.mktemp("timed") / "course"
    shutil.copytree(Path(__file__).parent / "toy_course", course, ignore=shutil.ignore_patterns("__pycache__"))
    toy = timed(Toy(course))
    toy.submit("same")
    toy.submit("tenfold", (WORKING, TENFOLD))
    toy.submit("asleep", (WORKING, "    import time\n    time.sleep(0.05)\n" + WORKING))
    toy.submit("endless", (WORKING, "    while True:\n        pass\n" + WORKING))
    toy.submit("wrong", (RESULT, "    return x + 1\n\n\nWORK"))
    toy.submit("raises", (RESULT, "    return x + torch.ones(7)\n\n\nWORK"))
    toy.submit("no-double", ("    return SCALE * x\n", "    return SCALE * x.sum()\n"), (WORKING, TENFOLD))
    for name, changes in TRICKS.items():
        toy.submit(f"trick-{name}", *changes)
    out = course / "reports"
    done = toy.run("grade", "t1", toy.submitted, "--out", out, "--jobs", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    return {path.parent.name: json.loads(path.read_text()) for path in out.glob("*/result.json")}


def timed(toy: Toy) -> Toy:
    """The toy course with a question of speed."""
    manifest = toy.root / "solutions/t1_toy/assignment.toml"
    text = manifest.read_text()
    for key, few, enough in (("call", 1, 5), ("question", 2, 30), ("import", 2, 20)):  # races beside other tests' work
        text = text.replace(f"{key}_seconds = {few}\n", f"{key}_seconds = {enough}\n")
    manifest.write_text(text + MANIFEST)
    with (toy.root / "solutions/t1_toy/toy.py").open("a") as file:
        file.write(REFERENCE)
    (toy.root / "tests/hidden/t1_toy/test_speed.py").write_text(CHECKS)
    return toy


def speed(result: dict[str, Any]) -> dict[str, Any]:
    """The question of speed: {"outcome", "score", case id: case, …}."""
    question = next(question for question in result["questions"] if question["id"] == "speed")
    return {**question, **{case["id"]: case for case in question["cases"]}}


def test_the_reference_against_itself(graded: dict[str, dict[str, Any]]) -> None:
    case = speed(graded["same"])["forward"]
    assert case["outcome"] in ("passed", "too_noisy"), case
    assert case["credit"] == 1.0
    timing = case["timing"]
    assert (timing["budget"], timing["device"], timing["baseline"]) == ("forward", "cpu", "reference")
    assert len(timing["student_ms"]) == len(timing["baseline_ms"]) == timing["pairs"] >= MIN_CLEAR_PAIRS


@pytest.mark.parametrize("name", ["tenfold", "asleep", "endless", *(f"trick-{name}" for name in TRICKS)])
def test_nothing_slow_gains_a_band(graded: dict[str, dict[str, Any]], name: str) -> None:
    question = speed(graded[name])
    assert question["forward"]["outcome"] in ("too_slow", "failed"), question["forward"]
    assert question["forward"]["credit"] == 0.0
    assert question["score"] == 0
    others = [other for other in graded[name]["questions"] if other["id"] != "speed"]
    assert all(other["outcome"] == "passed" for other in others), "right but slow loses its speed points only"


def test_words_for_the_student(graded: dict[str, dict[str, Any]]) -> None:
    assert " x the time of the reference" in speed(graded["tenfold"])["forward"]["message"]
    assert "full points up to 3 x, half up to 6 x" in speed(graded["tenfold"])["forward"]["message"]
    assert speed(graded["endless"])["forward"]["message"].startswith("more than 6 x")
    assert speed(graded["asleep"])["forward"]["timing"]["clock"] == "wall"


def test_wrong_is_not_slow(graded: dict[str, dict[str, Any]]) -> None:
    assert speed(graded["wrong"])["forward"]["outcome"] == "failed"
    assert speed(graded["raises"])["forward"]["outcome"] == "error"
    blocked = speed(graded["no-double"])["forward"]
    assert (blocked["outcome"], blocked["timing"]) == ("blocked", None)


def test_another_device_is_waited_for(graded: dict[str, dict[str, Any]]) -> None:
    question = speed(graded["same"])
    assert (question["outcome"], question["gpu"]["outcome"], question["score"]) == ("pending", "pending", 7.5), question


def test_a_device_that_is_not_there(toy: Toy) -> None:
    toy.submit("one")
    done = toy.run("grade", "t1", toy.submitted, "--out", toy.root / "reports", "--device", "cuda")
    assert done.returncode == 2
    assert done.stderr.startswith("autograder: --device cuda: no GPU can be used here: ")
    assert done.stderr.count("\n") == 1
    assert not (toy.root / "reports").exists()
