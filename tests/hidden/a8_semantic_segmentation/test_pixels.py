"""The loss of pixels and the metrics of label maps."""

from __future__ import annotations

import math
from contextlib import nullcontext
from functools import partial
from typing import Any

import pixel_loops as loops
import pytest
import torch
from segmentation_asks import assert_refused

from autograder.checks import (
    CheckFailed,
    Draw,
    Memo,
    Proxy,
    assert_matches,
    contracts,
    dtype_counts,
    fetch,
    place,
    unpack,
)

loss_question = partial(pytest.mark.question, "pixel-loss")
metrics_question = partial(pytest.mark.question, "segmentation-metrics")

# (scores, ignore, share of ignored pixels, weighted)
LOSSES: dict[str, tuple[tuple[int, int, int, int], int, float, bool]] = {
    "plain": ((2, 4, 3, 5), 255, 0.0, False),
    "ignored-pixels": ((2, 4, 3, 5), 255, 0.3, False),
    "weighted": ((2, 3, 4, 2), 255, 0.0, True),
    "weighted-and-ignored": ((3, 4, 2, 5), 255, 0.4, True),
    "one-class": ((1, 1, 3, 4), 255, 0.0, False),
    "ignored-class": ((2, 4, 3, 5), 1, 0.3, False),
    "ignored-first-class": ((2, 3, 5, 2), 0, 0.3, True),
    "negative-label-ignored": ((2, 3, 2, 4), -1, 0.3, False),
}
# Of a single pixel, sum and mean are one.
ONE_PIXEL = ((1, 4, 1, 1), 255, 0.0, False)
losses = pytest.mark.parametrize(
    "setting",
    [pytest.param(setting, id=id, marks=loss_question()) for id, setting in LOSSES.items()]
    + [pytest.param(ONE_PIXEL, id="one-pixel", marks=loss_question(weight=3.0))],
)
NUMBER = torch.float64


Pixels = tuple[torch.Tensor, torch.Tensor, int, torch.Tensor | None]


def pixels(rng: Draw, setting: tuple[Any, ...]) -> Pixels:
    """scores, target, ignore, weight: images of unequal weight, where the setting lets them differ."""
    (samples, *_), _, share, weighted = setting
    if samples == 1 or not (share or weighted):
        return _pixels(rng, setting)
    return rng.until(lambda rng: _pixels(rng, setting), lambda drawn: len(set(_weights(*drawn[1:]))) == samples)


def _weights(target: torch.Tensor, ignore: int, weight: torch.Tensor | None) -> list[float]:
    """The sum of the weights of each image's pixels: with equal sums, a mean of the images' means would be right."""
    weight = torch.ones(int(target.max()) + 1, dtype=NUMBER) if weight is None else weight
    return [round(float(weight[image[image != ignore]].sum()), 6) for image in target]


def _pixels(rng: Draw, setting: tuple[Any, ...]) -> Pixels:
    (samples, classes, height, width), ignore, share, weighted = setting
    scores = rng.normal(samples, classes, height, width, scale=2.0)
    target = rng.integers(0, classes, (samples, height, width))
    target[rng.uniform(samples, height, width) < share] = ignore
    target[-1, -1] = rng.integers(0, classes, (width,))  # a row that counts, unless its class is the ignored one
    weight = rng.uniform(classes, low=0.3, high=3.0) if weighted else None
    return scores, target, ignore, weight


def judge_loss(found: Any, arguments: tuple[Any, ...], memo: Memo) -> None:
    loss, _ = unpack(found, "loss", "dscores")
    assert_matches(loss, memo(loops.pixel_cross_entropy, *arguments), what="the loss")


def judge_gradient(found: Any, arguments: tuple[Any, ...], memo: Memo) -> None:
    _, dscores = unpack(found, "loss", "dscores")
    assert_matches(dscores, memo(loops.loss_gradient, *arguments), what="dscores")


@losses
def test_loss(student: Proxy, rng: Draw, memo: Memo, setting: tuple[Any, ...]) -> None:
    """pixel_cross_entropy gives the right loss."""
    arguments = pixels(rng, setting)
    judge_loss(student.pixel_cross_entropy(*arguments), arguments, memo)


@losses
def test_loss_gradient(student: Proxy, rng: Draw, memo: Memo, setting: tuple[Any, ...]) -> None:
    """pixel_cross_entropy gives the right gradient."""
    arguments = pixels(rng, setting)
    judge_gradient(student.pixel_cross_entropy(*arguments), arguments, memo)


