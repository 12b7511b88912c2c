"""How fast convolution and pooling are, apart from whether they are right.

What right answers of many styles take, `make bench-verdicts` prints: on whole tensors 0.5 to 6 times the baseline's
time, with loops over rows and columns of the output 16 to 40 times, in the backward pass of pooling 50 to 80 times,
and with loops over single pixels more than 100 and mostly several hundred times.

Full points end at 8 and half of them at 12: every answer on whole tensors has room. A quarter is for loops over windows
on whole batches, which the docstrings allow, and ends at 60 (100 in the backward pass of pooling).
"""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch

from autograder.checks import Draw, Proxy, Race, StudentError

conv_question = partial(pytest.mark.question, "conv-speed")
pool_question = partial(pytest.mark.question, "pool-speed")

KEEPS_SIZE = {"stride": 1, "pad": 1}
HALVES = {"pool_height": 2, "pool_width": 2, "stride": 2}
SINGLE = torch.float32


def convolution(rng: Draw, size: Any) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """x, w, b of the budget's sizes: images (N, C, H, W), filters (F, HH, WW)."""
    filters, *kernel = size.filters
    x = rng.normal(*size.images, dtype=SINGLE)
    return x, rng.normal(filters, size.images[1], *kernel, dtype=SINGLE), rng.normal(filters, dtype=SINGLE)


def without_ties(x: torch.Tensor) -> torch.Tensor:
    """x, float32 (..., H, W), where no two of a 2 x 2 window are equal: its last two bits say which of the four it is.

    What becomes of ties is the correctness question's affair, and one in a million windows would bring it up here.
    """
    height, width = x.shape[-2:]
    place = 2 * (torch.arange(height)[:, None] % 2) + torch.arange(width) % 2
    return (x.view(torch.int32) & ~3 | place.to(torch.int32)).view(SINGLE)


def takes_documented_cache(layer: Proxy, dout: torch.Tensor, cache: tuple[Any, ...]) -> bool:
    """Whether a backward does with the cache that the handout documents.

    One that does is timed with that, so that a slow forward makes no backward slow; one that doesn't, with what its own
    forward caches, made before the clock starts.
    """
    try:
        layer.backward(dout, cache)
    except StudentError:
        return False
    return True


@conv_question()
def test_conv_forward(race: Race) -> None:
    """`Conv.forward` is fast enough."""
    race("forward", lambda who, x, w, b: who.Conv.forward(x, w, b, KEEPS_SIZE)[0], convolution)


@conv_question()
def test_conv_backward(race: Race, student: Proxy, rng: Draw) -> None:
    """`Conv.backward` is fast enough."""
    small = rng.normal(1, 2, 4, 4), rng.normal(3, 2, 3, 3), rng.normal(3)
    dout = rng.normal(1, 3, 4, 4)

    def draw(rng: Draw, size: Any) -> tuple[torch.Tensor, ...]:
        x, w, b = convolution(rng, size)
        samples, _, height, width = x.shape
        return x, w, b, rng.normal(samples, len(b), height, width, dtype=SINGLE)

    if takes_documented_cache(student.Conv, dout, (*small, KEEPS_SIZE)):
        race("backward", lambda who, x, w, b, dout: who.Conv.backward(dout, (x, w, b, KEEPS_SIZE)), draw)
    else:
        race(
            "backward",
            lambda who, x, w, b, dout, cache: who.Conv.backward(dout, cache),
            draw,
            prepare=lambda who, x, w, b, dout: who.Conv.forward(x, w, b, KEEPS_SIZE)[1],
        )


@pool_question()
def test_pool_forward(race: Race) -> None:
    """`MaxPool.forward` is fast enough."""

    def draw(rng: Draw, size: Any) -> tuple[torch.Tensor]:
        return (without_ties(rng.normal(*size.images, dtype=SINGLE)),)

    race("forward", lambda who, x: who.MaxPool.forward(x, HALVES)[0], draw)


@pool_question()
def test_pool_backward(race: Race, student: Proxy, rng: Draw) -> None:
    """`MaxPool.backward` is fast enough."""
    small, dout = rng.normal(1, 2, 4, 4), rng.normal(1, 2, 2, 2)

    def draw(rng: Draw, size: Any) -> tuple[torch.Tensor, torch.Tensor]:
        samples, channels, height, width = size.images
        dout = rng.normal(samples, channels, height // 2, width // 2, dtype=SINGLE)
        return without_ties(rng.normal(*size.images, dtype=SINGLE)), dout

    if takes_documented_cache(student.MaxPool, dout, (small, HALVES)):
        race("backward", lambda who, x, dout: who.MaxPool.backward(dout, (x, HALVES)), draw)
    else:
        race(
            "backward",
            lambda who, x, dout, cache: who.MaxPool.backward(dout, cache),
            draw,
            prepare=lambda who, x, dout: who.MaxPool.forward(x, HALVES)[1],
        )
