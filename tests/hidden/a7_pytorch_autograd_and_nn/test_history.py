"""What was kept of the training: complete, possible, and good enough."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
import torch

from autograder.checks import CheckFailed, Proxy, artifact

question = partial(pytest.mark.question, "training-history")

FILE = "pytorch_autograd_and_nn.pt"
PARTS = ("hist_part1", "hist_part2", "hist_part3", "hist_part4")
STEPS, LOOKS, TEST = ("train_acc", "train_loss"), ("val_acc", "val_loss", "val_iter"), ("test_acc", "test_loss")
# What the handout asks for: of the last validation accuracy, and in part 4 of the test accuracy.
BARS = {"hist_part1": 0.35, "hist_part2": 0.4, "hist_part3": 0.4, "hist_part4": 0.65}
MAX_NUMBERS, MAX_NUMBER = 200_000, 1e9
FEW = 5  # losses of fewer batches say nothing of where the training went

Curves = dict[str, list[float]]


def histories_of(student: Proxy) -> dict[str, Any]:
    """What was saved, as far as it is a dict of dicts. A history of a network that is not there is nobody's."""
    student.ResNet([(4, 1, False)])
    saved = artifact(student, FILE)
    if type(saved) is not dict:
        raise CheckFailed(
            f"{FILE} does not hold a dict of {', '.join(PARTS)}", "save it as the notebook's last cells do"
        )
    return {part: saved[part] for part in PARTS if type(saved.get(part)) is dict}


def curves_of(histories: dict[str, Any], part: str) -> Curves:
    """One history, every curve a list of possible numbers."""
    if part not in histories:
        raise CheckFailed(f"{FILE} does not hold a dict {part}", "save it as the notebook's last cells do")
    names = (*STEPS, *LOOKS, *(TEST if part == "hist_part4" else ()))
    return {name: numbers(histories[part].get(name), f"{part}: {name}") for name in names}


def numbers(value: Any, what: str) -> list[float]:
    """Of a list, a tensor, an array or a single number, whichever was saved."""
    items = torch.from_numpy(value.copy()) if type(value) is np.ndarray else value
    items = items.flatten() if type(items) is torch.Tensor else items
    items = [items] if type(items) in (int, float) else items
    if type(items) not in (list, tuple, torch.Tensor) or not 0 < len(items) <= MAX_NUMBERS:
        raise CheckFailed(f"{what} is not a list of numbers", "one number per step, or per look")
    found = [item.item() if type(item) is torch.Tensor and item.numel() == 1 else item for item in items]
    if not all(type(item) in (int, float) for item in found):
        raise CheckFailed(f"{what} holds something else than numbers")
    if not all(0 <= item < MAX_NUMBER for item in found):
        raise CheckFailed(f"{what} holds NaN, infinity, huge or negative numbers", "did the training diverge?")
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


def assert_learned(curves: Curves, part: str) -> None:
    """Fail unless the loss has fallen and the accuracy is what the handout asks for."""
    losses = curves["train_loss"]
    fifth = len(losses) // 5
    if fifth >= FEW and not sum(losses[-fifth:]) < sum(losses[:fifth]):
        message = f"{part}: the training loss of the last fifth of the steps is not below that of the first"
        raise CheckFailed(message, "is it one training, from the beginning to its end?")
    name = "test_acc" if part == "hist_part4" else "val_acc"
    reached = curves[name][-1]
    if reached < BARS[part]:
        message = f"{part}: the last {name} is {int(reached * 100)} %, wanted {BARS[part] * 100:.0f} %"
        raise CheckFailed(message, "is it the training of the notebook, run with your present code?")


def assert_own(histories: dict[str, Any], part: str) -> None:
    """Fail if another part has the very same losses."""
    losses = curves_of(histories, part)["train_loss"]
    for other in PARTS:
        try:
            same = other != part and curves_of(histories, other)["train_loss"] == losses
        except CheckFailed:  # that part's own checks say so
            same = False
        if same:
            raise CheckFailed(f"{part} and {other} hold the same training losses", "each part trains on its own")


@question()
@pytest.mark.parametrize("aspect", ("is-possible", "has-learned", "is-its-own"))
@pytest.mark.parametrize("part", PARTS)
def test_history(student: Proxy, part: str, aspect: str) -> None:
    """All that the handout asks of a history."""
    histories = histories_of(student)
    if aspect == "is-possible":
        assert_possible(curves_of(histories, part), part)
    elif aspect == "has-learned":
        assert_learned(curves_of(histories, part), part)
    else:
        assert_own(histories, part)
