"""Assignment 10, part 4: Faster R-CNN. Two stages in one network, and four losses in one tensor.

Write your answers where a NotImplementedError is raised.

You have all parts already: your own in fast_rcnn.py and region_proposals.py, ours in boxes.py and kit.py. `targets` is
a list with a dict per image: "boxes" (G, 4), (x1, y1, x2, y2) in pixels, and "labels" (G,) int64 in [0, C); G may be 0.
Inputs are never modified; results have the dtype and the device of the images, and labels are int64.
"""

import torch
from boxes import encode_boxes
from fast_rcnn import TRANSFORM_SCALE, BoxHead, detections, fast_rcnn_losses, label_proposals
from kit import SingleMap, fast_roi_align
from region_proposals import RPNHead, flatten_maps, make_anchors, propose, rpn_losses, sample_labels
from torch import Tensor, nn

__all__ = ["RATIOS", "SIZES", "FasterRCNN", "build"]

# The notebook's anchors: nine in each cell.
SIZES, RATIOS = (12.0, 20.0, 34.0), (0.6, 1.0, 1.6)


class FasterRCNN(nn.Module):
    """Faster R-CNN on one map.

    The attributes `backbone`, `rpn` and `head` are prescribed. You may use all attributes that are given below.

    Args:
        backbone: images (N, 3, H, W) -> one map (N, channels, h, w).
        rpn: such as `RPNHead`, with K = len(sizes) * len(ratios) anchors.
        head: such as `BoxHead`.
        stride: pixels per cell of the map.
        sizes, ratios: for `make_anchors`.
        num_classes: C, without background.
        pool_size: bins per side of `fast_roi_align`, whose sampling ratio is 2.
        proposals: (pre_nms, post_nms) of `propose` in training.
        regions: how many regions per image train the second stage.
    """

    def __init__(
        self,
        backbone: nn.Module,
        rpn: nn.Module,
        head: nn.Module,
        *,
        stride: int,
        sizes: tuple[float, ...],
        ratios: tuple[float, ...],
        num_classes: int,
        pool_size: int = 5,
        proposals: tuple[int, int] = (120, 40),
        regions: int = 24,
    ) -> None:
        super().__init__()
        self.backbone, self.rpn, self.head = backbone, rpn, head
        self.stride, self.sizes, self.ratios, self.num_classes = stride, sizes, ratios, num_classes
        self.pool_size, self.proposals, self.regions = pool_size, proposals, regions

    def forward(
        self, images: Tensor, targets: list[dict[str, Tensor]], anchor_priority: Tensor, region_priority: Tensor
    ) -> Tensor:
        """The four losses of a batch.

        First stage: compute the map, the RPN's scores and transforms in rows (`flatten_maps`), and `rpn_losses` with
        its default settings. Anchors are those of the map's own height and width: for sides that are no multiples of
        the stride, backbones may round up. Then for each image: make proposals (`propose`, with the numbers in
        `proposals`), and append the true boxes *behind* them; label all of these (`label_proposals`); sample regions
        (`sample_labels` on (class > 0), with count `regions` and fraction 0.25). Second stage: all sampled regions go
        together through `fast_roi_align` at scale 1 / stride and through the head. Their order is image by image, in
        each first the positives, then the negatives. `fast_rcnn_losses` takes the whole batch. Its targets are
        `encode_boxes` of region and matched box, times TRANSFORM_SCALE.

        Args:
            images: (N, 3, H, W) floating point.
            targets: one dict per image.
            anchor_priority: (N, A), for `rpn_losses`; A is the number of all anchors.
            region_priority: (N, M), for `sample_labels`; M is at least the number of an image's proposals and true
                boxes together, and only the first ones count.

        Returns:
            (4,): RPN classification, RPN box, classification of regions, box of regions; the lecture's order.

        Edge cases: images may have no boxes. Without positives the box losses are 0, and their gradients are zeros.

        >>> model = build()
        >>> truth = {"boxes": torch.tensor([[4.0, 4.0, 24.0, 20.0]]), "labels": torch.tensor([1])}
        >>> model(torch.zeros(1, 3, 32, 48), [truth], torch.rand(1, 216), torch.rand(1, 64)).shape
        torch.Size([4])
        """
        # Your answer to faster-rcnn takes the place of the next line.
        raise NotImplementedError("faster-rcnn")

    def detect(self, images: Tensor, proposals: tuple[int, int] = (300, 60)) -> list[dict[str, Tensor]]:
        """Detect the objects in images, in evaluation mode and without gradients. Afterwards the mode is as before.

        Args:
            images: (N, 3, H, W) floating point.
            proposals: (pre_nms, post_nms) of `propose`.

        Returns:
            A list with a dict per image: what `detections` returns for its proposals, with the default settings.

        >>> len(build().detect(torch.zeros(2, 3, 32, 48)))
        2
        """
        # Your answer to faster-rcnn takes the place of the next line.
        raise NotImplementedError("faster-rcnn")



def build() -> FasterRCNN:
    """Given: the notebook's network for three classes, whose trained state is handed in as faster_rcnn.pt."""
    rpn, head = RPNHead(64, 64, len(SIZES) * len(RATIOS)), BoxHead(64, 5, 96, 3)
    return FasterRCNN(SingleMap(64), rpn, head, stride=8, sizes=SIZES, ratios=RATIOS, num_classes=3)
