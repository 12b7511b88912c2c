"""Draws a case's inputs, the same bits on every platform for the same seed."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import torch

__all__ = ["Draw"]

T = TypeVar("T")

# An Irwin-Hall sum of this many uniforms has variance 1.
UNIFORMS_PER_NORMAL = 12


class Draw:
    """A stream of inputs.

    Everything is made from PCG64's raw bits, which numpy promises never to change, by operations that IEEE 754 makes
    exact: a recorded answer still fits its inputs on another machine, with another numpy.

    Args:
        seed: any whole number that is not negative.
    """

    def __init__(self, seed: int) -> None:
        self._bits = np.random.PCG64(seed)

    def uniform(
        self, *shape: int, low: float = 0.0, high: float = 1.0, dtype: torch.dtype = torch.float64
    ) -> torch.Tensor:
        """Uniform over [low, high)."""
        unit = self._raw(prod(shape)) >> np.uint64(11)
        values = unit.astype(np.float64) * 2.0**-53 * (high - low) + low
        return torch.from_numpy(values.reshape(shape)).to(dtype)

    def normal(self, *shape: int, scale: float = 1.0, dtype: torch.dtype = torch.float64) -> torch.Tensor:
        """Mean 0, standard deviation `scale`, bell-shaped, within six deviations: a sum of twelve uniforms."""
        units = self._raw(UNIFORMS_PER_NORMAL * prod(shape)).reshape(UNIFORMS_PER_NORMAL, *shape) >> np.uint64(11)
        total = units.sum(axis=0, dtype=np.uint64)  # of whole numbers below 2**53: exact in any order
        values = np.asarray((total.astype(np.float64) * 2.0**-53 - UNIFORMS_PER_NORMAL / 2) * scale)
        return torch.from_numpy(values.reshape(shape)).to(dtype)

    def distinct(self, *shape: int, dtype: torch.dtype = torch.float64) -> torch.Tensor:
        """Values in (-3, 3) of which no two are equal or nearly so, in random order: a maximum is never in doubt."""
        count = prod(shape)
        ranks = torch.from_numpy(np.argsort(self._raw(count), kind="stable").reshape(shape)).to(torch.float64)
        jitter = self.uniform(*shape, low=0.25, high=0.75)
        return ((ranks + jitter) / max(count, 1) * 6.0 - 3.0).to(dtype)

    def integers(self, low: int, high: int, shape: Sequence[int] = ()) -> torch.Tensor:
        """Whole numbers in [low, high), int64."""
        offsets = (self._raw(prod(shape)) % np.uint64(high - low)).astype(np.int64)
        return torch.from_numpy(np.asarray(offsets + low).reshape(tuple(shape)))

    def labels(self, count: int, classes: int) -> torch.Tensor:
        """Class indices, (count,) int64."""
        return self.integers(0, classes, (count,))

    def permutation(self, count: int) -> torch.Tensor:
        """0 ... count - 1 in random order, (count,) int64."""
        return torch.from_numpy(np.argsort(self._raw(count), kind="stable").astype(np.int64))

    def choice(self, options: Sequence[T]) -> T:
        """One of the options. Raises ValueError where there is none."""
        if not options:
            raise ValueError("nothing to choose from")
        return options[int(self.integers(0, len(options)))]

    def seed(self) -> int:
        """A derived seed in [0, 2**31)."""
        return int(self._raw(1)[0] >> np.uint64(33))

    def _raw(self, count: int) -> npt.NDArray[np.uint64]:
        return np.asarray(self._bits.random_raw(count), dtype=np.uint64).reshape(count)
