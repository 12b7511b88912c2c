"""What R-CNN is made of, once more: sliding boxes, components, merging regions, crops, targets and detections.

Segmentation and search also tell how clear their decisions were, so that a check can ask where rounding decides
nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from slow_boxes import clipped, decoded, encoded, iou_matrix, kept_by_class

__all__ = ["box_of", "components", "crops_of", "detections_of", "proposals_of", "slid", "targets_of"]


def slid(size: tuple[int, int], box: tuple[int, int], stride: int) -> torch.Tensor:
    (H, W), (h, w) = size, box
    rows = [[x, y, x + w, y + h] for y in range(0, H, stride) for x in range(0, W, stride) if y + h <= H and x + w <= W]
    return torch.tensor(rows, dtype=torch.float32).reshape(-1, 4)


def components(image: torch.Tensor, scale: float, min_size: int) -> tuple[torch.Tensor, float]:
    """Labels of all pixels by joining sets, and by how much the closest comparison was decided."""
    height, width = image.shape[1:]
    of = {pixel: frozenset([pixel]) for pixel in range(height * width)}
    internal = {of[pixel]: 0.0 for pixel in of}
    edges = sorted(_edges(image))
    margin = math.inf
    for weight, i, j in edges:
        a, b = of[i], of[j]
        if a is b:
            continue
        room = min(internal[a] + scale / len(a), internal[b] + scale / len(b)) - weight
        margin = min(margin, abs(room)) if room else margin
        if room >= 0:
            _join(of, a, b)
            internal[of[i]] = weight
    for _, i, j in edges:
        if of[i] is not of[j] and min(len(of[i]), len(of[j])) < min_size:
            _join(of, of[i], of[j])
    seen: list[frozenset[int]] = []
    for pixel in range(height * width):
        if of[pixel] not in seen:
            seen.append(of[pixel])
    labels = [seen.index(of[pixel]) for pixel in range(height * width)]
    return torch.tensor(labels, dtype=torch.int64).reshape(height, width), margin


def _edges(image: torch.Tensor) -> list[tuple[float, int, int]]:
    """(weight, i, j) of all eight neighbours, by the given order: weight, then i, then j."""
    height, width = image.shape[1:]
    colours = image.to(torch.float64)
    found = []
    for y in range(height):
        for x in range(width):
            for down, right in ((0, 1), (1, -1), (1, 0), (1, 1)):
                if y + down < height and 0 <= x + right < width:
                    difference = colours[:, y, x] - colours[:, y + down, x + right]
                    weight = float(difference.square().sum().sqrt())
                    found.append((weight, y * width + x, (y + down) * width + x + right))
    return found


def _join(of: dict[int, frozenset[int]], a: frozenset[int], b: frozenset[int]) -> None:
    both = a | b
    for pixel in both:
        of[pixel] = both


def proposals_of(
    image: torch.Tensor, labels: torch.Tensor, min_side: int = 6, weighed: bool = True
) -> tuple[torch.Tensor, float]:
    """Boxes by merging masks, and by how much the closest choice was decided (0 for a tie).

    Args:
        weighed: False makes a mistake: the histogram of two regions is then the mean of theirs, whatever their sizes.
    """
    masks = [labels == number for number in range(int(labels.max()) + 1)]
    shares = [_histogram(image, mask) for mask in masks]
    alive, margin = set(range(len(masks))), math.inf
    known: dict[tuple[int, int], float] = {}  # of two masks that nothing has changed since
    while True:
        pairs = [(i, j) for i in sorted(alive) for j in sorted(alive) if i < j and _touch(masks[i], masks[j])]
        if not pairs:
            break
        for pair in pairs:
            if pair not in known:
                i, j = pair
                known[pair] = _similarity(masks[i], masks[j], shares[i], shares[j])
        ranked = sorted(pairs, key=lambda pair: (-known[pair], pair))
        if len(ranked) > 1:
            margin = min(margin, known[ranked[0]] - known[ranked[1]])
        i, j = ranked[0]
        alive = (alive - {i, j}) | {len(masks)}
        masks.append(masks[i] | masks[j])
        mean = [(one + other) / 2 for one, other in zip(shares[i], shares[j], strict=True)]
        shares.append(_histogram(image, masks[-1]) if weighed else mean)
    boxes: list[tuple[int, ...]] = []
    for mask in masks:
        x1, y1, x2, y2 = box_of(mask)
        if x2 - x1 >= min_side and y2 - y1 >= min_side and (x1, y1, x2, y2) not in boxes:
            boxes.append((x1, y1, x2, y2))
    return torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4), margin


def _touch(a: torch.Tensor, b: torch.Tensor) -> bool:
    """Whether a pixel of one has a common edge with a pixel of the other."""
    side = (a[:, :-1] & b[:, 1:]).any() | (b[:, :-1] & a[:, 1:]).any()
    return bool(side | (a[:-1] & b[1:]).any() | (b[:-1] & a[1:]).any())


def box_of(mask: torch.Tensor) -> tuple[int, int, int, int]:
    """The smallest box around a mask."""
    rows, columns = mask.nonzero().unbind(dim=1)
    return int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1


def _similarity(a: torch.Tensor, b: torch.Tensor, first: list[float], second: list[float]) -> float:
    """Of two masks with these histograms."""
    total, size, (x1, y1, x2, y2) = a.numel(), int(a.sum() + b.sum()), box_of(a | b)
    colour = sum(min(one, other) for one, other in zip(first, second, strict=True))
    return colour + 1 - size / total + 1 - ((x2 - x1) * (y2 - y1) - size) / total


def _histogram(image: torch.Tensor, mask: torch.Tensor) -> list[float]:
    """75 shares. Counting all pixels anew is the mean of two histograms weighted by size."""
    counts = [0] * 75
    for channel in range(3):
        for value in image[channel][mask].tolist():
            counts[25 * channel + min(24, int(value * 25))] += 1
    return [count / sum(counts) for count in counts]


def crops_of(image: torch.Tensor, boxes: torch.Tensor, size: int, context: float = 0.0) -> torch.Tensor:
    """(N, C, size, size) float64, pixel after pixel."""
    channels, height, width = image.shape
    out = torch.zeros(len(boxes), channels, size, size, dtype=torch.float64)
    picture = image.to(torch.float64)
    for n, (x1, y1, x2, y2) in enumerate(boxes.to(torch.float64).tolist()):
        w, h = x2 - x1, y2 - y1
        left, top, wide, high = x1 - context * w, y1 - context * h, w + 2 * context * w, h + 2 * context * h
        for r in range(size):
            for c in range(size):
                y = min(max(top + (r + 0.5) * high / size - 0.5, 0.0), height - 1.0)
                x = min(max(left + (c + 0.5) * wide / size - 0.5, 0.0), width - 1.0)
                i, j = math.floor(y), math.floor(x)
                for row, part in ((i, i + 1 - y), (min(i + 1, height - 1), y - i)):
                    for column, share in ((j, j + 1 - x), (min(j + 1, width - 1), x - j)):
                        out[n, :, r, c] += part * share * picture[:, row, column]
    return out


def targets_of(
    proposals: torch.Tensor,
    boxes: torch.Tensor,
    labels: torch.Tensor,
    positive: float = 0.5,
    box_iou: Callable[..., Any] = iou_matrix,
    encode_boxes: Callable[..., Any] = encoded,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Class and transform of each proposal."""
    classes, transforms = [], torch.zeros(len(proposals), 4, dtype=torch.float64)
    overlaps = box_iou(proposals, boxes).tolist() if len(boxes) and len(proposals) else []
    for n in range(len(proposals)):
        best = max(range(len(boxes)), key=lambda g: (overlaps[n][g], -g)) if len(boxes) else None
        if best is None or overlaps[n][best] < positive:
            classes.append(0)
            continue
        classes.append(1 + int(labels[best]))
        transforms[n] = encode_boxes(proposals[n : n + 1], boxes[best : best + 1])[0].to(torch.float64)
    return torch.tensor(classes, dtype=torch.int64), transforms


