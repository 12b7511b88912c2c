"""Maps with regions on them, of every kind: inside, over each border, outside, without area, smaller than a cell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from record_roi import GEOMETRIES, features_of
from roi_recorded import RECORDED

from autograder.checks import Draw

__all__ = ["CASES", "KINDS", "POOLED", "Case", "recorded", "regions"]


@dataclass(frozen=True)
class Case:
    """One geometry, and the upstream gradient of its output.

    Attributes:
        known: what torchvision answers: RoI Pool, its gradient, RoI Align, its gradient; None where none is recorded.
    """

    features: torch.Tensor
    rois: torch.Tensor
    size: tuple[int, int]
    scale: float
    ratio: int
    dout: torch.Tensor
    known: tuple[torch.Tensor, ...] | None = None


# Corners in parts of the image.
KINDS = {
    "whole": (0.0, 0.0, 1.0, 1.0),
    "inside": (0.2, 0.3, 0.7, 0.9),
    "left": (-0.6, 0.1, 0.5, 0.6),
    "above": (0.3, -0.5, 0.8, 0.4),
    "right": (0.6, 0.2, 1.5, 0.7),
    "below": (0.1, 0.5, 0.6, 1.7),
    "outside": (1.6, 1.8, 2.5, 2.6),
    "before": (-2.5, -2.2, -1.4, -1.3),
    "no-area": (0.4, 0.45, 0.4, 0.45),
    "columns-exchanged": (0.75, 0.2, 0.25, 0.7),
    "rows-exchanged": (0.2, 0.75, 0.7, 0.25),
}


def regions(rng: Draw, shape: tuple[int, ...], scale: float, kinds: tuple[str, ...]) -> torch.Tensor:
    """One region of each kind, moved a little, on images in no order; image 0 has none where there are several."""
    images, _, height, width = shape
    extent = torch.tensor([width, height, width, height], dtype=torch.float64) / scale
    corners = torch.tensor([KINDS[kind] for kind in kinds], dtype=torch.float64).reshape(-1, 4)
    moved = (corners + rng.uniform(len(kinds), 1, low=-0.06, high=0.06)) * extent
    first = 1 if images > 1 else 0
    numbers = torch.tensor([images - 1 - n % (images - first) for n in range(len(kinds))], dtype=torch.float64)
    return torch.cat([numbers[:, None], moved], dim=1)


def drawn(
    shape: tuple[int, ...],
    size: tuple[int, int],
    scale: float,
    ratio: int,
    kinds: tuple[str, ...],
    *,
    lift: float = 0.0,
    halves: bool = False,
) -> Callable[[Draw], Case]:
    def draw(rng: Draw) -> Case:
        features = rng.distinct(*shape) + lift
        rois = regions(rng, shape, scale, kinds)
        if halves:
            # Once scaled, exactly between an even cell and the next. Values rise in one channel and fall in the other:
            # a region with a cell more or less, on any side, has another maximum.
            rois[:, 1:] = ((rois[:, 1:] * scale / 2).floor() * 2 + 0.5) / scale
            rising = features[:, :1].flatten(2).sort(dim=2).values.unflatten(2, shape[2:])
            features = torch.cat([rising, rising.flip(2, 3)], dim=1)
        return Case(features, rois, size, scale, ratio, rng.normal(len(kinds), shape[1], *size))

    return draw


def recorded(number: int) -> Callable[[Draw], Case]:
    """A geometry whose answers torchvision has given."""

    def draw(_: Draw) -> Case:
        shape, size, scale, ratio, rois = GEOMETRIES[number]
        out = (len(rois), shape[1], *size)
        shapes = (out, shape, out, shape)
        known = [torch.tensor(numbers, dtype=torch.float64) for numbers in RECORDED[number]]
        known = [numbers.reshape(wanted) for numbers, wanted in zip(known, shapes, strict=True)]
        regions = torch.tensor(rois, dtype=torch.float64)
        return Case(features_of(shape), regions, size, scale, ratio, features_of(out), tuple(known))

    return draw


CASES: dict[str, Callable[[Draw], Case]] = {
    "inside": drawn((2, 3, 6, 9), (2, 3), 1.0, 2, ("inside", "inside", "whole"), lift=4.0),
    "one-bin": drawn((1, 1, 5, 8), (1, 1), 0.5, 1, ("inside", "no-area"), lift=4.0),
    "borders": drawn((1, 2, 7, 5), (3, 4), 0.25, 2, ("left", "above", "right", "below")),
    "outside": drawn((1, 1, 4, 6), (2, 2), 0.5, 3, ("outside", "before", "inside")),
    "no-area": drawn((2, 2, 5, 4), (2, 1), 0.3, 1, ("no-area", "inside")),
    "many-images": drawn((3, 1, 4, 7), (2, 2), 0.0625, 2, ("inside", "left", "whole", "below"), lift=4.0),
    "overlapping": drawn((1, 2, 6, 4), (3, 2), 1.0, 3, ("whole", "whole", "inside", "inside"), lift=4.0),
    "all-negative": drawn((1, 2, 6, 8), (2, 3), 0.5, 2, ("inside", "outside", "right"), lift=-4.0),
    "more-bins-than-cells": drawn((1, 1, 3, 2), (3, 4), 1.0, 1, ("inside", "whole")),
    "thin-map": drawn((2, 2, 1, 9), (2, 3), 0.5, 2, ("whole", "inside"), lift=4.0),
    "halves": drawn((1, 2, 9, 11), (2, 2), 0.25, 1, ("inside", "whole", "above"), halves=True),
    "no-regions": drawn((1, 3, 4, 5), (2, 2), 1.0, 2, ()),
    **{f"recorded-{number + 1}": recorded(number) for number in range(len(GEOMETRIES))},
}
# RoI Pool says how large a region is that ends before it begins.
POOLED = {
    **CASES,
    "ends-exchanged": drawn((1, 2, 7, 9), (2, 3), 0.5, 1, ("columns-exchanged", "rows-exchanged", "inside"), lift=4.0),
}
