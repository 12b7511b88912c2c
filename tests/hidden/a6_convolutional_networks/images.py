"""Images to train on and to judge by, as the notebook has them: in [0, 1], less the mean colour of training images.

Held-out images are drawn afresh for every run, and their labels stay here. A student may have worked with CIFAR-10
where it was on disk, or with the embedded shapes; a saved network is judged on the set that it was trained on.
"""

from __future__ import annotations

from pathlib import Path

import torch

from common.cifar import cifar_folder
from common.data import EMBEDDED_TRAIN, preprocess_cifar10
from common.shapes import draw_shapes

__all__ = ["CIFAR", "CLASSES", "SHAPES", "Labelled", "first_of_cifar", "first_of_shapes", "shapes"]

CLASSES = 10
CIFAR, SHAPES = "CIFAR-10", "embedded shapes"  # as common.data.data_source calls them
DATA = Path(__file__).parents[3] / "data"

Labelled = tuple[torch.Tensor, torch.Tensor]


def shapes(count: int, seed: int) -> Labelled:
    """Embedded images that nobody has seen, and their labels."""
    return _centred(*draw_shapes(count, seed))


def first_of_shapes(count: int) -> Labelled:
    """The embedded images that come first in the notebook."""
    # A few hundred images tell the mean colour of all as well as any network can notice.
    images, labels = _centred(*draw_shapes(EMBEDDED_TRAIN, seed=0, first=500))
    return images[:count].clone(), labels[:count].clone()


def first_of_cifar(part: str, count: int) -> Labelled | None:
    """The first images of CIFAR-10's "train" or "test" part; None where it is not on disk."""
    if cifar_folder(DATA) is None:
        return None
    data = preprocess_cifar10(root=DATA, verbose=False)
    return data[f"X_{part}"][:count].clone(), data[f"y_{part}"][:count].clone()


def _centred(pixels: torch.Tensor, labels: torch.Tensor) -> Labelled:
    images = pixels.to(torch.float32) / 255
    return images - images.mean(dim=(0, 2, 3), keepdim=True), labels
