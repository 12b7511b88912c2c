"""Assignment 9, part 4: R-CNN. Proposals, crops for the network, and detections from its outputs.

Write your answers where a NotImplementedError is raised.

Boxes are (x1, y1, x2, y2) in pixels, as in `boxes.py`, whose functions you use here. Images are (3, H, W) with values
in [0, 1]. Inputs are never modified; results have the dtype and the device of the first tensor unless a docstring
says otherwise.
"""

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from boxes import box_iou, clip_boxes, decode_boxes, encode_boxes, nms_by_class
from torch import Tensor, nn

from common.images import smooth

__all__ = [
    "CROP",
    "TRANSFORM_SCALE",
    "DisjointSets",
    "create_rcnn_training",
    "detect",
    "graph_segmentation",
    "pixel_graph",
    "predict",
    "propose",
    "region_targets",
    "selective_search",
    "sliding_boxes",
    "train_rcnn",
    "warp_crops",
]

CROP = 32  # the network sees crops of CROP x CROP pixels
# The network predicts transforms times these, so that all four are of order one.
TRANSFORM_SCALE = (10.0, 10.0, 5.0, 5.0)


def sliding_boxes(size: tuple[int, int], box: tuple[int, int], stride: int) -> Tensor:
    """Slide a box over an image: all its positions, a stride apart, that lie inside.

    Args:
        size: (H, W), height and width of the image.
        box: (h, w), height and width of the box, >= 1.
        stride: >= 1, the step along both axes, in pixels.

    Returns:
        (P, 4) float32, (x1, y1, x2, y2): row by row, from the upper left corner. With stride 1, P is exactly
        `count_positions(h, w, H, W)`.

    Edge cases: a box that is larger than the image along an axis: (0, 4).

    >>> sliding_boxes((4, 5), (3, 2), 2)
    tensor([[0., 0., 2., 3.],
            [2., 0., 4., 3.]])
    """
    # Your answer to sliding-boxes takes the place of the next line.
    raise NotImplementedError("sliding-boxes")


def pixel_graph(image: Tensor) -> tuple[Tensor, Tensor]:
    """Given: the graph of an image's pixels, in which every pixel is joined with its eight neighbours.

    Args:
        image: (3, H, W) floating point.

    Returns:
        (edges, weights): edges (E, 2) int64, pairs of pixels i < j, where pixel (y, x) has number y W + x; weights (E,)
        float64, the Euclidean distance of their colours. Edges are sorted by weight, equal weights by i, then by j.
    """
    height, width = image.shape[1:]
    numbers = torch.arange(height * width, device=image.device).reshape(height, width)
    pairs = [
        (numbers[:, :-1], numbers[:, 1:]),
        (numbers[:-1], numbers[1:]),
        (numbers[:-1, :-1], numbers[1:, 1:]),
        (numbers[:-1, 1:], numbers[1:, :-1]),
    ]
    edges = torch.cat([torch.stack([a.flatten(), b.flatten()], dim=1) for a, b in pairs])
    edges = edges[(edges[:, 0] * height * width + edges[:, 1]).argsort()]
    colours = image.to(torch.float64).flatten(1)
    weights = (colours[:, edges[:, 0]] - colours[:, edges[:, 1]]).square().sum(dim=0).sqrt()
    order = weights.argsort(stable=True)
    return edges[order], weights[order]


class DisjointSets:
    """Given: sets of numbers that can be joined. Each set is identified by one of its members, its root.

    Attributes:
        size: `size[root]` is the number of members of the root's set.

    >>> sets = DisjointSets(4)
    >>> root = sets.join(sets.find(0), sets.find(3))
    >>> sets.find(3) == root, sets.find(1) == root, sets.size[root]
    (True, False, 2)
    """

    def __init__(self, count: int) -> None:
        self.size = [1] * count
        self._parent = list(range(count))

    def find(self, member: int) -> int:
        """The root of the set that a member is in."""
        while self._parent[member] != member:
            self._parent[member] = self._parent[self._parent[member]]
            member = self._parent[member]
        return member

    def join(self, a: int, b: int) -> int:
        """Join the sets of two different roots. Returns the root of the result, one of the two."""
        if self.size[a] < self.size[b]:
            a, b = b, a
        self._parent[b] = a
        self.size[a] += self.size[b]
        return a


