"""Images that nobody has trained on, as the notebook has them: in [0, 1], less the mean colour."""

from __future__ import annotations

from pathlib import Path

import torch

from common.cifar import cifar_folder
from common.data import preprocess_cifar10
from common.shapes import draw_shapes

__all__ = ["CIFAR", "SHAPES", "unseen_of_cifar", "unseen_shapes"]

CIFAR, SHAPES = "CIFAR-10", "embedded shapes"  # as common.data.data_source calls them
DATA = Path(__file__).parents[3] / "data"

Labelled = tuple[torch.Tensor, torch.Tensor]


def unseen_shapes(count: int, seed: int) -> Labelled:
    """Embedded images that are drawn afresh, and their labels."""
    pixels, labels = draw_shapes(count, seed)
    images = pixels.to(torch.float32) / 255
    return images - images.mean(dim=(0, 2, 3), keepdim=True), labels


def unseen_of_cifar(count: int) -> Labelled | None:
    """The first test images of CIFAR-10; None where it is not on disk."""
    if cifar_folder(DATA) is None:
        return None
    data = preprocess_cifar10(root=DATA, verbose=False)
    return data["X_test"][:count].clone(), data["y_test"][:count].clone()
