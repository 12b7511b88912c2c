"""Assignment 10, part 3: region proposals. Anchors, their labels, their sampling, and the region proposal network.

Write your answers where a NotImplementedError is raised.

Boxes are (x1, y1, x2, y2) in pixels, edges of pixels, x to the right, y down. Cell (i, j) of a map of stride s has its
centre at ((j + 1/2) s, (i + 1/2) s) in the image. (torchvision's anchors sit at (j s, i s).) Labels of anchors are 1
object, 0 not an object, -1 neutral. Inputs are never modified; results have the dtype and the device of the first
floating tensor; labels and indices are int64. The functions of boxes.py are given.

Functions draw no random numbers. Randomness comes in as `priority`: numbers, of which the smaller come first. So there
is exactly one right answer.
"""

import torch
import torch.nn.functional as F
from boxes import box_iou, clip_boxes, decode_boxes, encode_boxes, nms
from torch import Tensor, nn

__all__ = [
    "RPNHead",
    "flatten_maps",
    "label_anchors",
    "make_anchors",
    "propose",
    "rpn_losses",
    "sample_labels",
]


def make_anchors(
    height: int,
    width: int,
    stride: int,
    sizes: tuple[float, ...],
    ratios: tuple[float, ...],
    dtype: torch.dtype = torch.float32,
    device: str | torch.device = "cpu",
) -> Tensor:
    """The anchors of a map: at the centre of each cell one box of each size and aspect ratio.

    A ratio is *height / width*, and an anchor of size a and ratio r has the area a^2: w = a / sqrt(r), h = a sqrt(r).
    Anchors are neither clipped nor rounded.

    Args:
        height, width: of the *map*, in cells.
        stride: pixels per cell.
        sizes: of the anchors, in pixels.
        ratios: height / width.
        dtype, device: of the result.

    Returns:
        (height * width * K, 4), (x1, y1, x2, y2), K = len(sizes) * len(ratios). Row by row, then column by column, then
        anchor by anchor: anchor k has size k // len(ratios) and ratio k % len(ratios).

    >>> make_anchors(1, 2, 16, (32,), (0.5,))[0]  # wide, and centred at (8, 8)
    tensor([-14.6274,  -3.3137,  30.6274,  19.3137])
    >>> make_anchors(20, 15, 32, (64, 128, 256), (0.5, 2.0)).shape
    torch.Size([1800, 4])

    Source: Ren et al., Faster R-CNN, NeurIPS 2015, section 3.1.1.
    """
    # Your answer to anchors takes the place of the next line.
    raise NotImplementedError("anchors")


def flatten_maps(maps: Tensor, num_anchors: int) -> Tensor:
    """Put a head's maps into rows, one for each anchor, in the order of `make_anchors`.

    Channel k D + d of a map holds number d of anchor k.

    Args:
        maps: (N, K D, H, W).
        num_anchors: K, anchors per cell.

    Returns:
        (N, H W K, D). (`reshape` alone has the right shape and the wrong numbers.)

    >>> maps = torch.arange(8).reshape(1, 4, 1, 2)  # two anchors of two numbers, in two cells
    >>> flatten_maps(maps, 2)
    tensor([[[0, 2],
             [4, 6],
             [1, 3],
             [5, 7]]])
    """
    # Your answer to rpn-head takes the place of the next line.
    raise NotImplementedError("rpn-head")