def graph_segmentation(image: Tensor, scale: float, min_size: int) -> Tensor:
    """Divide an image into components of similar colour, by joining pixels along the edges of `pixel_graph`.

    Every pixel begins as a component of its own. First pass, over all edges in their order: where an edge of weight w
    leads from one component to another, join them if

        w <= Int(C) + scale / |C|        for both components C,

    where |C| counts the pixels of C, and Int(C) is the largest weight along which parts of C were joined, 0 for a
    single pixel. Second pass, over all edges in the same order: join the two components of an edge if either has
    fewer than min_size pixels.

    Args:
        image: (3, H, W) floating point in [0, 1]. Smooth it before: see `propose`.
        scale: >= 0. Larger gives larger components.
        min_size: >= 1, in pixels.

    Returns:
        (H, W) int64: the number of each pixel's component. Components are numbered 0, 1, 2, ... in reading order of
        their first pixel.

    >>> image = torch.tensor([0.0, 0.0, 0.1, 0.9]).expand(3, 2, 4)
    >>> graph_segmentation(image, scale=1.0, min_size=1)
    tensor([[0, 0, 0, 1],
            [0, 0, 0, 1]])

    Allowed: the given `pixel_graph` and `DisjointSets`; a loop over the edges.
    Source: Felzenszwalb and Huttenlocher, Efficient graph-based image segmentation, IJCV 2004.
    """
    # Your answer to graph-segmentation takes the place of the next line.
    raise NotImplementedError("graph-segmentation")


def selective_search(image: Tensor, labels: Tensor, min_side: int = 6) -> Tensor:
    """Propose boxes by joining neighbouring regions, the most similar two first, until one region is left.

    Regions are numbered as in `labels`; a joined one gets the next number. Two regions i < j are neighbours if a
    pixel of one has a common edge (4 neighbours) with a pixel of the other. In each step, join the two neighbours
    with the largest

        similarity = sum over 75 bins k of min(h_i[k], h_j[k])
                     + 1 - (|i| + |j|) / |image|
                     + 1 - (|box of i and j together| - |i| - |j|) / |image|

    |i| counts the pixels of region i, and the box of two regions is the smallest around both, in pixels. Of equal
    similarities the smaller i is taken, then the smaller j. Stop when no neighbours are left.

    The histogram h has 25 bins for each of the 3 colours: a value v falls into bin floor(25 v), and 1 into the last.
    All 75 bins together sum to 1. The histogram of a joined region is the mean of the two, weighted by their sizes.
    (The paper's fourth term, texture, is left out.)

    Args:
        image: (3, H, W) floating point in [0, 1].
        labels: (H, W) int64, regions 0, 1, 2, ..., without gaps, as from `graph_segmentation`.
        min_side: >= 1, in pixels.

    Returns:
        (P, 4) float32, (x1, y1, x2, y2): the smallest box around each region, edges of pixels, in order of the regions'
        numbers: first those of `labels`, then the joined ones. Boxes with a side below min_side are left
        out, and so are repeated ones.

    >>> labels = torch.tensor([[0, 0, 1, 2], [0, 0, 1, 2]])
    >>> selective_search(torch.tensor([0.0, 0.0, 0.1, 0.9]).expand(3, 2, 4), labels, min_side=1)
    tensor([[0., 0., 2., 2.],
            [2., 0., 3., 2.],
            [3., 0., 4., 2.],
            [2., 0., 4., 2.],
            [0., 0., 4., 2.]])

    Allowed: Python loops over regions; there are one or two hundred.
    Source: Uijlings et al., Selective search for object recognition, IJCV 2013.
    """
    # Your answer to selective-search takes the place of the next line.
    raise NotImplementedError("selective-search")


def propose(image: Tensor, scales: Sequence[float] = (0.3, 0.6, 1.2), min_size: int = 15) -> Tensor:
    """Given: proposals for an image, from segmentations of several scales, each box once.

    Args:
        image: (3, H, W) floating point in [0, 1], not smoothed.
        scales, min_size: for `graph_segmentation`.

    Returns:
        (P, 4) float32, (x1, y1, x2, y2).
    """
    smoothed = smooth(image, sigma=0.8)
    found = [selective_search(image, graph_segmentation(smoothed, scale, min_size)) for scale in scales]
    unique = dict.fromkeys(tuple(box) for box in torch.cat(found).tolist())
    return torch.tensor(list(unique), dtype=torch.float32, device=image.device).reshape(-1, 4)


