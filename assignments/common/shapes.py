"""The embedded data set: ten classes of 32x32 colour images of shapes, drawn from a seed.

Each image holds one shape, of any colour, somewhere near the middle, turned and scaled a little, on a
background that changes from one colour to another, with blobs of other colours behind and before it, and
noise. The shape's class is the label; nothing else in the image tells of it. A linear classifier can do
little with that, because light shapes on dark ground and dark shapes on light ground are equally common.

All computation is in float64 and ends in 8-bit pixels, so that the same seed gives the same bytes anywhere.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch

__all__ = ["SHAPE_CLASSES", "draw_shapes"]

SIDE = 32  # pixels
CHUNK = 100  # images drawn at once: large enough to be fast, small enough to stay in the cache

Tensor = torch.Tensor


# A shape is a function of u (right) and v (down), about 1 at its rim: how far outside of it a point lies,
# negative inside. Distances need not be exact, only their sign and their scale near the rim.


def _disk(u: Tensor, v: Tensor) -> Tensor:
    return torch.hypot(u, v) - 0.85


def _ring(u: Tensor, v: Tensor) -> Tensor:
    return (torch.hypot(u, v) - 0.72).abs() - 0.2


def _square(u: Tensor, v: Tensor) -> Tensor:
    return torch.maximum(u.abs(), v.abs()) - 0.76


def _frame(u: Tensor, v: Tensor) -> Tensor:
    return (torch.maximum(u.abs(), v.abs()) - 0.68).abs() - 0.18


def _triangle(u: Tensor, v: Tensor) -> Tensor:
    return torch.maximum(v - 0.65, 0.87 * u.abs() - 0.5 * (v + 0.95))


def _plus(u: Tensor, v: Tensor) -> Tensor:
    u, v = u.abs(), v.abs()
    return torch.maximum(torch.maximum(u, v) - 0.92, torch.minimum(u, v) - 0.25)


def _cross(u: Tensor, v: Tensor) -> Tensor:
    return _plus((u + v) * math.sqrt(0.5), (u - v) * math.sqrt(0.5))


def _star(u: Tensor, v: Tensor) -> Tensor:
    return torch.hypot(u, v) - 0.62 - 0.32 * torch.cos(5 * torch.atan2(u, -v))


def _crescent(u: Tensor, v: Tensor) -> Tensor:
    return torch.maximum(torch.hypot(u, v) - 0.9, 0.72 - torch.hypot(u - 0.42, v))


def _stripes(u: Tensor, v: Tensor) -> Tensor:
    return torch.maximum(torch.maximum(u.abs(), v.abs()) - 0.85, -0.2 * torch.cos(2 * math.pi * v / 0.68))


_SHAPES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "disk": _disk,
    "ring": _ring,
    "square": _square,
    "frame": _frame,
    "triangle": _triangle,
    "plus": _plus,
    "cross": _cross,
    "star": _star,
    "crescent": _crescent,
    "stripes": _stripes,
}

SHAPE_CLASSES = tuple(_SHAPES)


def draw_shapes(count: int, seed: int, first: int | None = None) -> tuple[Tensor, Tensor]:
    """Draw images.

    Args:
        count: how many, at least 0.
        seed: the same seed and count give the same images.
        first: draw only so many of them, those that come first; None for all.

    Returns:
        (images, labels): (count, 3, 32, 32) uint8 in RGB, and (count,) int64 in [0, 10), an index into
        `SHAPE_CLASSES`. The classes are equally common, up to one image, and in random order.

    >>> images, labels = draw_shapes(20, seed=1)
    >>> images.shape, labels.bincount().tolist()
    (torch.Size([20, 3, 32, 32]), [2, 2, 2, 2, 2, 2, 2, 2, 2, 2])
    """
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % len(SHAPE_CLASSES)
    labels = labels[torch.randperm(count, generator=generator)]
    wanted = count if first is None else min(first, count)
    images = torch.empty(count, 3, SIDE, SIDE, dtype=torch.uint8)
    for start in range(0, wanted, CHUNK):
        images[start : start + CHUNK] = _draw(labels[start : start + CHUNK], generator)
    return images[:wanted], labels[:wanted]


def _draw(labels: Tensor, generator: torch.Generator) -> Tensor:
    """Images of these classes, (N, 3, 32, 32) uint8."""
    count = len(labels)
    ground, ink = _colours(count, generator)
    image = _background(ground, generator)
    for _ in range(2):
        image = _paint(image, _blob(count, generator), _shade(ground, 0.35, generator))
    image = _paint(image, _shape(labels, generator), ink)
    image = _paint(image, _blob(count, generator), _shade(ground, 0.35, generator))
    strength = _uniform(count, 0.02, 0.1, generator)
    noise = torch.randn(image.shape, generator=generator, dtype=torch.float64)
    return (image + strength * noise).clamp(0, 1).mul(255).round().to(torch.uint8)


def _uniform(count: int, low: float, high: float, generator: torch.Generator, channels: int = 1) -> Tensor:
    """(count, channels, 1, 1) numbers between low and high."""
    return low + (high - low) * torch.rand(count, channels, 1, 1, generator=generator, dtype=torch.float64)


def _colours(count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Colours (count, 3, 1, 1) of ground and shape; the shape is lighter two times out of three, else darker."""
    ground = _uniform(count, 0.1, 0.6, generator, channels=3)
    ink = ground + _uniform(count, 0.05, 0.5, generator, channels=3)
    darker = _uniform(count, 0, 1, generator) < 1 / 3
    return torch.where(darker, ink, ground), torch.where(darker, ground, ink)


