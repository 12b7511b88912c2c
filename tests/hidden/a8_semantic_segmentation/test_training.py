"""Training: what is set up, and the mean IoU that it reaches on scenes that the student's code has not seen.

The network is trained where the student's code runs, by the given loop and for a given number of steps. Its scores for
held-out scenes are fetched and measured here; their labels never travel. How the bars were set: docs/training-bars.md.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import pixel_loops as loops
import pytest
import torch
from segmentation_scenes import COUNT, drawn

from autograder.checks import (
    CheckFailed,
    Draw,
    Memo,
    Proxy,
    Race,
    assert_kind,
    assert_reaches,
    load_artifact,
    modules,
    unpack,
)

training_question = partial(pytest.mark.question, "segmentation-training")

PARTS = ("model", "optimizer", "schedule")
CHUNK = 25
SAVED, SAVED_BAR = "segmentation_net.pt", 0.50  # the notebook asks for 0.60


def set_up(who: Proxy, classes: int, steps: int, device: str) -> tuple[Proxy, Proxy, Any]:
    model, optimizer, schedule = unpack(who.create_segmentation_training(classes, steps, device), *PARTS)
    return modules.assert_module(model), optimizer, schedule


@training_question(weight=0.5)
def test_setup(student: Proxy, rng: Draw) -> None:
    """A new network for these classes, and an optimizer that holds all of its parameters."""
    model, optimizer, _ = set_up(student, 4, 100, "cpu")
    images = rng.normal(2, 3, 32, 32, dtype=torch.float32)
    assert_kind(model(images), (2, 4, 32, 32), torch.float32, what="the scores")
    held = {index for group in modules.optimizer(optimizer, model).groups for index in group.parameters}
    missing = [tensor for tensor in modules.describe(model).parameters if tensor.index not in held]
    if missing:
        raise CheckFailed(f"the optimizer lacks {len(missing)} parameters of the model", "give it model.parameters()")


def mean_iou(model: Proxy, images: torch.Tensor, labels: torch.Tensor) -> float:
    """Measured here, on scores that are fetched; what is not finite counts as wrong."""
    model.eval()
    guesses = []
    for chunk in images.split(CHUNK):
        scores = model(chunk)
        assert_kind(scores, (len(chunk), COUNT, *chunk.shape[2:]), torch.float32, what="the scores")
        guesses.append(scores.argmax(dim=1))
    guess, counted = torch.cat(guesses), labels != loops.IGNORE
    counts = torch.bincount(labels[counted] * COUNT + guess[counted], minlength=COUNT**2).reshape(COUNT, COUNT)
    return loops.mean_iou(counts)


@training_question()
@pytest.mark.parametrize("budget", ["short", "long"])
def test_training(race: Race, rng: Draw, memo: Memo, budget: str) -> None:
    """The mean IoU on new scenes after so many steps."""
    size = race.size(budget)
    X, y = memo(drawn, size.images, rng.seed(), size.height, size.width)
    held_out, answers = memo(drawn, size.held_out, rng.seed(), size.height, size.width)

    def train(who: Proxy, size: Any) -> Proxy:
        model, optimizer, schedule = set_up(who, COUNT, size.steps, size.device)
        data = {"X_train": X, "y_train": y, "X_val": X[:4], "y_val": y[:4]}
        if size.device != "cpu":
            data = {name: values.to(size.device) for name, values in data.items()}
        who.train_segmentation(model, optimizer, schedule, data, size.steps, val_every=size.steps)
        return model.cpu()

    model = race.train(budget, train)
    reached = mean_iou(model, held_out, answers)
    hint = "look at the learning rate, the schedule, and what the network sees of the image"
    assert_reaches(reached, size.mean_iou, f"after {size.steps} steps, the mean IoU", hint=hint)


@training_question()
def test_saved_network(student: Proxy, rng: Draw, memo: Memo) -> None:
    """The network that the notebook has saved, on new scenes of full size."""
    model = modules.assert_module(student.SegmentationNet(COUNT))
    load_artifact(model, SAVED)
    images, labels = memo(drawn, 40, rng.seed(), 96, 128)
    hint = "run the notebook's training to its end, without `quick`, and hand in the file that it writes"
    assert_reaches(mean_iou(model, images, labels), SAVED_BAR, f"the mean IoU of the network in {SAVED}", hint=hint)