def detections_of(
    scores: torch.Tensor,
    transforms: torch.Tensor,
    proposals: torch.Tensor,
    size: tuple[int, int],
    score_threshold: float = 0.05,
    nms_threshold: float = 0.3,
    limit: int = 100,
    decode_boxes: Callable[..., Any] = decoded,
    clip_boxes: Callable[..., Any] = clipped,
    nms_by_class: Callable[..., Any] = kept_by_class,
) -> dict[str, torch.Tensor]:
    """Boxes, scores and labels, the best first."""
    boxes = clip_boxes(decode_boxes(proposals, transforms), size).to(torch.float64)
    found: list[tuple[Sequence[float], float, int]] = []
    for n, row in enumerate(scores.to(torch.float64).tolist()):
        largest = max(row)
        total = sum(math.exp(value - largest) for value in row)
        for label, value in enumerate(row[1:]):
            probability = math.exp(value - largest) / total
            x1, y1, x2, y2 = boxes[n].tolist()
            if probability > score_threshold and x2 > x1 and y2 > y1:
                found.append(((x1, y1, x2, y2), probability, label))
    all_boxes = torch.tensor([box for box, _, _ in found], dtype=torch.float64).reshape(-1, 4)
    all_scores = torch.tensor([score for _, score, _ in found], dtype=torch.float64)
    all_labels = torch.tensor([label for _, _, label in found], dtype=torch.int64)
    best = nms_by_class(all_boxes, all_scores, all_labels, nms_threshold)[:limit]
    return {"boxes": all_boxes[best], "scores": all_scores[best], "labels": all_labels[best]}
