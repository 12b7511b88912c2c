"""Boxes once more, one pair after the other, on Python numbers: what the reference itself is held against.

All of it takes (N, 4) tensors and answers in float64, or in whole numbers where indices are asked for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch

__all__ = [
    "Iou",
    "boxes_in",
    "clipped",
    "corners_of_centred",
    "corners_of_cornered",
    "decoded",
    "encoded",
    "iou_matrix",
    "kept",
    "kept_by_class",
    "positions_in",
]

LIMIT = math.log(1000 / 16)

# IoU of every box of one list with every box of another.
Iou = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def corners_of_cornered(boxes: torch.Tensor) -> torch.Tensor:
    """(x, y, w, h) to corners."""
    return _each(boxes, lambda x, y, w, h: (x, y, x + w, y + h))


def corners_of_centred(boxes: torch.Tensor) -> torch.Tensor:
    """(cx, cy, w, h) to corners."""
    return _each(boxes, lambda x, y, w, h: (x - w / 2, y - h / 2, x + w / 2, y + h / 2))


def clipped(boxes: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    height, width = size

    def clip(x1: float, y1: float, x2: float, y2: float) -> tuple[float, ...]:
        return tuple(
            min(max(value, 0.0), side) for value, side in zip((x1, y1, x2, y2), (width, height) * 2, strict=True)
        )

    return _each(boxes, clip)


def _each(boxes: torch.Tensor, change: Callable[..., tuple[float, ...]]) -> torch.Tensor:
    """Change box after box, whatever the leading shape."""
    rows = [change(*row) for row in boxes.reshape(-1, 4).tolist()]
    return torch.tensor(rows, dtype=torch.float64).reshape(boxes.shape)


def iou_matrix(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """(N, 4), (M, 4) -> (N, M)."""
    rows = [[_iou(one, other) for other in b.tolist()] for one in a.tolist()]
    return torch.tensor(rows, dtype=torch.float64).reshape(len(a), len(b))


def _iou(a: Sequence[float], b: Sequence[float]) -> float:
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    intersection = width * height if width > 0 and height > 0 else 0.0
    union = _area(a) + _area(b) - intersection
    return intersection / union if union > 0 else 0.0


def _area(box: Sequence[float]) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def positions_in(h: int, w: int, H: int, W: int) -> int:
    """By trying every place."""
    return sum(1 for y in range(H) for x in range(W) if y + h <= H and x + w <= W)


def boxes_in(H: int, W: int) -> int:
    """By counting the positions of every size."""
    return sum(positions_in(h, w, H, W) for h in range(1, H + 1) for w in range(1, W + 1))


def kept(boxes: torch.Tensor, scores: torch.Tensor, threshold: float, iou: Iou = iou_matrix) -> torch.Tensor:
    """Non-maximum suppression: indices, the best first."""
    overlaps = iou(boxes, boxes).tolist()
    found: list[int] = []
    for candidate in _best_first(scores):
        if all(overlaps[candidate][other] <= threshold for other in found):
            found.append(candidate)
    return torch.tensor(found, dtype=torch.int64)


def kept_by_class(
    boxes: torch.Tensor, scores: torch.Tensor, labels: torch.Tensor, threshold: float, iou: Iou = iou_matrix
) -> torch.Tensor:
    """The same, where only boxes of one class suppress each other."""
    overlaps, classes = iou(boxes, boxes).tolist(), labels.tolist()
    found: list[int] = []
    for candidate in _best_first(scores):
        rivals = [other for other in found if classes[other] == classes[candidate]]
        if all(overlaps[candidate][other] <= threshold for other in rivals):
            found.append(candidate)
    return torch.tensor(found, dtype=torch.int64)


def _best_first(scores: torch.Tensor) -> list[int]:
    values = scores.tolist()
    return sorted(range(len(values)), key=lambda index: (-values[index], index))


def encoded(proposals: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Transforms, one proposal after the other."""
    rows = []
    for p, b in zip(proposals.tolist(), targets.tolist(), strict=True):
        (px, py, pw, ph), (bx, by, bw, bh) = _centred(p), _centred(b)
        rows.append([(bx - px) / pw, (by - py) / ph, math.log(bw / pw), math.log(bh / ph)])
    return torch.tensor(rows, dtype=torch.float64).reshape(-1, 4)


def _centred(box: Sequence[float]) -> tuple[float, float, float, float]:
    x1, y1, x2, y2 = box
    return (x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1


def decoded(proposals: torch.Tensor, transforms: torch.Tensor) -> torch.Tensor:
    """Boxes, by the formula; autograd can follow it."""
    x1, y1, x2, y2 = proposals.unbind(dim=1)
    tx, ty, tw, th = transforms.unbind(dim=1)
    w, h = (x2 - x1) * torch.exp(tw.clamp(max=LIMIT)), (y2 - y1) * torch.exp(th.clamp(max=LIMIT))
    x, y = (x1 + x2) / 2 + (x2 - x1) * tx, (y1 + y2) / 2 + (y2 - y1) * ty
    return torch.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], dim=1)
