"""Targets of masks, their loss, and the way back into the image."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import slow_masks
import torch
from differentiated import assert_gradients, assert_same_part

from autograder.checks import Draw, Proxy, assert_matches, contracts, modules

targets_question = partial(pytest.mark.question, "mask-targets")
head_question = partial(pytest.mark.question, "mask-head")
loss_question = partial(pytest.mark.question, "mask-loss")
paste_question = partial(pytest.mark.question, "paste-masks")
every_contract = pytest.mark.parametrize("contract", contracts.BATTERY, ids=str)

HEIGHT, WIDTH = 14, 20
MARGIN = 1e-4  # no compared number is nearer to one half than this

Targets = tuple[torch.Tensor, torch.Tensor, torch.Tensor, int]  # masks, boxes, matches, size


def discs(rng: Draw, count: int) -> torch.Tensor:
    """(count, HEIGHT, WIDTH) bool, of different places and sizes."""
    y, x = torch.meshgrid(torch.arange(HEIGHT) + 0.5, torch.arange(WIDTH) + 0.5, indexing="ij")
    places, radii = rng.boxes(count, HEIGHT, WIDTH)[:, :2], rng.uniform(count, low=3.0, high=6.0)
    squares = (x - places[:, 0, None, None] - 4) ** 2 + (y - places[:, 1, None, None] - 3) ** 2
    return squares <= radii[:, None, None] ** 2


def clear(case: Targets) -> bool:
    """Whether no cell's share is one half, or nearly so, both answers occur, and rounded boxes have others.

    Of one cell each, they have the same: a slip shows under every seed, or under none.
    """
    masks, boxes, matches, size = case
    shares, rounded = slow_masks.shares(*case), slow_masks.shares(masks, boxes.round(), matches, size)
    if not bool(((shares - 0.5).abs() > MARGIN).all()) or not 0 < int((shares > 0.5).sum()) < shares.numel():
        return False
    return bool(((shares >= 0.5) == (rounded >= 0.5)).all()) == (size == 1)


def drawn(rng: Draw, count: int, size: int, masks: int = 3, moved: float = 0.0) -> Targets:
    """Proposals with fractional corners, each of any of the masks."""
    return rng.until(
        lambda rng: (discs(rng, masks), rng.boxes(count, HEIGHT, WIDTH) + moved, rng.labels(count, masks), size), clear
    )


def half(box: tuple[float, ...], size: int) -> Targets:
    mask = torch.zeros(1, HEIGHT, WIDTH, dtype=torch.bool)
    mask[:, :, :10] = True
    return mask, torch.tensor([box]).double(), torch.tensor([0]), size


def plain(rng: Draw, full: bool, size: int) -> Targets:
    """Objects that cover all of the image, or nothing."""
    masks = torch.full((2, HEIGHT, WIDTH), full)
    return masks, rng.boxes(3, HEIGHT - 2, HEIGHT - 2) + 1, rng.labels(3, 2), size


TARGETS: dict[str, Callable[[Draw], Targets]] = {
    "fractional": lambda rng: drawn(rng, 5, 7),
    "one-cell": lambda rng: drawn(rng, 4, 1),
    "fine": lambda rng: drawn(rng, 1, 20),
    "over-the-border": lambda rng: drawn(rng, 12, 5, moved=4.3),
    "over-the-other-border": lambda rng: drawn(rng, 12, 5, moved=-4.3),
    # Points fall on centres of pixels only: shares are 0, 1/2 and 1, and one half is enough.
    "exactly-half": lambda rng: half((9.0, 2.0, 11.0, 4.0), 1),
    "all-of-the-object": lambda rng: plain(rng, True, 5),
    "all-in-one-cell": lambda rng: plain(rng, True, 1),
    "none-of-the-object": lambda rng: plain(rng, False, 8),
    "no-regions": lambda rng: (discs(rng, 2), rng.boxes(0, HEIGHT, WIDTH), rng.labels(0, 2), 6),
}


@targets_question()
@pytest.mark.parametrize("draw", TARGETS.values(), ids=TARGETS)
def test_targets(student: Proxy, rng: Draw, draw: Callable[[Draw], Targets]) -> None:
    """The target of each proposal, for boxes inside of the image and over its border."""
    case = draw(rng)
    wanted = (slow_masks.shares(*case) >= 0.5).double()
    assert_matches(zeros_and_ones(student.mask_targets(*case), wanted), wanted, what="the targets")


def zeros_and_ones(value: Any, wanted: torch.Tensor) -> Any:
    """Numbers 0 and 1 as the wanted dtype: the contracts take points for another one, and other checks do not."""
    if type(value) is torch.Tensor and bool(((value == 0) | (value == 1)).all()):
        return value.to(wanted.dtype)
    return value


@targets_question(weight=0.4)
@every_contract
def test_targets_contract(student: Proxy, rng: Draw, contract: contracts.Contract) -> None:
    """Rules for every function: inputs stay as they are, dtypes are kept, empty input works, calls are independent."""
    masks, boxes, matches, size = drawn(rng, 4, 5)
    operation = contracts.Operation(
        call=lambda masks, boxes, matches: student.mask_targets(masks, boxes, matches, size),
        oracle=lambda masks, boxes, matches: ((slow_masks.shares(masks, boxes, matches, size) >= 0.5).double(),),
        inputs=("masks", "boxes", "matches"),
        outputs=("the targets",),
        batched=("boxes", "matches"),
        others=lambda masks, boxes, matches: (masks.flip(0), boxes, matches),
    )
    contract(student, operation, (masks, boxes, matches))


HEADS = {  # in_channels, hidden, num_convs, num_classes; regions, side
    "two-convolutions": ((4, 6, 2, 3), (2, 5)),
    "four-convolutions": ((6, 5, 4, 1), (1, 3)),
    "no-convolutions": ((4, 6, 0, 2), (3, 4)),
    "no-regions": ((4, 6, 1, 3), (0, 7)),
}


@head_question()
@pytest.mark.parametrize("arguments, shape", HEADS.values(), ids=HEADS)
def test_head(student: Proxy, reference: Proxy, rng: Draw, arguments: tuple[int, ...], shape: tuple[int, int]) -> None:
    """The scores of a head with given weights, and its gradients."""
    regions, side = shape
    features = rng.normal(regions, arguments[0], side, side)
    upstream = rng.normal(regions, arguments[3], 2 * side, 2 * side)
    model = modules.assert_module(student.MaskHead(*arguments), "MaskHead()")
    assert_same_part(rng, model, reference.MaskHead(*arguments), [features], upstream, "MaskHead")


Loss = tuple[torch.Tensor, torch.Tensor, torch.Tensor]  # scores, targets, labels


def regions_of(rng: Draw, count: int, classes: int, size: int = 4, scale: float = 1.0) -> Loss:
    targets = (rng.uniform(count, size, size) < 0.5).double()
    return rng.normal(count, classes, size, size, scale=scale), targets, rng.labels(count, classes)


LOSSES: dict[str, Callable[[Draw], Loss]] = {
    "several": lambda rng: regions_of(rng, 5, 3),
    "one-label": lambda rng: regions_of(rng, 2, 1, size=1),
    "large-scores": lambda rng: regions_of(rng, 9, 5, size=1, scale=3e3),
    "no-regions": lambda rng: regions_of(rng, 0, 3),
}
every_loss = pytest.mark.parametrize("draw", LOSSES.values(), ids=LOSSES)


@loss_question()
@every_loss
def test_loss(student: Proxy, rng: Draw, draw: Callable[[Draw], Loss]) -> None:
    """The value of the loss, also for large scores and without regions."""
    case = draw(rng)
    assert_matches(student.mask_loss(*case), slow_masks.loss_of(*case), what="the loss")


SMALL_SCORES = [name for name in LOSSES if name != "large-scores"]  # those are a matter of values


@loss_question()
@pytest.mark.parametrize("draw", [LOSSES[name] for name in SMALL_SCORES], ids=SMALL_SCORES)
def test_loss_gradient(student: Proxy, rng: Draw, draw: Callable[[Draw], Loss]) -> None:
    """The gradient of the loss with respect to all channels of the scores."""
    upstream = torch.tensor(1.0, dtype=torch.float64)
    assert_gradients(student.mask_loss, draw(rng), [0], slow_masks.loss_of, upstream, ["scores"])


@loss_question(weight=0.4)
@every_contract
def test_loss_contract(student: Proxy, rng: Draw, contract: contracts.Contract) -> None:
    """Rules for every function: inputs stay as they are, dtypes are kept, empty input works, calls are independent."""
    operation = contracts.Operation(
        call=lambda scores, targets, labels: student.mask_loss(scores, targets, labels),
        oracle=lambda scores, targets, labels: (slow_masks.loss_of(scores, targets, labels),),
        inputs=("scores", "targets", "labels"),
        outputs=("the loss",),
        batched=("scores", "targets", "labels"),
        others=lambda scores, targets, labels: (-scores, 1 - targets, labels),
    )
    contract(student, operation, regions_of(rng, 4, 3))


Paste = tuple[torch.Tensor, torch.Tensor, int, int, float]  # probabilities, boxes, height, width, threshold


def pastes(rng: Draw, boxes: torch.Tensor, size: int, threshold: float = 0.5) -> Paste:
    """Grids in which no pixel reads a value near the threshold."""

    def holds(grids: torch.Tensor) -> bool:
        values = slow_masks.values_at(grids, boxes, HEIGHT, WIDTH)
        return not bool(((values - threshold).abs() < MARGIN).any())

    grids = rng.until(lambda rng: rng.uniform(len(boxes), size, size), holds)
    return grids, boxes, HEIGHT, WIDTH, threshold


def rows(*boxes: tuple[float, ...]) -> torch.Tensor:
    return torch.tensor(boxes).double()


def halves() -> Paste:
    """Every pixel reads exactly one half, by every formula: all places are eighths."""
    return torch.full((1, 2, 2), 0.5).double(), rows((2, 2, 10, 10)), HEIGHT, WIDTH, 0.5


def uneven() -> Paste:
    """A column of pixels in a box of less than a pixel, whose grid is 1 at the left only."""
    grid = torch.tensor([[[1.0, 0.0, 0.0]] * 3]).double()
    return grid, rows((3.2, 2.1, 3.9, 9.8)), HEIGHT, WIDTH, 0.5


def filled(boxes: torch.Tensor) -> Paste:
    """Grids of ones: the mask is its box, however a grid is read between its cells."""
    return torch.ones(len(boxes), 4, 4).double(), boxes, HEIGHT, WIDTH, 0.2


PASTES: dict[str, Callable[[Draw], Paste]] = {
    "fractional": lambda rng: pastes(rng, rng.boxes(3, HEIGHT, WIDTH), 5),
    "fine-grid": lambda rng: pastes(rng, rng.boxes(1, HEIGHT, WIDTH), 28),
    "one-cell": lambda rng: pastes(rng, rng.boxes(3, HEIGHT, WIDTH), 1),
    "two-cells": lambda rng: pastes(rng, rows((2.2, 1.3, 17.7, 12.6)), 2),
    "over-each-border": lambda rng: pastes(rng, rows((-6.3, -4.2, 7.7, 6.1), (11.2, 8.4, 26.6, 19.3)), 4),
    "edges-at-centres": lambda rng: pastes(rng, rows((2.5, 3.5, 9.5, 8.5)), 3),
    "outside": lambda rng: pastes(rng, rows((30.0, 2.0, 40.0, 9.0), (-20.0, 2.0, -3.0, 9.0)), 3),
    "thinner-than-a-pixel": lambda rng: pastes(rng, rows((3.6, 2.1, 4.4, 9.8), (3.2, 2.1, 3.9, 9.8)), 3),
    "thin-and-uneven": lambda rng: uneven(),
    "without-area": lambda rng: pastes(rng, rows((4.5, 4.5, 4.5, 9.0), (4.0, 5.5, 9.0, 5.5)), 3),
    "other-threshold": lambda rng: pastes(rng, rng.boxes(2, HEIGHT, WIDTH), 4, threshold=0.25),
    "exactly-the-threshold": lambda rng: halves(),
    "full": lambda rng: filled(rng.boxes(3, HEIGHT, WIDTH)),
    "full-and-over-the-border": lambda rng: filled(rows((-6.3, -4.2, 7.7, 6.1), (11.2, 8.4, 26.6, 19.3))),
    "full-and-large": lambda rng: filled(rows((-3.5, -2.5, 30.5, 20.5))),
    "no-boxes": lambda rng: (rng.uniform(0, 4, 4), rng.boxes(0, HEIGHT, WIDTH), HEIGHT, WIDTH, 0.5),
}


@paste_question()
@pytest.mark.parametrize("draw", PASTES.values(), ids=PASTES)
def test_pasting(student: Proxy, rng: Draw, draw: Callable[[Draw], Paste]) -> None:
    """The mask of each box in the image, for boxes of every kind."""
    grids, boxes, height, width, threshold = draw(rng)
    found = student.paste_masks(grids, boxes, height, width, threshold=threshold)
    wanted = slow_masks.pasted(grids, boxes, height, width, threshold)
    assert_matches(zeros_and_ones(found, wanted), wanted, what="the masks")


@paste_question(weight=0.4)
@every_contract
def test_pasting_contract(student: Proxy, rng: Draw, contract: contracts.Contract) -> None:
    """Rules for every function: inputs stay as they are, dtypes are kept, empty input works, calls are independent."""
    grids, boxes, *_ = pastes(rng, rng.boxes(3, HEIGHT, WIDTH), 5)

    def call(grids: Any, boxes: Any) -> Any:
        return student.paste_masks(grids, boxes, HEIGHT, WIDTH)

    operation = contracts.Operation(
        call=call,
        oracle=lambda grids, boxes: (slow_masks.pasted(grids, boxes, HEIGHT, WIDTH),),
        inputs=("probabilities", "boxes"),
        outputs=("the masks",),
        batched=("probabilities", "boxes"),
        others=lambda grids, boxes: (1 - grids, boxes),
    )
    contract(student, operation, (grids, boxes))
