"""The shapes that checks of convolution and pooling run over, small first, each named for what is special about it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F

from autograder.checks import Draw

__all__ = ["ABOVE_ZERO", "CONV", "HANDOUT_CONV", "POOL", "ConvGeometry", "PoolGeometry", "conv", "pool"]

ABOVE_ZERO = 4.0  # makes `Draw.distinct` positive


@dataclass(frozen=True)
class ConvGeometry:
    """One convolution: `images` is (N, C, H, W) of x, `kernel` is (F, HH, WW)."""

    name: str
    images: tuple[int, int, int, int]
    kernel: tuple[int, int, int]
    stride: int = 1
    pad: int = 0
    weight: float = 1.0

    def __str__(self) -> str:
        return self.name

    @property
    def param(self) -> dict[str, int]:
        return {"stride": self.stride, "pad": self.pad}

    @property
    def output(self) -> tuple[int, int, int, int]:
        """(N, F, H', W')."""
        (samples, _, height, width), (filters, tall, wide) = self.images, self.kernel
        rows, columns = ((size + 2 * self.pad - k) // self.stride + 1 for size, k in ((height, tall), (width, wide)))
        return samples, filters, rows, columns

    def draw(self, rng: Draw) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """x, w, b in float64."""
        filters, tall, wide = self.kernel
        return rng.normal(*self.images), rng.normal(filters, self.images[1], tall, wide), rng.normal(filters)


@dataclass(frozen=True)
class PoolGeometry:
    """One max pooling: `images` is (N, C, H, W) of x, `window` is (height, width)."""

    name: str
    images: tuple[int, int, int, int]
    window: tuple[int, int]
    stride: int
    weight: float = 1.0

    def __str__(self) -> str:
        return self.name

    @property
    def param(self) -> dict[str, int]:
        return {"pool_height": self.window[0], "pool_width": self.window[1], "stride": self.stride}

    @property
    def output(self) -> tuple[int, int, int, int]:
        """(N, C, H', W')."""
        samples, channels, *sizes = self.images
        rows, columns = ((size - k) // self.stride + 1 for size, k in zip(sizes, self.window, strict=True))
        return samples, channels, rows, columns

    @property
    def overlaps(self) -> bool:
        """Whether a window shares pixels with the next one."""
        return any(
            size > self.stride and windows > 1 for size, windows in zip(self.window, self.output[2:], strict=True)
        )

    def draw(self, rng: Draw) -> torch.Tensor:
        """x in float64, without ties, above zero: what a mistake makes of negative numbers is a case of its own.

        Where windows overlap, some pixel is the maximum of two of them: gradients must add up there.
        """
        return rng.until(
            lambda rng: rng.distinct(*self.images) + ABOVE_ZERO,
            lambda x: not self.overlaps or self._shares_a_maximum(x),
        )

    def _shares_a_maximum(self, x: torch.Tensor) -> bool:
        """Whether two windows of one map have the same pixel as their maximum."""
        _, winners = F.max_pool2d(x, self.window, self.stride, return_indices=True)
        return any(len(each.unique()) < each.numel() for each in winners.flatten(end_dim=1))


# Square images and filters, as in the handout: half of the weight. One of them without padding, and two of one image,
# so that a slip in either costs its share. Each has as many filters as its output has columns: a bias along the wrong
# axis raises nothing there, and shows where biases are checked.
HANDOUT_CONV = (
    ConvGeometry("handout-3x3", (2, 3, 8, 8), (8, 3, 3), pad=1, weight=5.0),
    ConvGeometry("handout-5x5", (1, 3, 8, 8), (4, 5, 5), weight=5.0),
    ConvGeometry("handout-7x7", (1, 3, 8, 8), (8, 7, 7), pad=3, weight=5.0),
    ConvGeometry("handout-stride-2", (2, 3, 8, 8), (4, 4, 4), stride=2, pad=1, weight=5.0),
)

CONV = (
    *HANDOUT_CONV,
    ConvGeometry("one-window", (1, 2, 3, 4), (2, 3, 4)),
    ConvGeometry("one-channel", (2, 1, 4, 5), (2, 3, 3)),
    ConvGeometry("one-filter", (2, 3, 5, 4), (1, 3, 3)),
    ConvGeometry("one-sample", (1, 3, 5, 5), (3, 3, 3)),
    ConvGeometry("one-by-one", (2, 4, 3, 5), (5, 1, 1)),
    ConvGeometry("even-kernel", (1, 3, 4, 4), (3, 4, 4), stride=2, pad=1),
    ConvGeometry("no-padding", (1, 2, 5, 5), (3, 3, 3)),
    ConvGeometry("tall-image", (2, 3, 9, 5), (4, 3, 3)),
    ConvGeometry("wide-image", (1, 3, 4, 8), (4, 3, 3)),
    ConvGeometry("tall-kernel", (2, 2, 7, 6), (3, 5, 2), pad=1),
    ConvGeometry("wide-kernel", (1, 2, 5, 7), (3, 1, 4), pad=2),
    ConvGeometry("five-by-five", (2, 3, 7, 6), (2, 5, 5), pad=2),
    ConvGeometry("padding-beyond-kernel", (1, 2, 3, 4), (3, 2, 2), pad=3),
    ConvGeometry("kernel-beyond-image", (2, 2, 3, 2), (3, 5, 4), pad=2),
    ConvGeometry("stride-2", (2, 3, 7, 9), (4, 3, 3), stride=2, pad=1),
    ConvGeometry("stride-3", (1, 2, 10, 7), (3, 4, 4), stride=3),
    ConvGeometry("leftover-row", (1, 2, 8, 7), (3, 3, 3), stride=2),
    ConvGeometry("leftover-column", (2, 2, 7, 8), (3, 3, 3), stride=2),
    ConvGeometry("leftover-padding", (2, 3, 6, 8), (2, 3, 3), stride=2, pad=1),
    ConvGeometry("gaps-between-windows", (2, 2, 8, 9), (3, 2, 2), stride=3, pad=1),
    ConvGeometry("all-at-once", (3, 4, 11, 8), (5, 4, 3), stride=2, pad=2),
)

POOL = (
    PoolGeometry("handout-8x8", (2, 3, 8, 8), (2, 2), 2, weight=7.0),
    PoolGeometry("handout-16x16", (2, 4, 16, 16), (2, 2), 2, weight=7.0),
    PoolGeometry("one-window", (1, 2, 3, 4), (3, 4), 1),
    PoolGeometry("one-channel", (2, 1, 4, 4), (2, 2), 2),
    PoolGeometry("one-sample", (1, 3, 4, 4), (2, 2), 2),
    PoolGeometry("halves", (2, 3, 4, 4), (2, 2), 2),
    PoolGeometry("tall-image", (2, 3, 8, 4), (2, 2), 2),
    PoolGeometry("wide-image", (2, 3, 4, 10), (2, 2), 2),
    PoolGeometry("tall-window", (2, 2, 6, 4), (3, 1), 2),
    PoolGeometry("wide-window", (2, 2, 5, 8), (1, 4), 2),
    PoolGeometry("overlap", (2, 2, 5, 6), (3, 3), 1),
    PoolGeometry("overlap-stride-2", (2, 3, 7, 9), (3, 3), 2),
    PoolGeometry("leftover-row", (2, 2, 7, 6), (2, 2), 2),
    PoolGeometry("leftover-column", (2, 2, 6, 5), (2, 2), 2),
    PoolGeometry("gaps-between-windows", (2, 2, 8, 7), (2, 2), 3),
    PoolGeometry("one-by-one", (2, 3, 5, 4), (1, 1), 2),
    PoolGeometry("all-at-once", (3, 4, 10, 11), (4, 3), 2),
)


def conv(name: str) -> ConvGeometry:
    return next(geometry for geometry in CONV if geometry.name == name)


def pool(name: str) -> PoolGeometry:
    return next(geometry for geometry in POOL if geometry.name == name)
