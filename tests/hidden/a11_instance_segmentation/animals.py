"""Images with objects, drawn: a few boxes with masks in them, and scenes for the networks that were saved."""

from __future__ import annotations

import torch

from autograder.checks import Draw
from common.captions import Vocabulary
from common.scenes import THINGS, draw_scenes

__all__ = ["one_image", "scenes_with"]

MAX_WORDS = 13


def one_image(rng: Draw, count: int, height: int, width: int) -> dict[str, torch.Tensor]:
    """A target: boxes (count, 4), labels (count,), masks (count, height, width), ellipses that fill their boxes."""
    boxes = rng.boxes(count, height, width)
    y, x = torch.meshgrid(torch.arange(height) + 0.5, torch.arange(width) + 0.5, indexing="ij")
    x1, y1, x2, y2 = boxes.T[:, :, None, None]
    masks = ((2 * x - x1 - x2) / (x2 - x1)) ** 2 + ((2 * y - y1 - y2) / (y2 - y1)) ** 2 <= 1
    return {"boxes": boxes.float(), "labels": rng.labels(count, 3), "masks": masks}


def scenes_with(count: int, seed: int, height: int, width: int) -> tuple[torch.Tensor, list[dict[str, torch.Tensor]]]:
    """(images, targets) of scenes that hold at least one animal each; targets have masks and captions."""
    words, targets = Vocabulary(), []
    scenes = draw_scenes(count, seed, height=height, width=width, things=(1, 4))
    for scene in scenes:
        targets.append(
            {
                "boxes": torch.tensor([thing.box for thing in scene.things], dtype=torch.float32),
                "labels": torch.tensor([THINGS.index(thing.kind) for thing in scene.things]),
                "masks": torch.stack([torch.from_numpy(thing.mask) for thing in scene.things]),
                "captions": torch.stack([words.encode(thing.caption, MAX_WORDS) for thing in scene.things]),
            }
        )
    return torch.stack([torch.from_numpy(scene.image) for scene in scenes]).to(torch.float32) / 255 - 0.5, targets
