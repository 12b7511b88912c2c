# Given: made from boxes.py of a9_object_detection with its answers. There is nothing to write here.
"""Assignment 9, part 1: boxes. Formats, overlap, counts, non-maximum suppression, transforms.

Write your answers where a NotImplementedError is raised.

A box is four numbers (x1, y1, x2, y2): x runs to the right, y runs down, and pixel i of an axis covers [i, i + 1). So
the box (2, 1, 4, 2) covers two pixels, its width is x2 - x1 = 2, and nothing is added to that. Everywhere below x1 <=
x2 and y1 <= y2. Inputs are never modified. Results have the dtype and the device of the first tensor; indices are
int64. torchvision is not available where your work is graded, so `torchvision.ops` is of no use here.
"""

import math

import torch
from torch import Tensor

__all__ = [
    "MAX_LOG_SCALE",
    "box_iou",
    "clip_boxes",
    "count_boxes",
    "count_positions",
    "cxcywh_to_xyxy",
    "decode_boxes",
    "decode_boxes_backward",
    "encode_boxes",
    "nms",
    "nms_by_class",
    "xywh_to_xyxy",
    "xyxy_to_cxcywh",
    "xyxy_to_xywh",
]

# The largest t_w and t_h that decode_boxes uses: a box grows to at most 62.5 times its proposal.
MAX_LOG_SCALE = math.log(1000 / 16)


def xywh_to_xyxy(boxes: Tensor) -> Tensor:
    """Turn corner and size into two corners.

    Args:
        boxes: (..., 4) floating point, (x, y, w, h): upper left corner, width, height.

    Returns:
        (..., 4), (x1, y1, x2, y2) = (x, y, x + w, y + h).

    Edge cases: no boxes, shape (0, 4), give shape (0, 4). Law: `xyxy_to_xywh` takes the result back.

    >>> xywh_to_xyxy(torch.tensor([[10.0, 20.0, 30.0, 5.0]]))
    tensor([[10., 20., 40., 25.]])
    """
    x, y, w, h = boxes.unbind(dim=-1)
    return torch.stack([x, y, x + w, y + h], dim=-1)


def xyxy_to_xywh(boxes: Tensor) -> Tensor:
    """Turn two corners into corner and size.

    Args:
        boxes: (..., 4) floating point, (x1, y1, x2, y2).

    Returns:
        (..., 4), (x, y, w, h): upper left corner, width, height.

    Edge cases: no boxes, shape (0, 4), give shape (0, 4). Law: `xywh_to_xyxy` takes the result back.

    >>> xyxy_to_xywh(torch.tensor([[10.0, 20.0, 40.0, 25.0]]))
    tensor([[10., 20., 30.,  5.]])
    """
    x1, y1, x2, y2 = boxes.unbind(dim=-1)
    return torch.stack([x1, y1, x2 - x1, y2 - y1], dim=-1)


def cxcywh_to_xyxy(boxes: Tensor) -> Tensor:
    """Turn centre and size into two corners.

    Args:
        boxes: (..., 4) floating point, (cx, cy, w, h): centre, width, height.

    Returns:
        (..., 4), (x1, y1, x2, y2).

    Edge cases: no boxes, shape (0, 4), give shape (0, 4). Law: `xyxy_to_cxcywh` takes the result back.

    >>> cxcywh_to_xyxy(torch.tensor([[25.0, 22.5, 30.0, 5.0]]))
    tensor([[10., 20., 40., 25.]])
    """
    cx, cy, w, h = boxes.unbind(dim=-1)
    return torch.stack([cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2], dim=-1)


