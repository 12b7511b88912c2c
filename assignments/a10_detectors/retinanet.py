"""Assignment 10, part 5: a single-stage detector. Focal loss, a pyramid of features, and RetinaNet.

Write your answers where a NotImplementedError is raised.

Classes are columns of scores: background 0, then 1 + label. An anchor of class -1 does not count. As in the lecture,
maps have (C + 1) K channels, and a softmax turns them into probabilities. The paper has C sigmoids; the notebook asks
about that. `targets` is a list with a dict per image: "boxes" (G, 4), (x1, y1, x2, y2) in pixels, and "labels" (G,)
int64 in [0, C); G may be 0. Inputs are never modified; results have the dtype and the device of the first floating
tensor, and labels are int64.
"""

import math

import torch
import torch.nn.functional as F
from boxes import clip_boxes, decode_boxes, encode_boxes, nms_by_class
from fast_rcnn import TRANSFORM_SCALE
from kit import TinyBackbone
from region_proposals import flatten_maps, label_anchors, make_anchors
from torch import Tensor, nn

__all__ = [
    "RATIOS",
    "SIZES",
    "FeaturePyramid",
    "RetinaHead",
    "RetinaNet",
    "build",
    "focal_loss",
    "retinanet_losses",
]

# The notebook's anchors: nine in each cell of each level, and twice as large from one level to the next.
SIZES, RATIOS = ((12.0, 16.0, 22.0), (28.0, 38.0, 52.0)), (0.6, 1.0, 1.6)


def focal_loss(scores: Tensor, classes: Tensor, gamma: float = 2.0) -> Tensor:
    """Cross-entropy with a small weight for anchors that are already classified well.

        FL(p_t) = -(1 - p_t)^gamma log(p_t),    where p_t is the softmax probability of the true class

    Args:
        scores: (A, C + 1) floating point, raw.
        classes: (A,) int64: 0 to C, or -1 for an anchor that does not count.
        gamma: >= 0. With 0 it is the cross-entropy.

    Returns:
        (A,), the loss of each anchor; exactly 0, and without a gradient, where the class is -1.

    Edge cases: losses and gradients are finite for scores from -10 000 to 10 000: use `log_softmax`, not the logarithm
    of a softmax. The checks use gamma 0, and gamma >= 1. A = 0 gives shape (0,).
    Raises: ValueError for gamma < 0.

    >>> scores = torch.tensor([[9.0, 1.0], [1.0, 1.0], [1.0, 9.0], [1.0, 2.0]]).log()
    >>> losses = focal_loss(scores, torch.tensor([0, 0, 0, -1]))  # p_t = 0.9, 0.5, 0.1
    >>> [round(loss, 6) for loss in losses.tolist()]
    [0.001054, 0.173287, 1.865094, 0.0]

    Allowed: everything.
    Source: Lin et al., Focal Loss for Dense Object Detection, ICCV 2017, equation 4, with a softmax.
    """
    # Your answer to focal-loss takes the place of the next line.
    raise NotImplementedError("focal-loss")


class FeaturePyramid(nn.Module):
    """A feature pyramid: it adds the information of coarse maps to finer ones.

    First, a 1x1 convolution on each map. Then, from the coarsest map to the finest: enlarge the *sum* of a level to the
    height and width of the next finer map, and add it to that map. Enlargement is by nearest neighbour, as in
    the default mode of `F.interpolate`; sizes may be odd, so `scale_factor=2` is wrong. Last, a 3x3 convolution with
    padding 1 on each sum. The sums go down the pyramid, not the results of the 3x3 convolutions.

    The attributes `lateral` (the 1x1 convolutions) and `output` (the 3x3 convolutions) are prescribed:
    `nn.ModuleList`s, finest first, all with biases.

    Args:
        in_channels: of the maps, finest first.
        out_channels: of all results.
    """

    def __init__(self, in_channels: list[int], out_channels: int) -> None:
        super().__init__()
        # Your answer to pyramid takes the place of the next line.
        raise NotImplementedError("pyramid")

    def forward(self, maps: list[Tensor]) -> list[Tensor]:
        """Compute the pyramid's maps.

        Args:
            maps: (N, in_channels[l], H_l, W_l) each, finest first.

        Returns:
            A list: (N, out_channels, H_l, W_l) each, finest first.

        >>> maps = FeaturePyramid([4, 6], 8)([torch.zeros(1, 4, 5, 7), torch.zeros(1, 6, 3, 4)])
        >>> [tuple(level.shape) for level in maps]
        [(1, 8, 5, 7), (1, 8, 3, 4)]
        """
        # Your answer to pyramid takes the place of the next line.
        raise NotImplementedError("pyramid")


