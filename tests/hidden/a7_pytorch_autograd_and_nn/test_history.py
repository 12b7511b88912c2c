"""What was kept of the training: complete, possible, and good enough."""

from __future__ import annotations

from functools import partial
from math import isfinite
from typing import Any

import pytest
import torch

from autograder.checks import CheckFailed, Proxy, artifact

question = partial(pytest.mark.question, "training-history")

FILE = "pytorch_autograd_and_nn.pt"
PARTS = ("hist_part1", "hist_part2", "hist_part3", "hist_part4")
STEPS, LOOKS, TEST = ("train_acc", "train_loss"), ("val_acc", "val_loss", "val_iter"), ("test_acc", "test_loss")
# What the handout asks for: of the last validation accuracy, and in part 4 of the test accuracy.
BARS = {"hist_part1": 0.35, "hist_part2": 0.4, "hist_part3": 0.4, "hist_part4": 0.65}
MAX_NUMBERS = 200_000

Curves = dict[str, list[float]]


def curves_of(student: Proxy, part: str) -> Curves:
    """One history, every curve a list of finite numbers."""
    histories = artifact(student, FILE)
    if type(histories) is not dict or type(histories.get(part)) is not dict:
        raise CheckFailed(f"{FILE} does not hold a dict {part}", "save it as the notebook's last cells do")
    names = (*STEPS, *LOOKS, *(TEST if part == "hist_part4" else ()))
    return {name: numbers(histories[part].get(name), f"{part}: {name}") for name in names}


def numbers(value: Any, what: str) -> list[float]:
    """Of a list, a tensor or a single number, whichever was saved."""
    items = value.flatten() if type(value) is torch.Tensor else value
    items = [items] if type(items) in (int, float) else items
    if type(items) not in (list, tuple, torch.Tensor) or not 0 < len(items) <= MAX_NUMBERS:
        raise CheckFailed(f"{what} is not a list of numbers", "one number per step, or per look")
    found = [item.item() if type(item) is torch.Tensor and item.numel() == 1 else item for item in items]
    if not all(type(item) in (int, float) for item in found):
        raise CheckFailed(f"{what} holds something else than numbers")
    if not all(isfinite(item) and item >= 0 for item in found):
        raise CheckFailed(f"{what} holds NaN, infinity or negative numbers", "did the training diverge?")
    if what.endswith("_acc") and max(found) > 1:
        raise CheckFailed(f"{what} holds accuracies above 1", "as a share, not in percent")
    return [float(item) for item in found]


def assert_possible(curves: Curves, part: str) -> None:
    """Fail unless the curves fit each other, as a training writes them."""
    for together in (STEPS, LOOKS):
        if len({len(curves[name]) for name in together}) > 1:
            raise CheckFailed(f"{part}: {', '.join(together)} differ in length", "they are noted at the same moments")
    if curves["val_iter"] != sorted(set(curves["val_iter"])):
        raise CheckFailed(f"{part}: the steps in val_iter do not increase")
    if curves["val_iter"][-1] > len(curves["train_loss"]):
        raise CheckFailed(f"{part}: val_iter goes on after the last training step", "it counts the steps done by then")


def assert_learned(curves: Curves, part: str) -> None:
    """Fail unless the loss has fallen and the accuracy is what the handout asks for."""
    losses = curves["train_loss"]
    some = max(1, len(losses) // 5)
    if not sum(losses[-some:]) < sum(losses[:some]):
        message = f"{part}: the training loss of the last fifth of the steps is not below that of the first"
        raise CheckFailed(message, "is it one training, from the beginning to its end?")
    name = "test_acc" if part == "hist_part4" else "val_acc"
    reached = curves[name][-1]
    if reached < BARS[part]:
        message = f"{part}: the last {name} is {int(reached * 100)} %, wanted {BARS[part]:.0%}"
        raise CheckFailed(message, "is it the training of the notebook, run with your present code?")


@question()
@pytest.mark.parametrize(
    "aspect", ("is possible", "has learned", "is its own"), ids=lambda text: text.replace(" ", "-")
)
@pytest.mark.parametrize("part", PARTS)
def test_history(student: Proxy, part: str, aspect: str) -> None:
    """Histories of a network that is not there are nobody's: it must be made first."""
    student.ResNet([(4, 1, False)])
    curves = curves_of(student, part)
    if aspect == "is possible":
        assert_possible(curves, part)
    elif aspect == "has learned":
        assert_learned(curves, part)
    else:
        for other in PARTS:
            if other != part and curves_of(student, other)["train_loss"] == curves["train_loss"]:
                raise CheckFailed(f"{part} and {other} hold the same training losses", "each part trains on its own")
