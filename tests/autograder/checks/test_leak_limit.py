"""What a submission chooses is told to its student in small amounts."""

from __future__ import annotations

import pytest
import torch

from autograder.checks.compare.compare import assert_matches, describe, unpack
from autograder.checks.harness.leak_limit import MAX_KINDS, MAX_LINES, MAX_POSITIONS, bounded
from autograder.course.outcome import Outcome
from autograder.course.result import CaseResult
from autograder.errors import CheckFailed

SECRET = 1_234_577


def told(actual: object, expected: torch.Tensor) -> str:
    with pytest.raises(CheckFailed) as caught:
        assert_matches(actual, expected)
    return f"{caught.value.message} {caught.value.hint}"


@pytest.mark.parametrize(
    "actual",
    [
        torch.zeros(()).expand(2, SECRET),
        torch.zeros(()).expand(SECRET, 3),
        torch.zeros(()).expand(SECRET, 3, SECRET),
        torch.empty(SECRET, device="meta"),
        [0] * SECRET,
    ],
    ids=["an axis", "another axis", "too many axes", "no tensor of values", "a list"],
)
def test_no_size_is_told_that_inputs_do_not_allow(actual: object) -> None:
    text = told(actual, torch.ones(2, 3))
    assert str(SECRET) not in text
    assert "larger" in text or "axes" in text or "axis" in text or "more than 16" in text


def test_what_helps_is_told() -> None:
    assert "shape (3, 2), wanted (2, 3)" in told(torch.zeros(3, 2), torch.ones(2, 3))
    assert "shape (2, 4), wanted (2, 3)" in told(torch.zeros(2, 4), torch.ones(2, 3))
    assert "shape (2, larger), wanted (2, 3)" in told(torch.zeros(2, 9), torch.ones(2, 3))
    assert "1 axis, wanted shape (2, 3)" in told(torch.zeros(6), torch.ones(2, 3))
    assert describe((1,) * 16) == "a tuple of 16"
    with pytest.raises(CheckFailed, match="returned more than 16 values"):
        unpack((1,) * 17, "out", "cache")


def test_a_small_error_has_no_figures() -> None:
    wrong = torch.ones(2, dtype=torch.float64)
    assert "below 1e-06" in told(wrong * (1 + 1.2345e-7), wrong)


def test_positions_and_lines_of_a_question_are_few() -> None:
    cases: list[CaseResult] = []
    for number in range(8):
        message = f"out differs in 1 of 9 elements; the worst relative error is 2, at [{number}, 0]"
        raised = CaseResult(str(number), Outcome.FAILED, message, location=f"a.py:{number}")
        cases.append(bounded(raised, cases))
    assert [", at [" in case.message for case in cases] == [True] * MAX_POSITIONS + [False] * (8 - MAX_POSITIONS)
    assert all("the worst relative error is 2" in case.message for case in cases)
    assert [bool(case.location) for case in cases] == [True] * MAX_LINES + [False] * (8 - MAX_LINES)
    again = CaseResult("again", Outcome.ERROR, "your code raised ValueError", location="a.py:1")
    assert bounded(again, cases).location == "a.py:1"


def test_kinds_of_exceptions_of_a_question_are_few() -> None:
    kinds = ["ValueError", "TypeError", "KeyError", "OSError", "EOFError"]
    cases: list[CaseResult] = []
    for kind in kinds:
        raised = CaseResult(kind, Outcome.ERROR, f"your code raised {kind}", "look there", location="a.py:1")
        cases.append(bounded(raised, cases))
    assert [case.message for case in cases[:MAX_KINDS]] == [f"your code raised {kind}" for kind in kinds[:MAX_KINDS]]
    hidden = ("your code raised an exception of another kind", "", "a.py:1")
    assert {(case.message, case.hint, case.location) for case in cases[MAX_KINDS:]} == {hidden}
    again = CaseResult("again", Outcome.ERROR, "your code raised TypeError", "look there")
    assert bounded(again, cases) == again
