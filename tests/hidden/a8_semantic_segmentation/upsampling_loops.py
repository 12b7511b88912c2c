"""Upsampling once more, slow and obvious: pixel by pixel from the formulas of the handout.

Every function works on float64 and can be followed by autograd, so that it gives gradients too.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

import torch

from autograder.checks import oracle_gradients

__all__ = [
    "ENLARGED",
    "bed_of_nails",
    "bicubic",
    "bilinear",
    "gradient",
    "max_pool",
    "max_unpool",
    "nearest",
    "unpooled_gradient",
]

Tensor = torch.Tensor
Size = tuple[int, int]


def bed_of_nails(x: Tensor, scale: int) -> Tensor:
    samples, channels, height, width = x.shape
    out = x.new_zeros(samples, channels, height * scale, width * scale)
    for i in range(height):
        for j in range(width):
            out[:, :, i * scale, j * scale] = x[:, :, i, j]
    return out


def nearest(x: Tensor, size: Size) -> Tensor:
    out = x.new_zeros(*x.shape[:2], *size)
    for i in range(size[0]):
        for j in range(size[1]):
            # Where the centre of the output pixel lies, as a fraction: no rounding anywhere.
            row = math.floor(Fraction(2 * i + 1, 2) * x.shape[2] / size[0])
            column = math.floor(Fraction(2 * j + 1, 2) * x.shape[3] / size[1])
            out[:, :, i, j] = x[:, :, row, column]
    return out


def _tent(t: float) -> float:
    return max(0.0, 1.0 - abs(t))


def _cubic(t: float, a: float = -0.75) -> float:
    t = abs(t)
    if t <= 1:
        return (a + 2) * t**3 - (a + 3) * t**2 + 1
    return a * t**3 - 5 * a * t**2 + 8 * a * t - 4 * a if t < 2 else 0.0


def _interpolated(x: Tensor, size: Size, kernel: Callable[[float], float], reach: int) -> Tensor:
    """The double sum over all neighbours with a weight; one outside of the image means the nearest one inside."""
    height, width = x.shape[2:]
    out = x.new_zeros(*x.shape[:2], *size)
    for r in range(size[0]):
        for q in range(size[1]):
            s, t = (r + 0.5) * height / size[0] - 0.5, (q + 0.5) * width / size[1] - 0.5
            for i in range(math.floor(s) - reach, math.floor(s) + reach + 1):
                for j in range(math.floor(t) - reach, math.floor(t) + reach + 1):
                    inside = x[:, :, min(max(i, 0), height - 1), min(max(j, 0), width - 1)]
                    out[:, :, r, q] += inside * (kernel(s - i) * kernel(t - j))
    return out


def bilinear(x: Tensor, size: Size) -> Tensor:
    return _interpolated(x, size, _tent, 1)


def bicubic(x: Tensor, size: Size) -> Tensor:
    return _interpolated(x, size, _cubic, 2)


ENLARGED: dict[str, Callable[[Tensor, Size], Tensor]] = {"nearest": nearest, "bilinear": bilinear, "bicubic": bicubic}


def gradient(name: str, upstream: Tensor, size: Size) -> Tensor:
    """The gradient of a resizing for inputs of this size, by autograd over the loop."""
    x, wanted = upstream.new_zeros(*upstream.shape[:2], *size), tuple(upstream.shape[2:])
    return oracle_gradients(lambda x: ENLARGED[name](x, wanted), [x], upstream)[0]


def max_pool(x: Tensor, window: int) -> tuple[Tensor, Tensor]:
    samples, channels, height, width = x.shape
    out = x.new_zeros(samples, channels, height // window, width // window)
    positions = torch.zeros(out.shape, dtype=torch.int64)
    for place in _places(out):
        n, c, i, j = place
        cells = [(i * window + u, j * window + v) for u in range(window) for v in range(window)]
        best = max(cells, key=lambda cell: x[n, c, cell[0], cell[1]].item())  # max() keeps the first of equal ones
        out[place], positions[place] = x[n, c, best[0], best[1]], best[0] * width + best[1]
    return out, positions


def max_unpool(x: Tensor, positions: Tensor, size: Size) -> Tensor:
    """Also the gradient of max pooling: what arrives goes to where the largest pixel was."""
    out = x.new_zeros(*x.shape[:2], *size)
    for place in _places(x):
        row, column = divmod(positions[place].item(), size[1])
        out[place[0], place[1], row, column] = x[place]
    return out


def unpooled_gradient(upstream: Tensor, positions: Tensor) -> Tensor:
    out = upstream.new_zeros(positions.shape)
    for place in _places(positions):
        row, column = divmod(positions[place].item(), upstream.shape[3])
        out[place] = upstream[place[0], place[1], row, column]
    return out


def _places(x: Tensor) -> list[tuple[int, ...]]:
    return [tuple(place) for place in torch.cartesian_prod(*(torch.arange(side) for side in x.shape)).tolist()]
