"""The training of a localization network: what it is set up with, and what it has learned after a number of steps.

Sized for one CPU core. The network is trained where the student's code runs, by the given loop. What it says of new
images is fetched and measured here; their labels and boxes never travel. How the bars were set:
docs/training-bars.md.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch
from drawn_animals import CLASSES, SIZE, answers_of, single, where_and_what

from autograder.checks import (
    CheckFailed,
    Draw,
    Memo,
    Proxy,
    assert_reaches,
    load_artifact,
    modules,
    patient,
    plain_number,
    unpack,
)

question = partial(pytest.mark.question, "localization-training")

FILE = "localization_net.pt"
# Images to train on are the same in every run, and no secret; those that count are drawn anew.
IMAGES, SEED = 300, 9
STEPS, HELD_OUT = 130, 200
BARS = {"where": 0.4, "what": 0.38}  # mean IoU, share of right classes
SAVED_IMAGES, SAVED_BARS = 60, {"where": 0.4, "what": 0.45}
TRAINING_SECONDS = 60.0  # more than ten times what the reference takes
PARTS = ("model", "optimizer", "schedule", "weight")


def set_up(student: Proxy, classes: int, steps: int) -> tuple[Proxy, Proxy, Any, float]:
    """The student's choice, as far as it is what the handout asks for."""
    model, optimizer, schedule, weight = unpack(student.create_localization_training(classes, steps, "cpu"), *PARTS)
    number = plain_number(weight, "the weight")
    if not 0 <= number < 1e6:
        raise CheckFailed("the weight is not a number from 0 to a million")
    return modules.assert_module(model), optimizer, schedule, number


@question()
def test_setup(student: Proxy, rng: Draw) -> None:
    """A new network for these classes, and an optimizer that holds all of its parameters."""
    model, optimizer, _, _ = set_up(student, CLASSES + 1, STEPS)
    answers_of(model, rng.normal(2, 3, *SIZE, dtype=torch.float32), CLASSES + 1)
    held = {index for group in modules.optimizer(optimizer, model).groups for index in group.parameters}
    missing = [tensor for tensor in modules.describe(model).parameters if tensor.index not in held]
    if missing:
        raise CheckFailed(f"the optimizer lacks {len(missing)} parameters of the model", "give it model.parameters()")


def assert_knows(model: Proxy, held_out: dict[str, torch.Tensor], bars: dict[str, float], who: str, hint: str) -> None:
    """Fail unless the mean IoU ("where") and the share of right classes ("what") reach their bars."""
    model.eval()
    right, overlap = where_and_what(answers_of(model, held_out["images"], CLASSES), held_out)
    assert_reaches(overlap, bars["where"], f"the mean IoU of the boxes {who}", hint=hint)
    assert_reaches(right, bars["what"], f"the share of right classes {who}", hint=hint)


@question(weight=2.0)
def test_training(student: Proxy, rng: Draw, memo: Memo) -> None:
    """What a new network knows of new images after a number of steps."""
    data, held_out = memo(single, IMAGES, SEED), memo(single, HELD_OUT, rng.seed())
    model, optimizer, schedule, weight = set_up(student, CLASSES, STEPS)
    train = patient(student.train_localization, TRAINING_SECONDS)
    train(model, optimizer, schedule, data, weight, STEPS)
    hint = "look at the learning rate, at its schedule, and at how the two losses are weighed"
    assert_knows(model, held_out, BARS, f"after {STEPS} steps", hint)


@question()
def test_saved_network(student: Proxy, rng: Draw, memo: Memo) -> None:
    """The network that the notebook has saved knows images that were not there to train on."""
    model, *_ = set_up(student, CLASSES, STEPS)
    load_artifact(model, FILE)
    held_out = memo(single, SAVED_IMAGES, rng.seed())
    assert_knows(model, held_out, SAVED_BARS, f"of the network in {FILE}", "save it after the notebook's training")
