"""Pictures of labelled pixels, of boxes, and of precision over recall; part of `common.plots`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.patches import Patch, Rectangle

from .helpers import tensor_to_image
from .scenes import IGNORE

__all__ = ["class_colours", "plot_curves", "show_boxes", "show_segmentation"]

# Sky, grass, tree, cat, dog, duck: told apart by their lightness too.
_SCENE_COLOURS = (
    *((0.53, 0.75, 0.93), (0.47, 0.71, 0.35), (0.12, 0.37, 0.20)),
    *((0.93, 0.49, 0.19), (0.52, 0.31, 0.62), (0.97, 0.83, 0.28)),
)


def class_colours(count: int) -> np.ndarray:
    """(count, 3) colours in [0, 1], one for each class."""
    if count <= len(_SCENE_COLOURS):
        return np.array(_SCENE_COLOURS[:count])
    table = plt.get_cmap("tab20")
    return np.array([table(k % 20)[:3] if k < 20 else (0.2 + 0.03 * (k % 20),) * 3 for k in range(count)])


def show_segmentation(
    images: torch.Tensor, labels: torch.Tensor | Mapping[str, torch.Tensor], classes: Sequence[str], height: float = 1.7
) -> None:
    """Show images and, below each, its labels in colours; a pixel with the label 255 is white.

    Args:
        images: (N, 3, H, W), uint8, or floating point in [0, 1].
        labels: (N, H, W) labels, or several of them by name, such as {"truth": y, "prediction": guess}.
        classes: the name of each label.
        height: of a row, in inches.
    """
    rows = dict(labels) if isinstance(labels, Mapping) else {"": labels}
    wide = height * images.shape[3] / images.shape[2]
    size = (wide * len(images) + 0.3, height * (1 + len(rows)) + 0.5)
    figure, axes = plt.subplots(1 + len(rows), len(images), figsize=size, squeeze=False)
    colours = np.concatenate([class_colours(len(classes)), np.ones((256 - len(classes), 3))])
    for column, image in enumerate(images):
        axes[0, column].imshow(_pixels(image))
        for row, values in enumerate(rows.values(), start=1):
            axes[row, column].imshow(colours[values[column].cpu().numpy()], interpolation="nearest")
    for axis in axes.flat:
        axis.set_xticks([])
        axis.set_yticks([])
    for row, name in enumerate(rows, start=1):
        axes[row, 0].set_ylabel(name)
    entries = [Patch(facecolor=colour, label=name) for colour, name in zip(colours, classes, strict=False)]
    if any((values == IGNORE).any() for values in rows.values()):
        entries.append(Patch(facecolor="white", edgecolor="gray", label="ignored"))
    figure.tight_layout(rect=(0, 0.5 / size[1], 1, 1))
    figure.legend(handles=entries, loc="lower center", ncols=min(8, len(entries)), frameon=False)
    plt.show()


def show_boxes(
    image: torch.Tensor,
    boxes: torch.Tensor,
    labels: Sequence[str] | torch.Tensor,
    scores: torch.Tensor | None = None,
    *,
    axis: plt.Axes | None = None,
    title: str = "",
) -> None:
    """Show an image with boxes, each with its label and score.

    Args:
        image: (3, H, W), uint8, or floating point in [0, 1].
        boxes: (N, 4), (x1, y1, x2, y2) in pixels; x right, y down, from the outer corner of the first pixel.
        labels: (N,) names or numbers; equal ones get the same colour.
        scores: (N,), or None.
        axis: where to draw; None for a figure of its own, which is shown.
        title: above it.
    """
    names = [str(label) for label in (labels.tolist() if isinstance(labels, torch.Tensor) else labels)]
    own = axis is None
    if own:
        size = (max(2.0, 0.04 * image.shape[2]), max(2.0, 0.04 * image.shape[1] + 0.3))
        _, axis = plt.subplots(figsize=size, layout="constrained")
    palette = plt.get_cmap("Set1")
    order = sorted(set(names))
    # Pixel i covers [i, i + 1), as boxes have it; matplotlib would put its centre at i.
    axis.imshow(_pixels(image), extent=(0, image.shape[2], image.shape[1], 0), interpolation="nearest")
    for number, (box, name) in enumerate(zip(boxes.tolist(), names, strict=True)):
        x1, y1, x2, y2 = box
        colour = palette(order.index(name) % 9)
        axis.add_patch(Rectangle((x1, y1), x2 - x1, y2 - y1, fill=False, edgecolor=colour, linewidth=1.6))
        text = name if scores is None else f"{name} {scores[number].item():.2f}"
        frame = {"facecolor": colour, "alpha": 0.8, "pad": 0.8, "linewidth": 0}
        axis.text(x1, y1, text, color="white", fontsize=7, verticalalignment="bottom", bbox=frame, clip_on=True)
    axis.set(xlim=(0, image.shape[2]), ylim=(image.shape[1], 0), title=title, xticks=[], yticks=[])
    if own:
        plt.show()


Curve = torch.Tensor | Sequence[float]


def plot_curves(precision: Curve | Mapping[str, Curve], recall: Curve | Mapping[str, Curve]) -> None:
    """Plot precision over recall, the area below filled where there is one curve only.

    Args:
        precision, recall: (D,) each, or several curves of each by name.
    """
    several = isinstance(precision, Mapping)
    curves = {name: (precision[name], recall[name]) for name in precision} if several else {"": (precision, recall)}
    figure, axis = plt.subplots(figsize=(4.6, 3.6))
    for name, (heights, across) in curves.items():
        x, y = [0.0, *map(float, across)], [*map(float, heights)]
        y = [y[0] if y else 0.0, *y]
        (line,) = axis.plot(x, y, drawstyle="steps-pre", label=name)
        if not several:
            axis.fill_between(x, y, step="pre", alpha=0.2, color=line.get_color())
    axis.set(title="Precision over recall", xlabel="recall", ylabel="precision", xlim=(0, 1.02), ylim=(0, 1.05))
    if several:
        axis.legend()
    figure.tight_layout()
    plt.show()


def _pixels(image: torch.Tensor) -> np.ndarray:
    """(H, W, 3) uint8."""
    return tensor_to_image(image / 255 if image.dtype == torch.uint8 else image).numpy()