def _shade(colour: Tensor, spread: float, generator: torch.Generator) -> Tensor:
    """A colour near this one."""
    return (colour + _uniform(len(colour), -spread, spread, generator, channels=3)).clamp(0, 1)


def _grid() -> tuple[Tensor, Tensor]:
    """x (right) and y (down) of the pixels' centres, (32, 32), in [-1, 1]."""
    line = (torch.arange(SIDE, dtype=torch.float64) + 0.5) / SIDE * 2 - 1
    y, x = torch.meshgrid(line, line, indexing="ij")
    return x, y


def _background(ground: Tensor, generator: torch.Generator) -> Tensor:
    """(N, 3, 32, 32): from one shade of the ground's colour to another, in a random direction."""
    x, y = _grid()
    angle = _uniform(len(ground), 0, 2 * math.pi, generator)
    slope = (x * torch.cos(angle) + y * torch.sin(angle)) / 2
    return ground + slope * _uniform(len(ground), -0.2, 0.2, generator, channels=3)


def _blob(count: int, generator: torch.Generator) -> Tensor:
    """Coverage (N, 1, 32, 32) of a small ellipse anywhere in the image."""
    x, y = _grid()
    dx, dy = (x - _uniform(count, -1, 1, generator)), (y - _uniform(count, -1, 1, generator))
    angle = _uniform(count, 0, math.pi, generator)
    along = (dx * torch.cos(angle) + dy * torch.sin(angle)) / _uniform(count, 0.1, 0.35, generator)
    across = (dy * torch.cos(angle) - dx * torch.sin(angle)) / _uniform(count, 0.06, 0.15, generator)
    return _coverage((torch.hypot(along, across) - 1) * 0.15)


def _shape(labels: Tensor, generator: torch.Generator) -> Tensor:
    """Coverage (N, 1, 32, 32) of the shapes of these classes, each moved, turned and scaled a little."""
    count = len(labels)
    x, y = _grid()
    dx, dy = (x - _uniform(count, -0.15, 0.15, generator)), (y - _uniform(count, -0.15, 0.15, generator))
    angle = _uniform(count, -0.3, 0.3, generator)
    size = _uniform(count, 0.6, 0.85, generator)
    u = (dx * torch.cos(angle) + dy * torch.sin(angle)) / size
    v = (dy * torch.cos(angle) - dx * torch.sin(angle)) / size
    outside = torch.empty(count, 1, SIDE, SIDE, dtype=torch.float64)
    for label, shape in enumerate(_SHAPES.values()):
        chosen = labels == label
        outside[chosen] = shape(u[chosen], v[chosen])
    return _coverage(outside * size)


def _coverage(outside: Tensor) -> Tensor:
    """How much of each pixel lies inside, 0 to 1, from the distance of its centre in units of half the image."""
    return (0.5 - outside * SIDE / 2).clamp(0, 1)


def _paint(image: Tensor, coverage: Tensor, colour: Tensor) -> Tensor:
    return image + coverage * (colour - image)
