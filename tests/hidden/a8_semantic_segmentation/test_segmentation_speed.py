"""How fast upsampling, transposed convolution and whole-image scores are, apart from whether they are right.

Ratios that races measured, on a busy machine. Bilinear: gathered by index 1.6, line by line 2.5, four corners by index
3.7, pixel by pixel 63 and more. A transposed convolution: position by position of the filter 1.2, spread on nails 4.5,
pixel by pixel 24 and more. Whole images: every layer unfolded 4, all windows in batches 22 and more, window by window
hundreds. `python -m benchmarks.segmentation_styles` measures single calls, whose data is in the caches: there all
ratios are up to three times as large.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch

from autograder.checks import Draw, Race

SINGLE = torch.float32
STRIDE_2 = {"stride": 2, "padding": 1, "output_padding": 1}


@pytest.mark.question("upsampling-speed")
@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_bilinear(race: Race, direction: str) -> None:
    """The time of bilinear and bilinear_backward, for maps of twice the size."""

    def draw(rng: Draw, size: Any) -> tuple[torch.Tensor, list[int]]:
        samples, channels, height, width = size.images
        if direction == "forward":
            return rng.normal(*size.images, dtype=SINGLE), [2 * height, 2 * width]
        return rng.normal(samples, channels, 2 * height, 2 * width, dtype=SINGLE), [height, width]

    if direction == "forward":
        race("forward", lambda who, x, wanted: who.bilinear(x, wanted), draw)
    else:
        race("backward", lambda who, upstream, wanted: who.bilinear_backward(upstream, wanted), draw)


@pytest.mark.question("transposed-speed")
def test_transposed_convolution(race: Race) -> None:
    """The time of transposed_convolution with stride 2."""

    def draw(rng: Draw, size: Any) -> tuple[torch.Tensor, ...]:
        channels, filters, side = size.images[1], size.filters, size.side
        w = rng.normal(channels, filters, side, side, dtype=SINGLE)
        return rng.normal(*size.images, dtype=SINGLE), w, rng.normal(filters, dtype=SINGLE)

    race("forward", lambda who, x, w, b: who.transposed_convolution(x, w, b, STRIDE_2), draw)


@pytest.mark.question("shared-features")
def test_shared_features(race: Race) -> None:
    """The time of fully_convolutional_scores for a whole image."""

    def draw(rng: Draw, size: Any) -> tuple[torch.Tensor, ...]:
        parts: list[torch.Tensor] = []
        before = size.images[1]
        for filters in size.filters:
            parts.append(rng.normal(filters, before, size.side, size.side, scale=0.1, dtype=SINGLE))
            parts.append(rng.normal(filters, dtype=SINGLE))
            before = filters
        return rng.normal(*size.images, dtype=SINGLE), *parts

    def run(who: Any, images: Any, *parts: Any) -> Any:
        return who.fully_convolutional_scores(images, list(zip(parts[::2], parts[1::2], strict=True)))

    race("whole-image", run, draw)
