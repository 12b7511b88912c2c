"""Images to train on and to judge by. Held-out images are drawn afresh for every run; their labels stay here."""

from __future__ import annotations

from pathlib import Path

import torch

from common.cifar import cifar_folder
from common.data import preprocess_cifar10
from common.shapes import draw_shapes

__all__ = ["CLASSES", "DATA", "cifar", "shapes"]

CLASSES = 10
DATA = Path(__file__).parents[3] / "data"


def shapes(count: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Embedded images as the notebook has them, in [0, 1] less the mean colour, and their labels."""
    pixels, labels = draw_shapes(count, seed)
    images = pixels.to(torch.float32) / 255
    return images - images.mean(dim=(0, 2, 3), keepdim=True), labels


def cifar(part: str, count: int) -> tuple[torch.Tensor, torch.Tensor] | None:
    """The first images of CIFAR-10's "train" or "test" part as the notebook has them; None where it is not on disk."""
    if cifar_folder(DATA) is None:
        return None
    data = preprocess_cifar10(root=DATA, verbose=False)
    return data[f"X_{part}"][:count].clone(), data[f"y_{part}"][:count].clone()
