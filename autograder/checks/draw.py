"""Draws a case's inputs, the same bits on every platform for the same seed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, MutableMapping, Sequence
from math import prod
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import torch

from autograder.errors import GraderError

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
        answers: the values that a run computes once. `until` stores here at which place of the stream it found a value.
    """

    def __init__(self, seed: int, answers: MutableMapping[bytes, Any] | None = None) -> None:
        self._seed, self._bits = seed, np.random.PCG64(seed)
        self._answers = {} if answers is None else answers

    def uniform(
        self, *shape: int, low: float = 0.0, high: float = 1.0, dtype: torch.dtype = torch.float64
    ) -> torch.Tensor:
        """Uniform over [low, high)."""
        unit = self._raw(prod(shape)) >> np.uint64(11)
        values = unit.astype(np.float64) * 2.0**-53 * (high - low) + low
        return torch.from_numpy(values.reshape(shape)).to(dtype)

    def normal(self, *shape: int, scale: float = 1.0, dtype: torch.dtype = torch.float64) -> torch.Tensor:
        """Nearly normal, from a sum of twelve uniforms: mean 0, standard deviation `scale`, within six deviations."""
        units = self._raw(UNIFORMS_PER_NORMAL * prod(shape)).reshape(UNIFORMS_PER_NORMAL, *shape) >> np.uint64(11)
        total = units.sum(axis=0, dtype=np.uint64)  # of whole numbers below 2**53: exact in any order
        values = np.asarray((total.astype(np.float64) * 2.0**-53 - UNIFORMS_PER_NORMAL / 2) * scale)
        return torch.from_numpy(values.reshape(shape)).to(dtype)

    def distinct(self, *shape: int, dtype: torch.dtype = torch.float64) -> torch.Tensor:
        """Values in (-3, 3), no two of them equal or nearly equal, in random order: a maximum is always clear."""
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

    def boxes(self, count: int, height: float, width: float, dtype: torch.dtype = torch.float64) -> torch.Tensor:
        """Boxes inside an image, (count, 4) with rows (x1, y1, x2, y2) in pixels, x to the right and y down.

        Every side is a tenth of the image's or longer: x1 + width / 10 <= x2 <= width.
        """
        size = torch.tensor([width, height], dtype=torch.float64)
        sides = self.uniform(count, 2, low=0.1) * size
        corner = self.uniform(count, 2) * (size - sides)
        return torch.cat([corner, corner + sides], dim=1).to(dtype)

    def whole_boxes(self, count: int, height: int, width: int, dtype: torch.dtype = torch.float64) -> torch.Tensor:
        """Boxes as from `boxes`, with whole numbers as coordinates, for exact ties. Every side is 1 or longer."""
        columns, rows = (self._whole_sides(count, size) for size in (width, height))
        return torch.stack([columns[0], rows[0], columns[1], rows[1]], dim=1).to(dtype)

    def until(self, function: Callable[[Draw], T], holds: Callable[[T], bool], tries: int = 1000) -> T:
        """The first value of `function(self)` for which `holds` is true.

        A check uses it for inputs on which no two compared numbers are close, since a right answer must not depend on
        the last bit. `holds` runs once in a run, so it may take long. Neither function may depend on a submission.

        Raises:
            GraderError: `holds` is false for all of `tries` draws.

        >>> Draw(0).until(lambda rng: int(rng.integers(0, 100)), lambda number: number % 10 == 0) % 10
        0
        """
        place = f"until {self._seed} {self._bits.state['state']['state']} {function.__qualname__}"
        key = hashlib.blake2b(place.encode(), digest_size=16).digest()
        if key in self._answers:
            self._bits.state = self._answers[key]
            return function(self)
        for _ in range(tries):
            before = self._bits.state
            value = function(self)
            if holds(value):
                self._answers[key] = before
                return value
        raise GraderError(f"none of {tries} draws is as the check asks")

    def choice(self, options: Sequence[T]) -> T:
        """One of the options. Raises ValueError if there are none."""
        if not options:
            raise ValueError("nothing to choose from")
        return options[int(self.integers(0, len(options)))]

    def seed(self) -> int:
        """A derived seed in [0, 2**31)."""
        return int(self._raw(1)[0] >> np.uint64(33))

    def _whole_sides(self, count: int, size: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Pairs of whole numbers, 0 <= first < second <= size, each equally likely."""
        pairs = torch.combinations(torch.arange(size + 1))
        first, second = pairs[self.integers(0, len(pairs), (count,))].unbind(1)
        return first, second

    def _raw(self, count: int) -> npt.NDArray[np.uint64]:
        return np.asarray(self._bits.random_raw(count), dtype=np.uint64).reshape(count)
