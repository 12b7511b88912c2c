"""Pictures for the notebooks. Importing this module imports matplotlib; nothing else in `common` does
but its parts `figures`, `layer_plots`, `object_plots` and `scene_plots`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
import torch

from .figures import describe_figures
from .helpers import tensor_to_image
from .layer_plots import show_convolution, show_max_pooling
from .object_plots import show_masks, show_mesh, show_proposals, show_segments
from .scene_plots import class_colours, plot_curves, show_boxes, show_segmentation

if TYPE_CHECKING:
    from .solver import Solver
    from .train import History

__all__ = [
    "class_colours",
    "plot_curves",
    "plot_histories",
    "plot_training",
    "show_boxes",
    "show_convolution",
    "show_filters",
    "show_images",
    "show_masks",
    "show_max_pooling",
    "show_mesh",
    "show_proposals",
    "show_segmentation",
    "show_segments",
    "visualize_dataset",
]

describe_figures()


def visualize_dataset(X: torch.Tensor, y: torch.Tensor, samples_per_class: int, class_names: Sequence[str]) -> None:
    """Show images of every class, one row for each.

    Args:
        X: (N, 3, H, W), uint8, or floating point in [0, 1].
        y: (N,) labels.
        samples_per_class: images per row, as far as there are.
        class_names: name of each label.
    """
    height, width = (size + 2 for size in X.shape[2:])  # two white pixels between images
    sheet = np.full((height * len(class_names), width * samples_per_class, 3), 255, dtype=np.uint8)
    for row in range(len(class_names)):
        for column, index in enumerate((y == row).nonzero()[:samples_per_class, 0]):
            top, left = row * height, column * width
            sheet[top : top + height - 2, left : left + width - 2] = _pixels(X[index])
    figure, axis = plt.subplots(figsize=(0.6 * samples_per_class + 1, 0.6 * len(class_names)))
    figure.set_label(f"Up to {samples_per_class} images of each class, a row each: {', '.join(class_names)}.")
    axis.imshow(sheet)
    axis.set_xticks([])
    axis.set_yticks([height * (row + 0.5) - 1 for row in range(len(class_names))], class_names)
    axis.tick_params(length=0)
    for side in axis.spines.values():
        side.set_visible(False)
    figure.tight_layout()
    plt.show()


def show_images(images: Sequence[torch.Tensor], titles: Sequence[str], height: float = 2.4) -> None:
    """Show images side by side, each stretched to its own range of values.

    Args:
        images: (3, H, W) or (H, W) each; (H, W) is shown in grey.
        titles: one line above each.
        height: of the row, in inches.
    """
    figure, axes = plt.subplots(1, len(images), figsize=(height * len(images), height), squeeze=False)
    for axis, image, title in zip(axes[0], images, titles, strict=True):
        stretched = _stretch(image)
        axis.imshow(_pixels(stretched) if image.dim() == 3 else stretched.cpu().numpy(), cmap="gray")
        axis.set_title(title)
        axis.axis("off")
    figure.tight_layout()
    plt.show()


def show_filters(weights: torch.Tensor, columns: int = 8) -> None:
    """Show the filters of a first layer, (F, 3, HH, WW), as colour images in a grid."""
    rows = -(-len(weights) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(0.9 * columns, 0.9 * rows), squeeze=False)
    figure.set_label(f"The {len(weights)} filters as colour images of {weights.shape[3]} x {weights.shape[2]} pixels.")
    for axis in axes.flat:
        axis.axis("off")
    for axis, weight in zip(axes.flat, weights, strict=False):
        axis.imshow(_pixels(_stretch(weight)))
    figure.tight_layout()
    plt.show()


def plot_histories(solvers: Mapping[str, Solver]) -> None:
    """Plot loss, training accuracy and validation accuracy of trained solvers, each under its name."""
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(13, 3.5))
    for name, solver in solvers.items():
        left.plot(solver.loss_history, label=name, alpha=0.8)
        middle.plot(solver.train_acc_history, "-o", label=name)
        right.plot(solver.val_acc_history, "-o", label=name)
    left.set(title="Loss", xlabel="step")
    middle.set(title="Training accuracy", xlabel="measurement", ylim=(0, 1.02))
    right.set(title="Validation accuracy", xlabel="measurement", ylim=(0, 1.02))
    left.legend()
    figure.tight_layout()
    plt.show()


def plot_training(histories: Mapping[str, History], window: int = 25) -> None:
    """Plot training loss, training accuracy and validation accuracy, as `common.train` keeps them, each under its name.

    Args:
        histories: what `common.train.train` returned.
        window: steps that the two training curves are averaged over; one batch alone says little.
    """
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(13, 3.5))
    for name, history in histories.items():
        for axis, curve in ((left, "train_loss"), (middle, "train_acc")):
            means = _running_mean(history[curve], window)
            axis.plot(np.arange(len(means)) + len(history[curve]) - len(means) + 1, means, label=name, alpha=0.8)
        right.plot(history["val_iter"], history["val_acc"], "-o", label=name)
    left.set(title="Training loss", xlabel="step", ylim=(0, None))
    middle.set(title="Training accuracy", xlabel="step", ylim=(0, 1.02))
    right.set(title="Validation accuracy", xlabel="step", ylim=(0, 1.02))
    left.legend()
    figure.tight_layout()
    plt.show()


def _running_mean(values: Sequence[float], window: int) -> np.ndarray:
    """The mean of each `window` values in a row; of all of them where there are fewer."""
    window = max(1, min(window, len(values)))
    return np.convolve(values, np.full(window, 1 / window), mode="valid")


def _stretch(image: torch.Tensor) -> torch.Tensor:
    """The same image with its values spread over [0, 1]; a flat one becomes 0."""
    low, high = image.min(), image.max()
    return (image - low) / (high - low).clamp(min=1e-12)


def _pixels(image: torch.Tensor) -> np.ndarray:
    """(H, W, 3) uint8."""
    return tensor_to_image(image / 255 if image.dtype == torch.uint8 else image).numpy()