def label_anchors(
    anchors: Tensor, boxes: Tensor, positive: float = 0.7, negative: float = 0.3
) -> tuple[Tensor, Tensor]:
    """Label each anchor as positive, negative or neutral, and match the positive ones with true boxes.

    An anchor is positive (1) by either of two rules. First: its IoU with some box is at least `positive`. Second: for
    some box, no anchor has a larger IoU than this one, and this IoU is above 0. All anchors that share a box's largest
    IoU are positive. An anchor is negative (0) if its largest IoU is below `negative` and the second rule does not make
    it positive. All others are neutral (-1).

    A positive anchor is matched with the box that *this anchor* overlaps most, even if the second rule made it positive
    because of another box. (torchvision and detectron2 do the same. Some people doubt that it is right.)

    Args:
        anchors: (A, 4) floating point, (x1, y1, x2, y2). Anchors that reach over the border count like others.
        boxes: (G, 4), the true boxes.
        positive, negative: thresholds, negative <= positive.

    Returns:
        (labels, matches): (A,) int64 each; labels in {1, 0, -1}; a match is the index of a box for positive anchors, -1
        for others.

    Edge cases: equal IoUs: the box with the lower index. G = 0: labels 0, matches -1. A box that overlaps no anchor, or
    has no area, makes none positive. A = 0 gives shape (0,).

    >>> anchors = torch.tensor([[0.0, 0, 10, 10], [0, 0, 10, 5], [5, 0, 15, 10], [20, 20, 30, 30], [0, 0, 2, 2]])
    >>> label_anchors(anchors, torch.tensor([[0.0, 0, 10, 10], [22, 22, 40, 40]]))
    (tensor([ 1, -1, -1,  1,  0]), tensor([ 0, -1, -1,  1, -1]))

    Source: Ren et al., Faster R-CNN, NeurIPS 2015, section 3.1.2.
    """
    # Your answer to anchor-labels takes the place of the next line.
    raise NotImplementedError("anchor-labels")


def sample_labels(labels: Tensor, count: int, positive_fraction: float, priority: Tensor) -> tuple[Tensor, Tensor]:
    """Sample the anchors, or the regions, that count in a loss.

    Take floor(count * positive_fraction) positives (label 1), or all if there are fewer. Then take negatives (label 0)
    until there are `count` in total, or all if there are too few. Of each kind, take those with the smallest priority.
    Take nothing twice, and nothing neutral (-1).

    Args:
        labels: (A,) int64 in {1, 0, -1}.
        count: how many at most, >= 0.
        positive_fraction: in [0, 1].
        priority: (A,) floating point, all different: random numbers, which are only compared here.

    Returns:
        (positives, negatives): int64 indices, each in rising order.

    Edge cases: shape (0,) where there are none.

    >>> labels = torch.tensor([1, 0, -1, 1, 0, 1, 0])
    >>> sample_labels(labels, 4, 0.5, torch.tensor([0.9, 0.1, 0.0, 0.2, 0.7, 0.4, 0.5]))
    (tensor([3, 5]), tensor([1, 6]))

    Source: Ren et al., Faster R-CNN, NeurIPS 2015, section 3.1.3.
    """
    # Your answer to anchor-sampling takes the place of the next line.
    raise NotImplementedError("anchor-sampling")


