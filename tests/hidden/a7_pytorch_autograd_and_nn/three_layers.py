"""The shapes that checks of the three-layer network run over, each named for what is special about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import pytest
import torch

from autograder.checks import Draw

__all__ = ["COURSE", "NAMES", "SIMPLE", "SQUARE_KERNELS", "TALL_KERNELS", "Network", "each"]

NAMES = ("conv_w1", "conv_b1", "conv_w2", "conv_b2", "fc_w", "fc_b")


@dataclass(frozen=True)
class Network:
    """One three-layer network: `image` is (C, H, W), a convolution is (filters, (height, width), padding)."""

    name: str
    image: tuple[int, int, int]
    conv1: tuple[int, tuple[int, int], int]
    conv2: tuple[int, tuple[int, int], int]
    classes: int
    samples: int = 3
    weight: float = 1.0

    def __str__(self) -> str:
        return self.name

    @property
    def hyperparams(self) -> dict[str, Any]:
        return {"padding": [self.conv1[2], self.conv2[2]]}

    @property
    def arguments(self) -> tuple[Any, ...]:
        """Of ThreeLayerConvNet, whose kernels are square."""
        return self.image, [(filters, size, pad) for filters, (size, _), pad in (self.conv1, self.conv2)], self.classes

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """Of the six parameters, in the order of NAMES."""
        channels, *sizes = self.image
        found: list[tuple[int, ...]] = []
        for filters, kernel, pad in (self.conv1, self.conv2):
            found += [(filters, channels, *kernel), (filters,)]
            channels = filters
            sizes = [size + 2 * pad - k + 1 for size, k in zip(sizes, kernel, strict=True)]
        return (*found, (self.classes, channels * prod(sizes)), (self.classes,))

    def draw_images(self, rng: Draw, dtype: torch.dtype = torch.float64) -> torch.Tensor:
        return rng.normal(self.samples, *self.image, dtype=dtype)

    def draw_params(self, rng: Draw, dtype: torch.dtype = torch.float64) -> list[torch.Tensor]:
        """Weights that keep activations of order one, and biases away from zero."""
        scales = [(2.0 / prod(shape[1:])) ** 0.5 if len(shape) > 1 else 0.3 for shape in self.shapes]
        return [rng.normal(*shape, scale=s, dtype=dtype) for shape, s in zip(self.shapes, scales, strict=True)]


COURSE = Network("course", (3, 32, 32), (12, (5, 5), 2), (8, (3, 3), 1), 10, samples=2, weight=9.0)

# Paddings or sizes that are mixed up do not show here.
SIMPLE = Network("keeps-the-size", (3, 6, 6), (5, (3, 3), 1), (4, (3, 3), 1), 7, weight=2.0)

SQUARE_KERNELS = (
    COURSE,
    SIMPLE,
    Network("second-unpadded", (2, 7, 5), (3, (5, 5), 2), (4, (3, 3), 0), 6),
    Network("first-unpadded", (2, 5, 8), (4, (3, 3), 0), (3, (5, 5), 2), 3),
    Network("even-kernels", (1, 6, 9), (3, (2, 2), 0), (5, (4, 4), 1), 4),
    Network("one-by-one-kernels", (4, 4, 6), (3, (1, 1), 0), (6, (1, 1), 2), 5),
    Network("one-image", (3, 9, 4), (2, (3, 3), 1), (5, (3, 3), 2), 12, samples=1),
)
TALL_KERNELS = (
    Network("tall-then-wide-kernels", (2, 6, 7), (3, (3, 1), 0), (4, (1, 4), 1), 5),
    Network("wide-then-tall-kernels", (3, 5, 6), (4, (2, 5), 2), (2, (4, 2), 0), 8),
)


def each(question: str, networks: Sequence[Network]) -> Any:
    """One case for each network, under a question. The handout's sizes have half of the weight."""
    marks = [pytest.mark.question(question, weight=network.weight) for network in networks]
    cases = [pytest.param(network, id=str(network), marks=mark) for network, mark in zip(networks, marks, strict=True)]
    return pytest.mark.parametrize("network", cases)
