"""Anchors, labels, samples, losses, proposals and detections once more, by loops over Python numbers.

Losses are written in torch where autograd has to find their gradients, and nowhere with torch's own losses.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

__all__ = [
    "anchors_of",
    "chosen_regions",
    "clipped",
    "close_calls",
    "cross_entropy",
    "decoded",
    "detected",
    "encoded",
    "focal",
    "iou",
    "labelled_anchors",
    "labelled_proposals",
    "proposed",
    "sampled",
    "smooth_l1",
    "suppressed",
]

Box = Sequence[float]
SCALE = (10.0, 10.0, 5.0, 5.0)
LARGEST = math.log(1000 / 16)


def iou(a: Box, b: Box) -> float:
    """Intersection over union, 0 where there is no union."""
    wide, tall = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    both = max(wide, 0.0) * max(tall, 0.0)
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both
    return both / union if union > 0 else 0.0


def close_calls(boxes: torch.Tensor, others: torch.Tensor, *thresholds: float) -> bool:
    """Whether an IoU is nearly a threshold, or the largest one of a row or column nearly has a rival."""
    table = [[iou(a, b) for b in others.tolist()] for a in boxes.tolist()]
    if any(abs(value - threshold) < 1e-4 for row in table for value in row for threshold in thresholds):
        return True
    best = [sorted(line)[-2:] for line in (*table, *zip(*table, strict=True))]
    return any(len(pair) == 2 and pair[1] > 0 and pair[1] - pair[0] < 1e-4 for pair in best)


def anchors_of(height: int, width: int, stride: int, sizes: Sequence[float], ratios: Sequence[float]) -> torch.Tensor:
    """All anchors, (height width K, 4) float64."""
    rows = []
    for i in range(height):
        for j in range(width):
            for size in sizes:
                for ratio in ratios:
                    x, y, w, h = (j + 0.5) * stride, (i + 0.5) * stride, size / ratio**0.5, size * ratio**0.5
                    rows.append([x - w / 2, y - h / 2, x + w / 2, y + h / 2])
    return torch.tensor(rows, dtype=torch.float64).reshape(-1, 4)


def labelled_proposals(
    proposals: torch.Tensor, boxes: torch.Tensor, labels: torch.Tensor, threshold: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """(classes, matches)."""
    classes, matches = [], []
    for proposal in proposals.tolist():
        overlaps = [iou(proposal, box) for box in boxes.tolist()]
        best = overlaps.index(max(overlaps)) if overlaps else -1
        found = bool(overlaps) and overlaps[best] >= threshold
        classes.append(1 + int(labels[best]) if found else 0)
        matches.append(best if found else -1)
    return torch.tensor(classes, dtype=torch.int64), torch.tensor(matches, dtype=torch.int64)


def labelled_anchors(
    anchors: torch.Tensor, boxes: torch.Tensor, positive: float = 0.7, negative: float = 0.3, second: bool = True
) -> tuple[torch.Tensor, torch.Tensor]:
    """(labels, matches); without the second rule for positives where not `second`."""
    table = [[iou(anchor, box) for box in boxes.tolist()] for anchor in anchors.tolist()]
    largest = [max(column) for column in zip(*table, strict=True)]
    labels, matches = [], []
    for row in table:
        best = max(row, default=0.0)
        forced = second and any(value == top and top > 0 for value, top in zip(row, largest, strict=True))
        label = 1 if row and (best >= positive or forced) else 0 if best < negative else -1
        labels.append(label)
        matches.append(row.index(best) if label == 1 else -1)
    return torch.tensor(labels, dtype=torch.int64), torch.tensor(matches, dtype=torch.int64)


def sure(anchors: torch.Tensor, boxes: torch.Tensor, positive: float = 0.7, negative: float = 0.3) -> bool:
    """Whether no label hangs on the last bit, and boxes, if any, make an anchor positive by the second rule alone."""
    if close_calls(anchors, boxes, positive, negative):
        return False
    labels, others = (labelled_anchors(anchors, boxes, positive, negative, second)[0] for second in (True, False))
    return not len(boxes) or not labels.equal(others)


def sampled(
    labels: torch.Tensor, count: int, fraction: float, priority: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """(positives, negatives)."""
    order = sorted(range(len(labels)), key=lambda index: float(priority[index]))
    positives = [index for index in order if labels[index] == 1][: math.floor(count * fraction)]
    negatives = [index for index in order if labels[index] == 0][: count - len(positives)]
    first, second = (torch.tensor(sorted(found), dtype=torch.int64) for found in (positives, negatives))
    return first, second


def encoded(proposal: Box, target: Box) -> list[float]:
    """The transform from one box to another."""
    (px, py, pw, ph), (bx, by, bw, bh) = _centred(proposal), _centred(target)
    return [(bx - px) / pw, (by - py) / ph, math.log(bw / pw), math.log(bh / ph)]


def decoded(proposal: Box, transform: Sequence[float], size: Sequence[int] | None) -> list[float]:
    """A box moved by its transform, and clipped to an image of this size, if there is one."""
    (px, py, pw, ph), (tx, ty, tw, th) = _centred(proposal), transform
    x, y = px + pw * tx, py + ph * ty
    w, h = pw * math.exp(min(tw, LARGEST)), ph * math.exp(min(th, LARGEST))
    corners = [x - w / 2, y - h / 2, x + w / 2, y + h / 2]
    return corners if size is None else clipped(corners, size)


def clipped(box: Box, size: Sequence[int]) -> list[float]:
    """A box cut off at the borders of an image (height, width)."""
    return [min(max(c, 0.0), float(size[1 - n % 2])) for n, c in enumerate(box)]


def _centred(box: Box) -> tuple[float, float, float, float]:
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2, box[2] - box[0], box[3] - box[1]


def cross_entropy(scores: torch.Tensor, answers: torch.Tensor) -> torch.Tensor:
    """The mean over rows; 0 for none, connected."""
    losses = [row.logsumexp(0) - row[answer] for row, answer in zip(scores, answers.tolist(), strict=True)]
    return torch.stack(losses).mean() if losses else 0 * scores.sum()


def smooth_l1(found: torch.Tensor, wanted: torch.Tensor, beta: float = 1.0) -> torch.Tensor:
    """The sum over all numbers."""
    distance = (found - wanted).abs()
    return torch.where(distance < beta, distance**2 / (2 * beta), distance - beta / 2).sum()


def focal(scores: torch.Tensor, classes: torch.Tensor, gamma: float) -> torch.Tensor:
    """(A,), one anchor after the other."""
    losses = []
    for row, answer in zip(scores, classes.tolist(), strict=True):
        if answer < 0:
            losses.append(0 * row.detach().sum().clamp(0, 0))
            continue
        others = torch.cat([row[:answer], row[answer + 1 :]])
        log_p = row[answer] - row.logsumexp(0)
        rest = (others - row.logsumexp(0)).exp().sum() if len(others) else 0 * log_p  # 1 - p, without cancellation
        losses.append(-(rest**gamma if gamma else 1.0) * log_p)
    return torch.stack(losses) if losses else scores.new_zeros(0)


def suppressed(boxes: list[list[float]], order: Sequence[int], threshold: float) -> list[int]:
    """Which of the boxes stay, in this order."""
    kept: list[int] = []
    for index in order:
        if all(iou(boxes[index], boxes[other]) <= threshold for other in kept):
            kept.append(index)
    return kept


def proposed(
    scores: torch.Tensor,
    transforms: torch.Tensor,
    anchors: torch.Tensor,
    size: Sequence[int] | None,
    pre_nms: int = 600,
    post_nms: int = 300,
    threshold: float = 0.7,
    min_size: float = 1.0,
) -> tuple[torch.Tensor, torch.Tensor]:
    """(boxes, objectness); without a size, of boxes that nobody clips."""
    chances = [1 / (1 + math.exp(min(no - yes, 700.0))) for no, yes in scores.tolist()]
    order = sorted(range(len(chances)), key=lambda index: (-chances[index], index))[:pre_nms]
    boxes = [decoded(a, t, size) for a, t in zip(anchors.tolist(), transforms.tolist(), strict=True)]
    large = [n for n in order if min(boxes[n][2] - boxes[n][0], boxes[n][3] - boxes[n][1]) >= min_size]
    kept = suppressed(boxes, large, threshold)[:post_nms]
    rows = torch.tensor([boxes[n] for n in kept], dtype=torch.float64).reshape(-1, 4)
    return rows, torch.tensor([chances[n] for n in kept], dtype=torch.float64)


def chosen_regions(
    found: torch.Tensor,
    truths: torch.Tensor,
    labels: torch.Tensor,
    priority: torch.Tensor,
    count: int,
    fraction: float = 0.25,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """What a second stage is trained on: (regions, which of them are positives, which negatives)."""
    regions = torch.cat([found, truths])
    classes, _ = labelled_proposals(regions, truths, labels, 0.5)
    return regions, *sampled((classes > 0).to(torch.int64), count, fraction, priority[: len(regions)])


def detected(
    scores: torch.Tensor,
    transforms: torch.Tensor,
    proposals: torch.Tensor,
    size: Sequence[int] | None,
    score_threshold: float = 0.05,
    nms_threshold: float = 0.5,
    limit: int = 50,
) -> dict[str, torch.Tensor]:
    """The detections of one image, by falling score; without a size, of boxes that nobody clips."""
    found: list[tuple[float, int, int, list[float]]] = []
    chances = scores.softmax(dim=1).tolist() if len(scores) else []
    for label in range(scores.shape[1] - 1):
        rows = [n for n, chance in enumerate(chances) if chance[1 + label] > score_threshold]
        boxes: dict[int, list[float]] = {}
        for n in rows:
            moves = [number / scale for number, scale in zip(transforms[n, label].tolist(), SCALE, strict=True)]
            boxes[n] = decoded(proposals[n].tolist(), moves, size)
        solid = [n for n in rows if boxes[n][2] > boxes[n][0] and boxes[n][3] > boxes[n][1]]
        kept: list[int] = []
        for n in sorted(solid, key=lambda n: (-chances[n][1 + label], n)):
            if all(iou(boxes[n], boxes[other]) <= nms_threshold for other in kept):
                kept.append(n)
        found += [(chances[n][1 + label], n, label, boxes[n]) for n in kept]
    found = sorted(found, key=lambda entry: (-entry[0], entry[1], entry[2]))[:limit]
    return {
        "boxes": torch.tensor([box for *_, box in found], dtype=torch.float64).reshape(-1, 4),
        "scores": torch.tensor([score for score, *_ in found], dtype=torch.float64),
        "labels": torch.tensor([label for _, _, label, _ in found], dtype=torch.int64),
    }
