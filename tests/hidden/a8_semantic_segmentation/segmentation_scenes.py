"""Scenes to train on and to judge by, as the notebook has them: in [0, 1], less the mean colour of training images."""

from __future__ import annotations

import numpy as np
import torch

from common.scenes import CLASSES, draw_scenes

__all__ = ["COUNT", "drawn"]

COUNT = len(CLASSES)


def drawn(count: int, seed: int, height: int, width: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Images (N, 3, H, W) float32 that nobody has seen, about centred, and their labels (N, H, W) int64."""
    scenes = draw_scenes(count, seed, height=height, width=width)
    images = torch.from_numpy(np.stack([scene.image for scene in scenes])).to(torch.float32) / 255
    labels = torch.from_numpy(np.stack([scene.labels for scene in scenes])).long()
    return images - images.mean(dim=(0, 2, 3), keepdim=True), labels
