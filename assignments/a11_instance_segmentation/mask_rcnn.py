"""Assignment 11, part 1: Mask R-CNN. A mask for every detected thing.

Write your answers where a NotImplementedError is raised.

Boxes are (x1, y1, x2, y2) in pixels, x right, y down, edges of pixels. Masks are (H, W) bool. Labels of things are
0 ... C - 1; `classes` of regions are background 0, then 1 + label. Inputs are never modified. `fast_roi_align`, the
functions of boxes and of evaluation, and the detector are given: `kit.py`, `boxes.py`, `evaluation.py`, `detector.py`.
"""

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from detector import DETECTOR_CHANNELS, FasterRCNN, build_detector
from evaluation import interpolated_average_precision, match_detections, precision_recall
from kit import fast_roi_align
from torch import Tensor, nn

__all__ = [
    "MaskHead",
    "MaskRCNN",
    "build",
    "mask_average_precision",
    "mask_iou",
    "mask_loss",
    "mask_targets",
    "paste_masks",
]


def mask_targets(masks: Tensor, boxes: Tensor, matches: Tensor, size: int) -> Tensor:
    """The mask head's target for each proposal: the part of the object's mask that is inside of the proposal.

    Take the mask of the matched object as an image of 0 and 1. Cut the proposal out of it with `fast_roi_align` (scale
    1, sampling ratio 2). A cell of the target is 1 where the value is 0.5 or more. What is outside of the proposal is
    lost; the whole object is not squeezed into the grid. Boxes are not rounded.

    Args:
        masks: (G, H, W) bool, of the objects of one image.
        boxes: (R, 4) floating point, the proposals.
        matches: (R,) int64, the index of each proposal's object.
        size: side of the grid, >= 1.

    Returns:
        (R, size, size) of 0 and 1, with the dtype of the boxes.

    Edge cases: R = 0 gives shape (0, size, size).

    >>> masks = torch.zeros(1, 4, 4, dtype=torch.bool)
    >>> masks[:, :, :2] = True
    >>> mask_targets(masks, torch.tensor([[1.0, 0.0, 4.0, 4.0]]), torch.tensor([0]), 3)  # shares 0.875, 0.125, 0
    tensor([[[1., 0., 0.],
             [1., 0., 0.],
             [1., 0., 0.]]])

    Source: He et al., Mask R-CNN, ICCV 2017, section 3.
    """
    # Your answer to mask-targets takes the place of the next line.
    raise NotImplementedError("mask-targets")


class MaskHead(nn.Module):
    """Turn the features of a region into one grid of scores for every label.

    `num_convs` times a 3x3 convolution with padding 1 and a ReLU; a 2x2 transposed convolution with stride 2, and a
    ReLU; a 1x1 convolution to num_classes channels. All layers but the last have `hidden` channels. There is no
    sigmoid, and no channel for background. You may choose the names of the attributes.

    Source: He et al., Mask R-CNN, ICCV 2017, figure 4.
    """

    def __init__(self, in_channels: int, hidden: int, num_convs: int, num_classes: int) -> None:
        super().__init__()
        # Your answer to mask-head takes the place of the next line.
        raise NotImplementedError("mask-head")

    def forward(self, features: Tensor) -> Tensor:
        """(R, in_channels, P, P) -> (R, num_classes, 2 P, 2 P) scores; R = 0 works."""
        # Your answer to mask-head takes the place of the next line.
        raise NotImplementedError("mask-head")


def mask_loss(scores: Tensor, targets: Tensor, labels: Tensor) -> Tensor:
    """The binary cross-entropy of each region's mask, in the channel of its true label only.

    The other channels do not count and get no gradient: labels do not compete for a pixel.

    Args:
        scores: (R, C, M, M) floating point, before the sigmoid.
        targets: (R, M, M) of 0 and 1.
        labels: (R,) int64 in [0, C).

    Returns:
        A scalar: the mean over R M M cells.

    Edge cases: R = 0 gives 0, connected to the scores. The loss is finite for scores from -1e4 to 1e4.

    >>> scores = torch.tensor([[[[0.0]], [[9.0]]]])
    >>> mask_loss(scores, torch.ones(1, 1, 1), torch.tensor([0]))  # log 2
    tensor(0.6931)
    """
    # Your answer to mask-loss takes the place of the next line.
    raise NotImplementedError("mask-loss")


def paste_masks(probabilities: Tensor, boxes: Tensor, height: int, width: int, threshold: float = 0.5) -> Tensor:
    """Put the grid of every box back into the image: the inverse of `mask_targets`, up to the rim.

    A pixel (row i, column j) has its centre at (j + 0.5, i + 0.5). If the centre lies in the box, x1 <= j + 0.5 < x2
    and y1 <= i + 0.5 < y2, the pixel reads the grid by bilinear interpolation at

        u = (j + 0.5 - x1) / (x2 - x1) * M - 0.5,   v = (i + 0.5 - y1) / (y2 - y1) * M - 0.5

    where whole numbers are centres of cells (u for the column, v for the row), and u and v are clamped into [0, M - 1].
    The mask is True where the value is `threshold` or more. Outside of its box it is False.

    Args:
        probabilities: (R, M, M) floating point.
        boxes: (R, 4), (x1, y1, x2, y2) in pixels; parts may lie outside of the image.
        height, width: of the image.
        threshold: the least value that is True.

    Returns:
        (R, height, width) bool.

    Edge cases: a box without area, or outside of the image: all False. R = 0 gives shape (0, height, width).

    >>> grid = torch.tensor([[[1.0, 0.0], [1.0, 0.0]]])
    >>> paste_masks(grid, torch.tensor([[1.0, 0.0, 5.0, 1.0]]), 2, 6).int()
    tensor([[[0, 1, 1, 0, 0, 0],
             [0, 0, 0, 0, 0, 0]]], dtype=torch.int32)

    Allowed: `grid_sample` (align_corners=False, padding_mode="border"). A loop over pixels loses the points of
    `mask-speed`.
    """
    # Your answer to paste-masks takes the place of the next line.
    raise NotImplementedError("paste-masks")


