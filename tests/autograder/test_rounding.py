"""Scores and shares are rounded half up, in one place, by the decimal digits that a person reads."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.course.model import Question
from autograder.course.outcome import Outcome
from autograder.course.result import CaseResult
from autograder.exports.otter import _number
from autograder.exports.plain import points
from autograder.gradebook.changes import shown
from autograder.gradebook.decisions import read_value
from autograder.gradebook.facts import Terms
from autograder.gradebook.late import LateStep, Of, Policy, standing
from autograder.grading.scoring import score_questions, total
from autograder.reports import cells
from autograder.reports.text import percent
from autograder.rounding import exact, fixed, half_up, hundredths, number
from tests.autograder.grading import test_scoring

# What half-to-even, or the binary number, would round down.
TIES = [(0.125, 13), (2.5, 250), (1.005, 101), (2.675, 268), (1.115, 112), (0.285, 29), (8.345, 835), (50.005, 5001)]


@pytest.mark.parametrize(("score", "cents"), TIES)
def test_a_half_of_a_hundredth_goes_up(score: float, cents: int) -> None:
    assert hundredths(score) == cents
    assert Decimal(fixed(score)) == Decimal(cents) / 100
    assert shown("", cents) == number(score) == number(cents / 100)
    assert points(cents) == _number(score) == cents / 100


def test_the_two_ways_differ_on_these_values() -> None:
    assert [round(value * 100) for value in (0.125, 1.005)] == [12, 100]
    assert f"{2.675:.2f}" == "2.67"
    assert [f"{value:.0f}" for value in (0.5, 2.5)] == ["0", "2"]
    assert [fixed(value, 0) for value in (0.5, 2.5, -0.5, -2.5)] == ["1", "3", "0", "-2"]


@given(st.floats(-1e6, 1e6), st.integers(0, 4))
def test_as_decimal_rounds_the_shortest_form(value: float, decimals: int) -> None:
    wanted = Decimal(repr(abs(value))).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
    assert Decimal(fixed(abs(value), decimals)) == wanted
    assert half_up(exact(value) * 10**decimals) == math.floor(exact(value) * 10**decimals + Fraction(1, 2))
    assert float(number(value, decimals)) == float(fixed(value, decimals))


def test_numbers_for_people() -> None:
    values = (12.0, 7.5, 10 / 3, 0, -0.001, 100, 12345.67, Fraction(5, 8))
    assert [number(value) for value in values] == ["12", "7.5", "3.33", "0", "0", "100", "12345.67", "0.63"]
    assert [number(value, 1) for value in (86.25, 0.05, 1e300 * 10)][:2] == ["86.3", "0.1"]
    assert [number(value) for value in (math.inf, math.nan)] == ["inf", "nan"]
    assert cells.number(1 / 3) == "0.333333"


def test_shares_in_whole_percent() -> None:
    assert [percent(part, 1000) for part in (5, 25, 125, 625, 999, 1, 0, 1000)] == [
        *("1 %", "3 %", "13 %", "63 %", "99 %", "1 %", "0 %", "100 %"),
    ]
    assert percent(0.285, 1) == "29 %"


ASSIGNMENT = replace(
    test_scoring.ASSIGNMENT,
    questions=(
        Question("eighth", "An eighth", 1, "eighth", "things"),
        Question("tenth", "A tenth", 10.05, "tenth", "things"),
    ),
)


def test_a_question_s_score_and_the_total() -> None:
    eighth = [
        CaseResult(f"c{at}", Outcome.PASSED if at == 0 else Outcome.FAILED, credit=float(at == 0)) for at in range(8)
    ]
    tenth = [CaseResult("c", Outcome.TOO_SLOW, weight=0.1, credit=0.5), CaseResult("d", Outcome.PASSED, weight=0.9)]
    questions = score_questions(ASSIGNMENT, {"eighth": eighth, "tenth": tenth})
    assert [question.score for question in questions] == [0.13, 9.55], "0.125 and 9.5475"
    assert total(questions, 1.0) == 9.68
    assert total(questions[:1], 0.5) == 0.07, "half of 0.13 is 0.065"
    assert total(questions, 0.35) == 3.39, "3.388"


def test_what_a_person_writes_and_what_lateness_takes() -> None:
    terms = Terms.of(ASSIGNMENT, Policy())
    assert read_value("points", "2.675", terms, UTC, "tenth", "why") == 268
    assert read_value("points", "1,005", terms, UTC, "tenth", "why") == 101
    assert read_value("adjust", "-0.125", terms, UTC, "", "why") == -12
    policy = Policy(of=Of.SCORE, steps=(LateStep(24, 0.5),))
    assert standing(700, 1000, 1, 0, policy).taken == 4, "3.5 hundredths"