def xyxy_to_cxcywh(boxes: Tensor) -> Tensor:
    """Turn two corners into centre and size.

    Args:
        boxes: (..., 4) floating point, (x1, y1, x2, y2).

    Returns:
        (..., 4), (cx, cy, w, h): centre, width, height.

    Edge cases: no boxes, shape (0, 4), give shape (0, 4). Law: `cxcywh_to_xyxy` takes the result back.

    >>> xyxy_to_cxcywh(torch.tensor([[10.0, 20.0, 40.0, 25.0]]))
    tensor([[25.0000, 22.5000, 30.0000,  5.0000]])
    """
    x1, y1, x2, y2 = boxes.unbind(dim=-1)
    return torch.stack([(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1], dim=-1)


def clip_boxes(boxes: Tensor, size: tuple[int, int]) -> Tensor:
    """Cut boxes off at the borders of the image.

    Args:
        boxes: (..., 4) floating point, (x1, y1, x2, y2).
        size: (H, W), height and width of the image.

    Returns:
        (..., 4): x1 and x2 moved into [0, W], y1 and y2 into [0, H].

    Edge cases: a box outside of the image loses its area and stays in the list.

    >>> clip_boxes(torch.tensor([[-5.0, 10.0, 70.0, 60.0]]), (48, 64))
    tensor([[ 0., 10., 64., 48.]])
    """
    height, width = size
    x1, y1, x2, y2 = boxes.unbind(dim=-1)
    return torch.stack([x1.clamp(0, width), y1.clamp(0, height), x2.clamp(0, width), y2.clamp(0, height)], dim=-1)


def box_iou(a: Tensor, b: Tensor) -> Tensor:
    """Measure how much every box of one list overlaps with every box of another: intersection over union.

        iou[n, m] = area(a[n] and b[m]) / area(a[n] or b[m])

    The area of the union is the sum of both areas less that of the intersection. As a rule of thumb, an IoU above 0.5
    is decent, above 0.7 pretty good, above 0.9 almost perfect.

    Args:
        a: (N, 4) floating point, (x1, y1, x2, y2).
        b: (M, 4), likewise.

    Returns:
        (N, M) in [0, 1].

    Edge cases: boxes that only touch, or lie apart: 0. A union without area: 0, never NaN. N = 0 or M = 0: an empty
    (N, M).

    >>> a = torch.tensor([[0.0, 0.0, 4.0, 2.0], [5.0, 5.0, 5.0, 5.0]])
    >>> box_iou(a, torch.tensor([[0.0, 0.0, 2.0, 2.0], [0.0, 0.0, 4.0, 2.0], [4.0, 0.0, 9.0, 2.0]]))
    tensor([[0.5000, 1.0000, 0.0000],
            [0.0000, 0.0000, 0.0000]])

    Allowed: any operation on whole tensors. A loop over pairs of boxes loses the points of `boxes-speed`.
    Source: Everingham et al., The PASCAL Visual Object Classes Challenge, IJCV 2010, section 4.2.
    """
    first, second = a[:, None], b[None]  # (N, 1, 4), (1, M, 4)
    upper_left = torch.maximum(first[..., :2], second[..., :2])  # (N, M, 2)
    lower_right = torch.minimum(first[..., 2:], second[..., 2:])
    intersection = (lower_right - upper_left).clamp(min=0).prod(dim=-1)
    union = _areas(first) + _areas(second) - intersection
    return torch.where(union > 0, intersection / union, torch.zeros_like(union))


def _areas(boxes: Tensor) -> Tensor:
    """(..., 4) -> (...)."""
    return (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])


def count_positions(h: int, w: int, H: int, W: int) -> int:
    """Count the positions of a box in an image, its corners between pixels.

        (W - w + 1)(H - h + 1)

    Args:
        h, w: height and width of the box, in pixels, >= 1.
        H, W: height and width of the image, >= 1.

    Returns:
        A Python int, exact; 0 where the box is larger than the image along an axis.

    >>> count_positions(2, 3, 4, 5)
    9
    """
    return max(0, W - w + 1) * max(0, H - h + 1)


