"""RoI Pool and RoI Align once more, one bin and one point after the other: what answers are held against.

Everything works on float64; gradients come from `oracle_gradients` over the same loops.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

__all__ = ["aligned", "pooled", "sampled"]


def sampled(features: torch.Tensor, x: float, y: float) -> torch.Tensor:
    """(C,): the map at one point in index coordinates, by the sum over all cells."""
    channels, height, width = features.shape
    total = features.new_zeros(channels)
    if x < -1 or x > width or y < -1 or y > height:
        return total
    x, y = min(max(x, 0.0), width - 1.0), min(max(y, 0.0), height - 1.0)
    for row in range(height):
        for column in range(width):
            weight = max(0.0, 1 - abs(x - column)) * max(0.0, 1 - abs(y - row))
            if weight:
                total = total + weight * features[:, row, column]
    return total


def pooled(features: torch.Tensor, rois: torch.Tensor, size: Sequence[int], scale: float) -> torch.Tensor:
    """RoI Pool, (R, C, PH, PW)."""
    height, width = features.shape[2:]
    maps = []
    for image, *box in rois.tolist():
        x1, y1, x2, y2 = (math.floor(side * scale + 0.5) for side in box)
        tall, wide = max(y2 - y1 + 1, 1), max(x2 - x1 + 1, 1)
        bins = []
        for i in range(size[0]):
            for j in range(size[1]):
                rows = [y1 + r for r in range(tall) if (i * tall) // size[0] <= r < -(-(i + 1) * tall // size[0])]
                columns = [x1 + c for c in range(wide) if (j * wide) // size[1] <= c < -(-(j + 1) * wide // size[1])]
                cells = [
                    features[int(image), :, row, column]
                    for row in rows
                    for column in columns
                    if 0 <= row < height and 0 <= column < width
                ]
                bins.append(torch.stack(cells).amax(dim=0) if cells else features.new_zeros(features.shape[1]))
        maps.append(torch.stack(bins, dim=1).reshape(features.shape[1], *size))
    return torch.stack(maps) if maps else features.new_zeros(0, features.shape[1], *size)


def aligned(features: torch.Tensor, rois: torch.Tensor, size: Sequence[int], scale: float, ratio: int) -> torch.Tensor:
    """RoI Align, (R, C, PH, PW)."""
    maps = []
    for image, *box in rois.tolist():
        x1, y1, x2, y2 = (side * scale for side in box)
        bins = []
        for i in range(size[0]):
            for j in range(size[1]):
                total = features.new_zeros(features.shape[1])
                for a in range(ratio):
                    for b in range(ratio):
                        y = y1 + (i + (a + 0.5) / ratio) * (y2 - y1) / size[0] - 0.5
                        x = x1 + (j + (b + 0.5) / ratio) * (x2 - x1) / size[1] - 0.5
                        total = total + sampled(features[int(image)], x, y)
                bins.append(total / ratio**2)
        maps.append(torch.stack(bins, dim=1).reshape(features.shape[1], *size))
    return torch.stack(maps) if maps else features.new_zeros(0, features.shape[1], *size)
