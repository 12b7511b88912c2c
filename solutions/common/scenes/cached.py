"""Scenes for training, validation and test, drawn once per process."""

from __future__ import annotations

from functools import lru_cache

from .scene import Scene, draw_scenes

__all__ = ["SPLITS", "split_scenes"]

SPLITS = ("train", "val", "test")


def split_scenes(
    counts: tuple[int, int, int],
    seed: int,
    height: int,
    width: int,
    things: tuple[int, int] = (0, 5),
    near: tuple[float, float] = (0.12, 0.97),
) -> dict[str, tuple[Scene, ...]]:
    """So many scenes to train, to validate and to test: those of the seeds 3 seed, 3 seed + 1 and 3 seed + 2.

    They are kept until the process ends. The other arguments are those of `draw_scene`.
    """
    return {
        name: _drawn(count, 3 * seed + number, height, width, things, near)
        for number, (name, count) in enumerate(zip(SPLITS, counts, strict=True))
    }


@lru_cache(maxsize=12)
def _drawn(
    count: int, seed: int, height: int, width: int, things: tuple[int, int], near: tuple[float, float]
) -> tuple[Scene, ...]:
    return tuple(draw_scenes(count, seed, height=height, width=width, things=things, near=near))
