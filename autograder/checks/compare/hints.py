"""Recognises patterns of wrong answers, and points at the mistake without showing the right answer.

Each pattern looks at a `Difference` and returns one sentence, or "" if it does not apply. They are tried in order,
the most specific first. Hints for exceptions are in `checks.harness.verdict`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import permutations
from math import isfinite

import torch

from autograder.checks.compare.tolerance import TOLERANCES, Tolerance

__all__ = ["NOT_FINITE_HINT", "Difference", "hint_for"]

MAX_ELEMENTS = 1_000_000  # more would take too long
MIN_ELEMENTS = 3  # fewer agree with a pattern by chance
NOT_FINITE_HINT = "look for a division by zero, a logarithm of zero, or an overflow"


@dataclass(frozen=True)
class Difference:
    """An answer and the wanted value: same shape, float64."""

    actual: torch.Tensor
    expected: torch.Tensor
    tolerance: Tolerance
    dtype: torch.dtype  # the dtype of both before they became float64

    def close(self, actual: torch.Tensor, expected: torch.Tensor) -> torch.Tensor:
        """True for each element that is close, by the check's own rule."""
        return torch.isclose(actual, expected, rtol=self.tolerance.rtol, atol=self.tolerance.atol, equal_nan=True)

    def same(self, actual: torch.Tensor, expected: torch.Tensor) -> bool:
        return bool(self.close(actual, expected).all())

    @property
    def surely_none(self) -> bool:
        """True if everything is finite and close. This takes half the time of a search for wrong elements."""
        gap = (self.actual - self.expected).abs_()
        bound = self.expected.abs().mul_(self.tolerance.rtol).add_(self.tolerance.atol)
        return bool((gap <= bound).all()) and isfinite(float(gap.sum()))

    @cached_property
    def wrong(self) -> torch.Tensor:
        return ~self.close(self.actual, self.expected)


HintPattern = Callable[[Difference], str]


def hint_for(difference: Difference) -> str:
    """The first pattern's sentence, or ""."""
    if not MIN_ELEMENTS <= difference.actual.numel() <= MAX_ELEMENTS:
        return ""
    return next((hint for pattern in PATTERNS if (hint := pattern(difference))), "")


def _not_finite(d: Difference) -> str:
    if bool(d.actual.isfinite().all()):
        return ""
    return NOT_FINITE_HINT


def _all_zero(d: Difference) -> str:
    return "every element is 0: is the result ever written?" if not bool(d.actual.any()) else ""


def _low_precision(d: Difference) -> str:
    if d.dtype is not torch.float64:
        return ""
    single = TOLERANCES[torch.float32]
    near = torch.isclose(d.actual, d.expected, rtol=single.rtol, atol=single.atol * 1e-1)
    return "nearly right: is something computed in single precision?" if bool(near.all()) else ""


def _sign(d: Difference) -> str:
    return "every element has the wrong sign" if d.same(d.actual, -d.expected) else ""


def _factor(d: Difference) -> str:
    if int(d.expected.count_nonzero()) < MIN_ELEMENTS:
        return ""
    norm = float((d.expected * d.expected).sum())
    factor = float((d.actual * d.expected).sum()) / norm
    if not 1e-3 <= abs(factor) <= 1e3 or not d.same(d.actual, d.expected * factor):
        return ""
    return f"every element is {factor:.3g} times what it should be"


def _axes(d: Difference) -> str:
    """The axes are in another order, and the equal sizes hide it."""
    shape = d.actual.shape
    for order in permutations(range(d.actual.dim())):
        moved = tuple(shape[axis] for axis in order)
        if order != tuple(range(len(order))) and moved == tuple(shape) and d.same(d.actual.permute(order), d.expected):
            return f"right, but with its axes in another order: as if permuted by {order}"
    return ""


def _flipped(d: Difference) -> str:
    if d.actual.dim() < 2:
        return ""
    for axes, where in (((-1,), "along the last axis"), ((-2,), "along the axis before the last"), ((-2, -1), "both")):
        if d.same(d.actual.flip(axes), d.expected):
            return f"right, but flipped {where if where != 'both' else 'along the last two axes'}"
    return ""


def _offset(d: Difference) -> str:
    """The answer is off by a constant, overall or along one axis: a bias is forgotten or added twice."""
    gap = d.actual - d.expected
    if d.same(d.actual, d.expected + gap.mean()):
        return "every element is off by the same amount: is something added twice, or forgotten?"
    for axis, size in enumerate(gap.shape):
        others = [other for other in range(gap.dim()) if other != axis]
        if others and 1 < size < gap.numel() and d.same(d.actual, d.expected + gap.mean(others, keepdim=True)):
            return (
                f"off by one amount for each index of axis {axis}: is something like a bias added twice, or forgotten?"
            )
    return ""


def _one_right(d: Difference) -> str:
    """Only the first (or last) slice along an axis is right: the code skips or overwrites the others."""
    for axis, size in enumerate(d.wrong.shape):
        if size < 2:
            continue
        # Half of a slice must be wrong: fewer elements may be wrong by chance.
        bad = d.wrong.movedim(axis, 0).reshape(size, -1).to(torch.float64).mean(dim=1)
        if bad[0] == 0 and bool((bad[1:] >= 0.5).all()):
            return f"only the first index of axis {axis} is right: are the others reached?"
        if bad[-1] == 0 and bool((bad[:-1] >= 0.5).all()):
            return f"only the last index of axis {axis} is right: are the others overwritten?"
    return ""


def _edges(d: Difference) -> str:
    """The answer is wrong only in the last rows or columns, or only at the border."""
    if d.wrong.dim() < 3 or min(d.wrong.shape[-2:]) < 3:
        return ""
    if not bool(d.wrong[..., :-1, :-1].any()):
        return "wrong only in the last row or column: do the windows end where they should?"
    if not bool(d.wrong[..., 1:-1, 1:-1].any()):
        return "wrong only at the border: how are the first and last rows and columns treated?"
    return ""


def _zeros(d: Difference) -> str:
    if bool(d.actual[d.wrong].any()):
        return ""
    return "the elements that differ are all 0: is every position written?"


def _one_slice_wrong(d: Difference) -> str:
    for axis, size in enumerate(d.wrong.shape):
        bad = d.wrong.movedim(axis, 0).reshape(size, -1).any(dim=1)
        if size > 2 and int(bad.sum()) == 1 and int(d.wrong.sum()) > 1:
            return f"wrong only at index {int(bad.nonzero()[0])} of axis {axis}"
    return ""


PATTERNS: tuple[HintPattern, ...] = (
    _not_finite,
    _all_zero,
    _low_precision,
    _sign,
    _factor,
    _axes,
    _flipped,
    _offset,
    _one_right,
    _edges,
    _zeros,
    _one_slice_wrong,
)
