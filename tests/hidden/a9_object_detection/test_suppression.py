"""Non-maximum suppression: which boxes stay, in which order, by class; every contract.

What is right follows from the IoU, or from the substitute that the submission gets for its own `box_iou`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import slow_boxes
import torch
from drawn_boxes import far_from, spread
from substitutes import along_x

from autograder.checks import CheckFailed, Draw, Proxy, contracts, judge_by_parts, parts_that_work, plain_tensor
from autograder.checks.compare.compare import counted, describe

question = partial(pytest.mark.question, "nms")

Case = tuple[torch.Tensor, torch.Tensor, float]  # boxes, scores, threshold

TRUE, SUBSTITUTES = {"box_iou": slow_boxes.iou_matrix}, {"box_iou": along_x}

# Side by side, three units wide in steps of one: a neighbour's IoU is 2/4, that of the next but one 1/5.
ROW = torch.tensor([[float(x), 0.0, x + 3.0, 2.0] for x in range(5)], dtype=torch.float64)


def many(rng: Draw, count: int = 40, threshold: float = 0.3, side: float = 16.0) -> Case:
    """Boxes with their upper left corners within side x side: close together, so that many are suppressed."""
    while True:
        boxes = spread(rng, count, side=side)
        if far_from(slow_boxes.iou_matrix(boxes, boxes), threshold):
            return boxes, rng.distinct(count), threshold


def scored(boxes: torch.Tensor, *scores: float, threshold: float) -> Case:
    return boxes[: len(scores)], torch.tensor(scores, dtype=torch.float64), threshold


CASES: dict[str, Callable[[Draw], Case]] = {
    "many": many,
    "few": lambda rng: many(rng, 9, 0.6, side=4.0),
    "some": lambda rng: many(rng, 15, 0.5, side=8.0),
    # The first suppresses the second, which would have suppressed the third.
    "chain": lambda rng: scored(ROW, 0.9, 0.8, 0.7, threshold=0.4),
    "long-chain": lambda rng: scored(ROW, 0.5, 0.6, 0.7, 0.8, 0.9, threshold=0.4),
    "exactly-the-threshold": lambda rng: scored(ROW, 0.3, 0.9, 0.6, 0.8, threshold=0.5),
    "threshold-0": lambda rng: scored(ROW[[0, 3, 4]], 0.3, 0.9, 0.6, threshold=0.0),
    "threshold-1": lambda rng: scored(ROW[[0, 0, 1]], 0.3, 0.9, 0.6, threshold=1.0),
    "equal-scores": lambda rng: scored(ROW[[0, 1, 4, 3]], 0.5, 0.5, 0.5, 0.5, threshold=0.4),
    "one-box": lambda rng: many(rng, 1),
    "no-boxes": lambda rng: many(rng, 0),
}


# What to think of where a case of this name fails; in the others, anything may be the cause.
CHAIN, THRESHOLD = "does a box that was suppressed suppress others?", "is an IoU of exactly the threshold too much?"
HINTS = {
    **dict.fromkeys(("chain", "long-chain"), CHAIN),
    **dict.fromkeys(("exactly-the-threshold", "threshold-0", "threshold-1"), THRESHOLD),
    "equal-scores": "of equal scores, the lower index comes first",
}


def same_boxes(found: Any, wanted: torch.Tensor, hint: str = "") -> None:
    """The same indices, in whatever order. That the best come first is asked apart."""
    indices = plain_tensor(found, "the answer")
    if indices.dtype is not torch.int64 or indices.dim() != 1:
        message = f"the answer is {describe(indices)}, {indices.dtype}, wanted int64 of shape (K,)"
        raise CheckFailed(message, "return the indices of the boxes that are kept")
    if sorted(indices.tolist()) != sorted(wanted.tolist()):
        message = f"{counted(len(indices))} boxes are kept, wanted {len(wanted)}"
        if len(indices) == len(wanted):
            message = f"{len(indices)} boxes are kept, and not the right ones"
        raise CheckFailed(message, hint, value=indices.sort().values)


@question()
@pytest.mark.parametrize("case", CASES)
def test_kept(student: Proxy, rng: Draw, case: str) -> None:
    """nms keeps the right boxes."""
    boxes, scores, threshold = CASES[case](rng)

    def check(box_iou: slow_boxes.Iou) -> None:
        wanted = slow_boxes.kept(boxes, scores, threshold, box_iou)
        same_boxes(student.nms(boxes, scores, threshold), wanted, HINTS.get(case, ""))

    judge_by_parts(student, check, TRUE, SUBSTITUTES)


@question()
@pytest.mark.parametrize("name", ("nms", "nms_by_class", "equal-scores", "equal-scores-by-class"))
def test_order(student: Proxy, rng: Draw, name: str) -> None:
    """The boxes that are kept come in the right order."""
    boxes, scores, threshold = many(rng, 12, 0.3)
    if name.startswith("equal"):
        boxes, scores = boxes + 100.0 * torch.arange(12)[:, None], torch.tensor([0.5, 0.75, 0.5, 0.25] * 3).double()
    labels = torch.arange(12) % 3
    by_class = name.endswith("class")
    if by_class:
        found = student.nms_by_class(boxes, scores, labels, threshold)
    else:
        found = student.nms(boxes, scores, threshold)
    indices = plain_tensor(found, "the answer")
    if indices.dtype is not torch.int64 or indices.dim() != 1 or not all(0 <= i < 12 for i in indices.tolist()):
        raise CheckFailed("the answer is not a list of indices, int64 of shape (K,)")
    values = scores.tolist()
    if indices.tolist() != sorted(indices.tolist(), key=lambda index: (-values[index], index)):
        message = "the boxes kept do not come in the order of their scores"
        raise CheckFailed(message, "the best first, ties by index", value=indices)
    if len(indices) < 3:
        raise CheckFailed("hardly any box is kept")


ByClass = tuple[torch.Tensor, torch.Tensor, torch.Tensor, float]


def crowd(rng: Draw, classes: int, threshold: float = 0.3) -> ByClass:
    boxes, scores, _ = many(rng, 30, threshold)
    return boxes, scores, rng.labels(30, classes) * 7, threshold


def equal_boxes(rng: Draw) -> ByClass:
    boxes, scores, threshold = scored(ROW[[0, 0, 0, 1]], 0.6, 0.9, 0.8, 0.7, threshold=0.3)
    return boxes, scores, torch.tensor([1, 0, 1, 0]), threshold


def far_away(rng: Draw) -> ByClass:
    """float32, coordinates up to 10 000, IoUs just below and just above the threshold: 0.499 and 0.509."""
    near = torch.tensor([[0.0, 0.0, 14.0, 4.0], [4.68, 0.0, 18.68, 4.0], [9.23, 0.0, 23.23, 4.0]])
    boxes = torch.cat([near + 9000.25, near + 9000.5, near + 9960.25])
    scores = torch.tensor([0.9, 0.8, 0.7] * 3) - torch.arange(9) / 100
    return boxes, scores, torch.tensor([0, 0, 0, 12, 12, 12, 79, 79, 79]), 0.5


def negative(rng: Draw) -> ByClass:
    """Boxes left of the image, where a shift by the largest coordinate alone does not part the classes."""
    boxes, scores, threshold = many(rng, 20, side=10.0)
    return boxes - 60.0, scores, rng.labels(20, 3), threshold


BY_CLASS: dict[str, Callable[[Draw], ByClass]] = {
    "two-classes": lambda rng: crowd(rng, 2),
    "many-classes": lambda rng: crowd(rng, 9),
    "one-class": lambda rng: crowd(rng, 1),
    "another-threshold": lambda rng: crowd(rng, 2, 0.5),
    "equal-boxes": equal_boxes,
    "far-away": far_away,
    "negative-coordinates": negative,
    "no-boxes": lambda rng: (*many(rng, 0)[:2], rng.labels(0, 3), 0.3),
}


@question()
@pytest.mark.parametrize("draw", BY_CLASS.values(), ids=BY_CLASS)
def test_kept_by_class(student: Proxy, rng: Draw, draw: Callable[[Draw], ByClass]) -> None:
    """nms_by_class keeps the right boxes."""
    boxes, scores, labels, threshold = draw(rng)

    def check(box_iou: slow_boxes.Iou) -> None:
        wanted = slow_boxes.kept_by_class(boxes, scores, labels, threshold, box_iou)
        same_boxes(student.nms_by_class(boxes, scores, labels, threshold), wanted)

    judge_by_parts(student, check, TRUE, SUBSTITUTES)


@question(weight=0.3)
@pytest.mark.parametrize("name", ("nms", "nms_by_class"))
@pytest.mark.parametrize("contract", contracts.BATTERY, ids=str)
def test_contract(student: Proxy, rng: Draw, contract: contracts.Contract, name: str) -> None:
    """The function obeys the rules for all functions: inputs unchanged, int64 indices, repeated calls, no boxes."""
    boxes, scores, threshold = many(rng, 8, side=6.0)
    labels = torch.zeros(8, dtype=torch.int64)  # what classes do is asked apart

    def ascending(found: Any) -> Any:
        """The order is asked apart."""
        return found.sort().values if type(found) is torch.Tensor and found.dim() == 1 else found

    def operation(box_iou: slow_boxes.Iou) -> contracts.Operation:
        def call(boxes: Any, scores: Any) -> Any:
            if name == "nms":
                return ascending(student.nms(boxes, scores, threshold))
            return ascending(student.nms_by_class(boxes, scores, labels[: _count(scores)], threshold))

        def oracle(boxes: torch.Tensor, scores: torch.Tensor) -> tuple[torch.Tensor]:
            if name == "nms":
                return (slow_boxes.kept(boxes, scores, threshold, box_iou).sort().values,)
            kept = slow_boxes.kept_by_class(boxes, scores, labels[: len(scores)], threshold, box_iou)
            return (kept.sort().values,)

        return contracts.Operation(
            call=call,
            oracle=oracle,
            inputs=("boxes", "scores"),
            outputs=("the indices",),
            batched=("boxes", "scores"),
        )

    counts = [8]

    def _count(scores: Any) -> int:
        """How many scores; those that were placed on the other side are all eight."""
        return len(scores) if type(scores) is torch.Tensor else counts[0]

    def works(box_iou: slow_boxes.Iou) -> None:
        operation(box_iou).compare(operation(box_iou).call(boxes, scores), (boxes, scores))

    parts = parts_that_work(student, works, TRUE, SUBSTITUTES)
    contract(student, operation(**parts), (boxes, scores))
