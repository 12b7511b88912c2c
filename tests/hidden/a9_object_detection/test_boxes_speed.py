"""How fast IoU and suppression are, apart from whether they are right.

What answers of many styles take is in docs/object-detection.md. Full points end at 15 times the reference's time, half
of them at 150. Every style that was measured is nearly a factor of two away from an edge, or more.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
from drawn_boxes import spread

from autograder.checks import Draw, Race

question = pytest.mark.question("boxes-speed")


@question
def test_iou_speed(race: Race) -> None:
    """The time of box_iou for two long lists."""

    def draw(rng: Draw, size: Any) -> tuple[torch.Tensor, torch.Tensor]:
        first, second = size.boxes
        return spread(rng, first).float(), spread(rng, second).float()

    race("iou", lambda who, a, b: who.box_iou(a, b), draw)


@question
def test_nms_speed(race: Race) -> None:
    """The time of nms for many boxes, of which about a third is kept."""

    def draw(rng: Draw, size: Any) -> tuple[torch.Tensor, torch.Tensor]:
        return spread(rng, size.boxes, side=100.0, largest=30.0).float(), rng.distinct(size.boxes).float()

    race("nms", lambda who, boxes, scores: who.nms(boxes, scores, 0.3), draw)