@loss_question(weight=1.5)
@pytest.mark.parametrize("part", ["all", "one-image"])
def test_loss_of_what_is_ignored(student: Proxy, rng: Draw, memo: Memo, part: str) -> None:
    """pixel_cross_entropy is right where all pixels are ignored, of all images or of one."""
    scores, target, ignore, _ = pixels(rng, LOSSES["plain"])
    target[: 2 if part == "all" else 1] = ignore
    found = student.pixel_cross_entropy(scores, target)
    judge_loss(found, (scores, target, ignore, None), memo)
    judge_gradient(found, (scores, target, ignore, None), memo)


@loss_question()
def test_large_scores(student: Proxy, rng: Draw, memo: Memo) -> None:
    """pixel_cross_entropy is right for scores as large as 1e4."""
    _, target, ignore, weight = pixels(rng, ONE_PIXEL)
    arguments = (rng.uniform(1, 4, 1, 1, low=2e3, high=1e4), target, ignore, weight)
    found = student.pixel_cross_entropy(*arguments)
    judge_loss(found, arguments, memo)
    judge_gradient(found, arguments, memo)


@loss_question(weight=0.5)
@pytest.mark.parametrize("label", [-1, 4, 254], ids=["negative", "one-too-many", "254"])
def test_loss_refuses(student: Proxy, rng: Draw, label: int) -> None:
    """pixel_cross_entropy refuses a label that no class has with a ValueError."""
    scores, target, _, _ = pixels(rng, LOSSES["plain"])
    target[1, 2, 0] = label
    assert_refused(lambda: student.pixel_cross_entropy(scores, target), "a label outside of the classes")


@loss_question(weight=0.4)
@pytest.mark.parametrize("contract", contracts.BATTERY, ids=str)
def test_loss_contract(student: Proxy, rng: Draw, memo: Memo, contract: contracts.Contract) -> None:
    """pixel_cross_entropy obeys the rules for all functions: inputs unchanged, dtype kept, repeated calls, N = 0."""
    scores, target, ignore, weight = pixels(rng, LOSSES["weighted-and-ignored"])

    def oracle(scores: torch.Tensor, target: torch.Tensor, weight: torch.Tensor) -> tuple[torch.Tensor, ...]:
        arguments = scores, target, ignore, weight
        return memo(loops.pixel_cross_entropy, *arguments), memo(loops.loss_gradient, *arguments)

    operation = contracts.Operation(
        call=lambda scores, target, weight: student.pixel_cross_entropy(scores, target, ignore, weight),
        oracle=oracle,
        inputs=("scores", "target", "weight"),
        outputs=("the loss", "dscores"),
        batched=("scores", "target"),
        others=lambda scores, target, weight: (-0.5 * scores.flip(-1), target.flip(-1), 0.5 + weight.flip(-1)),
    )
    contract(student, operation, [scores, target, weight])


# (shape, classes, of which the first so many occur, ignored share, dtype of the prediction)
MAPS: dict[str, tuple[tuple[int, ...], int, int, float, torch.dtype]] = {
    "one-image": ((1, 4, 5), 3, 3, 0.0, torch.int64),
    "several": ((3, 5, 4), 4, 4, 0.0, torch.int64),
    "ignored-pixels": ((2, 6, 5), 3, 3, 0.4, torch.int64),
    "flat": ((37,), 5, 5, 0.2, torch.int64),
    "unseen-classes": ((2, 4, 4), 9, 3, 0.1, torch.int64),
    "int32": ((2, 4, 5), 3, 3, 0.2, torch.int32),
    "uint8": ((2, 4, 5), 20, 20, 0.2, torch.uint8),
    "one-class": ((2, 3), 1, 1, 0.0, torch.int64),
    "empty": ((0, 4, 5), 3, 3, 0.0, torch.int64),
    "all-ignored": ((2, 3), 3, 3, 1.1, torch.int64),
}


@metrics_question()
@pytest.mark.parametrize("setting", MAPS.values(), ids=MAPS)
def test_confusion(student: Proxy, rng: Draw, memo: Memo, setting: tuple[Any, ...]) -> None:
    """confusion_matrix counts right, for label maps of many kinds."""
    shape, classes, seen, ignored, dtype = setting
    prediction, target = rng.integers(0, seen, shape), rng.integers(0, seen, shape)
    hidden = rng.uniform(*shape) < ignored
    if ignored:
        hidden.view(-1)[0] = True  # in every draw
    target[hidden] = 255
    prediction[hidden] = 255  # nobody asked for it there
    wanted = memo(loops.confusion_matrix, prediction, target, classes)
    assert_matches(student.confusion_matrix(prediction.to(dtype), target, classes), wanted, what="the matrix")


