"""Gradients by finite differences, to hold those that you derive against."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import torch

__all__ = ["compute_numeric_gradient", "rel_error"]


def compute_numeric_gradient(
    f: Callable[[torch.Tensor], torch.Tensor],
    x: torch.Tensor,
    dLdf: torch.Tensor | None = None,
    h: float = 1e-7,
) -> torch.Tensor:
    """dL/dx by central differences: (f(x + h) - f(x - h)) / 2h for one entry of x after the other.

    Args:
        f: takes a tensor like x, returns a tensor (or a number). It must not change x.
        x: where to take the gradient; any shape, float64 advised. It is changed during the call, entry by
            entry, so that an `f` that ignores its argument and reads x sees the change too; at the end it
            holds its old values again.
        dLdf: upstream gradient in the shape of f(x); None for ones, which is L = f(x).sum().
        h: step.

    Returns:
        A new tensor in the shape of x.

    >>> x = torch.tensor([3.0, -1.0], dtype=torch.float64)
    >>> compute_numeric_gradient(lambda t: t**2, x).round(decimals=4)
    tensor([ 6., -2.], dtype=torch.float64)
    """
    gradient = torch.zeros_like(x, memory_format=torch.contiguous_format)
    flat_gradient = gradient.view(-1)
    # An index per dimension, and not x.view(-1): x need not be contiguous.
    for place, index in enumerate(itertools.product(*map(range, x.shape))):
        old = x[index].item()
        try:
            x[index] = old + h
            above = torch.as_tensor(f(x), dtype=x.dtype, device=x.device).clone()
            x[index] = old - h
            below = torch.as_tensor(f(x), dtype=x.dtype, device=x.device).clone()
        finally:
            x[index] = old
        slope = (above - below) / (2 * h)
        flat_gradient[place] = (slope if dLdf is None else slope * dLdf).sum()
    return gradient


def rel_error(x: torch.Tensor, y: torch.Tensor, eps: float = 1e-10) -> float:
    """The largest difference of two tensors in units of their size: max |x - y| / max(|x| + |y|, eps).

    Raises:
        ValueError: the shapes differ.

    >>> round(rel_error(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 2.1])), 4)
    0.0244
    """
    if x.shape != y.shape:
        raise ValueError(f"shapes differ: {tuple(x.shape)} and {tuple(y.shape)}")
    if x.numel() == 0:
        return 0.0
    top = (x - y).abs().max().item()
    bottom = (x.abs() + y.abs()).clamp(min=eps).max().item()
    return top / bottom
