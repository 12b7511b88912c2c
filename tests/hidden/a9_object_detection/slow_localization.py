"""The multitask loss and normalized boxes once more, in float64, sample after sample; autograd can follow them."""

from __future__ import annotations

import torch

__all__ = ["denormalized", "loss_of", "normalized"]


def normalized(boxes: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    height, width = size
    rows = [
        [(x1 + x2) / 2 / width, (y1 + y2) / 2 / height, (x2 - x1) / width, (y2 - y1) / height]
        for x1, y1, x2, y2 in boxes.tolist()
    ]
    return torch.tensor(rows, dtype=torch.float64).reshape(-1, 4)


def denormalized(boxes: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    height, width = size
    rows = [
        [(x - w / 2) * width, (y - h / 2) * height, (x + w / 2) * width, (y + h / 2) * height]
        for x, y, w, h in boxes.tolist()
    ]
    return torch.tensor(rows, dtype=torch.float64).reshape(-1, 4)


def loss_of(
    scores: torch.Tensor, boxes: torch.Tensor, labels: torch.Tensor, targets: torch.Tensor, weight: float
) -> torch.Tensor:
    """Cross-entropy plus `weight` times the squared distance of boxes, both as means over samples; 0 of none."""
    if len(scores) == 0:
        return torch.zeros((), dtype=torch.float64)
    total = torch.zeros((), dtype=torch.float64)
    for n, label in enumerate(labels.tolist()):
        row = scores[n].to(torch.float64)
        largest = row.max().detach()
        what = largest + (row - largest).exp().sum().log() - row[label]
        where = sum((boxes[n, k].to(torch.float64) - targets[n, k]) ** 2 for k in range(4))
        total = total + what + weight * where
    return total / len(scores)
