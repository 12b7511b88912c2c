"""Given: a Faster R-CNN, as in assignment 10, on a feature pyramid. There is nothing to write here.

The pyramid has maps of strides 4 and 8. Boxes are proposed and classified on the map of stride 8. The map of stride 4
is finer, and is for masks. Boxes are (x1, y1, x2, y2), edges of pixels; regions are (number of the image, x1, y1,
x2, y2). Labels of things are 0 ... C - 1; classes of regions are 0 for background, then 1 + label.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from boxes import box_iou, clip_boxes, decode_boxes, encode_boxes, nms, nms_by_class
from kit import TinyBackbone, fast_roi_align
from torch import Tensor, nn

__all__ = ["DETECTOR_CHANNELS", "FasterRCNN", "Regions", "build_detector"]

DETECTOR_CHANNELS = 32  # of both maps of the pyramid
TRANSFORM_SCALE = (10.0, 10.0, 5.0, 5.0)  # the second stage predicts transforms times these

Targets = Sequence[Mapping[str, Tensor]]


class Regions(NamedTuple):
    """The detector's results for a mask head, from one batch in training.

    Attributes:
        features: (N, C, H / 4, W / 4), the map for masks.
        losses: (4,), RPN classification, RPN regression, object classification, object regression.
        regions: (R, 5), the regions that train the second stage, image after image.
        classes: (R,) int64: 0 for background, else 1 + label.
        matches: (R,) int64: the index of the object in the region's own image, -1 for background.
    """

    features: Tensor
    losses: Tensor
    regions: Tensor
    classes: Tensor
    matches: Tensor


class FasterRCNN(nn.Module):
    """Two stages: proposals from anchors, then a class and a better box for each.

    Args:
        backbone: images (N, 3, H, W) -> maps, of which the first two, of strides 4 and 8, are used.
        in_channels: channels of these two.
        channels: of the pyramid's maps.
        sizes, ratios: of the anchors, in pixels, and height / width.
        num_classes: C, without background.
        pool_size, hidden: of the second stage.
        proposals: how many boxes at most before and after suppression, in training.
        regions: how many of them train the second stage, per image; at most a quarter is not background.

    Attributes:
        mask_stride: stride of the map in `features(images)` and `Regions.features`.
        stride: stride of the map for boxes.
    """

    def __init__(
        self,
        backbone: nn.Module,
        in_channels: tuple[int, int],
        channels: int,
        *,
        sizes: Sequence[float] = (12, 20, 34),
        ratios: Sequence[float] = (0.6, 1.0, 1.6),
        num_classes: int = 3,
        pool_size: int = 5,
        hidden: int = 128,
        proposals: tuple[int, int] = (120, 40),
        regions: int = 24,
    ) -> None:
        super().__init__()
        self.mask_stride, self.stride = 4, 8
        self.sizes, self.ratios, self.num_classes = tuple(sizes), tuple(ratios), num_classes
        self.pool_size, self.proposals, self.num_regions = pool_size, proposals, regions
        self.backbone = backbone
        self.lateral = nn.ModuleList(nn.Conv2d(width, channels, 1) for width in in_channels)
        self.output = nn.ModuleList(nn.Conv2d(channels, channels, 3, padding=1) for _ in in_channels)
        self.rpn = _Proposer(channels, len(self.sizes) * len(self.ratios))
        self.head = _Classifier(channels, pool_size, hidden, num_classes)

    def features(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) -> (N, channels, H / 4, W / 4), the map for masks, sides rounded up."""
        return self._pyramid(images)[0]

    def forward(self, images: Tensor, targets: Targets, anchor_priority: Tensor, region_priority: Tensor) -> Tensor:
        """The four losses of a batch, (4,); arguments as for `regions`."""
        return self.regions(images, targets, anchor_priority, region_priority).losses

    def regions(self, images: Tensor, targets: Targets, anchor_priority: Tensor, region_priority: Tensor) -> Regions:
        """The losses of a batch, and everything that a mask head needs.

        Args:
            images: (N, 3, H, W).
            targets: per image "boxes" (G, 4) and "labels" (G,); G may be 0.
            anchor_priority: (N, A) uniform numbers, A = `num_anchors(H, W)`; the smallest are sampled first.
            region_priority: (N, M) uniform numbers, M >= proposals + boxes of an image.
        """
        fine, coarse = self._pyramid(images)
        scores, transforms = self.rpn(coarse)
        anchors = self.anchors(coarse)
        first = self._rpn_losses(scores, transforms, anchors, targets, anchor_priority)
        rows, classes, matches, wanted = [], [], [], []
        for number, target in enumerate(targets):
            found, _ = self._propose(scores[number], transforms[number], anchors, _size(images), self.proposals)
            found = torch.cat([found, target["boxes"].to(found.dtype)])
            match, positive = _matched(found, target["boxes"].to(found.dtype))
            chosen = torch.cat(_sampled(positive.long(), self.num_regions, 0.25, region_priority[number][: len(found)]))
            found, match, positive = found[chosen], match[chosen], positive[chosen]
            rows.append(_numbered(found, number))
            classes.append(torch.where(positive, _taken(target["labels"] + 1, match), 0))
            matches.append(torch.where(positive, match, -1))
            wanted.append(_transforms(found, target["boxes"].to(found.dtype), match))
        regions, labels = torch.cat(rows), torch.cat(classes)
        second = self._head_losses(*self._classified(coarse, regions), labels, torch.cat(wanted))
        return Regions(fine, torch.stack([*first, *second]), regions, labels, torch.cat(matches))

    def detect(self, images: Tensor, proposals: tuple[int, int] = (300, 60)) -> list[dict[str, Tensor]]:
        """Per image "boxes" (D, 4), "scores" (D,), "labels" (D,), in evaluation mode; then the mode is as before."""
        training = self.training
        self.eval()
        with torch.no_grad():
            _, coarse = self._pyramid(images)
            scores, transforms = self.rpn(coarse)
            anchors, detections = self.anchors(coarse), []
            for number in range(len(images)):
                boxes, _ = self._propose(scores[number], transforms[number], anchors, _size(images), proposals)
                answer = self._classified(coarse, _numbered(boxes, number))
                detections.append(self._detections(*answer, boxes, _size(images)))
        self.train(training)
        return detections

    def anchors(self, features: Tensor) -> Tensor:
        """(h * w * K, 4) for a map (N, C, h, w): row, column, then size and ratio; ratio is height / width."""
        height, width = features.shape[2:]
        options = {"dtype": features.dtype, "device": features.device}
        size, ratio = torch.meshgrid(
            torch.tensor(self.sizes, **options), torch.tensor(self.ratios, **options), indexing="ij"
        )
        half = torch.stack([size / ratio.sqrt(), size * ratio.sqrt()], dim=-1).reshape(-1, 2) / 2
        y, x = torch.meshgrid(torch.arange(height, **options), torch.arange(width, **options), indexing="ij")
        centres = ((torch.stack([x, y], dim=-1) + 0.5) * self.stride).reshape(-1, 1, 2)
        return torch.cat([centres - half, centres + half], dim=2).reshape(-1, 4)

    def num_anchors(self, height: int, width: int) -> int:
        """How many anchors an image of this size has."""
        return -(-height // self.stride) * -(-width // self.stride) * len(self.sizes) * len(self.ratios)

    def _pyramid(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """The maps of strides 4 and 8."""
        fine, coarse = (lateral(level) for lateral, level in zip(self.lateral, self.backbone(images), strict=False))
        fine = fine + F.interpolate(coarse, size=fine.shape[2:], mode="nearest")
        return self.output[0](fine), self.output[1](coarse)

    def _rpn_losses(
        self, scores: Tensor, transforms: Tensor, anchors: Tensor, targets: Targets, priority: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Cross-entropy and smooth L1 over all anchors that were sampled in the batch."""
        logits, labels, moves, wanted = [], [], [], []
        for number, target in enumerate(targets):
            boxes = target["boxes"].to(anchors.dtype)
            marks, match = _marked(anchors, boxes)
            positives, negatives = _sampled(marks, 64, 0.5, priority[number])
            chosen = torch.cat([positives, negatives])
            logits.append(scores[number, chosen])
            labels.append((marks[chosen] == 1).long())
            moves.append(transforms[number, positives])
            wanted.append(_transforms(anchors[positives], boxes, match[positives]))
        every, count = torch.cat(logits), max(1, sum(map(len, logits)))
        classification = F.cross_entropy(every, torch.cat(labels), reduction="sum") / count
        moved = F.smooth_l1_loss(torch.cat(moves), torch.cat(wanted), beta=1 / 9, reduction="sum")
        return classification, moved / count

    def _propose(
        self, scores: Tensor, transforms: Tensor, anchors: Tensor, size: tuple[int, int], count: tuple[int, int]
    ) -> tuple[Tensor, Tensor]:
        """The best boxes of one image, and how probable it is that each holds an object; constants to autograd."""
        objectness = scores.detach().softmax(dim=1)[:, 1]
        best = objectness.argsort(descending=True, stable=True)[: count[0]]
        found = clip_boxes(decode_boxes(anchors[best], transforms.detach()[best]), size)
        big = ((found[:, 2:] - found[:, :2]) >= 1.0).all(dim=1)
        found, objectness = found[big], objectness[best][big]
        kept = nms(found, objectness, 0.7)[: count[1]]
        return found[kept], objectness[kept]

    def _classified(self, features: Tensor, regions: Tensor) -> tuple[Tensor, Tensor]:
        size = (self.pool_size, self.pool_size)
        scores, transforms = self.head(fast_roi_align(features, regions, size, 1 / self.stride, 2))
        return scores, transforms

    def _head_losses(
        self, scores: Tensor, transforms: Tensor, classes: Tensor, wanted: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Cross-entropy of all regions, and smooth L1 of those with an object, both divided by the number of all."""
        count, objects = max(1, len(classes)), classes > 0
        own = transforms[objects, classes[objects] - 1]
        goal = wanted[objects] * wanted.new_tensor(TRANSFORM_SCALE)
        classification = F.cross_entropy(scores, classes, reduction="sum") / count
        return classification, F.smooth_l1_loss(own, goal, reduction="sum") / count

    def _detections(
        self, scores: Tensor, transforms: Tensor, proposals: Tensor, size: tuple[int, int]
    ) -> dict[str, Tensor]:
        """Of all pairs of proposal and label, those that are probable enough and not suppressed."""
        probabilities = scores.softmax(dim=1)[:, 1:]
        rows, labels = (probabilities > 0.05).nonzero().unbind(dim=1)
        moves = transforms[rows, labels] / transforms.new_tensor(TRANSFORM_SCALE)
        found = clip_boxes(decode_boxes(proposals[rows], moves), size)
        sure = probabilities[rows, labels]
        solid = (found[:, 2:] > found[:, :2]).all(dim=1)
        found, sure, labels = found[solid], sure[solid], labels[solid]
        kept = nms_by_class(found, sure, labels, 0.5)[:50]
        return {"boxes": found[kept], "scores": sure[kept], "labels": labels[kept]}


class _Proposer(nn.Module):
    """A convolution, then two scores (not object, object) and a transform for each anchor."""

    def __init__(self, channels: int, num_anchors: int) -> None:
        super().__init__()
        self.hidden = nn.Conv2d(channels, channels, 3, padding=1)
        self.objectness = nn.Conv2d(channels, 2 * num_anchors, 1)
        self.transforms = nn.Conv2d(channels, 4 * num_anchors, 1)
        for layer in (self.hidden, self.objectness, self.transforms):
            nn.init.normal_(layer.weight, std=0.01)
            nn.init.zeros_(layer.bias)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """(N, C, h, w) -> (N, A, 2) and (N, A, 4)."""
        hidden = F.relu(self.hidden(features))
        maps = (self.objectness(hidden), 2), (self.transforms(hidden), 4)
        scores, transforms = (out.permute(0, 2, 3, 1).reshape(len(out), -1, numbers) for out, numbers in maps)
        return scores, transforms


class _Classifier(nn.Module):
    """Two hidden layers, then the scores of all classes, and a transform for each label."""

    def __init__(self, channels: int, pool_size: int, hidden: int, num_classes: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *(nn.Flatten(), nn.Linear(channels * pool_size**2, hidden), nn.ReLU()),
            *(nn.Linear(hidden, hidden), nn.ReLU()),
        )
        self.scores, self.transforms = nn.Linear(hidden, num_classes + 1), nn.Linear(hidden, 4 * num_classes)
        for layer, spread in ((self.scores, 0.01), (self.transforms, 0.001)):
            nn.init.normal_(layer.weight, std=spread)
            nn.init.zeros_(layer.bias)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """(R, C, P, P) -> (R, C + 1) and (R, C, 4)."""
        hidden = self.layers(features)
        return self.scores(hidden), self.transforms(hidden).unflatten(1, (-1, 4))


def build_detector() -> FasterRCNN:
    """The detector of the notebook, untrained."""
    return FasterRCNN(TinyBackbone(), (32, 64), DETECTOR_CHANNELS)


def _size(images: Tensor) -> tuple[int, int]:
    return images.shape[2], images.shape[3]


def _numbered(boxes: Tensor, number: int) -> Tensor:
    """(R, 5): boxes of one image as regions."""
    return torch.cat([boxes.new_full((len(boxes), 1), number), boxes], dim=1)


def _taken(values: Tensor, which: Tensor) -> Tensor:
    """values[which], or zeros where there are no values."""
    return values[which] if len(values) else values.new_zeros(len(which), *values.shape[1:])


def _matched(found: Tensor, boxes: Tensor) -> tuple[Tensor, Tensor]:
    """The object that each box overlaps most, and whether their IoU is 0.5 or more."""
    if len(boxes) == 0:
        return torch.zeros(len(found), dtype=torch.int64, device=found.device), torch.zeros_like(found[:, 0]).bool()
    best, match = box_iou(found, boxes).max(dim=1)
    return match, best >= 0.5


def _marked(anchors: Tensor, boxes: Tensor) -> tuple[Tensor, Tensor]:
    """1 for an object, 0 for none, -1 for neither; and the object that each anchor overlaps most."""
    if len(boxes) == 0:
        nothing = torch.zeros(len(anchors), dtype=torch.int64, device=anchors.device)
        return nothing, nothing
    overlaps = box_iou(anchors, boxes)
    best, match = overlaps.max(dim=1)
    largest = overlaps.amax(dim=0)
    forced = ((overlaps == largest) & (largest > 0)).any(dim=1)
    marks = torch.where(best < 0.3, 0, -1)
    return marks.masked_fill((best >= 0.7) | forced, 1), match


def _sampled(marks: Tensor, count: int, share: float, priority: Tensor) -> tuple[Tensor, Tensor]:
    """Indices of positives, at most a share of `count`, and of negatives up to `count`, by rising priority."""
    chosen = []
    for mark, most in ((1, int(count * share)), (0, count)):
        members = (marks == mark).nonzero().flatten()
        taken = sum(map(len, chosen))
        chosen.append(members[priority[members].argsort()[: min(most, count - taken)]].sort().values)
    return chosen[0], chosen[1]


def _transforms(found: Tensor, boxes: Tensor, match: Tensor) -> Tensor:
    """The transforms that move each box onto its object; zeros if there are no objects."""
    return encode_boxes(found, boxes[match]) if len(boxes) else torch.zeros_like(found)
