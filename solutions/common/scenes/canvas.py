"""A canvas at twice the picture's size, noise to paint it with, and how a solid is looked at.

All computation is in float64, so that a seed gives the same bytes with every version of numpy.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .solids import Array, Solid

__all__ = ["BLADES", "FINE", "LEAF", "ROUGH", "SMOOTH", "SOFT", "Canvas", "View", "channels", "look", "noise"]

FINE = 2  # subsamples per pixel, in each direction
FAR = -1e9  # the depth where a ray meets nothing

Window = tuple[slice, slice]


def _tile(sizes: tuple[int, ...], seed: int, side: int = 256) -> Array:
    """Noise (side, side) in [0, 1] that continues at its edges: sums of bumps, `sizes` in a row, each lower."""
    dice, total = np.random.RandomState(seed), np.zeros((side, side))
    for octave, cells in enumerate(sizes):
        grid = dice.random_sample((cells, cells))
        at = np.arange(side) * cells / side
        low, share = at.astype(int), at % 1
        share = share * share * (3 - 2 * share)
        rows = grid[low] * (1 - share)[:, None] + grid[(low + 1) % cells] * share[:, None]
        total += 0.55**octave * (rows[:, low] * (1 - share) + rows[:, (low + 1) % cells] * share)
    return (total - total.min()) / (total.max() - total.min())


SOFT, SMOOTH = _tile((4, 8, 16), seed=11), _tile((4, 8, 16, 32, 64, 128), seed=12)
ROUGH, LEAF = _tile((8, 16, 32, 64, 128, 256), seed=13), _tile((32, 64, 128, 256), seed=14)
BLADES = _tile((64, 128, 256), seed=15)


def noise(tile: Array, u: Array, v: Array) -> Array:
    """The tile at columns u and rows v, which may be any numbers; their shapes are broadcast."""
    return tile.take((v.astype(np.int64) & 255) * len(tile) + (u.astype(np.int64) & 255))


def channels(colour: Sequence[float] | Array) -> Array:
    """A colour (3,) -> (3, 1, 1), as it is painted with."""
    return np.asarray(colour, float)[:, None, None]


class Canvas:
    """What is painted so far, at the fine size.

    Attributes:
        colour: (3, height, width) float64, about [0, 1].
        label: (height, width) uint8.
        owner: (height, width) int16: which animal, -1 for none.
        x, y: (1, width) and (height, 1), the centres of the subsamples.
    """

    def __init__(self, height: int, width: int) -> None:
        self.height, self.width = FINE * height, FINE * width
        self.colour = np.zeros((3, self.height, self.width))
        self.label = np.zeros((self.height, self.width), np.uint8)
        self.owner = np.full((self.height, self.width), -1, np.int16)
        self.x, self.y = np.arange(self.width)[None] + 0.5, np.arange(self.height)[:, None] + 0.5

    def paint(self, window: Window, mask: Array, colour: Array, label: int, owner: int = -1) -> None:
        """Cover the subsamples of a window where the mask (h, w) holds by a colour (3, h, w), clipped to [0, 1]."""
        np.copyto(self.colour[:, *window], np.clip(colour, 0, 1), where=mask)
        np.copyto(self.label[window], np.uint8(label), where=mask)
        np.copyto(self.owner[window], np.int16(owner), where=mask)

    def places(self, window: Window) -> tuple[Array, Array]:
        """The centres of a window's subsamples: x (1, w) and y (h, 1)."""
        return self.x[:, window[1]], self.y[window[0]]

    def window(self, x1: float, y1: float, x2: float, y2: float) -> Window:
        """The part of the canvas that a rectangle covers; empty where it lies outside."""
        rows = slice(min(max(0, math.floor(y1)), self.height), min(max(0, math.ceil(y2)), self.height))
        return rows, slice(min(max(0, math.floor(x1)), self.width), min(max(0, math.ceil(x2)), self.width))


@dataclass(frozen=True)
class View:
    """A solid as rays along z see it, in a window of (h, w) subsamples.

    Attributes:
        mask: (h, w) bool, where a ray meets it. depth: (h, w), z of the nearest point there.
        normal: (3, h, w) of length 1. colour: (3, h, w). fur: (h, w).
    """

    window: Window
    mask: Array
    depth: Array
    normal: Array
    colour: Array
    fur: Array


