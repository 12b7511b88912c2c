"""Checks of running time work on another device than the CPU: nothing of theirs or the reference's stays behind there.

Without a GPU nothing can be computed on one, but which device each tensor is on can be followed: with torch's `meta`
device in a GPU's place, on which tensors have shapes and no values.
"""

from __future__ import annotations

import importlib.util
import inspect
import sys
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from autograder.checks.sides.local import reference_loader
from autograder.checks.timing.measurement import Quick
from autograder.checks.timing.rivals import named
from autograder.checks.timing.sides import LocalSide
from autograder.checks.timing.slices import Runner, Task
from autograder.course.layout import Course
from autograder.course.model import Assignment, Budget, Question
from autograder.errors import StudentError
from autograder.sandbox.local import LocalChannel
from autograder.sandbox.proxy import Proxy
from autograder.sandbox.session import timed
from autograder.sandbox.session.accelerator import Accelerator

COURSE = Course.find(Path(__file__))
ELSEWHERE = "meta"
RACES = [
    (name, path, function)
    for name in COURSE.names()
    for path in sorted((COURSE.root / "tests/hidden" / name).glob("test_*speed.py"))
    for function in [
        line[4 : line.index("(")] for line in path.read_text().splitlines() if line.startswith("def test_")
    ]
]
# The work of these depends on the values of a tensor, and on `meta` a tensor has none. They are followed up to the
# first value; here stands what torch says then.
READING = {
    ("a9", "test_nms_speed"): "meta tensor",
    ("a10", "test_pool_forward_speed"): "meta tensor",
    ("a11", "test_cubify_speed"): "torch.nonzero",
}
NAMES = [f"{name.split('_')[0]}-{function}" for name, _, function in RACES]
COPIES = ("aten::copy_", "aten::_to_copy", "aten::set_.source_Tensor")


class OneDevice(TorchDispatchMode):
    """Raises where one operation meets tensors of both devices; copies from one to the other, and numbers, may."""

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, torch.Tensor) and leaf.dim()]
        devices = {tensor.device.type for tensor in tensors}
        assert len(devices) <= 1 or function._schema.name in COPIES, f"{function} of tensors on {sorted(devices)}"
        return function(*args, **(kwargs or {}))


class Caught(Exception):
    """What a check asked to have timed."""

    def __init__(self, budget: Budget, task: Task, draw: Any) -> None:
        self.budget, self.task, self.draw = budget, task, draw


class RaceElsewhere:
    """The fixture `race`, which times nothing."""

    def __init__(self, question: Question) -> None:
        self.budgets = {budget.id: budget for budget in question.budgets}

    def size(self, budget: str) -> SimpleNamespace:
        return SimpleNamespace(**self.budgets[budget].sizes["cpu"], device=ELSEWHERE)

    def __call__(self, budget: str, run: Any, draw: Any, *, setup: Any = None, prepare: Any = None) -> None:
        assert "cuda" in self.budgets[budget].sizes
        raise Caught(self.budgets[budget], Task(run, setup, prepare), draw)


@pytest.fixture
def checks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> tuple[Assignment, Any]:
    """An assignment, and its module of such checks."""
    name, path = request.getfixturevalue("name"), request.getfixturevalue("path")
    monkeypatch.syspath_prepend(str(path.parent))
    spec = importlib.util.spec_from_file_location(f"speed_of_{name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    monkeypatch.setattr(timed, "Accelerator", lambda device: Accelerator("cpu", place=ELSEWHERE))
    return COURSE.assignment(name), module


@pytest.mark.parametrize("name, path, function", RACES, ids=NAMES)
def test_a_race_stays_on_one_device(checks: tuple[Assignment, Any], name: str, path: Path, function: str) -> None:
    assignment, module = checks
    check = getattr(module, function)
    marks = {mark.name: mark.args for mark in check.pytestmark}
    question = assignment.by_id[marks["question"][0]]
    argument, values = marks.get("parametrize", ("", [None]))
    for value in values:
        expected = READING.get((assignment.id, function))
        follow(question, partial(check, **{argument: value}) if argument else check, assignment, expected)


def follow(question: Question, check: Any, assignment: Assignment, expected: str | None) -> None:
    """Carry out what a check wants to have timed, where no tensor has values."""
    load = reference_loader(assignment=assignment, course=COURSE)
    reference, rng = Proxy(LocalChannel(load(question.module))), Quick(1)
    given = {"race": RaceElsewhere(question), "student": reference, "reference": reference, "rng": rng}
    with pytest.raises(Caught) as caught:
        check(**{key: given[key] for key in inspect.signature(check).parameters if key in given})
    asked = caught.value
    inputs = asked.draw(rng, given["race"].size(asked.budget.id))
    for channel in (
        LocalChannel(load(question.module)),
        named(LocalChannel(load(question.module)), question, asked.budget),
    ):
        runner = Runner(LocalSide(channel), asked.task, len(inputs), ELSEWHERE, 60.0)
        with OneDevice():
            runner.lay([inputs])
            with pytest.raises(StudentError, match=expected) if expected else nullcontext():
                runner.go(0, 1, 60.0)
