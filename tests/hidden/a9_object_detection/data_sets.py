"""Small data sets of detections and truths, each named for what is special about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from drawn_boxes import on_grid, spread

from autograder.checks import Draw

__all__ = ["DATA_SETS", "DataSet"]

CLASSES = 3
Images = list[dict[str, torch.Tensor]]


@dataclass(frozen=True)
class DataSet:
    """What `average_precisions` is asked about."""

    detections: Images
    truths: Images
    classes: int = CLASSES
    thresholds: tuple[float, ...] = (0.5, 0.75)
    limit: int = 100


def labelled(boxes: torch.Tensor, labels: list[int] | torch.Tensor, scores: torch.Tensor | None = None) -> dict:
    found = {"boxes": boxes, "labels": torch.as_tensor(labels, dtype=torch.int64)}
    return found if scores is None else found | {"scores": scores}


def nothing() -> torch.Tensor:
    return torch.zeros(0, 4, dtype=torch.float64)


def moved(rng: Draw, boxes: torch.Tensor, by: float) -> torch.Tensor:
    """Boxes shifted by up to `by` of their sides."""
    size = boxes[:, 2:] - boxes[:, :2]
    return boxes + (rng.uniform(len(boxes), 2, low=-by, high=by) * size).repeat(1, 2)


def plain(rng: Draw, images: int = 4) -> DataSet:
    """Every truth is found by one detection, more or less well; scores differ; no image lacks either."""
    truths, detections = [], []
    scores = rng.distinct(images * 4) / 6 + 0.5
    for number in range(images):
        boxes = torch.cat([spread(rng, 1) + 60.0 * place for place in range(3)])
        labels = torch.arange(3)
        truths.append(labelled(boxes, labels))
        false = spread(rng, 1) + 300.0
        found = torch.cat([moved(rng, boxes, 0.18), false])
        detections.append(labelled(found, torch.cat([labels, labels[:1]]), scores[4 * number : 4 * number + 4]))
    return DataSet(detections, truths)


def busy(rng: Draw) -> DataSet:
    """Everything at once: ties, images without truths or without detections, duplicates, classes in disorder."""
    truths, detections = [], []
    for number in range(6):
        count = (0, 5, 3, 4, 1, 2)[number]
        boxes, labels = on_grid(rng, count, side=40), rng.labels(count, CLASSES)
        found = torch.cat([moved(rng, boxes, 0.25), moved(rng, boxes, 0.1), on_grid(rng, 4, side=40)])
        classes = torch.cat([labels, labels, rng.labels(4, CLASSES)])
        scores = rng.integers(1, 10, (len(found),)).to(torch.float64) / 10
        truths.append(labelled(boxes, labels))
        detections.append(labelled(found, classes, scores))
    detections[3] = labelled(nothing(), [], torch.zeros(0, dtype=torch.float64))
    return DataSet(detections, truths, thresholds=(0.75, 0.5, 0.9, 0.3))


def absent(rng: Draw) -> DataSet:
    """Class 1 has no truths, but detections; class 2 has truths, and nothing is detected; class 3 is nowhere."""
    set = plain(rng, 2)
    detected, true = torch.tensor([0, 1, 0]), torch.tensor([0, 2, 0])
    return DataSet(
        [one | {"labels": detected[one["labels"]]} for one in set.detections],
        [one | {"labels": true[one["labels"]]} for one in set.truths],
        classes=4,
    )


def crowded(rng: Draw, classes: int) -> DataSet:
    """Twelve detections of a few truths in each image; only three of a class count."""
    truths, detections = [], []
    scores = rng.distinct(24)
    for number in range(2):
        boxes = torch.cat([spread(rng, 1, largest=6.0) + 50.0 * place for place in range(6)])
        labels = torch.arange(6) % classes
        found = torch.cat([moved(rng, boxes, 0.05), moved(rng, boxes, 0.3)])
        truths.append(labelled(boxes, labels))
        detections.append(labelled(found, labels.repeat(2), scores[12 * number : 12 * number + 12]))
    return DataSet(detections, truths, classes=classes, limit=3)


def across_images(rng: Draw) -> DataSet:
    """What is detected in one image lies, at the same place, in the other; the images are not equally hard."""
    boxes = torch.cat([spread(rng, 1) + 60.0 * place for place in range(4)])
    truths = [labelled(boxes[:3], [0, 0, 0]), labelled(boxes[3:], [0])]
    detections = [
        labelled(boxes[[3, 0]], [0, 0], torch.tensor([0.9, 0.5]).double()),
        labelled(boxes[[0, 3, 1]], [0, 0, 0], torch.tensor([0.8, 0.7, 0.6]).double()),
    ]
    return DataSet(detections, truths, classes=1)


def across_classes(rng: Draw) -> DataSet:
    """Right boxes under the wrong class."""
    boxes = torch.cat([spread(rng, 1) + 60.0 * place for place in range(4)])
    truths = [labelled(boxes, [0, 1, 0, 1])]
    detections = [labelled(boxes, [0, 0, 1, 1], torch.tensor([0.6, 0.9, 0.8, 0.7]).double())]
    return DataSet(detections, truths, classes=2)


def one_entry(rng: Draw) -> DataSet:
    """One class at one threshold: the table has one entry."""
    set = plain(rng, 3)
    images = [
        [one | {"labels": torch.zeros_like(one["labels"])} for one in part] for part in (set.detections, set.truths)
    ]
    return DataSet(*images, classes=1, thresholds=(0.6,))


def nothing_found(rng: Draw) -> DataSet:
    empty = labelled(nothing(), [], torch.zeros(0, dtype=torch.float64))
    return DataSet([empty, empty], [labelled(spread(rng, 2), [0, 2]), labelled(nothing(), [])])


DATA_SETS: dict[str, Callable[[Draw], DataSet]] = {
    "plain": plain,
    "busy": busy,
    "absent-classes": absent,
    "limit": lambda rng: crowded(rng, 1),
    "limit-by-class": lambda rng: crowded(rng, 2),
    "across-images": across_images,
    "across-classes": across_classes,
    "one-entry": one_entry,
    "nothing-found": nothing_found,
    "no-images": lambda rng: DataSet([], []),
}
