"""Matching, curves and the areas under them: ties, empty inputs, exact thresholds, every contract."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from typing import Any

import pytest
import slow_evaluation
import torch

from autograder.checks import CheckFailed, Draw, Proxy, StudentError, assert_matches, contracts, dtype_counts, unpack

match_question = partial(pytest.mark.question, "match-detections")
curve_question = partial(pytest.mark.question, "precision-recall")
area_question = partial(pytest.mark.question, "average-precision")
every_contract = pytest.mark.parametrize("contract", contracts.BATTERY, ids=str)

Detections = tuple[torch.Tensor, torch.Tensor, float]  # scores (D,), IoUs (D, G), threshold


def sparse(rng: Draw, detections: int, truths: int) -> Detections:
    """Each detection has one truth at most that it could take, and no two the same: nobody competes."""
    ious = rng.uniform(detections, truths, high=0.4)
    for number in range(0, min(detections, truths), 2):
        ious[number, truths - 1 - number] = 0.6 + 0.01 * number
    return rng.distinct(detections), ious, 0.5


def crowd(rng: Draw) -> Detections:
    """Many detections compete for few truths."""
    return rng.distinct(9), rng.distinct(9, 4) / 6 + 0.5, 0.45


def table(scores: list[float], ious: list[list[float]], threshold: float) -> Detections:
    return torch.tensor(scores).double(), torch.tensor(ious).double(), threshold


MATCHES: dict[str, Callable[[Draw], Detections]] = {
    "nobody-competes": lambda rng: sparse(rng, 6, 5),
    "crowd": crowd,
    "found-twice": lambda rng: table([0.3, 0.9, 0.6], [[0.7], [0.6], [0.8]], 0.5),
    # The best score goes first, though another detection fits better.
    "better-fit-comes-later": lambda rng: table([0.6, 0.9], [[0.95, 0.1], [0.55, 0.2]], 0.5),
    "next-best-truth": lambda rng: table([0.6, 0.9], [[0.8, 0.6], [0.9, 0.7]], 0.5),
    "best-truth-below": lambda rng: table([0.9, 0.6, 0.3], [[0.4, 0.45], [0.7, 0.2], [0.1, 0.49]], 0.5),
    "exactly-the-threshold": lambda rng: table([0.9, 0.6], [[0.5, 0.0], [0.25, 0.5]], 0.5),
    "another-threshold": lambda rng: table([0.9, 0.6, 0.3], [[0.6, 0.1], [0.1, 0.74], [0.2, 0.76]], 0.75),
    "equal-scores": lambda rng: table([0.5, 0.5, 0.5], [[0.6, 0.0], [0.9, 0.0], [0.8, 0.7]], 0.5),
    # The first takes the later of its two: so the second, which fits only the earlier, is true as well.
    "equal-ious": lambda rng: table([0.9, 0.6], [[0.75, 0.75], [0.625, 0.25]], 0.5),
    "no-truths": lambda rng: (rng.distinct(3), rng.uniform(3, 0), 0.5),
    "no-detections": lambda rng: (rng.distinct(0), rng.uniform(0, 3), 0.5),
}


def truths_of(found: Any) -> Any:
    """Zeros and ones stand for false and true: that the answer is bool is asked apart."""
    if type(found) is torch.Tensor and not found.is_complex() and bool(((found == 0) | (found == 1)).all()):
        return found.to(torch.bool)
    return found


@match_question()
@pytest.mark.parametrize("draw", MATCHES.values(), ids=MATCHES)
def test_matches(student: Proxy, rng: Draw, draw: Callable[[Draw], Detections]) -> None:
    """match_detections finds the detections that are true."""
    scores, ious, threshold = draw(rng)
    found = truths_of(student.match_detections(scores, ious, threshold))
    assert_matches(found, slow_evaluation.matches(scores, ious, threshold), what="which detections are true")


@match_question(weight=0.5)
@every_contract
def test_matches_contract(student: Proxy, rng: Draw, contract: contracts.Contract) -> None:
    """match_detections obeys the rules for all functions: inputs unchanged, bool answers, repeated calls, D = 0."""

    def call(scores: Any, ious: Any) -> Any:
        found = student.match_detections(scores, ious, 0.5)
        return found if contract.name == "keeps-float32" else truths_of(found)

    operation = contracts.Operation(
        call=call,
        oracle=lambda scores, ious: (slow_evaluation.matches(scores, ious, 0.5),),
        inputs=("scores", "ious"),
        outputs=("which detections are true",),
        batched=("scores", "ious"),
    )
    contract(student, operation, sparse(rng, 6, 5)[:2])


def some(rng: Draw, count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """(matched, scores), the best detection true, the next false."""
    scores = rng.distinct(count)
    matched = rng.uniform(count) < 0.5
    order = scores.argsort(descending=True)
    matched[order[0]], matched[order[1]] = True, False
    return matched, scores


CURVES: dict[str, Callable[[Draw], tuple[torch.Tensor, torch.Tensor, int]]] = {
    "some-true": lambda rng: (*some(rng, 9), 12),
    "sorted-already": lambda rng: (
        torch.tensor([True, False, True, True]),
        torch.tensor([4.0, 3.0, 2.0, 1.0]).double(),
        3,
    ),
    "all-true": lambda rng: (torch.ones(5, dtype=torch.bool), rng.distinct(5), 5),
    "none-true": lambda rng: (torch.zeros(5, dtype=torch.bool), rng.distinct(5), 2),
    "equal-scores": lambda rng: (torch.tensor([True, True, False, True] * 8), torch.full((32,), 0.5).double(), 30),
    "no-detections": lambda rng: (torch.zeros(0, dtype=torch.bool), rng.distinct(0), 4),
    "float32-scores": lambda rng: (some(rng, 6)[0], rng.distinct(6).float(), 7),
}


@curve_question()
@pytest.mark.parametrize("part", ("precision", "recall"))
@pytest.mark.parametrize("draw", CURVES.values(), ids=CURVES)
def test_curve(student: Proxy, rng: Draw, draw: Callable[[Draw], Any], part: str) -> None:
    """precision_recall gives precision and recall; each is checked on its own."""
    matched, scores, num_truths = draw(rng)
    names = ("precision", "recall")
    found = dict(zip(names, unpack(student.precision_recall(matched, scores, num_truths), *names), strict=True))
    wanted = dict(zip(names, slow_evaluation.curve(matched, scores, num_truths), strict=True))
    # Curves are float64 whatever the scores are: one case charges for that.
    with dtype_counts() if scores.dtype is torch.float32 else nullcontext():
        assert_matches(found[part], wanted[part], what=part)


@curve_question()
def test_no_truths(student: Proxy, rng: Draw) -> None:
    """precision_recall refuses num_truths < 1 with a ValueError."""
    for num_truths in (0, -1):
        try:
            student.precision_recall(*some(rng, 3), num_truths)
        except StudentError as error:
            if error.kind != "ValueError":
                raise
        else:
            raise CheckFailed("no ValueError for num_truths < 1", "the docstring asks for one")


@curve_question(weight=0.5)
@every_contract
def test_curve_contract(student: Proxy, rng: Draw, contract: contracts.Contract) -> None:
    """precision_recall obeys the rules for all functions: scores unchanged, float64 curves, repeated calls, D = 0."""
    matched, scores = some(rng, 6)

    def in_double(found: Any, scores: Any) -> Any:
        """Cast to the dtype of the scores only what is float64 as it should be."""
        parts = unpack(found, "precision", "recall")
        if any(type(part) is not torch.Tensor or part.dtype is not torch.float64 for part in parts):
            raise CheckFailed("precision and recall are not float64", "whatever the scores are")
        return tuple(part.to(scores.dtype) if type(scores) is torch.Tensor else part for part in parts)

    operation = contracts.Operation(
        call=lambda scores: in_double(student.precision_recall(_as_many(matched, scores), scores, 8), scores),
        oracle=lambda scores: slow_evaluation.curve(matched[: len(scores)], scores, 8),
        inputs=("scores",),
        outputs=("precision", "recall"),
        batched=("scores",),
    )
    contract(student, operation, (scores,))


def _as_many(matched: torch.Tensor, scores: Any) -> torch.Tensor:
    """For each score one; scores that were placed on the other side are all there."""
    return matched[: len(scores)] if type(scores) is torch.Tensor else matched


Curve = tuple[torch.Tensor, torch.Tensor]


def drawn_curve(rng: Draw, count: int, num_truths: int) -> Curve:
    return slow_evaluation.curve(*some(rng, count), num_truths)


def as_curve(precision: list[float], recall: list[float]) -> Curve:
    return torch.tensor(precision, dtype=torch.float64), torch.tensor(recall, dtype=torch.float64)


AREAS: dict[str, Callable[[Draw], Curve]] = {
    "long": lambda rng: drawn_curve(rng, 30, 23),
    "short": lambda rng: drawn_curve(rng, 4, 3),
    "rising": lambda rng: as_curve([0.0, 0.5, 2 / 3, 0.75], [0.0, 0.2, 0.4, 0.6]),
    "one-detection": lambda rng: as_curve([1.0], [0.25]),
    "nothing-true": lambda rng: as_curve([0.0, 0.0], [0.0, 0.0]),
    "no-detections": lambda rng: as_curve([], []),
}
every_area = pytest.mark.parametrize("draw", AREAS.values(), ids=AREAS)


@area_question()
@every_area
def test_area(student: Proxy, rng: Draw, draw: Callable[[Draw], Curve]) -> None:
    """average_precision gives the area under the steps of a curve."""
    curve = draw(rng)
    assert_matches(student.average_precision(*curve), slow_evaluation.area(*curve), what="the average precision")


@area_question(weight=0.5)
@pytest.mark.parametrize("points", (101, 11, 4))
@every_area
def test_interpolated(student: Proxy, rng: Draw, draw: Callable[[Draw], Curve], points: int) -> None:
    """interpolated_average_precision gives the right mean, for several numbers of points."""
    curve = draw(rng)
    found = student.interpolated_average_precision(*curve, points=points)
    assert_matches(found, slow_evaluation.interpolated(*curve, points), what="the interpolated average precision")


@area_question()
def test_interpolated_at_tenths(student: Proxy) -> None:
    """interpolated_average_precision is right where a recall differs from a point by rounding only."""
    curve = as_curve([1.0] * 10, [found / 10 for found in range(1, 11)])
    for points in (11, 101):
        found = student.interpolated_average_precision(*curve, points=points)
        assert_matches(found, 1.0, what="the interpolated average precision of a perfect detector")
    recall = [found * 0.07 - 1e-13 for found in range(1, 11)]
    curve = as_curve([1.0] * 10, recall)
    assert_matches(student.interpolated_average_precision(*curve), slow_evaluation.interpolated(*curve))


@area_question(weight=0.3)
@pytest.mark.parametrize("name", ("average_precision", "interpolated_average_precision"))
@every_contract
def test_area_contract(student: Proxy, rng: Draw, contract: contracts.Contract, name: str) -> None:
    """The function obeys the rules for all functions: curves unchanged, repeated calls, no detections."""
    oracle = slow_evaluation.area if name == "average_precision" else slow_evaluation.interpolated
    operation = contracts.Operation(
        call=lambda precision, recall: getattr(student, name)(precision, recall),
        oracle=lambda precision, recall: (torch.tensor(oracle(precision, recall), dtype=torch.float64),),
        inputs=("precision", "recall"),
        outputs=("the average precision",),
        batched=("precision", "recall"),
        others=lambda precision, recall: (precision / 2, recall / 2),
    )
    contract(student, operation, drawn_curve(rng, 8, 6))
