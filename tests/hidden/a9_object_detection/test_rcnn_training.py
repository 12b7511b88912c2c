"""The training of R-CNN's network: what it is set up with, and how well it detects after a number of steps.

Sized for one CPU core. The network is trained where the student's code runs, by the given loop, on our crops. Of the
scenes that count it sees crops around our proposals; labels and boxes stay here, and so do detecting and measuring. How
the bars were set: docs/training-bars.md.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch
from crops_and_boxes import CROP, average_precision, training_set
from drawn_animals import CLASSES, answers_of, crowded

from autograder.checks import CheckFailed, Draw, Memo, Proxy, assert_reaches, load_artifact, modules, patient, unpack

question = partial(pytest.mark.question, "rcnn-training")

FILE = "rcnn.pt"
# Scenes to train on are the same in every run, and no secret; those that count are drawn anew.
SCENES, SEED = 100, 9
HELD_OUT = 40
STEPS, BAR = 320, 0.07
SAVED_BAR = 0.1
TRAINING_SECONDS = 60.0  # more than ten times what the reference takes
PARTS = ("model", "optimizer", "schedule")


def set_up(student: Proxy, classes: int, steps: int) -> tuple[Proxy, Proxy, Any]:
    """The student's choice."""
    model, optimizer, schedule = unpack(student.create_rcnn_training(classes, steps, "cpu"), *PARTS)
    return modules.assert_module(model), optimizer, schedule


@question()
def test_setup(student: Proxy, rng: Draw) -> None:
    """A new network for these classes and background, and an optimizer that holds all of its parameters."""
    model, optimizer, _ = set_up(student, CLASSES + 2, STEPS)
    answers_of(model, rng.normal(2, 3, CROP, CROP, dtype=torch.float32), CLASSES + 3)
    held = {index for group in modules.optimizer(optimizer, model).groups for index in group.parameters}
    missing = [tensor for tensor in modules.describe(model).parameters if tensor.index not in held]
    if missing:
        raise CheckFailed(f"the optimizer lacks {len(missing)} parameters of the model", "give it model.parameters()")


def assert_detects(
    reference: Proxy, model: Proxy, scenes: list[dict[str, torch.Tensor]], bar: float, who: str, hint: str
) -> None:
    """Fail unless the average precision at IoU 0.5 reaches the bar."""
    model.eval()
    reached = average_precision(reference, model, scenes)
    assert_reaches(reached, bar, f"the average precision at IoU 0.5 {who}", hint=hint)


@question(weight=2.0)
def test_training(student: Proxy, reference: Proxy, rng: Draw, memo: Memo) -> None:
    """How well a new network detects in new scenes after a number of steps."""
    data = training_set(reference, memo(crowded, SCENES, SEED))
    scenes = memo(crowded, HELD_OUT, rng.seed())
    model, optimizer, schedule = set_up(student, CLASSES, STEPS)
    patient(student.train_rcnn, TRAINING_SECONDS)(model, optimizer, schedule, data, STEPS)
    hint = "look at the learning rate, at its schedule, and at the size of the network"
    assert_detects(reference, model, scenes, BAR, f"after {STEPS} steps", hint)


@question()
def test_saved_network(student: Proxy, reference: Proxy, rng: Draw, memo: Memo) -> None:
    """The network that the notebook has saved detects in scenes that were not there to train on."""
    model, *_ = set_up(student, CLASSES, STEPS)
    load_artifact(model, FILE)
    scenes = memo(crowded, HELD_OUT, rng.seed())
    assert_detects(reference, model, scenes, SAVED_BAR, f"of the network in {FILE}", "save it after the training")
