"""Assignment 9, part 2: how good is a detector? Matching, precision and recall, average precision, mAP.

Write your answers where a NotImplementedError is raised.

Boxes are (x1, y1, x2, y2), as in `boxes.py`. The rules are those of the COCO benchmark: a detection is true where its
IoU with a truth is *at least* the threshold (the lecture's slide says "above"). Inputs are never modified.
"""

from collections.abc import Mapping, Sequence

import torch
from boxes import box_iou
from torch import Tensor

__all__ = [
    "COCO_THRESHOLDS",
    "average_precision",
    "average_precisions",
    "interpolated_average_precision",
    "match_detections",
    "mean_average_precision",
    "precision_recall",
]

# COCO's mAP is the mean over these.
COCO_THRESHOLDS = (0.50, 0.55, 0.60, 0.65, 0.70, 0.75, 0.80, 0.85, 0.90, 0.95)


def match_detections(scores: Tensor, ious: Tensor, threshold: float) -> Tensor:
    """Decide which detections of one class in one image are true.

    Visit the detections from the best score to the worst. Each takes, of the truths that nobody has taken yet, the one
    with the largest IoU, if that IoU is at least the threshold; then it is true. A truth is taken once: a second
    detection of it is false. A detection whose best truth is gone may take its next best. (That is COCO's rule;
    PASCAL's calls such a detection false.)

    Args:
        scores: (D,) floating point, of the detections; higher is better.
        ious: (D, G) floating point, the IoU of every detection with every truth.
        threshold: in [0, 1].

    Returns:
        (D,) bool, in the order of the input: which detections are true.

    Edge cases: equal scores: the lower index is visited first. Equal IoUs: the truth with the higher index is taken. No
    truths: all false. D = 0 gives shape (0,).

    >>> ious = torch.tensor([[0.6, 0.5], [0.9, 0.3], [0.8, 0.0]])
    >>> match_detections(torch.tensor([0.7, 0.9, 0.8]), ious, 0.5)  # 1 takes the first truth, 2 nothing, 0 the second
    tensor([ True,  True, False])
    """
    # BEGIN SOLUTION match-detections
    matched = torch.zeros(len(scores), dtype=torch.bool, device=scores.device)
    truths = ious.shape[1]
    taken = torch.zeros(truths, dtype=torch.bool, device=scores.device)
    if truths == 0:
        return matched
    for detection in scores.argsort(descending=True, stable=True).tolist():
        free = ious[detection].masked_fill(taken, -1)
        best = truths - 1 - int(free.flip(0).argmax())  # the last of the largest
        if not taken[best] and free[best] >= threshold:
            matched[detection] = taken[best] = True
    return matched
    # END SOLUTION


def precision_recall(matched: Tensor, scores: Tensor, num_truths: int) -> tuple[Tensor, Tensor]:
    """Precision and recall of the best 1, 2, ..., D detections.

        precision[k] = true detections among the best k + 1 / (k + 1)
        recall[k] = true detections among the best k + 1 / num_truths

    Args:
        matched: (D,) bool, which detections are true.
        scores: (D,) floating point; higher is better.
        num_truths: the number of all truths, found or not.

    Returns:
        (precision, recall), each (D,) float64, in the order of falling scores.

    Edge cases: equal scores: the lower index comes first. D = 0 gives two tensors of shape (0,).
    Raises: ValueError for num_truths < 1.

    >>> precision, recall = precision_recall(torch.tensor([True, False, True]), torch.tensor([0.3, 0.6, 0.9]), 4)
    >>> print(precision, recall)
    tensor([1.0000, 0.5000, 0.6667], dtype=torch.float64) tensor([0.2500, 0.2500, 0.5000], dtype=torch.float64)
    """
    # BEGIN SOLUTION precision-recall
    if num_truths < 1:
        raise ValueError(f"recall needs at least one truth, not {num_truths}")
    found = matched[scores.argsort(descending=True, stable=True)].to(torch.float64).cumsum(dim=0)
    accepted = torch.arange(1, len(found) + 1, dtype=torch.float64, device=found.device)
    return found / accepted, found / num_truths
    # END SOLUTION


def average_precision(precision: Tensor, recall: Tensor) -> float:
    """The area under the steps of a precision-recall curve, as it is.

        AP = sum over n of (r[n] - r[n - 1]) p[n],   r[-1] = 0

    Args:
        precision, recall: (D,) float64, as `precision_recall` returns them.

    Returns:
        A Python float in [0, 1].

    Edge cases: no detections: 0.

    >>> average_precision(torch.tensor([1.0, 0.5, 0.75]), torch.tensor([0.25, 0.25, 0.5]))
    0.4375
    """
    # BEGIN SOLUTION average-precision
    before = torch.cat([recall.new_zeros(1), recall])[:-1]
    return float(((recall - before) * precision).sum())
    # END SOLUTION


