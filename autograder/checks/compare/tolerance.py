"""The tolerances of comparisons: one table, by dtype."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import torch

__all__ = ["TOLERANCES", "Tolerance", "looser", "tolerance_for"]


@dataclass(frozen=True)
class Tolerance:
    """`actual` is close to `expected` where |actual - expected| <= atol + rtol * |expected|.

    With only one of the numbers, tiny or huge values would pass unchecked. So a caller gives both, or neither.
    """

    rtol: float
    atol: float


# They allow another order of summation over some thousand terms of order one, but no lower precision in between.
TOLERANCES: Mapping[torch.dtype, Tolerance] = MappingProxyType(
    {
        torch.float64: Tolerance(rtol=1e-7, atol=1e-8),
        torch.float32: Tolerance(rtol=1e-4, atol=1e-5),
        torch.bfloat16: Tolerance(rtol=3e-2, atol=1e-2),
        torch.float16: Tolerance(rtol=5e-3, atol=1e-3),
    }
)
EXACT = Tolerance(rtol=0.0, atol=0.0)


def tolerance_for(dtype: torch.dtype, rtol: float | None = None, atol: float | None = None) -> Tolerance:
    """The table's row for a dtype, or the caller's own pair; whole numbers and booleans must be equal.

    Raises:
        ValueError: only one of rtol and atol is given, or one is negative or not a number.
    """
    if (rtol is None) != (atol is None):
        raise ValueError("give both rtol and atol, or neither")
    if rtol is not None and atol is not None:
        if not (rtol >= 0.0 and atol >= 0.0):
            raise ValueError(f"rtol {rtol} and atol {atol} must not be negative")
        return Tolerance(rtol, atol)
    return TOLERANCES.get(dtype, EXACT)


def looser(one: Tolerance, other: Tolerance) -> Tolerance:
    """The larger of both tolerances."""
    return Tolerance(max(one.rtol, other.rtol), max(one.atol, other.atol))
