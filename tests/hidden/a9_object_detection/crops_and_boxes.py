"""R-CNN around a student's network: our proposals, crops, targets and detections, its scores and transforms.

`ours` is the reference's side throughout.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from drawn_animals import CLASSES, SIZE, answers_of, average_precision_of

__all__ = ["average_precision", "proposals", "training_set"]

CROP, CONTEXT = 32, 0.15
BOXES = ((16, 14), (16, 24), (24, 20), (24, 34), (34, 28), (34, 46), (44, 40))  # heights and widths that slide
FROM_TRUTH, BACKGROUND = 12, 20  # truths that were moved, for each thing; background crops of a scene
TRANSFORM_SCALE = (10.0, 10.0, 5.0, 5.0)


def proposals(ours: Any) -> torch.Tensor:
    """The same for every scene: boxes of seven sizes, slid. They find 99 % of all things at IoU 0.5."""
    return torch.cat([ours.sliding_boxes(SIZE, box, max(4, min(box) // 4)) for box in BOXES])


def training_set(ours: Any, scenes: list[dict[str, torch.Tensor]], seed: int = 0) -> dict[str, torch.Tensor]:
    """Crops around proposals and around truths that were moved a little, their classes and transforms."""
    generator = torch.Generator().manual_seed(seed)
    parts = []
    for scene in scenes:
        near = _moved(scene["boxes"], FROM_TRUTH, generator)
        boxes = torch.cat([proposals(ours), near])
        boxes = boxes[((boxes[:, 2:] - boxes[:, :2]) > 2).all(dim=1)]
        classes, transforms = ours.region_targets(boxes, scene["boxes"], scene["labels"])
        background = (classes == 0).nonzero().flatten()
        rest = background[torch.randperm(len(background), generator=generator)[:BACKGROUND]]
        taken = torch.cat([(classes > 0).nonzero().flatten(), rest])
        parts.append((_crops(ours, scene["image"], boxes[taken]), classes[taken], transforms[taken]))
    return dict(
        zip(("crops", "classes", "transforms"), (torch.cat(part) for part in zip(*parts, strict=True)), strict=True)
    )


def _moved(boxes: torch.Tensor, times: int, generator: torch.Generator) -> torch.Tensor:
    many = boxes.repeat(times, 1)
    size = (many[:, 2:] - many[:, :2]).repeat(1, 2)
    moved = many + 0.12 * size * torch.randn(many.shape, generator=generator)
    high, wide = SIZE
    return torch.minimum(moved.clamp(min=0), moved.new_tensor([wide, high, wide, high]))


def _crops(ours: Any, image: torch.Tensor, boxes: torch.Tensor) -> torch.Tensor:
    return ours.warp_crops(image, boxes, CROP, CONTEXT) - 0.5


def average_precision(ours: Any, model: Callable[..., Any], scenes: list[dict[str, torch.Tensor]]) -> float:
    """At IoU 0.5, of the detections that a network makes of our proposals."""
    boxes = proposals(ours)
    found = []
    for scene in scenes:
        scores, moves = answers_of(model, _crops(ours, scene["image"], boxes), CLASSES + 1)
        found.append(ours.detect(scores, moves / moves.new_tensor(TRANSFORM_SCALE), boxes.to(torch.float64), SIZE))
    return average_precision_of(found, scenes)
