"""Images with a label for every pixel: PASCAL VOC 2007 where it is on disk, else the embedded scenes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from .scenes import CLASSES, IGNORE, SPLITS, split_scenes
from .voc import VOC_CLASSES, read_segmentation, voc_folder

__all__ = ["IGNORE", "class_names", "load_scenes"]


def class_names(root: str | Path = "data") -> tuple[str, ...]:
    """The names of the classes, in the order of their labels: 6 of the scenes, 21 of PASCAL VOC."""
    return CLASSES if voc_folder(root) is None else VOC_CLASSES


def load_scenes(
    root: str | Path = "data",
    num_train: int = 400,
    num_val: int = 100,
    num_test: int = 100,
    height: int = 96,
    width: int = 128,
    seed: int = 0,
    *,
    verbose: bool = True,
) -> dict[str, torch.Tensor]:
    """Images and labels of their pixels, split in three and centred.

    Uses PASCAL VOC 2007 if it is in `root/VOCdevkit/VOC2007`, else the embedded scenes; says which. Pixels are
    scaled to [0, 1]; then the mean colour of the training images is subtracted from all.

    Args:
        root: where data sets lie.
        num_train, num_val, num_test: how many images; PASCAL VOC may have fewer.
        height, width: of the images, in pixels.
        seed: of the scenes, which are drawn in about 30 ms each and kept until the process ends.
        verbose: False prints nothing.

    Returns:
        A dict of X_train, X_val, X_test, (N, 3, H, W) float32; y_train, y_val, y_test, (N, H, W) int64, an index into
        `class_names(root)`, or 255 for a pixel that does not count; and `mean`, the colour (3, 1, 1) that was
        subtracted.

    Raises:
        ValueError: there are no training images.
    """
    counts = (num_train, num_val, num_test)
    folder = voc_folder(root)
    if verbose and folder is None:
        print(f"Data: embedded scenes, {sum(counts)} of {height}x{width} pixels ...")
    if folder is None:
        parts = split_scenes(counts, seed, height, width)
        images = {name: [scene.image for scene in parts[name]] for name in SPLITS}
        labels = {name: [scene.labels for scene in parts[name]] for name in SPLITS}
    else:
        images, labels = read_segmentation(folder, counts, height, width)
    data: dict[str, Any] = centred(images, height, width)
    for name in SPLITS:
        stacked = np.stack(labels[name]) if labels[name] else np.zeros((0, height, width), np.uint8)
        data[f"y_{name}"] = torch.from_numpy(stacked).long()
    if verbose:
        source = "embedded scenes" if folder is None else "PASCAL VOC 2007"
        sizes = [len(images[name]) for name in SPLITS]
        print(f"Data: {source}, {sizes[0]} training, {sizes[1]} validation, {sizes[2]} test images")
    return data


def centred(images: dict[str, list[np.ndarray]], height: int, width: int) -> dict[str, torch.Tensor]:
    """X_train, X_val, X_test, and the training images' `mean` colour, which has been subtracted from all.

    Raises:
        ValueError: there are no training images.
    """
    if not images["train"]:
        raise ValueError("there are no training images; num_train must be at least 1")
    empty = np.zeros((0, 3, height, width), np.uint8)
    pixels = {name: torch.from_numpy(np.stack(images[name]) if images[name] else empty) for name in SPLITS}
    scaled = {name: values.float() / 255 for name, values in pixels.items()}
    mean = scaled["train"].double().mean(dim=(0, 2, 3)).float()[:, None, None]
    return {f"X_{name}": values - mean for name, values in scaled.items()} | {"mean": mean}