def warp_crops(image: Tensor, boxes: Tensor, size: int, context: float = 0.0) -> Tensor:
    """Cut boxes out of an image, and stretch each to a square.

    First each box grows by `context` times its width to the left and to the right, and by `context` times its height
    upwards and downwards. Then row r of the crop looks at y = y1 + (r + 1/2)(y2 - y1)/size, column c at x likewise, and
    the value there is interpolated between the centres of the four nearest pixels (bilinear; pixel i has its centre at
    i + 1/2). Beyond the outermost centres, the pixels at the border are repeated: in units of pixel indices, y - 1/2 is
    clamped into [0, H - 1] and x - 1/2 into [0, W - 1].

    Args:
        image: (C, H, W) floating point.
        boxes: (N, 4) floating point, (x1, y1, x2, y2) in pixels, with area; parts may lie outside of the image.
        size: >= 1, height and width of the crops.
        context: >= 0, as a part of the box.

    Returns:
        (N, C, size, size).

    Edge cases: N = 0 gives shape (0, C, size, size). The box of the whole image, at its own size, is the image.

    >>> image = torch.tensor([[[0.0, 4.0], [8.0, 12.0]]])
    >>> warp_crops(image, torch.tensor([[0.0, 0.0, 2.0, 1.0]]), 2)
    tensor([[[[0., 4.],
              [2., 6.]]]])

    Allowed: indexing and matrix products. Not `grid_sample` or `interpolate`, and not autograd.
    Source: Girshick et al., Rich feature hierarchies, CVPR 2014, appendix A ("warp").
    """
    # Your answer to warp-crops takes the place of the next line.
    raise NotImplementedError("warp-crops")


def region_targets(proposals: Tensor, boxes: Tensor, labels: Tensor, positive: float = 0.5) -> tuple[Tensor, Tensor]:
    """The network's targets for each proposal: its class, and the transform to its box.

    A proposal belongs to the truth with which it has the largest IoU, if this IoU is at least `positive`. Otherwise it
    is background.

    Args:
        proposals: (P, 4) floating point, (x1, y1, x2, y2), with area.
        boxes: (G, 4), the truths.
        labels: (G,) int64, their classes, from 0.
        positive: in (0, 1].

    Returns:
        (classes, transforms): classes (P,) int64, 0 for background, else 1 + the label of the truth; transforms (P, 4),
        `encode_boxes` of the proposal and its truth, zeros for background.

    Edge cases: equal IoUs: the truth with the lower index. No truths: all background. P = 0 gives empty results.

    >>> proposals = torch.tensor([[0.0, 0.0, 4.0, 2.0], [7.0, 7.0, 9.0, 9.0]])
    >>> classes, transforms = region_targets(proposals, torch.tensor([[1.0, 0.0, 5.0, 2.0]]), torch.tensor([2]))
    >>> print(classes, transforms)
    tensor([3, 0]) tensor([[0.2500, 0.0000, 0.0000, 0.0000],
            [0.0000, 0.0000, 0.0000, 0.0000]])
    """
    # Your answer to region-targets takes the place of the next line.
    raise NotImplementedError("region-targets")