class RPNHead(nn.Module):
    """Predict two scores and a transform for each anchor of a map.

    A 3x3 convolution with padding 1 to `hidden` channels, then ReLU. Two 1x1 convolutions follow, both on this result:
    one to 2K channels, (not object, object) of each anchor; the other to 4K channels, (tx, ty, tw, th) of each anchor.
    Channel k D + d holds number d of anchor k.

    Initial weights of all three layers: normal with standard deviation 0.01; biases are 0. You may choose the names of
    the attributes.

    Args:
        in_channels: channels of the map.
        hidden: channels between the layers.
        num_anchors: K, anchors per cell.
    """

    def __init__(self, in_channels: int, hidden: int, num_anchors: int) -> None:
        super().__init__()
        # Your answer to rpn-head takes the place of the next line.
        raise NotImplementedError("rpn-head")

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Score the anchors of all cells.

        Args:
            features: (N, in_channels, H, W).

        Returns:
            (scores, transforms): maps (N, 2K, H, W) and (N, 4K, H, W).

        >>> scores, transforms = RPNHead(8, 16, 6)(torch.zeros(1, 8, 4, 3))
        >>> scores.shape, transforms.shape
        (torch.Size([1, 12, 4, 3]), torch.Size([1, 24, 4, 3]))
        """
        # Your answer to rpn-head takes the place of the next line.
        raise NotImplementedError("rpn-head")


def rpn_losses(
    scores: Tensor,
    transforms: Tensor,
    anchors: Tensor,
    boxes: list[Tensor],
    priority: Tensor,
    count: int = 64,
    positive_fraction: float = 0.5,
) -> tuple[Tensor, Tensor]:
    """The two losses of the region proposal network.

    In each image, label the anchors (`label_anchors`, with its default thresholds) and sample `count` of them
    (`sample_labels`). Classification: the mean cross-entropy over all sampled anchors of the batch, which is not a mean
    of the images' means. Box: the smooth L1 distance with beta 1/9 (x^2 / (2 beta) up to beta, |x| - beta / 2 beyond)
    between the transforms and `encode_boxes` of anchor and matched box. It is summed over the sampled positives and
    their four numbers, and divided by the number of all sampled anchors of the batch. These transforms are not scaled.
    Negatives have no box loss.

    Args:
        scores: (N, A, 2) floating point, raw: not object, object.
        transforms: (N, A, 4).
        anchors: (A, 4), the same for all images.
        boxes: a list of N tensors (G, 4), the true boxes of each image.
        priority: (N, A), for `sample_labels`.
        count, positive_fraction: for `sample_labels`.

    Returns:
        (classification, box): two scalars.

    Edge cases: an image without boxes has only negatives. Without positives the box loss is 0; without anchors both
    losses are 0. They are still connected to their inputs, and the gradients are zeros.

    >>> anchors = torch.tensor([[0.0, 0, 10, 10], [20, 20, 30, 30]])
    >>> boxes = [torch.tensor([[1.0, 0, 11, 10]])]
    >>> losses = rpn_losses(torch.zeros(1, 2, 2), torch.zeros(1, 2, 4), anchors, boxes, torch.tensor([[0.1, 0.2]]))
    >>> print(losses[0], losses[1])  # t_x is 0.1
    tensor(0.6931) tensor(0.0225)

    Allowed: everything, torch's losses too.
    Source: Ren et al., Faster R-CNN, NeurIPS 2015, equation 1, with the normalization of its later code.
    """
    # Your answer to rpn-losses takes the place of the next line.
    raise NotImplementedError("rpn-losses")


def propose(
    scores: Tensor,
    transforms: Tensor,
    anchors: Tensor,
    size: tuple[int, int],
    pre_nms: int = 600,
    post_nms: int = 300,
    nms_threshold: float = 0.7,
    min_size: float = 1.0,
) -> tuple[Tensor, Tensor]:
    """Turn the outputs of the region proposal network for one image into proposals.

    In this order: compute the probability of "object", by softmax of the two scores; keep the `pre_nms` anchors with
    the largest probability; decode their boxes; clip them to the image; drop boxes with a side below `min_size`; apply
    non-maximum suppression; keep the first `post_nms`.

    No gradient flows through proposals: they are constants for the second stage. (RoI Align gives no gradient to the
    coordinates of a box, and no loss of the second stage uses its score.)

    Args:
        scores: (A, 2) floating point, raw: not object, object.
        transforms: (A, 4).
        anchors: (A, 4), (x1, y1, x2, y2).
        size: (height, width) of the image.
        pre_nms, post_nms: how many boxes at most, before and after suppression.
        nms_threshold: for `nms`.
        min_size: in pixels.

    Returns:
        (boxes, objectness): (D, 4) and (D,), by falling probability.

    Edge cases: equal probabilities: the anchor with the lower index. A < pre_nms: all. Nothing left: (0, 4) and (0,).

    >>> anchors = torch.tensor([[0.0, 0, 10, 10], [1, 0, 11, 10], [20, 20, 60, 30]])
    >>> scores = torch.tensor([[0.0, 1.0], [0.0, 2.0], [0.0, 0.0]])
    >>> propose(scores, torch.zeros(3, 4), anchors, (40, 40))
    (tensor([[ 1.,  0., 11., 10.],
            [20., 20., 40., 30.]]), tensor([0.8808, 0.5000]))
    """
    # Your answer to proposals takes the place of the next line.
    raise NotImplementedError("proposals")
