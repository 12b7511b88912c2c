"""Assignment 10, part 2: Fast R-CNN. The backbone runs once per image, and a small head once per region.

Write your answers where a NotImplementedError is raised.

Boxes are (x1, y1, x2, y2) in pixels, edges of pixels, x to the right, y down. There are C labels, 0 to C - 1. A *class*
is a column of scores: 0 is background, and the class of label l is 1 + l. (detectron2 puts background last.) Inputs are
never modified; results have the dtype and the device of the first floating tensor; labels and indices are int64. The
functions of boxes.py and the fast_roi_align of kit.py are given.
"""

import torch
import torch.nn.functional as F
from boxes import box_iou, clip_boxes, decode_boxes, nms_by_class
from kit import fast_roi_align
from torch import Tensor, nn

__all__ = ["TRANSFORM_SCALE", "BoxHead", "FastRCNN", "detections", "fast_rcnn_losses", "label_proposals"]

# The head predicts transforms times these, so that all four are of order one. Targets are `encode_boxes` times them.
# Predictions are divided by them before `decode_boxes`.
TRANSFORM_SCALE = (10.0, 10.0, 5.0, 5.0)


def label_proposals(proposals: Tensor, boxes: Tensor, labels: Tensor, threshold: float = 0.5) -> tuple[Tensor, Tensor]:
    """Find the class of each proposal, and the true box that it is matched with.

    A proposal is matched with the true box with which it has the largest IoU, if this IoU is at least the threshold.
    Its class is then 1 + the label of the box. Otherwise it is background. In this second stage nothing is neutral.

    Args:
        proposals: (P, 4) floating point, (x1, y1, x2, y2).
        boxes: (G, 4), the true boxes.
        labels: (G,) int64 in [0, C).
        threshold: in (0, 1].

    Returns:
        (classes, matches): (P,) int64 each. A match is the index of the true box, -1 for background.

    Edge cases: equal IoUs: the box with the lower index. G = 0: all background. P = 0 gives shape (0,).

    >>> proposals = torch.tensor([[0.0, 0.0, 4.0, 2.0], [7.0, 7.0, 9.0, 9.0], [0.0, 0.0, 2.0, 2.0]])
    >>> boxes = torch.tensor([[0.0, 0.0, 4.0, 2.0], [30.0, 0.0, 40.0, 9.0]])
    >>> label_proposals(proposals, boxes, torch.tensor([2, 0]))
    (tensor([3, 0, 3]), tensor([ 0, -1,  0]))
    """
    # Your answer to proposal-labels takes the place of the next line.
    raise NotImplementedError("proposal-labels")


