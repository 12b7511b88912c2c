"""Assignment 11, part 2: panoptic segmentation. A class for every pixel, and a number for every thing.

Write your answers where a NotImplementedError is raised.

Classes are numbered as in `common.scenes.CLASSES`: first stuff, 0 ... num_stuff - 1 (sky, grass, tree), then things
(cat, dog, duck). Each thing is a segment of its own; all stuff of a class is one segment. A panoptic segmentation of an
image is a pair. `segments` (H, W) int64 holds for every pixel the number of its segment, 1, 2, ..., or 0 for void,
which is no segment. `segment_classes` (S,) int64 holds at s - 1 the class of segment s. Inputs are never modified.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from common.scenes import CLASSES, IGNORE, STUFF

__all__ = [
    "NUM_CLASSES",
    "NUM_STUFF",
    "SemanticBranch",
    "merge_panoptic",
    "panoptic_counts",
    "panoptic_quality",
    "semantic_loss",
]

NUM_CLASSES, NUM_STUFF = len(CLASSES), len(STUFF)


class SemanticBranch(nn.Module):
    """Turn the maps of a feature pyramid into scores for every pixel of the image.

    Level l of the pyramid, finest first and from 0, goes through max(1, l) stages. A stage is a 3x3 convolution with
    padding 1, a ReLU, and, where l > 0, bilinear enlargement by 2 (align_corners=False). So every level gets the size
    of the finest one. All levels are summed. A 1x1 convolution makes scores, which are enlarged by `stride`, bilinearly
    too.

    Attributes (prescribed; you may choose the names inside of them):
        scales: nn.ModuleList, one part for each level, finest first.
        predict: the 1x1 convolution.

    Source: Kirillov et al., Panoptic feature pyramid networks, CVPR 2019, section 3 (without its group norm).
    """

    def __init__(self, in_channels: int, width: int, num_classes: int, num_levels: int, stride: int) -> None:
        """
        Args:
            in_channels: channels of every map.
            width: channels of the results of all convolutions but the last.
            num_classes: C.
            num_levels: how many maps there are, >= 1.
            stride: stride of the finest map: one of its cells covers stride x stride pixels.
        """
        super().__init__()
        # Your answer to semantic-branch takes the place of the next line.
        raise NotImplementedError("semantic-branch")

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        """
        Args:
            maps: one (N, in_channels, H / stride / 2^l, W / stride / 2^l) for each level l, finest first.

        Returns:
            (N, C, H, W) scores, not probabilities.
        """
        # Your answer to semantic-branch takes the place of the next line.
        raise NotImplementedError("semantic-branch")


def semantic_loss(scores: Tensor, labels: Tensor) -> Tensor:
    """Given: the mean cross-entropy of all pixels whose label is not 255.

    Args:
        scores: (N, C, H, W).
        labels: (N, H, W) int64.
    """
    return F.cross_entropy(scores, labels, ignore_index=IGNORE)


def merge_panoptic(
    masks: Tensor,
    classes: Tensor,
    scores: Tensor,
    semantic: Tensor,
    num_stuff: int,
    score_threshold: float = 0.5,
    overlap_threshold: float = 0.5,
    stuff_area: int = 64,
) -> tuple[Tensor, Tensor]:
    """Merge instances, which may overlap, and a class for every pixel into one panoptic segmentation.

    Things come first, from the highest score to the lowest. Leave out an instance whose score is below
    `score_threshold` or whose mask is empty. Leave it out, too, if *more* than `overlap_threshold` of its own area is
    taken already. Otherwise it gets those of its pixels that are free, if there are any. An instance that is left out
    takes no pixel.

    Then comes stuff, by rising number of its class. A class gets the free pixels that `semantic` assigns to it, if
    there are `stuff_area` or more of them. All other pixels are void, also those that `semantic` assigns to a thing.

    Args:
        masks: (R, H, W) bool, of the instances.
        classes: (R,) int64, each instance's class, >= num_stuff.
        scores: (R,) floating point.
        semantic: (H, W) int64, a class for every pixel: the argmax of `SemanticBranch`'s scores.
        num_stuff: classes below it are stuff.
        score_threshold: the least score of an instance.
        overlap_threshold: the largest part of an instance that may be taken already.
        stuff_area: the least area of a stuff segment, in pixels.

    Returns:
        (segments, segment_classes): (H, W) int64 and (S,) int64. Segments are numbered 1 ... S in the order above, and
        none of them is empty.

    Edge cases: equal scores: the lower index first. R = 0 gives only stuff. Without segments: zeros and shape (0,).

    >>> masks = torch.tensor([[[1, 1, 0, 0]], [[0, 1, 1, 1]]]).bool()
    >>> semantic = torch.tensor([[1, 1, 1, 1]])
    >>> merge_panoptic(masks, torch.tensor([3, 4]), torch.tensor([0.6, 0.9]), semantic, num_stuff=3, stuff_area=1)
    (tensor([[2, 1, 1, 1]]), tensor([4, 3]))

    Source: Kirillov et al., Panoptic segmentation, CVPR 2019, section 7; the thresholds are those of their code.
    """
    # Your answer to panoptic-merge takes the place of the next line.
    raise NotImplementedError("panoptic-merge")


def panoptic_counts(
    segments: Tensor, classes: Tensor, true_segments: Tensor, true_classes: Tensor, num_classes: int
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Match the segments of one image with the true ones, and count, for each class.

    A predicted and a true segment match if their classes are equal and their IoU is *greater* than 0.5. So no segment
    has two matches, and scores are not needed. Pixels that are void in the truth do not count:

        IoU = |both| / (|predicted, without the truth's void| + |true| - |both|)

    A pixel that is void in the prediction belongs to no predicted segment, but still to the true one. A true segment
    without a match is a false negative. A predicted segment without a match is a false positive, unless more than half
    of its area is void in the truth: there, the truth is unknown.

    Args:
        segments, classes: (H, W) int64 and (S,) int64, the prediction. A number that no pixel has is no segment.
        true_segments, true_classes: (H, W) int64 and (T,) int64, likewise.
        num_classes: C.

    Returns:
        (iou, tp, fp, fn), (C,) each: the sum of the IoUs of all matches, float64; the numbers of matches, false
        positives and false negatives, int64. Add them up over images before `panoptic_quality`.

    >>> segments, truth = torch.tensor([[1, 1, 2, 2]]), torch.tensor([[1, 1, 1, 2]])
    >>> panoptic_counts(segments, torch.tensor([0, 1]), truth, torch.tensor([0, 1]), 2)
    (tensor([0.6667, 0.0000], dtype=torch.float64), tensor([1, 0]), tensor([0, 1]), tensor([0, 1]))

    (The second segments have IoU 1/2 exactly, which is not enough.)
    Source: Kirillov et al., Panoptic segmentation, CVPR 2019, section 4.
    """
    # Your answer to panoptic-quality takes the place of the next line.
    raise NotImplementedError("panoptic-quality")


def panoptic_quality(iou: Tensor, tp: Tensor, fp: Tensor, fn: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The panoptic quality of each class, and its two factors.

        PQ = iou / (tp + fp / 2 + fn / 2),   SQ = iou / tp,   RQ = tp / (tp + fp / 2 + fn / 2)

    SQ, segmentation quality, is the mean IoU of the matches. RQ, recognition quality, measures how many segments match.

    Args:
        iou, tp, fp, fn: (C,) each, sums over all images of what `panoptic_counts` returns.

    Returns:
        (pq, sq, rq), (C,) float64 each. A class with tp = fp = fn = 0 has NaN in all three: leave it out of means. Any
        other class with tp = 0 has SQ 0.

    >>> one = torch.tensor([1])
    >>> panoptic_quality(torch.tensor([2 / 3], dtype=torch.float64), one, one, one)  # doctest: +NORMALIZE_WHITESPACE
    (tensor([0.3333], dtype=torch.float64), tensor([0.6667], dtype=torch.float64),
     tensor([0.5000], dtype=torch.float64))

    Law: pq = sq * rq.
    """
    # Your answer to panoptic-quality takes the place of the next line.
    raise NotImplementedError("panoptic-quality")
