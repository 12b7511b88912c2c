"""Average precision over a data set: every rule of counting, with our parts or with the student's own."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial

import pytest
import slow_evaluation
import torch
from data_sets import DATA_SETS, DataSet, plain
from own_parts import judge, own_iou

from autograder.checks import (
    CheckFailed,
    Draw,
    Proxy,
    assert_matches,
    dtype_counts,
    fetch,
    place,
    plain_number,
    plain_tensor,
    unpack,
)

question = partial(pytest.mark.question, "mean-average-precision")


def own(student: Proxy) -> slow_evaluation.Parts:
    """The student's own IoU, matching, curve and area: a mistake there has been paid for already."""

    def matches(scores: torch.Tensor, ious: torch.Tensor, threshold: float) -> torch.Tensor:
        found = plain_tensor(student.match_detections(scores, ious, threshold), "the answer")
        if found.shape != scores.shape or not bool(((found == 0) | (found == 1)).all()):
            raise CheckFailed("the answer is not a bool for each detection")
        return found == 1

    def curve(matched: torch.Tensor, scores: torch.Tensor, num_truths: int) -> tuple[torch.Tensor, ...]:
        parts = unpack(student.precision_recall(matched, scores, num_truths), "precision", "recall")
        return tuple(plain_tensor(part, "the curve") for part in parts)

    def interpolated(precision: torch.Tensor, recall: torch.Tensor) -> float:
        return plain_number(student.interpolated_average_precision(precision, recall), "the average precision")

    return slow_evaluation.Parts(own_iou(student), matches, curve, interpolated)


@question()
@pytest.mark.parametrize("draw", DATA_SETS.values(), ids=DATA_SETS)
def test_table(student: Proxy, rng: Draw, draw: Callable[[Draw], DataSet]) -> None:
    """average_precisions gives the average precision of every class at every threshold."""
    set = draw(rng)
    found = student.average_precisions(set.detections, set.truths, set.classes, set.thresholds, limit=set.limit)

    def check(parts: slow_evaluation.Parts) -> None:
        wanted = slow_evaluation.table(
            set.detections, set.truths, set.classes, set.thresholds, limit=set.limit, parts=parts
        )
        # The table is float64 whatever the boxes are: one case charges for that.
        with dtype_counts() if draw is plain else nullcontext():
            assert_matches(found, wanted, what="the average precisions")

    judge(check, slow_evaluation.TRUE_PARTS, own(student))


@question(weight=0.5)
def test_inputs_are_kept(student: Proxy, rng: Draw) -> None:
    """average_precisions leaves detections and truths unchanged."""
    set = plain(rng, 2)
    placed = [{key: place(student, value) for key, value in one.items()} for one in set.detections + set.truths]
    student.average_precisions(placed[:2], placed[2:], 3, [0.5])
    for one, before in zip(placed, set.detections + set.truths, strict=True):
        for key, value in before.items():
            assert_matches(fetch(one[key]), value, what=f'"{key}" after the call', rtol=0.0, atol=0.0)


MEANS = {
    "all-known": [[0.5, 0.25], [1.0, 0.0]],
    "some-unknown": [[0.5, 0.25], [math.nan, math.nan], [0.0, 0.125]],
    "nothing-known": [[math.nan, math.nan]],
}


@question()
@pytest.mark.parametrize("rows", MEANS.values(), ids=MEANS)
def test_mean(student: Proxy, rows: list[list[float]]) -> None:
    """mean_average_precision gives the mean of the entries that are not NaN."""
    ap = torch.tensor(rows, dtype=torch.float64)
    assert_matches(student.mean_average_precision(ap), slow_evaluation.mean_of_known(ap), what="the mean")
