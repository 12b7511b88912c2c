"""A run on CUDA from the command line, on a device that a test's given library pretends to be.

The toy course's library puts stand-ins into `torch.cuda`, in every worker, and a script stands in for nvidia-smi. What
is tried is the way through everything: sandbox, workers of their own, events, filling in.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.autograder.conftest import Toy
from tests.autograder.test_running_time import RESULT, TENFOLD, WORKING, speed, timed

LIBRARY = """

import time
from types import SimpleNamespace

import torch


class Event:
    def __init__(self, enable_timing):
        self.at = 0.0

    def record(self):
        self.at = time.perf_counter()

    def elapsed_time(self, other):
        return 1000 * (other.at - self.at)


def here(call):
    def called(*arguments, **settings):
        if settings.get("device") == "cuda":
            del settings["device"]
        return call(*[part for part in arguments if part != "cuda" or not isinstance(part, str)], **settings)
    return called


if not hasattr(torch, "pretended"):
    torch.pretended = True
    torch.empty, torch.Tensor.to = here(torch.empty), here(torch.Tensor.to)
    for name, value in {
        "init": lambda: None,
        "synchronize": lambda: None,
        "get_device_properties": lambda index: SimpleNamespace(L2_cache_size=1 << 16),
        "Event": Event,
    }.items():
        setattr(torch.cuda, name, value)
"""
NVIDIA_SMI = """#!/bin/sh
case "$1" in
    --query-gpu=*) echo "Pretended GPU, 1.0, 1000, 100, 200" ;;
esac
"""
TRAINING = """
[[questions.budgets]]
id = "training"
kind = "training"
seconds = 4.0
[questions.budgets.sizes.cuda]
"""
TRAINS = """

@pytest.mark.question("speed")
def test_training(race):
    assert race.size("training").device == "cuda"
    assert race.train("training", lambda who, size: who.smooth(torch.ones(2, 3))).shape == (2, 3)
"""
LIES = "    torch.cuda.Event.elapsed_time = lambda *arguments: 0.001\n"
FORGETS = "    import time\n    if x.shape == (2, 3):\n        time.sleep(4.2)\n"


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], dict[str, Any], str]:
    """Results on the CPU, the same after a run on the device, and what a third run printed."""
    folder = tmp_path_factory.mktemp("pretended")
    shutil.copytree(
        Path(__file__).parent / "toy_course", folder / "course", ignore=shutil.ignore_patterns("__pycache__")
    )
    toy = timed(Toy(folder / "course"))
    with (toy.root / "solutions/common/__init__.py").open("a") as file:
        file.write(LIBRARY)
    with (toy.root / "solutions/t1_toy/assignment.toml").open("a") as file:
        file.write(TRAINING)
    with (toy.root / "tests/hidden/t1_toy/test_speed.py").open("a") as file:
        file.write(TRAINS)
    toy.submit("same")
    toy.submit("lying", (WORKING, TENFOLD), (RESULT, LIES + RESULT))
    toy.submit("slow-training", (WORKING, FORGETS + WORKING))
    (folder / "bin").mkdir()
    (folder / "bin/nvidia-smi").write_text(NVIDIA_SMI)
    (folder / "bin/nvidia-smi").chmod(0o755)
    out = toy.root / "reports"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{folder}/bin", prepend=":")
        printed, found = "", []
        for device in ("cpu", "cuda", "cuda"):
            done = toy.run("grade", "t1", toy.submitted, "--out", out, "--device", device, "--jobs", "1")
            assert done.returncode == 0, done.stdout + done.stderr
            printed = done.stdout
            found.append({path.parent.name: json.loads(path.read_text()) for path in out.glob("*/result.json")})
    return found[0], found[1], printed


def test_only_what_waited_is_filled_in(runs: tuple[dict[str, Any], dict[str, Any], str]) -> None:
    before, after, printed = runs
    for name in before:
        assert speed(before[name])["gpu"]["outcome"] == speed(before[name])["training"]["outcome"] == "pending"
        if speed(before[name])["forward"]["outcome"] != "too_noisy":
            assert speed(after[name])["forward"] == speed(before[name])["forward"]
        assert before[name]["questions"][:2] == after[name]["questions"][:2]
        assert before[name]["seed"] == after[name]["seed"]
        assert "gpu" not in before[name]["environment"]
        assert after[name]["environment"] == {
            **before[name]["environment"],
            "gpu": "Pretended GPU",
            "gpu_driver": "1.0",
            "gpu_memory_mb": "1000",
            "gpu_clock_mhz": "100",
            "gpu_clock_max_mhz": "200",
        }
    assert "3 of them kept from before" in printed or "too noisy" in printed


def test_verdicts_on_the_device(runs: tuple[dict[str, Any], dict[str, Any], str]) -> None:
    _, after, _ = runs
    same = speed(after["same"])
    assert same["gpu"]["credit"] == 1.0
    assert same["gpu"]["timing"]["device"] == "cuda"
    assert same["training"]["outcome"] == "passed"
    lying = speed(after["lying"])["gpu"]
    assert (lying["credit"], lying["timing"]["clock"]) == (0.0, "wall")
    slow = speed(after["slow-training"])["training"]
    assert (slow["outcome"], slow["credit"]) == ("too_slow", 0.0)
    assert "4 s are allowed" in slow["message"]
