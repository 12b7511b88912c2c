"""Masks once more, cell by cell and pixel by pixel, on Python numbers: what the reference itself is held against."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch

__all__ = ["area_of", "average_precisions", "iou_matrix", "loss_of", "matches_of", "pasted", "shares", "values_at"]

Image = Mapping[str, torch.Tensor]


def shares(masks: torch.Tensor, boxes: torch.Tensor, matches: torch.Tensor, size: int) -> torch.Tensor:
    """(R, size, size) float64: the mean of each cell's 2 x 2 points in the mask, before anything is compared."""
    rows = []
    for (x1, y1, x2, y2), match in zip(boxes.tolist(), matches.tolist(), strict=True):
        mask = masks[match].double().tolist()
        for i in range(size):
            for j in range(size):
                points = [(i + a, j + b) for a in (0.25, 0.75) for b in (0.25, 0.75)]
                places = [(x1 + v * (x2 - x1) / size - 0.5, y1 + u * (y2 - y1) / size - 0.5) for u, v in points]
                rows.append(sum(_bilinear(mask, x, y) for x, y in places) / 4)
    return torch.tensor(rows, dtype=torch.float64).reshape(len(boxes), size, size)


def _bilinear(image: Sequence[Sequence[float]], x: float, y: float) -> float:
    """The image at a point in index coordinates; 0 more than a cell outside."""
    height, width = len(image), len(image[0])
    if not (-1 <= x <= width and -1 <= y <= height):
        return 0.0
    return _clamped(image, x, y)


def _clamped(image: Sequence[Sequence[float]], x: float, y: float) -> float:
    height, width = len(image), len(image[0])
    x, y = min(max(x, 0.0), width - 1.0), min(max(y, 0.0), height - 1.0)
    total = 0.0
    for i in {math.floor(y), math.ceil(y)}:
        for j in {math.floor(x), math.ceil(x)}:
            total += image[i][j] * (1 - abs(y - i)) * (1 - abs(x - j))
    return total


def loss_of(scores: torch.Tensor, targets: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """One region after the other; autograd can follow it."""
    total, cells = scores.sum() * 0, 0
    for region, (label, target) in enumerate(zip(labels.tolist(), targets, strict=True)):
        s = scores[region, label]
        total = total + (s.clamp(min=0) - s * target + torch.log1p(torch.exp(-s.abs()))).sum()
        cells += target.numel()
    return total / max(1, cells)


def values_at(probabilities: torch.Tensor, boxes: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """(R, height, width) float64: what every pixel reads in its box's grid, NaN outside of the box."""
    found = torch.full((len(boxes), height, width), torch.nan, dtype=torch.float64)
    for number, (x1, y1, x2, y2) in enumerate(boxes.tolist()):
        grid = probabilities[number].double().tolist()
        for i in range(height):
            for j in range(width):
                if x1 <= j + 0.5 < x2 and y1 <= i + 0.5 < y2:
                    u = (j + 0.5 - x1) / (x2 - x1) * len(grid) - 0.5
                    v = (i + 0.5 - y1) / (y2 - y1) * len(grid) - 0.5
                    found[number, i, j] = _clamped(grid, u, v)
    return found


def pasted(
    probabilities: torch.Tensor, boxes: torch.Tensor, height: int, width: int, threshold: float = 0.5
) -> torch.Tensor:
    """(R, height, width) bool; NaN reaches no threshold."""
    return values_at(probabilities, boxes, height, width) >= threshold


def iou_matrix(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """(P, H, W), (G, H, W) -> (P, G), by sets of pixels."""
    first, second = ([_pixels(mask) for mask in masks] for masks in (a, b))
    rows = [[len(one & other) / len(one | other) if one | other else 0.0 for other in second] for one in first]
    return torch.tensor(rows, dtype=torch.float64).reshape(len(a), len(b))


def _pixels(mask: torch.Tensor) -> set[tuple[int, ...]]:
    return {tuple(pixel) for pixel in mask.nonzero().tolist()}


def average_precisions(
    predictions: Sequence[Image], truths: Sequence[Image], num_classes: int, threshold: float
) -> torch.Tensor:
    """The average precision of each label by the IoU of masks; NaN for a label without truth."""
    table = []
    for label in range(num_classes):
        found: list[tuple[float, bool]] = []
        count = 0
        for prediction, truth in zip(predictions, truths, strict=True):
            mine = (prediction["labels"] == label).nonzero().flatten()
            real = (truth["labels"] == label).nonzero().flatten()
            ious = iou_matrix(prediction["masks"][mine], truth["masks"][real]).tolist()
            scores = prediction["scores"][mine].tolist()
            found += zip(scores, matches_of(scores, ious, len(real), threshold), strict=True)
            count += len(real)
        table.append(area_of(found, count) if count else math.nan)
    return torch.tensor(table, dtype=torch.float64)


def matches_of(scores: Sequence[float], ious: Sequence[Sequence[float]], truths: int, threshold: float) -> list[bool]:
    """Which detections of one image are true: by falling score, the free truth of largest IoU."""
    free, matched = set(range(truths)), [False] * len(scores)
    for detection in sorted(range(len(scores)), key=lambda index: (-scores[index], index)):
        allowed = [truth for truth in sorted(free) if ious[detection][truth] >= threshold]
        if allowed:
            free.remove(max(allowed, key=lambda truth: (ious[detection][truth], truth)))
            matched[detection] = True
    return matched


def area_of(found: Sequence[tuple[float, bool]], truths: int) -> float:
    """The mean of the best precision from each of 101 recalls on."""
    ordered = sorted(range(len(found)), key=lambda index: (-found[index][0], index))
    right, points = 0, []
    for place, index in enumerate(ordered, start=1):
        right += found[index][1]
        points.append((right / truths, right / place))
    heights = [max((p for r, p in points if r >= level / 100 - 1e-9), default=0.0) for level in range(101)]
    return sum(heights) / 101
