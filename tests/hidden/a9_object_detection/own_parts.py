"""A function of the student's that builds on another one: it is right if it is right with ours, or with the student's
own.

So a mistake in `box_iou` costs what is asked about `box_iou`, and not the same again wherever boxes overlap.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import torch

from autograder.checks import CheckFailed, Proxy, StudentError, plain_tensor

__all__ = ["accepts", "differences_by_row", "judge", "own_iou", "own_rows"]

T = TypeVar("T")


def judge(check: Callable[[T], None], ours: T, theirs: T) -> None:
    """Run `check` with our part and, where that fails, with the student's own; fail as it failed with ours."""
    try:
        check(ours)
    except CheckFailed as first:
        if not accepts(check, theirs):
            raise first from None


def accepts(check: Callable[[T], None], part: T) -> bool:
    """Whether `check` passes with this part."""
    try:
        check(part)
    except (CheckFailed, StudentError):
        return False
    return True


def own_iou(student: Proxy) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
    """The `box_iou` that the student's file has, its answers looked at before they are used."""

    def iou(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return _numbers(student.box_iou(a, b), (len(a), len(b)))

    return iou


def own_rows(function: Proxy) -> Callable[..., torch.Tensor]:
    """A function of the student's that gives four numbers for each row of its first argument."""
    return lambda *arguments: _numbers(function(*arguments), (len(arguments[0]), 4))


def _numbers(value: Any, shape: Sequence[int]) -> torch.Tensor:
    found = plain_tensor(value, "the answer").detach().cpu()
    if found.shape != torch.Size(shape) or not found.is_floating_point():
        raise CheckFailed("the answer is not of the shape that was asked for")
    return found.to(torch.float64)


def differences_by_row(
    function: Callable[[torch.Tensor], torch.Tensor], x: torch.Tensor, upstream: torch.Tensor, h: float = 1e-6
) -> torch.Tensor:
    """The gradient of sum(function(x) * upstream) by (f(x + h) - f(x - h)) / 2h, where row n hangs on row n only: one
    column of x, (N, 4), at a time."""
    found = torch.zeros_like(x)
    for column in range(x.shape[1]):
        step = torch.zeros_like(x)
        step[:, column] = h
        found[:, column] = ((function(x + step) - function(x - step)) * upstream).sum(dim=1) / (2 * h)
    return found