def detect(
    scores: Tensor,
    transforms: Tensor,
    proposals: Tensor,
    size: tuple[int, int],
    score_threshold: float = 0.05,
    nms_threshold: float = 0.3,
    limit: int = 100,
) -> dict[str, Tensor]:
    """Turn the network's outputs for the proposals of one image into detections.

    The softmax of a proposal's scores gives its probability of being background and of each class. Every pair of a
    proposal and a class (not background) with a probability above the threshold becomes a detection. Its score is this
    probability. Its box is the proposal, moved by its transform and clipped to the image. Drop boxes without area, then
    those that `nms_by_class` suppresses. Keep the best `limit` of all classes together.

    Args:
        scores: (P, C + 1) floating point, raw; column 0 is background.
        transforms: (P, 4), as `decode_boxes` takes them; the same for all classes of a proposal.
        proposals: (P, 4), (x1, y1, x2, y2).
        size: (H, W), height and width of the image.
        score_threshold, nms_threshold: in [0, 1].
        limit: >= 0.

    Returns:
        A dict of "boxes" (D, 4), "scores" (D,), and "labels" (D,) int64 from 0, the best first.

    Edge cases: a probability of exactly the threshold is not above it. A proposal may become detections of several
    classes. Equal scores: the lower proposal first, then the lower class. P = 0 gives empty tensors.

    >>> scores = torch.tensor([[0.0, 3.0, 0.0], [0.0, 0.0, 0.0]])
    >>> proposals = torch.tensor([[8.0, 8.0, 16.0, 24.0]]).repeat(2, 1)
    >>> found = detect(scores, torch.zeros(2, 4), proposals, (20, 30), score_threshold=0.4)
    >>> print(found["boxes"], found["scores"], found["labels"])
    tensor([[ 8.,  8., 16., 20.]]) tensor([0.9094]) tensor([0])
    """
    # Your answer to detect takes the place of the next line.
    raise NotImplementedError("detect")


def create_rcnn_training(
    num_classes: int, steps: int, device: str | torch.device
) -> tuple[nn.Module, torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler | None]:
    """Create a network for crops, its optimizer and its schedule.

    `train_rcnn` then runs `steps` steps of 64 crops, and calls the schedule after each.

    Args:
        num_classes: C, without background.
        steps: how many steps the training will have; a schedule may depend on it.
        device: the device of the network.

    Returns:
        (model, optimizer, schedule): a module on the device that maps crops (N, 3, 32, 32) to scores (N, C + 1), column
        0 for background, and transforms (N, 4), TRANSFORM_SCALE times as large as `decode_boxes` takes them; a torch
        optimizer of its parameters; a schedule of the learning rate or None.

    The average precision of its detections on new images is graded. README.md gives the required values.
    """
    # Your answer to rcnn-training takes the place of the next line.
    raise NotImplementedError("rcnn-training")


def train_rcnn(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler | None,
    data: Mapping[str, Tensor],
    steps: int,
    batch_size: int = 64,
) -> list[float]:
    """Given: run a training. Crops are drawn at random, and half of them are mirrored.

    The loss is the cross-entropy of the classes, plus the smooth L1 distance of the transforms of all crops that are
    not background.

    Args:
        model, optimizer, schedule: from `create_rcnn_training`.
        data: "crops" (N, 3, 32, 32), "classes" (N,) int64, "transforms" (N, 4) as from `region_targets`, all on the
            model's device.
        steps: how many.
        batch_size: crops per step.

    Returns:
        The loss of every step.
    """
    crops, classes, transforms = data["crops"], data["classes"], data["transforms"]
    scale = transforms.new_tensor(TRANSFORM_SCALE)
    losses = []
    model.train()
    for _ in range(steps):
        batch = torch.randint(len(crops), (batch_size,), device=crops.device)
        mirrored = torch.rand(batch_size, device=crops.device) < 0.5
        x = torch.where(mirrored[:, None, None, None], crops[batch].flip(3), crops[batch])
        target = transforms[batch] * scale
        target[mirrored, 0] = -target[mirrored, 0]
        scores, moves = model(x)
        things = classes[batch] > 0
        loss = F.cross_entropy(scores, classes[batch])
        loss = loss + F.smooth_l1_loss(moves[things], target[things], reduction="sum") / batch_size
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if schedule is not None:
            schedule.step()
        losses.append(loss.item())
    return losses


def predict(model: nn.Module, crops: Tensor, batch_size: int = 256) -> tuple[Tensor, Tensor]:
    """Given: the outputs of a trained network for crops, in evaluation mode and without gradients.

    Returns:
        (scores (N, C + 1), transforms (N, 4)), as `detect` takes them. No crops: ValueError.
    """
    if len(crops) == 0:
        raise ValueError("no crops to look at")
    model.eval()
    with torch.no_grad():
        found = [model(batch) for batch in crops.split(batch_size)]
    scores, moves = (torch.cat(parts) for parts in zip(*found, strict=True))
    return scores, moves / moves.new_tensor(TRANSFORM_SCALE)
