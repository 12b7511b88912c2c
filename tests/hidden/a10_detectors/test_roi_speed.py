"""How fast RoI Pool and RoI Align are, apart from whether they are right.

What styles take, as multiples of the reference's time on one core: RoI Align region by region 3.5 x forward and 6.5 x
backward, bin by bin 142 x and 320 x; RoI Pool channel by channel, of 64 channels, 47 x. The bands end between them.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch

from autograder.checks import Draw, Race

question = pytest.mark.question("roi-speed")
SIZE, STRIDE = (7, 7), 4


def draw(rng: Draw, size: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Features of one image, and regions whose cells all lie on its map: no bin is empty.

    No region is 29 cells long. In floating point, (i + 1) * (29 / 7) is a little more than 29 for the last bin, so that
    it would get a cell too many from whoever divides first, as the published code does.
    """
    features = rng.distinct(*size.features).float()
    high, wide = size.features[2:]
    boxes = rng.boxes(2 * size.regions, high * STRIDE, wide * STRIDE).float()
    cells = (boxes / STRIDE + 0.5).floor()
    inside, long = cells[:, 2:] < torch.tensor([wide, high]), cells[:, 2:] - cells[:, :2] == 28
    boxes = boxes[inside.all(dim=1) & ~long.any(dim=1)][: size.regions]
    assert len(boxes) == size.regions
    return features, torch.cat([torch.zeros(len(boxes), 1), boxes], dim=1)


@question
def test_align_forward_speed(race: Race) -> None:
    """How fast RoI Align is, for many regions."""
    race("align-forward", lambda who, x, rois: who.roi_align_forward(x, rois, SIZE, 1 / STRIDE, 2), draw)


@question
def test_align_backward_speed(race: Race) -> None:
    """How fast the gradient of RoI Align is, for many regions."""

    def with_upstream(rng: Draw, size: Any) -> tuple[torch.Tensor, ...]:
        features, rois = draw(rng, size)
        return features, rois, rng.normal(len(rois), features.shape[1], *SIZE, dtype=torch.float32)

    def call(who: Any, x: Any, rois: Any, dout: Any) -> Any:
        return who.roi_align_backward(dout, (x, rois, SIZE, 1 / STRIDE, 2))

    race("align-backward", call, with_upstream)


@question
def test_pool_forward_speed(race: Race) -> None:
    """How fast RoI Pool is, with many channels."""
    race("pool-forward", lambda who, x, rois: who.roi_pool_forward(x, rois, SIZE, 1 / STRIDE), draw)
