"""Panoptic segmentation once more, by sets of pixels: what the reference itself is held against."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

__all__ = ["counts", "merged", "quality"]

Pixels = set[tuple[int, ...]]


def _where(mask: torch.Tensor) -> Pixels:
    return {tuple(pixel) for pixel in mask.nonzero().tolist()}


def merged(
    masks: torch.Tensor,
    classes: torch.Tensor,
    scores: torch.Tensor,
    semantic: torch.Tensor,
    num_stuff: int,
    score_threshold: float = 0.5,
    overlap_threshold: float = 0.5,
    stuff_area: int = 64,
) -> tuple[torch.Tensor, torch.Tensor]:
    """(segments, segment_classes)."""
    regions: list[tuple[int, Pixels]] = []
    taken: Pixels = set()
    values = scores.tolist()
    for index in sorted(range(len(values)), key=lambda index: (-values[index], index)):
        own = _where(masks[index])
        if values[index] < score_threshold or not own or len(own & taken) > overlap_threshold * len(own):
            continue
        if own - taken:
            regions.append((int(classes[index]), own - taken))
            taken |= own
    for label in range(num_stuff):
        own = _where(semantic == label) - taken
        if own and len(own) >= stuff_area:
            regions.append((label, own))
    segments = torch.zeros(semantic.shape, dtype=torch.int64)
    for number, (_, pixels) in enumerate(regions, start=1):
        for i, j in pixels:
            segments[i, j] = number
    return segments, torch.tensor([label for label, _ in regions], dtype=torch.int64)


def counts(
    segments: torch.Tensor,
    classes: torch.Tensor,
    true_segments: torch.Tensor,
    true_classes: torch.Tensor,
    num_classes: int,
) -> tuple[torch.Tensor, ...]:
    """(iou, tp, fp, fn), (num_classes,) each."""
    void = _where(true_segments == 0)
    found, truths = _listed(segments, classes), _listed(true_segments, true_classes)
    iou, tp, fp, fn = [0.0] * num_classes, *([0] * num_classes for _ in range(3))
    matched = set()
    for label, own in found:
        partner = None
        for number, (true_label, true) in enumerate(truths):
            union = len((own - void) | true)
            if label == true_label and union and 2 * len(own & true) > union:
                partner = number
                iou[label] += len(own & true) / union
                tp[label] += 1
        if partner is not None:
            matched.add(partner)
        elif 2 * len(own & void) <= len(own):
            fp[label] += 1
    for number, (label, _) in enumerate(truths):
        fn[label] += number not in matched
    return torch.tensor(iou, dtype=torch.float64), torch.tensor(tp), torch.tensor(fp), torch.tensor(fn)


def _listed(segments: torch.Tensor, classes: torch.Tensor) -> list[tuple[int, Pixels]]:
    """Class and pixels of every segment that has any."""
    every = [(label, _where(segments == number)) for number, label in enumerate(classes.tolist(), start=1)]
    return [(label, pixels) for label, pixels in every if pixels]


def quality(iou: Sequence[float], tp: Sequence[int], fp: Sequence[int], fn: Sequence[int]) -> tuple[torch.Tensor, ...]:
    """(pq, sq, rq), class by class."""
    rows = []
    for total, hits, wrong, missed in zip(iou, tp, fp, fn, strict=True):
        size = hits + wrong / 2 + missed / 2
        rows.append((total / size, total / hits if hits else 0.0, hits / size) if size else (math.nan,) * 3)
    return tuple(torch.tensor(column, dtype=torch.float64) for column in zip(*rows, strict=True))