def count_boxes(H: int, W: int) -> int:
    """Count all boxes in an image: every position of every size.

        sum over h = 1..H and w = 1..W of (W - w + 1)(H - h + 1)  =  H(H + 1)/2  W(W + 1)/2

    An 800 x 600 image has 57 768 120 000 boxes, which is about 58 billion. (The lecture's slide says "~58M boxes",
    and is wrong by a thousand.)

    Args:
        H, W: height and width of the image, >= 1.

    Returns:
        A Python int, exact, however large.

    >>> count_boxes(2, 3)
    18
    """
    return (H * (H + 1) // 2) * (W * (W + 1) // 2)


def nms(boxes: Tensor, scores: Tensor, threshold: float) -> Tensor:
    """Keep the best of each group of boxes that overlap: non-maximum suppression.

    Visit the boxes from the best score to the worst. Keep a box unless its IoU with a box that is already kept is
    greater than the threshold. A suppressed box suppresses no other box.

    Args:
        boxes: (N, 4) floating point, (x1, y1, x2, y2).
        scores: (N,) floating point; higher is better.
        threshold: in [0, 1]. An IoU of exactly the threshold does not suppress.

    Returns:
        (K,) int64: indices of the boxes kept, the best first.

    Edge cases: equal scores: the lower index is visited first. N = 0 gives shape (0,).

    >>> boxes = torch.tensor([[0.0, 0.0, 4.0, 2.0], [9.0, 9.0, 10.0, 11.0], [0.0, 0.0, 3.0, 2.0]])
    >>> nms(boxes, torch.tensor([0.7, 0.8, 0.9]), 0.5)  # IoU(0, 2) = 6/8
    tensor([2, 1])

    Allowed: your `box_iou`, and one loop over the boxes. A loop over pairs loses the points of `boxes-speed`.
    """
    order = scores.argsort(descending=True, stable=True)
    overlaps = box_iou(boxes[order], boxes[order]) > threshold
    keep = torch.ones_like(order, dtype=torch.bool)
    for i in range(len(order)):
        if keep[i]:
            keep[i + 1 :] &= ~overlaps[i, i + 1 :]
    return order[keep]


def nms_by_class(boxes: Tensor, scores: Tensor, labels: Tensor, threshold: float) -> Tensor:
    """Non-maximum suppression among boxes of the same class; boxes of other classes suppress nothing.

    Args:
        boxes: (N, 4) floating point, (x1, y1, x2, y2).
        scores: (N,) floating point; higher is better.
        labels: (N,) int64, the class of each box, >= 0.
        threshold: as for `nms`.

    Returns:
        (K,) int64: indices of the boxes kept, the best first over all classes, equal scores by the lower index.

    Edge cases: equal boxes of different classes both stay. N = 0 gives shape (0,).

    You may also call `nms` once, on boxes that are shifted by class, if this is exact enough: coordinates reach 10 000,
    and float32 has seven digits.

    >>> boxes = torch.tensor([[0.0, 0.0, 4.0, 2.0], [0.0, 0.0, 4.0, 2.0], [0.0, 0.0, 3.0, 2.0]])
    >>> nms_by_class(boxes, torch.tensor([0.7, 0.8, 0.9]), torch.tensor([1, 0, 1]), 0.5)
    tensor([2, 1])
    """
    keep = torch.zeros_like(labels, dtype=torch.bool)
    for label in labels.unique():
        members = (labels == label).nonzero().flatten()
        keep[members[nms(boxes[members], scores[members], threshold)]] = True
    order = scores.argsort(descending=True, stable=True)
    return order[keep[order]]


def encode_boxes(proposals: Tensor, targets: Tensor) -> Tensor:
    """The transforms that move and stretch each proposal onto its target: the inverse of `decode_boxes`.

        t_x = (b_x - p_x) / p_w,   t_y = (b_y - p_y) / p_h,   t_w = log(b_w / p_w),   t_h = log(b_h / p_h)

    p is the proposal and b the target, both by their *centres* (x, y), widths and heights. The order is x, y, w, h; the
    lecture's slide lists height before width.

    Args:
        proposals: (N, 4) floating point, (x1, y1, x2, y2), with area.
        targets: (N, 4), likewise; target n is that of proposal n.

    Returns:
        (N, 4), (t_x, t_y, t_w, t_h).

    Edge cases: N = 0 gives shape (0, 4). Laws: decode_boxes(p, encode_boxes(p, b)) = b; encode_boxes(p, p) = 0;
    shifting or scaling the image, both boxes alike, changes nothing.

    >>> p, b = torch.tensor([[10.0, 20.0, 30.0, 60.0]]), torch.tensor([[10.0, 20.0, 50.0, 40.0]])
    >>> encode_boxes(p, b)
    tensor([[ 0.5000, -0.2500,  0.6931, -0.6931]])

    Allowed: everything but autograd.
    Source: Girshick et al., Rich feature hierarchies, CVPR 2014, appendix C.
    """
    p, b = xyxy_to_cxcywh(proposals), xyxy_to_cxcywh(targets)
    return torch.cat([(b[:, :2] - p[:, :2]) / p[:, 2:], torch.log(b[:, 2:] / p[:, 2:])], dim=1)


def decode_boxes(proposals: Tensor, transforms: Tensor) -> Tensor:
    """Move and stretch each proposal by its transform.

        b_x = p_x + p_w t_x,   b_y = p_y + p_h t_y,   b_w = p_w exp(t_w),   b_h = p_h exp(t_h)

    p is the proposal, and b the resulting box, both by their *centres* (x, y), widths and heights. A t_w or t_h above
    MAX_LOG_SCALE counts as MAX_LOG_SCALE, so that an untrained network cannot make a box overflow. Below there is no
    limit.

    Args:
        proposals: (N, 4) floating point, (x1, y1, x2, y2).
        transforms: (N, 4), (t_x, t_y, t_w, t_h).

    Returns:
        (N, 4), (x1, y1, x2, y2).

    Edge cases: N = 0 gives shape (0, 4).

    >>> decode_boxes(torch.tensor([[10.0, 20.0, 30.0, 60.0]]), torch.tensor([[0.5, -0.25, math.log(2), math.log(0.5)]]))
    tensor([[10., 20., 50., 40.]])

    Allowed: everything but autograd.
    Source: as for `encode_boxes`; the limit is Detectron's.
    """
    p = xyxy_to_cxcywh(proposals)
    scales = transforms[:, 2:].clamp(max=MAX_LOG_SCALE).exp()
    return cxcywh_to_xyxy(torch.cat([p[:, :2] + p[:, 2:] * transforms[:, :2], p[:, 2:] * scales], dim=1))


def decode_boxes_backward(upstream: Tensor, proposals: Tensor, transforms: Tensor) -> Tensor:
    """The gradient of `decode_boxes` with respect to the transforms.

    Args:
        upstream: (N, 4), the gradient with respect to the boxes (x1, y1, x2, y2) that `decode_boxes` returned.
        proposals, transforms: (N, 4) floating point, the arguments of `decode_boxes`.

    Returns:
        (N, 4): the gradient with respect to the transforms; 0 for a t_w or t_h above MAX_LOG_SCALE.

    Edge cases: N = 0 gives shape (0, 4).

    >>> p, t = torch.tensor([[10.0, 20.0, 30.0, 60.0]]), torch.tensor([[0.5, -0.25, math.log(2), math.log(0.5)]])
    >>> decode_boxes_backward(torch.tensor([[1.0, 0.0, 2.0, 4.0]]), p, t)
    tensor([[ 60., 160.,  20.,  40.]])

    Allowed: everything but autograd.
    """
    sizes = xyxy_to_cxcywh(proposals)[:, 2:]
    scales = transforms[:, 2:]
    moved = (upstream[:, :2] + upstream[:, 2:]) * sizes  # both corners move with the centre
    stretched = (upstream[:, 2:] - upstream[:, :2]) / 2 * sizes * scales.exp()
    return torch.cat([moved, torch.where(scales > MAX_LOG_SCALE, torch.zeros_like(scales), stretched)], dim=1)
