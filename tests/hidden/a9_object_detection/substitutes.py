"""Functions that take the place of parts of a submission, so that what is built on them is judged alone.

Each takes the arguments of the function that it replaces, and makes a mistake of its own. It decides alike where a case
is about a decision: boxes at exactly the threshold stay there. See `autograder.checks.judge_by_parts`. The source of
each is run in the submission's process, so it uses `torch` alone.
"""

from __future__ import annotations

import torch

__all__ = ["along_x", "area", "halfway", "kept_by_better", "last_first", "moved", "narrower", "shrunk_curve"]


def along_x(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """In place of `box_iou`: only what the boxes share along x counts."""
    shared = (torch.minimum(a[:, None, 2], b[None, :, 2]) - torch.maximum(a[:, None, 0], b[None, :, 0])).clamp(min=0)
    return shared / ((a[:, 2] - a[:, 0])[:, None] + (b[:, 2] - b[:, 0])[None] - shared)


def moved(proposals: torch.Tensor, transforms: torch.Tensor) -> torch.Tensor:
    """In place of `decode_boxes`: boxes move, and do not stretch."""
    sides = proposals[:, 2:] - proposals[:, :2]
    return proposals + (transforms[:, :2] * sides).repeat(1, 2)


def halfway(proposals: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """In place of `encode_boxes`: half the way of each corner."""
    return (targets - proposals) / 2


def narrower(boxes: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """In place of `clip_boxes`: each coordinate lies between 1 and nine tenths of the longer side."""
    return boxes.clamp(1.0, 0.9 * max(size))


def kept_by_better(boxes: torch.Tensor, scores: torch.Tensor, labels: torch.Tensor, threshold: float) -> torch.Tensor:
    """In place of `nms_by_class`: suppressed boxes suppress, and only what is shared along x counts."""
    x1, x2 = boxes[:, 0], boxes[:, 2]
    shared = (torch.minimum(x2[:, None], x2) - torch.maximum(x1[:, None], x1)).clamp(min=0)
    union = (x2 - x1)[:, None] + (x2 - x1) - shared
    order = scores.argsort(descending=True, stable=True)
    place = order.argsort()
    suppresses = (place[:, None] < place) & (labels[:, None] == labels) & (shared > threshold * union)
    return order[~suppresses.any(dim=0)[order]]


def last_first(scores: torch.Tensor, ious: torch.Tensor, threshold: float) -> torch.Tensor:
    """In place of `match_detections`: the worst detection takes the first free truth, and so on."""
    taken, matched = set(), torch.zeros(len(scores), dtype=torch.bool)
    for detection in scores.argsort(stable=True).tolist():
        near = [truth for truth in (ious[detection] >= threshold).nonzero().flatten().tolist() if truth not in taken]
        matched[detection] = bool(near)
        taken.update(near[:1])
    return matched


def shrunk_curve(matched: torch.Tensor, scores: torch.Tensor, num_truths: int) -> tuple[torch.Tensor, torch.Tensor]:
    """In place of `precision_recall`: one detection and one truth too many are counted."""
    if num_truths < 1:
        raise ValueError("no truths")
    true = matched[scores.argsort(descending=True, stable=True)].double().cumsum(dim=0)
    return true / torch.arange(2, len(true) + 2), true / (num_truths + 1)


def area(precision: torch.Tensor, recall: torch.Tensor, points: int = 101) -> float:
    """In place of `interpolated_average_precision`: the area under the steps, with half the first one."""
    before = torch.cat([recall[:1] / 2, recall[:-1]])
    return float(((recall - before) * precision).sum())
