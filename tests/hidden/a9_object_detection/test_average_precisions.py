"""Average precision over a data set: every rule of counting, with the true parts or with substitutes."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from typing import Any

import pytest
import slow_evaluation
import torch
from data_sets import DATA_SETS, DataSet, plain
from substitutes import along_x, area, last_first, shrunk_curve

from autograder.checks import Draw, Proxy, assert_matches, dtype_counts, fetch, judge_by_parts, place

question = partial(pytest.mark.question, "mean-average-precision")

SUBSTITUTES = {
    "box_iou": along_x,
    "match_detections": last_first,
    "precision_recall": shrunk_curve,
    "interpolated_average_precision": area,
}


@question()
@pytest.mark.parametrize("draw", DATA_SETS.values(), ids=DATA_SETS)
def test_table(student: Proxy, rng: Draw, draw: Callable[[Draw], DataSet]) -> None:
    """average_precisions gives the average precision of every class at every threshold."""
    set = draw(rng)

    def check(**parts: Callable[..., Any]) -> None:
        asked = (set.detections, set.truths, set.classes, set.thresholds)
        found = student.average_precisions(*asked, limit=set.limit)
        wanted = slow_evaluation.table(*asked, limit=set.limit, parts=parts)
        # The table is float64 whatever the boxes are: one case charges for that.
        with dtype_counts() if draw is plain else nullcontext():
            assert_matches(found, wanted, what="the average precisions")

    judge_by_parts(student, check, slow_evaluation.TRUE, SUBSTITUTES)


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
