"""A canvas at twice the picture's size, noise to paint it with, and how a solid is looked at.

All computation is in float64, so that a seed gives the same bytes with every version of numpy.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .solids import Array, Solid

__all__ = ["BLADES", "FINE", "LEAF", "ROUGH", "SMOOTH", "SOFT", "Canvas", "View", "look", "noise"]

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
    """The tile at columns u and rows v, which may be any numbers."""
    return tile[v.astype(np.int64) & 255, u.astype(np.int64) & 255]


class Canvas:
    """What is painted so far, at the fine size.

    Attributes:
        colour: (height, width, 3) float64, about [0, 1].
        label: (height, width) uint8.
        owner: (height, width) int16: which animal, -1 for none.
        x, y: (height, width), the centres of the subsamples.
    """

    def __init__(self, height: int, width: int) -> None:
        self.height, self.width = FINE * height, FINE * width
        self.colour = np.zeros((self.height, self.width, 3))
        self.label = np.zeros((self.height, self.width), np.uint8)
        self.owner = np.full((self.height, self.width), -1, np.int16)
        self.y, self.x = np.mgrid[: self.height, : self.width] + 0.5

    def paint(self, window: Window, mask: Array, colour: Array, label: int, owner: int = -1) -> None:
        """Cover the subsamples of a window where the mask holds; colours are clipped to [0, 1]."""
        clipped = np.clip(colour, 0, 1)
        self.colour[window][mask] = clipped[mask] if clipped.ndim == 3 else clipped
        self.label[window][mask] = label
        self.owner[window][mask] = owner

    def window(self, x1: float, y1: float, x2: float, y2: float) -> Window:
        """The part of the canvas that a rectangle covers; empty where it lies outside."""
        rows = slice(min(max(0, math.floor(y1)), self.height), min(max(0, math.ceil(y2)), self.height))
        return rows, slice(min(max(0, math.floor(x1)), self.width), min(max(0, math.ceil(x2)), self.width))


@dataclass(frozen=True)
class View:
    """A solid as rays along z see it, in a window of (h, w) subsamples.

    Attributes:
        mask: (h, w) bool, where a ray meets it. depth: (h, w), z of the nearest point there.
        normal: (h, w, 3) of length 1. colour: (h, w, 3). fur: (h, w).
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
    x, y = canvas.x[window] - at[0], at[1] - canvas.y[window]
    if 0 in x.shape:
        return None
    rim = ragged * (noise(LEAF, canvas.x[window] * 1.1, canvas.y[window] * 1.1) - 0.5) if ragged else None
    depth, pieces = _meet(canvas, solid, at, window, x, y, rim)
    # Weighted sums of normal, colour and fur over the ellipsoids near the front.
    weights, mixed = np.zeros(x.shape), np.zeros((*x.shape, 7))
    for i, part, z, form in pieces:
        reach = 1e-4 if solid.sharp[i] else 3 * softness
        near = (z > depth[part] - reach) & (z > FAR / 2)
        if not near.any():
            continue
        gap = z[near] - depth[part][near]
        weight = np.full(gap.shape, 1e3) if solid.sharp[i] else np.exp(gap / softness)
        offset = np.stack([x[part][near], y[part][near], z[near]], axis=-1) - solid.centres[i]
        normal = _unit(offset @ form)
        values = np.concatenate([solid.colours[i], solid.fur[i : i + 1]])
        mixed[part][near] += weight[:, None] * np.hstack([normal, np.broadcast_to(values, (len(gap), 4))])
        weights[part][near] += weight
    mixed /= np.maximum(weights, 1e-9)[..., None]
    return View(window, depth > FAR / 2, depth, _unit(mixed[..., :3]), mixed[..., 3:6], mixed[..., 6])


def _meet(
    canvas: Canvas, solid: Solid, at: tuple[float, float], window: Window, x: Array, y: Array, rim: Array | None
) -> tuple[Array, list[tuple[int, Window, Array, Array]]]:
    """Where rays meet the ellipsoids: depth of the nearest point, and each ellipsoid's part of the window and depth.

    A ray meets the ellipsoid d' F d = 1, d = (dx, dy, dz), where F_zz dz^2 + 2 b dz + q = 0.
    """
    forms = np.linalg.inv(solid.axes @ solid.axes.transpose(0, 2, 1))
    reach = np.sqrt((solid.axes**2).sum(axis=2))
    depth, pieces = np.full(x.shape, FAR), []
    for i, ((cx, cy, cz), (rx, ry, _), form) in enumerate(zip(solid.centres, reach, forms, strict=True)):
        rows, columns = canvas.window(at[0] + cx - rx, at[1] - cy - ry, at[0] + cx + rx, at[1] - cy + ry)
        if rows.stop <= rows.start or columns.stop <= columns.start:
            continue
        top, left = window[0].start, window[1].start
        part = (slice(rows.start - top, rows.stop - top), slice(columns.start - left, columns.stop - left))
        dx, dy = x[part] - cx, y[part] - cy
        b = form[0, 2] * dx + form[1, 2] * dy
        q = form[0, 0] * dx * dx + (2 * form[0, 1] * dx + form[1, 1] * dy) * dy - 1
        if rim is not None:
            q = q + rim[part]
        root = b * b - form[2, 2] * q
        z = np.where(root > 0, cz + (np.sqrt(np.maximum(root, 0)) - b) / form[2, 2], FAR)
        np.maximum(depth[part], z, out=depth[part])
        pieces.append((i, part, z, form))
    return depth, pieces


def _unit(vectors: Array) -> Array:
    """(..., 3), scaled to length 1; 0 stays about 0."""
    squares = vectors[..., 0] ** 2 + vectors[..., 1] ** 2 + vectors[..., 2] ** 2
    return vectors / (np.sqrt(squares) + 1e-9)[..., None]
