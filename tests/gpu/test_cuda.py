"""The CUDA half of running times, on a real GPU: `make test-gpu`. Without one there is nothing to run here."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from autograder.sandbox.grader.gpu import Gpu, find_gpu
from tests.autograder.conftest import Toy
from tests.autograder.test_running_time import RESULT, TENFOLD, WORKING, speed, timed

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


@pytest.fixture(scope="session")
def gpu() -> Gpu:
    found, why = find_gpu()
    if found is None:
        pytest.exit(f"no GPU can be used here: {why}", returncode=1)
    return found


def results(out: Path) -> dict[str, dict[str, Any]]:
    return {path.parent.name: json.loads(path.read_text()) for path in out.glob("*/result.json")}


def test_pending_cases_are_filled_in_on_the_gpu(gpu: Gpu, toy: Toy) -> None:
    """The CPU's results stay, what waited is graded, the GPU is named, and nothing is left on it."""
    toy = timed(toy)
    manifest = toy.root / "solutions/t1_toy/assignment.toml"
    manifest.write_text(manifest.read_text().replace("rows = 60", "rows = 4096") + TRAINING)
    with (toy.root / "tests/hidden/t1_toy/test_speed.py").open("a") as file:
        file.write(TRAINS)
    toy.submit("same")
    toy.submit("tenfold", (WORKING, TENFOLD))
    toy.submit("left-behind", (WORKING, LEFT_BEHIND))
    toy.submit("lying", (RESULT, "    torch.cuda.Event.elapsed_time = lambda *a: 1e-3\n" + RESULT), (WORKING, TENFOLD))
    out = toy.root / "reports"
    assert toy.run("grade", "t1", toy.submitted, "--out", out).returncode == 0
    before = results(out)
    done = toy.run("grade", "t1", toy.submitted, "--out", out, "--device", "cuda")
    assert done.returncode == 0, done.stderr
    after = results(out)
    for name, result in after.items():
        assert speed(before[name])["gpu"]["outcome"] == "pending"
        assert speed(result)["forward"] == speed(before[name])["forward"]
        assert result["seed"] == before[name]["seed"]
        assert result["environment"]["gpu"] == gpu.facts()["gpu"]
    same = speed(after["same"])
    assert (same["gpu"]["outcome"], same["training"]["outcome"]) == ("passed", "passed")
    assert same["gpu"]["timing"]["device"] == "cuda"
    for name in ("tenfold", "left-behind", "lying"):
        assert speed(after[name])["gpu"]["credit"] == 0.0, name
    assert gpu.cleaned([], seconds=1.0)


def test_doctor_says_what_is_opened(gpu: Gpu, toy: Toy) -> None:
    done: subprocess.CompletedProcess[str] = toy.run("doctor", "--json")
    assert gpu.facts()["gpu"] in json.loads(done.stdout)["gpu"]