class RetinaHead(nn.Module):
    """Predict scores and transforms of all anchors, with the same two towers on every level.

    Each tower has `depth` 3x3 convolutions with padding 1 and as many channels as the maps, each followed by a ReLU.
    Then comes a last 3x3 convolution with padding 1, to (C + 1) K channels (`classify`) or to 4 K channels (`regress`).
    Channel k D + d holds number d of anchor k.

    Initial weights of the two last convolutions: normal with standard deviation 0.01. The biases of background in the
    last convolution of `classify`, channels k (C + 1), are log(99 C). All other biases are 0. So at first each anchor
    is an object with probability 1 / 100. The attributes `classify` and `regress` are prescribed. You may choose the
    names inside of them.

    Args:
        in_channels: of the maps.
        num_anchors: K, anchors per cell.
        num_classes: C, without background.
        depth: convolutions before the last one.
    """

    def __init__(self, in_channels: int, num_anchors: int, num_classes: int, depth: int = 2) -> None:
        super().__init__()
        self.num_anchors = num_anchors
        # Your answer to retinanet takes the place of the next line.
        raise NotImplementedError("retinanet")

    def forward(self, maps: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Score the anchors of all levels.

        Args:
            maps: (N, in_channels, H_l, W_l) each, finest first.

        Returns:
            (scores, transforms): (N, A, C + 1) and (N, A, 4), level by level, finest first, each level in the order of
            `flatten_maps`.

        >>> scores, transforms = RetinaHead(8, 6, 20)([torch.zeros(1, 8, 20, 15)])
        >>> scores.shape, transforms.shape  # on a map, (C + 1) K = 126 channels
        (torch.Size([1, 1800, 21]), torch.Size([1, 1800, 4]))
        """
        # Your answer to retinanet takes the place of the next line.
        raise NotImplementedError("retinanet")


def retinanet_losses(
    scores: Tensor,
    transforms: Tensor,
    anchors: Tensor,
    targets: list[dict[str, Tensor]],
    gamma: float = 2.0,
    positive: float = 0.5,
    negative: float = 0.4,
) -> Tensor:
    """The two losses of a single-stage detector.

    `label_anchors`, with these thresholds, gives each anchor its class: 1 + the label of its matched box, 0 for a
    negative, -1 for a neutral one. Classification: the focal losses of all anchors of the batch, summed. Box: the
    smooth L1 distance (beta 1) between the transforms and `encode_boxes` times TRANSFORM_SCALE, summed over the
    positives of the batch and their four numbers. Both are divided by the number of positives of the batch, or by 1 if
    there are none.

    Args:
        scores: (N, A, C + 1) floating point, raw.
        transforms: (N, A, 4), scaled.
        anchors: (A, 4), the same for all images.
        targets: one dict per image.
        gamma: for `focal_loss`.
        positive, negative: for `label_anchors`.

    Returns:
        (2,): classification, box.

    Edge cases: without positives the box loss is 0, and its gradients are zeros; negatives still count.

    >>> anchors = torch.tensor([[0.0, 0, 10, 10], [20, 20, 30, 30]])
    >>> truth = {"boxes": torch.tensor([[1.0, 0, 11, 10]]), "labels": torch.tensor([0])}
    >>> retinanet_losses(torch.zeros(1, 2, 2), torch.zeros(1, 2, 4), anchors, [truth])  # scaled, t_x is 1
    tensor([0.3466, 0.5000])
    """
    # Your answer to retinanet takes the place of the next line.
    raise NotImplementedError("retinanet")


class RetinaNet(nn.Module):
    """RetinaNet: a backbone, a pyramid on its last maps, and one head for all levels.

    Args:
        backbone: images (N, 3, H, W) -> list of maps, finest first.
        pyramid: the last len(strides) of these maps -> as many maps of one width.
        head: such as `RetinaHead`.
        strides: pixels per cell of each level.
        sizes: for each level its anchors' sizes, in pixels.
        ratios: height / width of the anchors, the same on all levels.
        num_classes: C, without background.
    """

    def __init__(
        self,
        backbone: nn.Module,
        pyramid: nn.Module,
        head: nn.Module,
        *,
        strides: tuple[int, ...],
        sizes: tuple[tuple[float, ...], ...],
        ratios: tuple[float, ...],
        num_classes: int,
    ) -> None:
        super().__init__()
        self.backbone, self.pyramid, self.head = backbone, pyramid, head
        self.strides, self.sizes, self.ratios, self.num_classes = strides, sizes, ratios, num_classes

    def look(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Given: the head's scores and transforms of all anchors, and the anchors: (scores, transforms, anchors)."""
        maps = self.pyramid(self.backbone(images)[-len(self.strides) :])
        anchors = [
            make_anchors(*level.shape[2:], stride, sizes, self.ratios, level.dtype, level.device)
            for level, stride, sizes in zip(maps, self.strides, self.sizes, strict=True)
        ]
        return *self.head(maps), torch.cat(anchors)

    def forward(self, images: Tensor, targets: list[dict[str, Tensor]]) -> Tensor:
        """The two losses of a batch: `retinanet_losses` of the results of `look`, with its default settings.

        Args:
            images: (N, 3, H, W) floating point.
            targets: one dict per image.

        Returns:
            (2,): classification, box.

        >>> truth = {"boxes": torch.tensor([[4.0, 4.0, 24.0, 20.0]]), "labels": torch.tensor([1])}
        >>> build()(torch.zeros(1, 3, 32, 48), [truth]).shape
        torch.Size([2])
        """
        # Your answer to retinanet takes the place of the next line.
        raise NotImplementedError("retinanet")

    def detect(self, images: Tensor) -> list[dict[str, Tensor]]:
        """Detect the objects in images, in evaluation mode and without gradients. Afterwards the mode is as before.

        For each image: take the softmax of all scores. Keep all pairs of an anchor and a label with a probability above
        0.05, and of these the best 200. Divide their transforms by TRANSFORM_SCALE, decode the boxes, and clip them to
        the image. Apply `nms_by_class` at 0.5. Keep at most 50. Nothing else is dropped, not even a box without area.

        Args:
            images: (N, 3, H, W) floating point.

        Returns:
            A list with a dict per image: "boxes" (D, 4), "scores" (D,) and "labels" (D,) int64 in [0, C), by falling
            score.

        Edge cases: equal scores: the lower anchor first, then the lower label.

        >>> len(build().detect(torch.zeros(2, 3, 32, 48)))
        2
        """
        # Your answer to retinanet takes the place of the next line.
        raise NotImplementedError("retinanet")


def build() -> RetinaNet:
    """Given: the notebook's network for three classes, whose trained state is handed in as retinanet.pt."""
    backbone, levels = TinyBackbone(), len(SIZES)
    pyramid = FeaturePyramid(list(backbone.channels[-levels:]), 48)
    head = RetinaHead(48, len(SIZES[0]) * len(RATIOS), 3)
    strides = backbone.strides[-levels:]
    return RetinaNet(backbone, pyramid, head, strides=strides, sizes=SIZES, ratios=RATIOS, num_classes=3)
