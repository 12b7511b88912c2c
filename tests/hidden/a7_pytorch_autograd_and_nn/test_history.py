"""What was kept of the training: complete, possible, good enough, and that of the weights which were kept with it.

A history is a claim. It earns points only together with weights that do in the reference's network what it says.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from images import CIFAR, unseen_of_cifar, unseen_shapes
from learning import CLASSES
from three_layers import COURSE, NAMES

from autograder.checks import (
    CheckFailed,
    DataNeeded,
    Draw,
    Memo,
    Proxy,
    accuracy,
    artifact,
    modules,
    plain_tensor,
    scores_of,
    unpack,
    unpack_all,
)

question = partial(pytest.mark.question, "training-history")

FILE = "pytorch_autograd_and_nn.pt"
PARTS = ("hist_part1", "hist_part2", "hist_part3", "hist_part4")
STEPS, LOOKS, TEST = ("train_acc", "train_loss"), ("val_acc", "val_loss", "val_iter"), ("test_acc", "test_loss")
# What the handout asks for: of the last validation accuracy, and in part 4 of the test accuracy.
BARS = {"hist_part1": 0.35, "hist_part2": 0.4, "hist_part3": 0.4, "hist_part4": 0.65}
MAX_NUMBERS, MAX_NUMBER = 200_000, 1e9
HELD_OUT = 400
ROOM = 0.1  # that images which nobody has seen are harder, or come out by chance: four standard errors
MAX_STAGES, MAX_WIDTH, MAX_BLOCKS = 6, 256, 12
FEW = 5  # losses of fewer batches say nothing of where the training went

Curves = dict[str, list[float]]
Scores = Callable[[torch.Tensor], Any]


def saved_by(student: Proxy) -> dict[str, Any]:
    """What was saved. A history of a network that is not there is nobody's."""
    student.ResNet([(4, 1, False)])
    saved = artifact(student, FILE)
    if type(saved) is not dict:
        raise CheckFailed(
            f"{FILE} does not hold a dict of {', '.join(PARTS)}", "save it as the notebook's last cells do"
        )
    return saved


def curves_of(histories: dict[str, Any], part: str) -> Curves:
    """One history, every curve a list of possible numbers."""
    if part not in histories:
        raise CheckFailed(f"{FILE} does not hold a dict {part}", "save it as the notebook's last cells do")
    names = (*STEPS, *LOOKS, *(TEST if part == "hist_part4" else ()))
    curves = {name: numbers(histories[part].get(name), f"{part}: {name}") for name in names}
    return curves | _as_shares({name: values for name, values in curves.items() if name.endswith("_acc")}, part)


def _as_shares(accuracies: Curves, part: str) -> Curves:
    """Accuracies as shares, also where they were noted in percent. One above 1 is, and so are then the others."""
    highest = max(max(values) for values in accuracies.values())
    if highest > 100:
        raise CheckFailed(f"{part} holds accuracies above 100 %", "as a share, or in percent")
    unit = 100.0 if highest > 1 else 1.0
    return {name: [value / unit for value in values] for name, values in accuracies.items()}


def numbers(value: Any, what: str) -> list[float]:
    """Of a list, a tensor, an array or a single number, whichever was saved."""
    if value is None:
        raise CheckFailed(f"{what} is not there", "note it as the others are, and save it with them")
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
    return [float(item) for item in found]


def assert_possible(curves: Curves, part: str) -> None:
    """Fail unless the curves fit each other, as a training writes them."""
    for together in (STEPS, LOOKS):
        if len({len(curves[name]) for name in together}) > 1:
            raise CheckFailed(f"{part}: {', '.join(together)} differ in length", "they are noted at the same moments")
    if curves["val_iter"] != sorted(set(curves["val_iter"])):
        raise CheckFailed(f"{part}: the steps in val_iter do not increase", "was a second training appended?")


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
@pytest.mark.parametrize("part", PARTS)
def test_history(student: Proxy, reference: Proxy, rng: Draw, memo: Memo, part: str) -> None:
    """The history of a training is complete, good enough, and belongs to the weights that were saved with it."""
    saved = saved_by(student)
    histories = {name: saved[name] for name in PARTS if type(saved.get(name)) is dict}
    curves = curves_of(histories, part)
    assert_possible(curves, part)
    assert_own(histories, part)
    assert_learned(curves, part)
    call = trained_network(student, reference, saved, part)
    assert_reproduced(call, curves, images_for(saved, rng, memo), part)