@metrics_question()
def test_confusion_ignores_another_label(student: Proxy, rng: Draw, memo: Memo) -> None:
    """confusion_matrix leaves out the label that `ignore` names."""
    prediction, target = rng.integers(0, 4, (3, 5)), rng.integers(0, 4, (3, 5))
    target[0, 0] = 2  # in every draw
    wanted = memo(loops.confusion_matrix, prediction, target, 4, 2)
    assert_matches(student.confusion_matrix(prediction, target, 4, ignore=2), wanted, what="the matrix")


@metrics_question(weight=0.3)
@pytest.mark.parametrize("name", ["confusion_matrix", "pixel_accuracy", "class_iou", "mean_iou"])
def test_metrics_keep_inputs(student: Proxy, rng: Draw, name: str) -> None:
    """The function leaves its tensors unchanged."""
    inputs = [rng.integers(1, 9, (3, 3))]
    if name == "confusion_matrix":
        inputs = [rng.integers(0, 3, (2, 4)), rng.integers(0, 3, (2, 4))]
        inputs[0][0, 0], inputs[1][0, 0] = 2, 255
    placed = [place(student, tensor) for tensor in inputs]
    getattr(student, name)(*placed, *([3] if name == "confusion_matrix" else []))
    for proxy, before in zip(placed, inputs, strict=True):
        assert_matches(fetch(proxy), before, what=f"a tensor that {name} was given, after the call")


CONFUSIONS: dict[str, list[list[int]]] = {
    "all-right": [[3, 0], [0, 5]],
    "asymmetric": [[5, 2, 1], [0, 4, 3], [6, 1, 2]],
    "absent": [[5, 2, 0], [1, 4, 0], [0, 0, 0]],
    "predicted-but-absent": [[5, 2, 3], [1, 4, 1], [0, 0, 0]],
    "never-predicted": [[5, 2, 0], [1, 4, 0], [2, 1, 0]],
    "large-counts": [[3_000_000_017, 2_000_000_011], [1_000_000_007, 4_000_000_001]],
    "one-class": [[7]],
    "nothing": [[0, 0], [0, 0]],
}
confusions = pytest.mark.parametrize("counts", CONFUSIONS.values(), ids=CONFUSIONS)


def judge_number(found: Any, wanted: float, what: str) -> None:
    """A Python float, or a tensor with one number; nan where nan is wanted."""
    if isinstance(found, torch.Tensor) and found.numel() == 1:
        found = found.item()
    if type(found) is int:
        found = float(found)
    if type(found) is not float:
        raise CheckFailed(f"{what} is not a number")
    value = torch.tensor(found, dtype=torch.float64)
    if math.isnan(found) != math.isnan(wanted):
        hint = "nan is the answer only where there is nothing to take the mean of"
        raise CheckFailed(f"{what} is {'' if math.isnan(found) else 'not '}nan", hint, value=value)
    if not math.isnan(wanted) and abs(found - wanted) > 1e-6:
        raise CheckFailed(f"{what} is off by {abs(found - wanted):.2g}", value=value)


@metrics_question(weight=0.5)
@confusions
def test_accuracy(student: Proxy, counts: list[list[int]]) -> None:
    """pixel_accuracy gives the share of right pixels."""
    confusion = torch.tensor(counts)
    judge_number(student.pixel_accuracy(confusion), loops.pixel_accuracy(confusion), "the pixel accuracy")


@metrics_question()
@confusions
def test_class_iou(student: Proxy, counts: list[list[int]]) -> None:
    """class_iou gives the IoU of every class."""
    confusion = torch.tensor(counts)
    found, wanted = student.class_iou(confusion), loops.class_iou(confusion)
    # IoUs are float64: one case charges for that.
    with dtype_counts() if counts is CONFUSIONS["all-right"] else nullcontext():
        assert_matches(found, wanted)


# A class that is never predicted is a matter of its own IoU.
MEANS = {id: counts for id, counts in CONFUSIONS.items() if id != "never-predicted"}


@metrics_question(weight=0.7)
@pytest.mark.parametrize("counts", MEANS.values(), ids=MEANS)
def test_mean_iou(student: Proxy, counts: list[list[int]]) -> None:
    """mean_iou gives the mean of the classes' IoUs."""
    confusion = torch.tensor(counts)
    judge_number(student.mean_iou(confusion), loops.mean_iou(confusion), "the mean IoU")
