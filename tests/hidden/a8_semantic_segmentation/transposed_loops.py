"""Transposed convolution once more, slow and obvious: pixel by pixel from the formulas of the handout."""

from __future__ import annotations

from itertools import product
from typing import Any

import torch

from autograder.checks import oracle_gradients

__all__ = [
    "convolution_1d",
    "convolution_matrix",
    "gradients",
    "output_size",
    "plain_convolution",
    "transposed_1d",
    "transposed_by_matrix",
    "transposed_convolution",
]

Tensor = torch.Tensor


def transposed_1d(x: Tensor, w: Tensor, stride: int) -> Tensor:
    out = x.new_zeros((len(x) - 1) * stride + len(w) if len(x) else 0)
    for i in range(len(x)):
        for k in range(len(w)):
            out[i * stride + k] += x[i] * w[k]
    return out


def convolution_1d(x: Tensor, w: Tensor, stride: int, padding: int) -> Tensor:
    """A filter slid over a padded vector, window by window."""
    padded = torch.cat([x.new_zeros(padding), x, x.new_zeros(padding)])
    starts = range(0, len(padded) - len(w) + 1, stride)
    return torch.stack([(padded[start : start + len(w)] * w).sum() for start in starts])


def convolution_matrix(w: Tensor, length: int, stride: int, padding: int) -> Tensor:
    """Column j is what the convolution makes of the j-th unit vector."""
    units = torch.eye(length + 2 * padding, dtype=w.dtype)
    return torch.stack([convolution_1d(unit, w, stride, 0) for unit in units], dim=1)


def transposed_by_matrix(y: Tensor, w: Tensor, length: int, stride: int, padding: int) -> Tensor:
    """Every entry of y lays down a copy of w; what falls into the padding is cut off."""
    whole = y.new_zeros(length + 2 * padding)
    for i in range(len(y)):
        for k in range(len(w)):
            whole[i * stride + k] += y[i] * w[k]
    return whole[padding : padding + length]


def output_size(x: Tensor, w: Tensor, param: dict[str, int]) -> tuple[int, ...]:
    stride, padding, extra = param["stride"], param["padding"], param["output_padding"]
    return tuple((x.shape[axis] - 1) * stride - 2 * padding + w.shape[axis] + extra for axis in (2, 3))


def transposed_convolution(x: Tensor, w: Tensor, b: Tensor, param: dict[str, int]) -> Tensor:
    """Where filter position (u, v) of input pixel (i, j) falls into the result, its product is added."""
    stride, padding = param["stride"], param["padding"]
    height, width = output_size(x, w, param)
    out = x.new_zeros(x.shape[0], w.shape[1], height, width)
    for i, j, u, v in product(range(x.shape[2]), range(x.shape[3]), range(w.shape[2]), range(w.shape[3])):
        row, column = i * stride + u - padding, j * stride + v - padding
        if 0 <= row < height and 0 <= column < width:
            out[:, :, row, column] += x[:, :, i, j] @ w[:, :, u, v]
    return out + b[:, None, None]


def gradients(upstream: Tensor, x: Tensor, w: Tensor, b: Tensor, param: dict[str, int]) -> tuple[Tensor, ...]:
    """(dx, dw, db), by autograd over the loop."""

    def forward(*tensors: Any) -> Tensor:
        return transposed_convolution(*tensors, param)

    return oracle_gradients(forward, [x, w, b], upstream)


def plain_convolution(x: Tensor, w: Tensor, b: Tensor, padding: tuple[int, int]) -> Tensor:
    """Filters (F, C, HH, WW) slid over padded images with stride 1, unflipped."""
    p, q = padding
    padded = x.new_zeros(*x.shape[:2], x.shape[2] + 2 * p, x.shape[3] + 2 * q)
    padded[:, :, p : p + x.shape[2], q : q + x.shape[3]] = x
    tall, wide = (padded.shape[axis] - w.shape[axis] + 1 for axis in (2, 3))
    out = x.new_zeros(len(x), len(w), tall, wide)
    for i, j in product(range(tall), range(wide)):
        window = padded[:, :, i : i + w.shape[2], j : j + w.shape[3]]
        out[:, :, i, j] = torch.einsum("ncuv,fcuv->nf", window, w)
    return out + b[:, None, None]