def trained_network(student: Proxy, reference: Proxy, saved: dict[str, Any], part: str) -> Scores:
    """The reference's network of a part, with the weights in the file.

    Raises:
        DataNeeded: there are none. Files of past years hold histories only, and nothing here tells whose they are.
        CheckFailed: they do not fit.
    """
    weights = saved.get(part.replace("hist", "weights"))
    if weights is None:
        message = f"{FILE} holds no weights for {part}: histories alone show nothing, and a person has to decide"
        raise DataNeeded(message)
    if part == "hist_part1":
        params = [plain_tensor(value, f"{part}: a weight").to(torch.float32) for value in unpack(weights, *NAMES)]
        return lambda images: reference.three_layer_convnet(images, params, COURSE.hyperparams)
    if type(weights) is not dict:
        raise CheckFailed(f"{part}: its weights are not a state_dict", "save them as the notebook's last cells do")
    theirs, ours = (network_of(side, saved, part) for side in (student, reference))
    x = torch.zeros(2, 3, 32, 32)
    try:
        placed = modules.saved(weights, modules.assert_module(theirs), x, like=ours)
    except CheckFailed:  # the file may know them by the names of another version of the same network
        placed = modules.saved(weights, ours, x, like=ours)
    return lambda images: modules.run(ours, images, weights=placed, training=False).output


def network_of(side: Proxy, saved: dict[str, Any], part: str) -> Any:
    """An untrained network of part 2, 3 or 4."""
    if part == "hist_part4":
        return side.ResNet(stages_of(saved))
    name = f"initialize_three_layer_conv_{part.removeprefix('hist_')}"
    return unpack(getattr(side, name)(), "model", "optimizer")[0]


def stages_of(saved: dict[str, Any]) -> list[tuple[int, int, bool]]:
    """The stages of the deep network, as far as they are such that grading has the time for."""
    stages = unpack_all(saved.get("stages_part4"), MAX_STAGES + 1) or []
    found = []
    for stage in stages:
        width, count, downsample = unpack(stage, "channels", "blocks", "downsample")
        if not (type(width) is int and type(count) is int and 0 < width <= MAX_WIDTH and 0 < count <= MAX_BLOCKS):
            raise CheckFailed("stages_part4 are not stages of (channels, blocks, downsample)")
        found.append((width, count, bool(downsample)))
    if not 0 < len(found) <= MAX_STAGES:
        raise CheckFailed("stages_part4 are not stages of (channels, blocks, downsample)", "as the notebook saves them")
    return found


def images_for(saved: dict[str, Any], rng: Draw, memo: Memo) -> tuple[torch.Tensor, torch.Tensor]:
    """Images of the data that the file names. Raises DataNeeded where these are not here."""
    if saved.get("data") != CIFAR:
        return memo(unseen_shapes, HELD_OUT, rng.seed())
    found = memo(unseen_of_cifar, HELD_OUT)
    if found is None:
        where = "the instructor puts cifar-10-batches-py into data/ and grades again with --regrade"
        raise DataNeeded(f"{FILE} says that it was trained on {CIFAR}, which is not at the grader: {where}")
    return found


def assert_reproduced(call: Scores, curves: Curves, images: tuple[torch.Tensor, torch.Tensor], part: str) -> None:
    """Fail unless the weights do about as well on new images as the history says."""
    name = "test_acc" if part == "hist_part4" else "val_acc"
    reached = accuracy(scores_of(call, images[0], CLASSES), images[1])
    if reached < curves[name][-1] - ROOM:
        message = f"{part}: its weights get {int(reached * 100)} % of new images right, which the last {name} is not"
        raise CheckFailed(message, "save history and weights after one and the same training")