class BoxHead(nn.Module):
    """Predict the scores of all classes and the transforms of all labels from the features of a region.

    The features (C, P, P) of a region are flattened in this order. Then: linear to `hidden`, ReLU, linear to `hidden`,
    ReLU. Two linear layers follow, both on this result: one gives the scores of all classes, the other the transforms
    of all labels. Numbers 4l to 4l + 3 of the transforms belong to label l; background has none.

    Initial weights of these last two layers: normal, with standard deviation 0.01 (scores) and 0.001 (transforms);
    their biases are 0. You may choose the names of the attributes.

    Args:
        in_channels: C of the features.
        pool_size: P, their height and width.
        hidden: width of the two hidden layers.
        num_classes: number of labels, without background.
    """

    def __init__(self, in_channels: int, pool_size: int, hidden: int, num_classes: int) -> None:
        super().__init__()
        # Your answer to fast-rcnn-head takes the place of the next line.
        raise NotImplementedError("fast-rcnn-head")

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Score regions.

        Args:
            x: (R, in_channels, pool_size, pool_size).

        Returns:
            (scores, transforms): (R, num_classes + 1) and (R, num_classes, 4).

        Edge cases: R = 0 and R = 1 are no special cases.

        >>> scores, transforms = BoxHead(8, 5, 16, 3)(torch.zeros(2, 8, 5, 5))
        >>> scores.shape, transforms.shape
        (torch.Size([2, 4]), torch.Size([2, 3, 4]))
        """
        # Your answer to fast-rcnn-head takes the place of the next line.
        raise NotImplementedError("fast-rcnn-head")


class FastRCNN(nn.Module):
    """Fast R-CNN: one pass of the backbone for all regions of an image.

    The attributes `backbone` and `head` are prescribed, and given below. You may choose all others.

    Args:
        backbone: images (N, 3, H, W) -> one map (N, C, h, w).
        head: such as `BoxHead`.
        spatial_scale: cells of the map per pixel of the image.
        pool_size: bins per side, of `fast_roi_align`.
        sampling_ratio: points per bin and axis.
    """

    def __init__(
        self,
        backbone: nn.Module,
        head: nn.Module,
        spatial_scale: float,
        pool_size: int = 5,
        sampling_ratio: int = 2,
    ) -> None:
        super().__init__()
        self.backbone, self.head = backbone, head
        # Your answer to fast-rcnn-head takes the place of the next line.
        raise NotImplementedError("fast-rcnn-head")

    def forward(self, images: Tensor, rois: Tensor) -> tuple[Tensor, Tensor]:
        """Score regions of images: the backbone once for the whole batch, the head once for all regions.

        Args:
            images: (N, 3, H, W) floating point.
            rois: (R, 5), (number of the image, x1, y1, x2, y2), in any order.

        Returns:
            (scores, transforms), as the head returns them, in the order of `rois`.

        >>> model = FastRCNN(nn.Conv2d(3, 8, 3, stride=4, padding=1), BoxHead(8, 5, 16, 3), 1 / 4)
        >>> scores, transforms = model(torch.zeros(1, 3, 16, 24), torch.tensor([[0.0, 2.0, 2.0, 10.0, 14.0]]))
        >>> scores.shape
        torch.Size([1, 4])
        """
        # Your answer to fast-rcnn-head takes the place of the next line.
        raise NotImplementedError("fast-rcnn-head")


def fast_rcnn_losses(scores: Tensor, transforms: Tensor, classes: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """The two losses of the second stage.

    Classification: the mean cross-entropy over all R regions. Box: the smooth L1 distance (beta 1: x^2 / 2 up to 1,
    |x| - 1/2 beyond) between the transforms of the *true* label and the targets. It is summed over the four numbers and
    over all regions that are not background, and divided by R: not by 4 R, and not by the number of these regions.

    Args:
        scores: (R, C + 1) floating point, raw; column 0 is background.
        transforms: (R, C, 4), of each label, as the head predicts them (scaled).
        classes: (R,) int64 in [0, C]: 0 background, else 1 + label.
        targets: (R, 4), scaled by TRANSFORM_SCALE. Rows of background may hold any value, also NaN.

    Returns:
        (classification, box): two scalars.

    Edge cases: R = 0, or only background. A loss over nothing is 0, and still connected to its input: gradients are
    zeros, neither None nor NaN.

    >>> transforms = torch.zeros(2, 2, 4)
    >>> targets = torch.tensor([[0.5, 0.0, 0.0, 3.0], [float("nan")] * 4])
    >>> fast_rcnn_losses(torch.zeros(2, 3), transforms, torch.tensor([2, 0]), targets)
    (tensor(1.0986), tensor(1.3125))

    Allowed: everything, torch's losses too.
    Source: Girshick, Fast R-CNN, ICCV 2015, equations 1 to 3.
    """
    # Your answer to fast-rcnn-losses takes the place of the next line.
    raise NotImplementedError("fast-rcnn-losses")


def detections(
    scores: Tensor,
    transforms: Tensor,
    proposals: Tensor,
    size: tuple[int, int],
    score_threshold: float = 0.05,
    nms_threshold: float = 0.5,
    limit: int = 50,
) -> dict[str, Tensor]:
    """Turn the head's outputs for the proposals of one image into detections.

    First take the softmax over all C + 1 classes, then drop background. Each label has boxes of its own: divide its
    transforms by TRANSFORM_SCALE, decode them from the proposals (`decode_boxes`), and clip the boxes to the image.
    Keep those with a score above the threshold and both sides above 0. Apply non-maximum suppression to the boxes of
    each label. Keep the `limit` best of all labels together.

    Args:
        scores: (P, C + 1) floating point, raw; column 0 is background.
        transforms: (P, C, 4), of each label, scaled.
        proposals: (P, 4), (x1, y1, x2, y2).
        size: (height, width) of the image.
        score_threshold, nms_threshold: in [0, 1].
        limit: >= 0.

    Returns:
        A dict of "boxes" (D, 4), "scores" (D,) and "labels" (D,) int64 in [0, C), by falling score.

    Edge cases: a score of exactly the threshold is not above it. One proposal may be detected as two labels. Equal
    scores: the lower proposal first, then the lower label. Nothing left, or P = 0, gives shapes (0, 4), (0,), (0,).

    >>> scores = torch.tensor([[0.0, 3.0, 0.0], [0.0, 0.0, 0.0]])
    >>> proposals = torch.tensor([[8.0, 8.0, 16.0, 24.0]]).repeat(2, 1)
    >>> found = detections(scores, torch.zeros(2, 2, 4), proposals, (20, 30), score_threshold=0.4)
    >>> print(found["boxes"], found["scores"], found["labels"])
    tensor([[ 8.,  8., 16., 20.]]) tensor([0.9094]) tensor([0])
    """
    # Your answer to fast-rcnn-detections takes the place of the next line.
    raise NotImplementedError("fast-rcnn-detections")
