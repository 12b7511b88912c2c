"""Pictures of objects: masks, segments, meshes and proposals; part of `common.plots`."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.collections import PatchCollection
from matplotlib.patches import Patch, Rectangle

from .helpers import tensor_to_image
from .scene_plots import class_colours

__all__ = ["show_masks", "show_mesh", "show_proposals", "show_segments"]

_KINDS = {1: "tab:green", 0: "tab:red", -1: "gray"}  # positive, negative, neutral


def show_masks(
    image: torch.Tensor,
    masks: torch.Tensor,
    labels: Sequence[str] | torch.Tensor,
    scores: torch.Tensor | None = None,
    *,
    axis: plt.Axes | None = None,
    title: str = "",
) -> None:
    """Show an image with masks laid over it, each in a colour of its own and with its label.

    Args:
        image: (3, H, W), uint8, or floating point in [0, 1].
        masks: (N, H, W) bool.
        labels: (N,) names or numbers.
        scores: (N,), or None.
        axis: where to draw; None for a figure of its own, which is shown.
        title: above it.
    """
    names = [str(label) for label in (labels.tolist() if isinstance(labels, torch.Tensor) else labels)]
    palette = plt.get_cmap("tab10")
    with _Canvas(image, axis, title) as canvas:
        for number, (mask, name) in enumerate(zip(masks.cpu().numpy(), names, strict=True)):
            colour = palette(number % 10)
            layer = np.zeros((*mask.shape, 4))
            layer[mask] = (*colour[:3], 0.55)
            canvas.imshow(layer, extent=(0, mask.shape[1], mask.shape[0], 0), interpolation="nearest")
            if mask.any():
                rows, columns = np.nonzero(mask)
                text = name if scores is None else f"{name} {scores[number].item():.2f}"
                frame = {"facecolor": colour, "alpha": 0.8, "pad": 0.8, "linewidth": 0}
                canvas.text(columns.mean(), rows.min(), text, color="white", fontsize=7, ha="center", bbox=frame)


def show_segments(
    segments: torch.Tensor,
    segment_classes: torch.Tensor,
    classes: Sequence[str],
    *,
    axis: plt.Axes | None = None,
    title: str = "",
) -> None:
    """Show a panoptic segmentation: classes by colour, segments of a class by brightness, void in white.

    Args:
        segments: (H, W) int64, 0 for void, else the number of a segment.
        segment_classes: (S,) int64: the class of segment s stands at s - 1.
        classes: the name of each class.
        axis, title: as for `show_masks`.
    """
    colours, table = class_colours(len(classes)), [np.ones(3)]
    seen: dict[int, int] = {}
    for label in segment_classes.tolist():
        seen[label] = seen.get(label, -1) + 1
        table.append(colours[label] * 0.8 ** min(seen[label], 4))
    pixels = torch.from_numpy(np.stack(table)[segments.cpu().numpy()]).permute(2, 0, 1)
    with _Canvas(pixels, axis, title) as canvas:
        entries = [Patch(facecolor=colours[label], label=classes[label]) for label in sorted(seen)]
        if entries:
            canvas.legend(handles=entries, fontsize=6, loc="lower right", framealpha=0.8)


def show_mesh(
    vertices: torch.Tensor,
    faces: torch.Tensor,
    *,
    azimuth: float = -60.0,
    elevation: float = 20.0,
    axis: plt.Axes | None = None,
    title: str = "",
) -> None:
    """Show a triangle mesh in space.

    Args:
        vertices: (V, 3) floating point, (x, y, z): x right, y down, z away from the viewer.
        faces: (F, 3) int64, rows of `vertices`.
        azimuth, elevation: where it is looked at from, in degrees.
        axis: one made with projection="3d"; None for a figure of its own, which is shown.
        title: above it.
    """
    own = axis is None
    if axis is None:
        axis = plt.figure(figsize=(3.2, 3.2), layout="constrained").add_subplot(projection="3d")
    x, y, z = vertices.detach().cpu().unbind(dim=1)
    if len(faces):
        triangles = faces.cpu().numpy()
        axis.plot_trisurf(x.numpy(), z.numpy(), -y.numpy(), triangles=triangles, color="tan", edgecolor="none")
    axis.set_aspect("equal")
    axis.view_init(elev=elevation, azim=azimuth)
    axis.set(title=title, xlabel="x", ylabel="z", zlabel="-y")
    if own:
        plt.show()


def show_proposals(
    image: torch.Tensor,
    boxes: torch.Tensor,
    kinds: torch.Tensor | None = None,
    truths: torch.Tensor | None = None,
    *,
    axis: plt.Axes | None = None,
    title: str = "",
) -> None:
    """Show an image with many boxes drawn thin.

    Args:
        image: (3, H, W), uint8, or floating point in [0, 1].
        boxes: (N, 4), (x1, y1, x2, y2) in pixels.
        kinds: (N,) int64, 1 positive (green), 0 negative (red), -1 neutral (grey); None for all in yellow.
        truths: (G, 4), drawn thick and white; or None.
        axis, title: as for `show_masks`.
    """
    colours = ["gold"] * len(boxes) if kinds is None else [_KINDS[kind] for kind in kinds.tolist()]
    with _Canvas(image, axis, title) as canvas:
        canvas.add_collection(PatchCollection(_frames(boxes), facecolor="none", edgecolor=colours, linewidth=0.7))
        if truths is not None:
            frames = PatchCollection(_frames(truths), facecolor="none", edgecolor="white", linewidth=2)
            canvas.add_collection(frames)


def _frames(boxes: torch.Tensor) -> list[Rectangle]:
    return [Rectangle((x1, y1), x2 - x1, y2 - y1) for x1, y1, x2, y2 in boxes.detach().tolist()]


class _Canvas:
    """An axis with an image on it, in coordinates of boxes: pixel i covers [i, i + 1). One of its own is shown."""

    def __init__(self, image: torch.Tensor, axis: plt.Axes | None, title: str) -> None:
        self.image, self.axis, self.title, self.own = image, axis, title, axis is None

    def __enter__(self) -> plt.Axes:
        height, width = self.image.shape[1:]
        if self.axis is None:
            size = (max(2.0, 0.04 * width), max(2.0, 0.04 * height + 0.3))
            _, self.axis = plt.subplots(figsize=size, layout="constrained")
        image = self.image / 255 if self.image.dtype == torch.uint8 else self.image
        pixels = tensor_to_image(image).numpy()
        self.axis.imshow(pixels, extent=(0, width, height, 0), interpolation="nearest")
        return self.axis

    def __exit__(self, *_: object) -> None:
        assert self.axis is not None
        height, width = self.image.shape[1:]
        self.axis.set(xlim=(0, width), ylim=(height, 0), title=self.title, xticks=[], yticks=[])
        if self.own:
            plt.show()
