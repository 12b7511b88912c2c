"""Evaluation once more, by sets and sorted lists of Python numbers, as the definitions say it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from slow_boxes import iou_matrix

__all__ = ["TRUE", "Parts", "area", "curve", "interpolated", "matches", "mean_of_known", "table"]


def matches(scores: torch.Tensor, ious: torch.Tensor, threshold: float) -> torch.Tensor:
    """(D,), (D, G) -> (D,) bool: who takes a truth that is still free."""
    values, overlaps = scores.tolist(), ious.tolist()
    free, true = set(range(ious.shape[1])), set()
    for detection in sorted(range(len(values)), key=lambda index: (-values[index], index)):
        within = [truth for truth in free if overlaps[detection][truth] >= threshold]
        if within:
            free.remove(max(within, key=lambda truth: (overlaps[detection][truth], truth)))
            true.add(detection)
    return torch.tensor([detection in true for detection in range(len(values))], dtype=torch.bool)


def curve(matched: torch.Tensor, scores: torch.Tensor, num_truths: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Precision and recall of the best 1, 2, ..., D detections."""
    values, true = scores.tolist(), matched.tolist()
    order = sorted(range(len(values)), key=lambda index: (-values[index], index))
    precision, recall = [], []
    for count in range(1, len(order) + 1):
        found = sum(true[index] for index in order[:count])
        precision.append(found / count)
        recall.append(found / num_truths)
    return torch.tensor(precision, dtype=torch.float64), torch.tensor(recall, dtype=torch.float64)


def area(precision: torch.Tensor, recall: torch.Tensor) -> float:
    """Under the steps, one rectangle after the other."""
    total, before = 0.0, 0.0
    for p, r in zip(precision.tolist(), recall.tolist(), strict=True):
        total, before = total + (r - before) * p, r
    return total


def interpolated(precision: torch.Tensor, recall: torch.Tensor, points: int = 101) -> float:
    """The mean over equally spaced recalls of the best precision from there on."""
    pairs = list(zip(precision.tolist(), recall.tolist(), strict=True))
    total = 0.0
    for k in range(points):
        total += max((p for p, r in pairs if r >= k / (points - 1) - 1e-9), default=0.0)
    return total / points


Parts = Mapping[str, Callable[..., Any]]

# What `table` is put together from, by the names of a submission's functions.
TRUE: Parts = {
    "box_iou": iou_matrix,
    "match_detections": matches,
    "precision_recall": curve,
    "interpolated_average_precision": interpolated,
}


def table(
    detections: Sequence[Mapping[str, torch.Tensor]],
    truths: Sequence[Mapping[str, torch.Tensor]],
    num_classes: int,
    thresholds: Sequence[float],
    limit: int = 100,
    parts: Parts = TRUE,
) -> torch.Tensor:
    """Average precision of every class at every threshold, (K, T) float64."""
    rows = [
        [_one(detections, truths, label, threshold, limit, parts) for threshold in thresholds]
        for label in range(num_classes)
    ]
    return torch.tensor(rows, dtype=torch.float64).reshape(num_classes, len(thresholds))


def _one(
    detections: Sequence[Mapping[str, torch.Tensor]],
    truths: Sequence[Mapping[str, torch.Tensor]],
    label: int,
    threshold: float,
    limit: int,
    parts: Parts,
) -> float:
    all_scores, all_matched, num_truths = [], [], 0
    for found, true in zip(detections, truths, strict=True):
        there = true["boxes"][[index for index, value in enumerate(true["labels"].tolist()) if value == label]]
        scores = found["scores"].tolist()
        mine = [index for index, value in enumerate(found["labels"].tolist()) if value == label]
        best = sorted(mine, key=lambda index: (-scores[index], index))[:limit]
        num_truths += len(there)
        all_scores.append(found["scores"][best])
        overlaps = parts["box_iou"](found["boxes"][best], there)
        all_matched.append(parts["match_detections"](found["scores"][best], overlaps, threshold))
    if num_truths == 0:
        return math.nan
    points = parts["precision_recall"](torch.cat(all_matched), torch.cat(all_scores), num_truths)
    return float(parts["interpolated_average_precision"](*points))


def mean_of_known(ap: torch.Tensor) -> float:
    known = [value for value in ap.flatten().tolist() if not math.isnan(value)]
    return sum(known) / len(known) if known else math.nan
