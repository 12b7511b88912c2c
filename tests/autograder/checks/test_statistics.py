"""The verdict on measured ratios, on made-up ones: no clock is read here."""

from __future__ import annotations

import json

import numpy as np
import pytest

from autograder.checks.timing.statistics import (
    MAX_PAIRS,
    MIN_CLEAR_PAIRS,
    MIN_PAIRS,
    Estimate,
    Measured,
    TimeVerdict,
    allowed,
    credit_at,
    decide,
    due,
    estimate,
    few_long,
    words,
)
from autograder.course.model import Band

BANDS = (Band(2.0, 1.0), Band(5.0, 0.5))


def ratios(true: float, spread: float, count: int, seed: int) -> list[float]:
    """Ratios of two noisy times each."""
    rng = np.random.default_rng(seed)
    return list(true * rng.lognormal(0, spread, count) / rng.lognormal(0, spread, count))


def verdict(true: float, spread: float, seed: int) -> tuple[TimeVerdict | None, int]:
    """What a measurement that goes on as long as it may ends in, and after how many pairs."""
    drawn = ratios(true, spread, MAX_PAIRS, seed)
    for pairs in range(1, MAX_PAIRS + 1):
        if due(pairs) and (standing := decide(estimate(drawn[:pairs], seed), pairs, BANDS)):
            return standing, pairs
    return None, MAX_PAIRS


@pytest.mark.parametrize("ratio, credit", [(0.1, 1.0), (2.0, 1.0), (2.01, 0.5), (5.0, 0.5), (5.01, 0.0), (1e9, 0.0)])
def test_credit(ratio: float, credit: float) -> None:
    assert credit_at(ratio, BANDS) == credit


@pytest.mark.parametrize("spread", [0.03, 0.1, 0.25])
def test_half_and_double_are_never_wrong(spread: float) -> None:
    for seed in range(60):
        assert verdict(1.0, spread, seed)[0] in (TimeVerdict.WITHIN, None)
        assert verdict(4.0, spread, seed)[0] in (TimeVerdict.OVER, None)
        assert verdict(10.0, spread, seed)[0] in (TimeVerdict.OVER, None)


@pytest.mark.parametrize("true, wanted", [(1.8, TimeVerdict.WITHIN), (2.2, TimeVerdict.OVER)])
def test_near_an_edge_it_is_almost_always_right(true: float, wanted: TimeVerdict) -> None:
    found = [verdict(true, 0.05, seed)[0] for seed in range(100)]
    assert found.count(wanted) >= 80
    assert sum(standing not in (wanted, None) for standing in found) <= 2


def test_at_an_edge_it_mostly_does_not_say() -> None:
    found = [verdict(2.0, 0.05, seed)[0] for seed in range(100)]
    assert found.count(None) >= 60


def test_a_gross_case_is_decided_after_few_pairs() -> None:
    for true in (0.3, 1.0, 40.0):
        assert verdict(true, 0.05, 7)[1] == MIN_CLEAR_PAIRS


def test_an_unclear_case_takes_at_least_so_many_pairs() -> None:
    assert verdict(1.7, 0.1, 3)[1] >= MIN_PAIRS
    assert not any(due(pairs) for pairs in range(MIN_CLEAR_PAIRS))
    assert due(MAX_PAIRS)


@pytest.mark.parametrize(
    "pairs, clear", [(3, 1.8), (4, 1.8), (5, 1.5), (7, 1.5), (8, 1.3), (10, 1.3), (11, 1.2), (14, 1.2), (15, 1.0)]
)
def test_fewer_pairs_must_be_clearer(pairs: int, clear: float) -> None:
    near, far = 5.0 * clear * 0.99, 5.0 * clear * 1.01
    assert decide(Estimate(far, far, far), pairs, BANDS) is TimeVerdict.OVER
    assert (decide(Estimate(near, near, near), pairs, BANDS) is None) is (clear > 1)
    assert decide(Estimate(near, near, near), pairs, BANDS, last=True) is TimeVerdict.OVER


def test_a_few_long_calls_have_a_wide_interval() -> None:
    found = few_long([20.0] * 4, 2)
    assert [found.low, found.ratio, found.high] == pytest.approx([13.085, 20.0, 30.569], rel=1e-3)
    assert few_long([20.0] * 8, 4).high == pytest.approx(27.0, rel=0.001)
    apart = few_long([10.0, 40.0, 10.0, 40.0], 2)
    assert (apart.ratio, apart.low < 4.0, apart.high > 100.0) == (pytest.approx(20.0), True, True)
    assert few_long([0.0, 1.0, 1.0, 1.0], 2).low >= 0


@pytest.mark.parametrize("spread", [0.05, 0.15, 0.3])
def test_a_few_long_calls_give_no_wrong_verdict_at_half_and_twice_an_edge(spread: float) -> None:
    for seed in range(200):
        for true, wrong in ((10.0, TimeVerdict.WITHIN), (1.0, TimeVerdict.OVER), (4.0, TimeVerdict.WITHIN)):
            drawn = ratios(true, spread / 2**0.5, 16, seed)
            for calls in range(2, 9):
                found = few_long(drawn[: 2 * calls], calls)
                if standing := decide(found, calls, BANDS, last=True):
                    assert standing is not wrong, (true, seed, calls)
                    break


def test_one_odd_pair_among_few_is_no_verdict() -> None:
    assert decide(estimate([1.0, 1.1, 0.9, 1.0, 1.9], 0), 5, BANDS) is None
    assert decide(estimate([1.0, 1.1, 0.9, 1.0, 1.2], 0), 5, BANDS) is TimeVerdict.WITHIN


def test_between_two_edges_is_over() -> None:
    assert decide(estimate(ratios(3.0, 0.02, 15, 1), 0), 15, BANDS) is TimeVerdict.OVER


def test_the_interval_holds_the_true_ratio() -> None:
    held = 0
    for seed in range(100):
        found = estimate(ratios(3.0, 0.1, 31, seed), seed)
        assert found.low <= found.ratio <= found.high
        held += found.low <= 3.0 <= found.high
    assert held >= 93


def test_equal_measurements_give_equal_intervals() -> None:
    drawn = ratios(2.0, 0.1, 30, 5)
    assert estimate(drawn, 9) == estimate(drawn, 9)


def measured(**changes: object) -> Measured:
    values = {
        "budget": "forward",
        "device": "cpu",
        "baseline": "reference",
        "verdict": "over",
        "credit": 0.5,
        "ratio": 3.4,
        "interval": (3.1, 3.8),
        "bands": ((2.0, 1.0), (5.0, 0.5)),
        "pairs": 15,
        "clock": "cpu",
        "core": 1,
    }
    return Measured(**{**values, **changes})  # type: ignore[arg-type]


def test_words() -> None:
    assert words(measured()) == "3.4 x the time of the reference (3.1 to 3.8); full points up to 2 x, half up to 5 x"
    assert words(measured(ratio=None, interval=(5.0, None), baseline="FastConv")).startswith(
        "more than 5 x the time of FastConv;"
    )
    assert allowed([(2.0, 1.0), (3.0, 0.4)]) == "full points up to 2 x, 40% up to 3 x"


def test_json_form_is_plain() -> None:
    data = measured(student_ms=(1.0, 2.0)).to_json()
    assert json.loads(json.dumps(data, allow_nan=False)) == json.loads(json.dumps(data))
    assert data["interval"] == [3.1, 3.8]
