"""The images that the assignments train on: CIFAR-10 where it is on disk, else shapes drawn from a seed."""

from __future__ import annotations

from pathlib import Path

import torch

from .cifar import CIFAR_CLASSES, cifar_folder, read_cifar
from .shapes import SHAPE_CLASSES, draw_shapes

__all__ = ["class_names", "data_source", "preprocess_cifar10"]

EMBEDDED_TRAIN, EMBEDDED_TEST = 8000, 1600


def data_source(root: str | Path = "data") -> str:
    """Which images `preprocess_cifar10` would use: "CIFAR-10" or "embedded shapes"."""
    return "embedded shapes" if cifar_folder(root) is None else "CIFAR-10"


def class_names(root: str | Path = "data") -> tuple[str, ...]:
    """The names of the ten classes, in the order of their labels."""
    return SHAPE_CLASSES if cifar_folder(root) is None else CIFAR_CLASSES


def preprocess_cifar10(
    cuda: bool = False,
    show_examples: bool = False,
    bias_trick: bool = False,
    flatten: bool = False,
    validation_ratio: float = 0.2,
    dtype: torch.dtype = torch.float32,
    *,
    root: str | Path = "data",
    num_train: int | None = None,
    num_test: int | None = None,
    seed: int = 0,
    verbose: bool = True,
) -> dict[str, torch.Tensor]:
    """Images and labels, split in three and centred.

    Uses CIFAR-10 if its files are in `root/cifar-10-batches-py`, else the embedded shapes; says which.
    Pixels are scaled to [0, 1]; then the mean colour of the training images is subtracted from all.

    Args:
        cuda: put everything on the GPU.
        show_examples: show some images of each class.
        bias_trick: append a feature that is always 1; needs `flatten`.
        flatten: images as rows, (N, 3072).
        validation_ratio: the share of training images that is split off for validation, in [0, 1).
        dtype: of the images.
        root: where data sets lie.
        num_train, num_test: how many images to take; None for all (of the shapes 8000 and 1600).
            num_train includes those that validation then gets.
        seed: of the embedded shapes. CIFAR-10 does not depend on it.
        verbose: False prints nothing.

    Returns:
        A dict of X_train, X_val, X_test, (N, 3, 32, 32) or (N, 3072 [+ 1]), and y_train, y_val, y_test,
        (N,) int64 in [0, 10).

    Raises:
        ValueError: there are no training images, or arguments contradict each other.
    """
    if bias_trick and not flatten:
        raise ValueError("bias_trick appends a feature to flat images; set flatten=True as well")
    if not 0 <= validation_ratio < 1:
        raise ValueError(f"validation_ratio is {validation_ratio}; it must be at least 0 and less than 1")
    X_train, y_train, X_test, y_test = _load(root, num_train, num_test, seed)
    kept = len(X_train) - int(len(X_train) * validation_ratio)
    if kept == 0:
        raise ValueError("no training images are left")
    if verbose:
        print(
            f"Data: {data_source(root)}, {kept} training, {len(X_train) - kept} validation, {len(X_test)} test images"
        )
    if show_examples:
        # Plots need matplotlib, which graded code must not have to wait for.
        from .plots import visualize_dataset

        visualize_dataset(X_train, y_train, 12, class_names(root))

    device = "cuda" if cuda else "cpu"
    X_train, X_test = (X.to(device, dtype) / 255 for X in (X_train, X_test))
    centre = X_train[:kept].mean(dim=(0, 2, 3), keepdim=True)
    images = {"X_train": X_train[:kept] - centre, "X_val": X_train[kept:] - centre, "X_test": X_test - centre}
    if flatten:
        images = {name: X.flatten(1) for name, X in images.items()}
    if bias_trick:
        images = {name: torch.cat([X, X.new_ones(len(X), 1)], dim=1) for name, X in images.items()}
    labels = {"y_train": y_train[:kept], "y_val": y_train[kept:], "y_test": y_test}
    return images | {name: y.to(device) for name, y in labels.items()}


def _load(
    root: str | Path, num_train: int | None, num_test: int | None, seed: int
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Training images and labels, test images and labels, 8-bit."""
    folder = cifar_folder(root)
    if folder is not None:
        X_train, y_train, X_test, y_test = read_cifar(folder)
        return X_train[:num_train], y_train[:num_train], X_test[:num_test], y_test[:num_test]
    # Even seeds draw training images and odd ones test images, so no image is in both.
    train = draw_shapes(EMBEDDED_TRAIN if num_train is None else num_train, seed=2 * seed)
    test = draw_shapes(EMBEDDED_TEST if num_test is None else num_test, seed=2 * seed + 1)
    return *train, *test
