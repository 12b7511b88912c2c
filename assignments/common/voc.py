"""Reads PASCAL VOC 2007 as its authors publish it: JPEG images, label images and boxes in XML files on disk."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import torch

__all__ = ["VOC_CLASSES", "read_detection", "read_segmentation", "voc_folder"]

VOC_CLASSES = (
    *("background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow"),
    *("diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor"),
)

Images = dict[str, list[np.ndarray]]
Target = dict[str, torch.Tensor]


def voc_folder(root: str | Path) -> Path | None:
    """`root/VOCdevkit/VOC2007` if images, boxes, label images and lists of images are there, else None."""
    folder = Path(root) / "VOCdevkit" / "VOC2007"
    parts = ("JPEGImages", "Annotations", "SegmentationClass", "ImageSets")
    return folder if all((folder / part).is_dir() for part in parts) else None


def read_segmentation(
    folder: Path, counts: tuple[int, int, int], height: int, width: int
) -> tuple[Images, dict[str, list[np.ndarray]]]:
    """Images (3, H, W) uint8 and label images (H, W) uint8 of "train", "val" and "test".

    A label is an index into VOC_CLASSES, or 255 for the border of an object. Images are resized bilinearly, labels
    by the nearest pixel.

    Raises:
        ValueError: a file is missing or damaged; says which.
    """
    images: Images = {}
    labels: dict[str, list[np.ndarray]] = {}
    for split, names in _names(folder / "ImageSets" / "Segmentation", counts).items():
        images[split] = [_image(folder, name, height, width)[0] for name in names]
        labels[split] = [_labels(folder / "SegmentationClass" / f"{name}.png", height, width) for name in names]
    return images, labels


def read_detection(
    folder: Path, counts: tuple[int, int, int], height: int, width: int
) -> tuple[Images, dict[str, list[Target]]]:
    """Images (3, H, W) uint8, and for each its "boxes" (G, 4) float32 and "labels" (G,) int64, by "train" and so on.

    Boxes are scaled with their image. PASCAL counts pixels from 1 and includes the last one: its box (1, 1, 2, 2) is
    (0, 0, 2, 2) here. A label is an index into VOC_CLASSES[1:]. Objects that are marked as difficult are left out.

    Raises:
        ValueError: a file is missing or damaged; says which.
    """
    images: Images = {}
    targets: dict[str, list[Target]] = {}
    for split, names in _names(folder / "ImageSets" / "Main", counts).items():
        images[split], targets[split] = [], []
        for name in names:
            image, (h, w) = _image(folder, name, height, width)
            images[split].append(image)
            targets[split].append(_target(folder / "Annotations" / f"{name}.xml", width / w, height / h))
    return images, targets


def _names(lists: Path, counts: tuple[int, int, int]) -> dict[str, list[str]]:
    """Which images each split has. Without PASCAL's test images, those of its validation images that are left."""
    num_train, num_val, num_test = counts
    train, held = _lines(lists / "train.txt"), _lines(lists / "val.txt")
    test = lists / "test.txt"
    rest = _lines(test) if test.is_file() else held[num_val:]
    return {"train": train[:num_train], "val": held[:num_val], "test": rest[:num_test]}


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().split()
    except OSError as error:
        raise ValueError(f"{path}: cannot be read: {error}") from error


def _image(folder: Path, name: str, height: int, width: int) -> tuple[np.ndarray, tuple[int, int]]:
    """The resized image, and height and width of the original."""
    from PIL import Image

    path = folder / "JPEGImages" / f"{name}.jpg"
    try:
        with Image.open(path) as opened:
            original = opened.convert("RGB")
    except OSError as error:
        raise ValueError(f"{path}: no image: {error}") from error
    resized = original.resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(resized).transpose(2, 0, 1).copy(), (original.height, original.width)


def _labels(path: Path, height: int, width: int) -> np.ndarray:
    from PIL import Image

    try:
        with Image.open(path) as opened:
            labels = np.asarray(opened.resize((width, height), Image.Resampling.NEAREST))
    except OSError as error:
        raise ValueError(f"{path}: no label image: {error}") from error
    known = labels.ndim == 2 and bool(((labels < len(VOC_CLASSES)) | (labels == 255)).all())
    if not known:
        raise ValueError(f"{path}: no label image: it should have one number per pixel, up to 20, or 255")
    return labels.astype(np.uint8)


def _target(path: Path, across: float, down: float) -> Target:
    boxes: list[Sequence[float]] = []
    labels: list[int] = []
    try:
        for item in ElementTree.parse(path).iter("object"):
            if item.findtext("difficult", "0").strip() == "1":
                continue
            x1, y1, x2, y2 = (float(item.findtext(f"bndbox/{side}", "")) for side in ("xmin", "ymin", "xmax", "ymax"))
            boxes.append(((x1 - 1) * across, (y1 - 1) * down, x2 * across, y2 * down))
            labels.append(VOC_CLASSES.index(item.findtext("name", "").strip()) - 1)
    except (OSError, ElementTree.ParseError, ValueError) as error:
        raise ValueError(f"{path}: no list of boxes: {error}") from error
    return {
        "boxes": torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4),
        "labels": torch.tensor(labels, dtype=torch.int64),
    }