def look(canvas: Canvas, solid: Solid, at: tuple[float, float], softness: float, ragged: float = 0.0) -> View | None:
    """Look at a solid whose origin lies at `at`, (x, y) on the canvas; None where nothing of it is in the picture.

    Ellipsoids are melted together: near the front, normals and colours are averaged over a depth of `softness`.
    `ragged` pushes rims in and out, as leaves do.
    """
    low, high = solid.bounds()
    window = canvas.window(at[0] + low[0], at[1] - high[1], at[0] + high[0], at[1] - low[1])
    x, y = canvas.places(window)
    if not (x.size and y.size):
        return None
    rim = ragged * (noise(LEAF, x * 1.1, y * 1.1) - 0.5) if ragged else None
    forms = solid.forms()
    ray, number, offset = _meet(canvas, solid, forms, at, window, rim)
    z, depth = solid.centres[number, 2] + offset[2], np.full(y.size * x.size, FAR)
    np.maximum.at(depth, ray, z)
    gap = z - depth[ray]
    near = np.flatnonzero(gap > -np.where(solid.sharp, 1e-4, 3 * softness)[number])
    ray, number, offset = ray[near], number[near], offset[:, near]
    normal = (forms[number].transpose(1, 2, 0) * offset).sum(axis=1)
    values = np.concatenate([normal / _length(normal), solid.colours[number].T, solid.fur[number][None]])
    # Weighted means over the ellipsoids near the front.
    weight = np.where(solid.sharp[number], 1e3, np.exp(gap[near] / softness))
    sums = np.stack([np.bincount(ray, row, len(depth)) for row in weight * values])
    means = (sums / np.maximum(np.bincount(ray, weight, len(depth)), 1e-9)).reshape(7, y.size, x.size)
    depth = depth.reshape(y.size, x.size)
    return View(window, depth > FAR / 2, depth, means[:3] / _length(means[:3]), means[3:6], means[6])


def _meet(
    canvas: Canvas, solid: Solid, forms: Array, at: tuple[float, float], window: Window, rim: Array | None
) -> tuple[Array, Array, Array]:
    """Where the rays of a window meet the ellipsoids of a solid; one ray may meet several.

    A ray meets the ellipsoid d' F d = 1, d = (dx, dy, dz), where F_zz dz^2 + 2 b dz + q = 0.

    Returns:
        For n points the ray (n,), as an index into the flattened window; the ellipsoid (n,); and d (3, n), the offset
        from the ellipsoid's centre.
    """
    (x, y, _), (rx, ry, _) = solid.centres.T, solid.reach().T
    x, y = at[0] + x, at[1] - y
    counts, row, column = _rectangles(canvas, x - rx, y - ry, x + rx, y + ry)
    dx, dy = column + 0.5 - np.repeat(x, counts), np.repeat(y, counts) - (row + 0.5)
    xx, xy, xz, yy, yz, zz = (np.repeat(forms[:, i, j], counts) for i in range(3) for j in range(i, 3))
    b = xz * dx + yz * dy
    q = xx * dx * dx + (2 * xy * dx + yy * dy) * dy - 1
    ray = (row - window[0].start) * (window[1].stop - window[1].start) + column - window[1].start
    if rim is not None:
        q += rim.take(ray)
    root = b * b - zz * q
    met = np.flatnonzero(root > 0)
    dz = (np.sqrt(root[met]) - b[met]) / zz[met]
    number = np.repeat(np.arange(len(counts)), counts)
    return ray[met], number[met], np.stack([dx[met], dy[met], dz])


def _rectangles(canvas: Canvas, x1: Array, y1: Array, x2: Array, y2: Array) -> tuple[Array, Array, Array]:
    """The subsamples that rectangles (n,) cover, one rectangle after the other.

    Returns:
        How many each covers (n,), and the row and the column of every one of them.
    """
    left, right = (edge.clip(0, canvas.width).astype(np.int64) for edge in (np.floor(x1), np.ceil(x2)))
    top, bottom = (edge.clip(0, canvas.height).astype(np.int64) for edge in (np.floor(y1), np.ceil(y2)))
    wide = right - left
    counts = wide * (bottom - top)
    place = np.arange(counts.sum()) - np.repeat(counts.cumsum() - counts, counts)
    row, column = np.divmod(place, np.repeat(wide, counts))
    return counts, row + np.repeat(top, counts), column + np.repeat(left, counts)


def _length(vectors: Array) -> Array:
    """(3, ...) -> (...), never 0."""
    return np.sqrt(vectors[0] ** 2 + vectors[1] ** 2 + vectors[2] ** 2) + 1e-9
