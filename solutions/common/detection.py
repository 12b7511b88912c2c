"""Images with boxes around their objects: PASCAL VOC 2007 where it is on disk, else the embedded scenes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from .scenes import SPLITS, THINGS, Scene, split_scenes
from .segmentation import centred
from .voc import VOC_CLASSES, read_detection, voc_folder

__all__ = ["class_names", "load_scenes", "target_of"]


def class_names(root: str | Path = "data") -> tuple[str, ...]:
    """The names of the classes, in the order of their labels: 3 of the scenes, 20 of PASCAL VOC."""
    return THINGS if voc_folder(root) is None else VOC_CLASSES[1:]


def load_scenes(
    root: str | Path = "data",
    num_train: int = 400,
    num_val: int = 100,
    num_test: int = 100,
    height: int = 96,
    width: int = 128,
    seed: int = 0,
    *,
    things: tuple[int, int] = (0, 5),
    near: tuple[float, float] = (0.12, 0.97),
    verbose: bool = True,
) -> dict[str, Any]:
    """Images and the boxes in them, split in three and centred.

    Uses PASCAL VOC 2007 if it is in `root/VOCdevkit/VOC2007`, else the embedded scenes; says which. Pixels are
    scaled to [0, 1]; then the mean colour of the training images is subtracted from all.

    Args:
        root, num_train, num_val, num_test, height, width, seed, verbose: as for `common.segmentation.load_scenes`.
        things, near: how many animals a scene has and how near they stand, as for `common.scenes.draw_scene`.

    Returns:
        A dict of X_train, X_val, X_test, (N, 3, H, W) float32; y_train, y_val, y_test, a list with a dict per image:
        "boxes" (G, 4) float32, (x1, y1, x2, y2) in pixels, and "labels" (G,) int64, an index into
        `class_names(root)`; and `mean`, the colour (3, 1, 1) that was subtracted.

    Raises:
        ValueError: there are no training images.
    """
    counts = (num_train, num_val, num_test)
    folder = voc_folder(root)
    if verbose and folder is None:
        print(f"Data: embedded scenes, {sum(counts)} of {height}x{width} pixels ...")
    if folder is None:
        parts = split_scenes(counts, seed, height, width, things, near)
        images = {name: [scene.image for scene in parts[name]] for name in SPLITS}
        targets = {name: [target_of(scene) for scene in parts[name]] for name in SPLITS}
    else:
        images, targets = read_detection(folder, counts, height, width)
    if verbose:
        source = "embedded scenes" if folder is None else "PASCAL VOC 2007"
        sizes = [len(images[name]) for name in SPLITS]
        print(f"Data: {source}, {sizes[0]} training, {sizes[1]} validation, {sizes[2]} test images")
    return centred(images, height, width) | {f"y_{name}": targets[name] for name in SPLITS}


def target_of(scene: Scene) -> dict[str, torch.Tensor]:
    """The boxes (G, 4) float32 and labels (G,) int64 into THINGS of a scene's animals."""
    boxes = torch.tensor([thing.box for thing in scene.things], dtype=torch.float32).reshape(-1, 4)
    labels = torch.tensor([THINGS.index(thing.kind) for thing in scene.things], dtype=torch.int64)
    return {"boxes": boxes, "labels": labels}
