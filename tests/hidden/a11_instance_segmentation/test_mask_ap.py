"""IoU of masks, and average precision by it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
import slow_masks
import torch

from autograder.checks import Draw, Proxy, assert_kind, assert_matches, contracts

question = partial(pytest.mark.question, "mask-ap")

HEIGHT, WIDTH = 6, 9
Image = dict[str, torch.Tensor]
DataSet = tuple[list[Image], list[Image], int, float]  # predictions, truths, num_classes, threshold


def blobs(rng: Draw, count: int) -> torch.Tensor:
    """(count, HEIGHT, WIDTH) bool: rectangles of whole pixels, half of which lie at the left."""
    y, x = torch.meshgrid(torch.arange(HEIGHT), torch.arange(WIDTH), indexing="ij")
    x1, y1, x2, y2 = rng.whole_boxes(count, HEIGHT, WIDTH).T[:, :, None, None]
    return (x >= x1) & (x < x2) & (y >= y1) & (y < y2)


@question()
@pytest.mark.parametrize("counts", [(4, 3), (1, 1), (0, 3), (3, 0)], ids=["several", "one", "none", "no-others"])
def test_iou(student: Proxy, rng: Draw, counts: tuple[int, int]) -> None:
    """The IoU of each pair of masks, also of empty masks."""
    a, b = (blobs(rng, count) for count in counts)
    a[:1] = b[:1] = False
    assert_matches(student.mask_iou(a, b), slow_masks.iou_matrix(a, b), what="the IoUs")


@question(weight=0.4)
@pytest.mark.parametrize("contract", contracts.BATTERY, ids=str)
def test_iou_contract(student: Proxy, rng: Draw, contract: contracts.Contract) -> None:
    """Rules for every function: inputs stay as they are, dtypes are kept, empty input works, calls are independent."""
    operation = contracts.Operation(
        call=lambda a, b: student.mask_iou(a, b),
        oracle=lambda a, b: (slow_masks.iou_matrix(a, b),),
        inputs=("a", "b"),
        outputs=("the IoUs",),
        batched=("a",),
        others=lambda a, b: (~a, b),
    )
    contract(student, operation, (blobs(rng, 3), blobs(rng, 2)))


def data_set(
    rng: Draw, images: int, classes: int = 3, found: int = 5, true: int = 4, threshold: float = 0.45
) -> DataSet:
    """Truths, and predictions that are truths of which a column was cut off, or something else."""
    predictions, truths = [], []
    for _ in range(images):
        real, labels = blobs(rng, true), rng.labels(true, classes)
        guess, guessed = blobs(rng, found), rng.labels(found, classes)
        for number in range(0, min(found, true), 2):
            guess[number], guessed[number] = real[number], labels[number]
            guess[number, :, 3] = False
        truths.append({"masks": real, "labels": labels})
        predictions.append({"masks": guess, "scores": rng.distinct(found), "labels": guessed})
    return predictions, truths, classes, threshold


def same_box(rng: Draw) -> DataSet:
    """Two triangles share a box, and little else."""
    y, x = torch.meshgrid(torch.arange(6), torch.arange(6), indexing="ij")
    masks = torch.stack([x >= y, x < y])
    found = {"masks": masks[:1], "scores": rng.distinct(1), "labels": torch.tensor([0])}
    return [found], [{"masks": masks[1:], "labels": torch.tensor([0])}], 1, 0.5


def doubled(rng: Draw) -> DataSet:
    """Every truth is found twice, one right after the other."""
    predictions, truths, classes, threshold = data_set(rng, 3, found=3, true=3)
    twice = [
        {
            "masks": torch.cat([truth["masks"]] * 2),
            "scores": torch.cat([found["scores"], found["scores"] - 0.01]),
            "labels": torch.cat([truth["labels"]] * 2),
        }
        for found, truth in zip(predictions, truths, strict=True)
    ]
    return twice, truths, classes, threshold


def by_score(rng: Draw) -> DataSet:
    """The wrong image comes first, and its scores are the lowest."""
    mask = torch.zeros(2, HEIGHT, WIDTH, dtype=torch.bool)
    mask[0, :3], mask[1, 3:] = True, True
    labels = torch.tensor([0, 0])
    truths = [{"masks": mask[:1], "labels": labels[:1]}] * 2
    predictions = [
        {"masks": mask[[1, 1]], "scores": torch.tensor([0.1, 0.2]).double(), "labels": labels},
        {"masks": mask[:1], "scores": torch.tensor([0.9]).double(), "labels": labels[:1]},
    ]
    return predictions, truths, 1, 0.5


def exactly(rng: Draw) -> DataSet:
    """An IoU of one half."""
    mask = torch.zeros(2, HEIGHT, WIDTH, dtype=torch.bool)
    mask[0, :2, :4], mask[1, :2, :8] = True, True
    found = {"masks": mask[:1], "scores": rng.distinct(1), "labels": torch.tensor([0])}
    return [found], [{"masks": mask[1:], "labels": torch.tensor([0])}], 1, 0.5


def equal_scores(rng: Draw) -> DataSet:
    """All scores are equal: a wrong mask, a right one, and in the next image a wrong one and a right one."""
    mask = torch.zeros(2, HEIGHT, WIDTH, dtype=torch.bool)
    mask[0, :3], mask[1, 3:] = True, True
    labels = torch.tensor([0, 0])
    found = {"masks": mask, "scores": torch.full((2,), 0.75, dtype=torch.float64), "labels": labels}
    return [found, found], [{"masks": mask[1:], "labels": labels[:1]}] * 2, 1, 0.5


DATA_SETS: dict[str, Callable[[Draw], DataSet]] = {
    "one-image": lambda rng: data_set(rng, 1),
    "several-images": lambda rng: data_set(rng, 4),
    "two-labels-without-truth": lambda rng: data_set(rng, 2, classes=5, true=2),
    "no-predictions": lambda rng: data_set(rng, 2, found=0),
    "no-truths": lambda rng: data_set(rng, 2, true=0),
    "same-box": same_box,
    "found-twice": doubled,
    "worst-image-first": by_score,
    "equal-scores": equal_scores,
    "exactly-the-threshold": exactly,
    "below-another-threshold": lambda rng: (*exactly(rng)[:3], 0.75),
}


@question(weight=1.5)
@pytest.mark.parametrize("draw", DATA_SETS.values(), ids=DATA_SETS)
def test_average_precision(student: Proxy, rng: Draw, draw: Callable[[Draw], DataSet]) -> None:
    """The average precision of each label over a data set."""
    case = draw(rng)
    found = student.mask_average_precision(*case[:3], threshold=case[3])
    assert_matches(found, slow_masks.average_precisions(*case), what="the average precisions")


def one_image() -> tuple[torch.Tensor, ...]:
    """Masks, scores and labels of what is found in one image; masks and labels of what is there."""
    real = torch.zeros(3, HEIGHT, WIDTH, dtype=torch.bool)
    real[0, :2, :4], real[1, :2, 5:], real[2, 3:] = True, True, True
    masks = real[[0, 0, 1]].clone()
    masks[0, 0, 0], masks[1] = False, ~real.any(dim=0)
    scores = torch.tensor([0.5, 0.75, 0.25]).double()
    return masks, scores, torch.tensor([0, 0, 1]), real, torch.tensor([0, 1, 0])


@question(weight=0.2)
@pytest.mark.parametrize(
    "contract",
    contracts.battery({"keeps-float32": "float64 whatever the scores are: asked for apart"}),
    ids=str,
)
def test_average_precision_contract(student: Proxy, contract: contracts.Contract) -> None:
    """Rules for every function: inputs stay as they are, dtypes are kept, empty input works, calls are independent."""

    def images(*parts: torch.Tensor) -> DataSet:
        masks, scores, labels, real, true = parts
        return [{"masks": masks, "scores": scores, "labels": labels}], [{"masks": real, "labels": true}], 2, 0.5

    operation = contracts.Operation(
        call=lambda *parts: student.mask_average_precision(*images(*parts)[:3]),
        oracle=lambda *parts: (slow_masks.average_precisions(*images(*parts)),),
        inputs=("masks", "scores", "labels", "true masks", "true labels"),
        outputs=("the average precisions",),
        batched=("masks", "scores", "labels"),
        others=lambda masks, scores, labels, real, true: (masks, -scores, labels, ~real, true),
    )
    contract(student, operation, one_image())


@question(weight=0.2)
def test_average_precision_dtype(student: Proxy, rng: Draw) -> None:
    """Average precisions are float64."""
    predictions, truths, *_ = exactly(rng)
    assert_kind(student.mask_average_precision(predictions, truths, 1), (1,), torch.float64, what="the answer")