def mask_iou(a: Tensor, b: Tensor) -> Tensor:
    """The IoU of every mask of one list with every mask of another: pixels in both / pixels in either.

    Args:
        a: (P, H, W) bool.
        b: (G, H, W) bool.

    Returns:
        (P, G) float64. Two empty masks have IoU 0.

    >>> mask_iou(torch.tensor([[[True, True, False]]]), torch.tensor([[[False, True, True]], [[True, True, False]]]))
    tensor([[0.3333, 1.0000]], dtype=torch.float64)
    """
    # Your answer to mask-ap takes the place of the next line.
    raise NotImplementedError("mask-ap")


def mask_average_precision(
    predictions: Sequence[Mapping[str, Tensor]],
    truths: Sequence[Mapping[str, Tensor]],
    num_classes: int,
    threshold: float = 0.5,
) -> Tensor:
    """The average precision of every label, by the IoU of masks.

    For each label: in each image, apply `match_detections` to the IoUs of the masks of this label. The detections of
    all images together make one curve (`precision_recall`). Take its `interpolated_average_precision`.

    Args:
        predictions: one mapping per image: "masks" (D, H, W) bool; "scores" (D,) floating point; "labels" (D,) int64.
        truths: one mapping per image: "masks" (G, H, W) bool; "labels" (G,) int64. D and G may be 0.
        num_classes: C.
        threshold: the least IoU of a true detection.

    Returns:
        (C,) float64. A label without any truth has NaN; a label with truths and without predictions has 0.

    Edge cases: equal scores: the earlier image first, then the lower index.

    >>> masks = torch.tensor([[[True, True, False]], [[False, False, True]]])
    >>> truth = {"masks": masks, "labels": torch.tensor([0, 0])}
    >>> found = {"masks": masks[:1], "scores": torch.tensor([0.9]), "labels": torch.tensor([0])}
    >>> mask_average_precision([found], [truth], 2)
    tensor([0.5050,    nan], dtype=torch.float64)
    """
    # Your answer to mask-ap takes the place of the next line.
    raise NotImplementedError("mask-ap")


class MaskRCNN(nn.Module):
    """A detector, and a head that predicts which pixels of each box belong to the thing.

    The attributes `detector` and `mask_head` are prescribed.
    """

    def __init__(self, detector: FasterRCNN, mask_head: nn.Module, pool_size: int = 14) -> None:
        """
        Args:
            detector: the given Faster R-CNN of `detector.py`; read its docstrings first.
            mask_head: a `MaskHead` for the detector's map of stride `detector.mask_stride`.
            pool_size: each region is cut out of that map as pool_size x pool_size cells (sampling ratio 2). So its
                grids of scores have 2 pool_size x 2 pool_size cells.
        """
        super().__init__()
        self.detector = detector
        self.mask_head = mask_head
        self.pool_size = pool_size

    def forward(
        self, images: Tensor, targets: Sequence[Mapping[str, Tensor]], anchor_priority: Tensor, region_priority: Tensor
    ) -> Tensor:
        """The five losses of a batch.

        `detector.regions` returns the detector's four losses and the regions that it has sampled. The fifth loss is
        `mask_loss` of the regions that are not background. Their features are cut from the map in
        `regions(...).features`, their targets by `mask_targets` from the masks of their own image.

        Args:
            images: (N, 3, H, W).
            targets: one mapping per image: "boxes" (G, 4), "labels" (G,), "masks" (G, H, W) bool. G may be 0.
            anchor_priority, region_priority: uniform numbers, for the detector.

        Returns:
            (5,): RPN classification, RPN regression, object classification, object regression, mask.
        """
        # Your answer to mask-rcnn takes the place of the next line.
        raise NotImplementedError("mask-rcnn")

    def masks(self, images: Tensor, detections: Sequence[Mapping[str, Tensor]]) -> list[Tensor]:
        """The masks of given boxes, in the current mode of the module and without gradients.

        Args:
            images: (N, 3, H, W).
            detections: one mapping per image: "boxes" (D, 4), "labels" (D,). They need not be the detector's own, and
                parts of a box may lie outside of the image.

        Returns:
            A list with one tensor (D, H, W) bool per image: the sigmoid of the channel of each box's label, pasted.
        """
        # Your answer to mask-rcnn takes the place of the next line.
        raise NotImplementedError("mask-rcnn")

    def detect(self, images: Tensor) -> list[dict[str, Tensor]]:
        """Detect things and their masks, in evaluation mode. Afterwards the mode is as before.

        Args:
            images: (N, 3, H, W).

        Returns:
            A list with a dict per image: "boxes", "scores", "labels" of `detector.detect`, and "masks" (D, H, W) bool,
            those of the *final* boxes.
        """
        # Your answer to mask-rcnn takes the place of the next line.
        raise NotImplementedError("mask-rcnn")


def build() -> MaskRCNN:
    """Given: the notebook's network, untrained. Its trained state is handed in as mask_rcnn.pt."""
    return MaskRCNN(build_detector(), MaskHead(DETECTOR_CHANNELS, hidden=48, num_convs=2, num_classes=3))