def interpolated_average_precision(precision: Tensor, recall: Tensor, points: int = 101) -> float:
    """The mean of a precision-recall curve that never rises, looked up at equally spaced recalls.

        AP = mean over k = 0 .. points - 1 of  max { precision[n] : recall[n] >= k / (points - 1) - 1e-9 }

    If no recall[n] is large enough, the maximum is 0. So a recall beyond the end of the curve adds nothing. The 1e-9
    allows for rounding.

    Args:
        precision, recall: (D,) float64, as `precision_recall` returns them.
        points: > 1. COCO takes 101, PASCAL took 11 until 2009.

    Returns:
        A Python float in [0, 1].

    Edge cases: no detections: 0.

    >>> round(interpolated_average_precision(torch.tensor([1.0, 0.5, 0.75]), torch.tensor([0.25, 0.25, 0.5]), 5), 4)
    0.55
    """
    # BEGIN SOLUTION average-precision
    levels = torch.arange(points, dtype=torch.float64, device=recall.device) / (points - 1)
    reached = recall[None] >= levels[:, None] - 1e-9  # (points, D)
    best = torch.where(reached, precision[None], torch.zeros_like(precision)[None])
    return float(torch.cat([best, best.new_zeros(points, 1)], dim=1).amax(dim=1).mean())
    # END SOLUTION


def average_precisions(
    detections: Sequence[Mapping[str, Tensor]],
    truths: Sequence[Mapping[str, Tensor]],
    num_classes: int,
    thresholds: Sequence[float],
    limit: int = 100,
) -> Tensor:
    """The average precision of every class at every IoU threshold, over a whole data set.

    Detections are matched with truths of the same class in the same image (`box_iou`, `match_detections`). The
    detections of all images then make one curve for each class and threshold (`precision_recall`), whose interpolated
    average precision at 101 points is taken.

    Args:
        detections: one mapping per image: "boxes" (D, 4) floating point, (x1, y1, x2, y2); "scores" (D,); "labels" (D,)
            int64 in [0, num_classes).
        truths: one mapping per image: "boxes" (G, 4), "labels" (G,).
        num_classes: K.
        thresholds: T numbers in [0, 1], in any order.
        limit: how many detections of each class in each image count, those with the best scores.

    Returns:
        (K, T) float64. A class without any truth has NaN; a class with truths and without detections has 0.

    Edge cases: images without detections or without truths have tensors of shape (0, 4) and (0,). Equal scores: the
    earlier image first, then the lower index.

    >>> boxes = torch.tensor([[0.0, 0.0, 4.0, 2.0], [6.0, 0.0, 9.0, 3.0]])
    >>> truths = [{"boxes": boxes, "labels": torch.tensor([0, 0])}]
    >>> detections = [{"boxes": boxes[:1], "scores": torch.tensor([0.9]), "labels": torch.tensor([0])}]
    >>> average_precisions(detections, truths, 2, [0.5])
    tensor([[0.5050],
            [   nan]], dtype=torch.float64)

    Source: Lin et al., Microsoft COCO, ECCV 2014, and its evaluation code.
    """
    # BEGIN SOLUTION mean-average-precision
    table = torch.full((num_classes, len(thresholds)), torch.nan, dtype=torch.float64)
    for label in range(num_classes):
        images = [_of_class(found, true, label, limit) for found, true in zip(detections, truths, strict=True)]
        num_truths = sum(ious.shape[1] for _, ious in images)
        if num_truths == 0:
            continue
        scores = torch.cat([scores for scores, _ in images])
        for column, threshold in enumerate(thresholds):
            matched = torch.cat([match_detections(scores, ious, threshold) for scores, ious in images])
            table[label, column] = interpolated_average_precision(*precision_recall(matched, scores, num_truths))
    return table
    # END SOLUTION


# BEGIN SOLUTION
def _of_class(found: Mapping[str, Tensor], true: Mapping[str, Tensor], label: int, limit: int) -> tuple[Tensor, Tensor]:
    """Scores (D,) of the best detections of one class in one image, and their IoUs (D, G) with its truths."""
    members = (found["labels"] == label).nonzero().flatten()
    best = members[found["scores"][members].argsort(descending=True, stable=True)[:limit]]
    return found["scores"][best], box_iou(found["boxes"][best], true["boxes"][true["labels"] == label])


# END SOLUTION
def mean_average_precision(ap: Tensor) -> float:
    """The mean of all entries that are not NaN.

    Args:
        ap: (K, T) float64, as `average_precisions` returns it. With `COCO_THRESHOLDS`, the mean is what COCO calls mAP.

    Returns:
        A Python float; NaN where every entry is NaN.

    >>> mean_average_precision(torch.tensor([[0.5, 0.25], [float("nan"), float("nan")]]))
    0.375
    """
    # BEGIN SOLUTION mean-average-precision
    return float(ap[~ap.isnan()].mean())
    # END SOLUTION
