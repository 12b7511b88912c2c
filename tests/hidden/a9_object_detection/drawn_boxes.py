"""Boxes that checks ask about: on a grid of half units, where areas are exact and IoUs of exactly 0.5 occur, or off
it."""

from __future__ import annotations

import torch

from autograder.checks import Draw

__all__ = ["around_a_point", "far_from", "on_grid", "spread"]


def on_grid(rng: Draw, count: int, side: int = 16) -> torch.Tensor:
    """(count, 4) float64, corners at multiples of 0.5 within side x side units, no width or height of 0."""
    corner, size = rng.integers(0, side, (count, 2)), rng.integers(1, side, (count, 2))
    return torch.cat([corner, corner + size], dim=1).to(torch.float64) / 2


def spread(rng: Draw, count: int, side: float = 40.0, largest: float = 16.0) -> torch.Tensor:
    """(count, 4) float64, anywhere, with sides from 1 to `largest`."""
    corner, size = rng.uniform(count, 2, high=side), rng.uniform(count, 2, low=1.0, high=largest)
    return torch.cat([corner, corner + size], dim=1)


def around_a_point(rng: Draw, count: int) -> torch.Tensor:
    """(count, 4) float64: all of them hold the point (10, 10), so that every two overlap."""
    return torch.cat([rng.uniform(count, 2, low=2.0, high=9.0), rng.uniform(count, 2, low=11.0, high=21.0)], dim=1)


def far_from(overlaps: torch.Tensor, threshold: float, margin: float = 1e-4) -> bool:
    """Whether rounding cannot move an IoU across the threshold."""
    return bool(((overlaps - threshold).abs() > margin).all())
