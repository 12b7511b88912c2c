"""Scores follow from verdicts, and from nothing else."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from autograder.course.model import Assignment, Component, Limits, Option, Question
from autograder.course.outcome import Outcome
from autograder.course.result import CaseResult
from autograder.grading.scoring import score_questions, total

ASSIGNMENT = Assignment(
    id="x1",
    name="x1_things",
    number=1,
    title="Things",
    due=datetime(2030, 1, 1, tzinfo=UTC),
    components=(Component("things"),),
    questions=(
        Question("first", "First", 10, "first", "things"),
        Question("second", "Second", 5, "second", "things", depends=("first",)),
    ),
    options=(Option("1", "Own"), Option("2", "Other", scale=0.5)),
    limits=Limits(),
)


def cases(*outcomes: Outcome, weights: tuple[float, ...] = ()) -> list[CaseResult]:
    weights = weights or (1.0,) * len(outcomes)
    return [
        CaseResult(f"c{index}", outcome, message="said", weight=weight)
        for index, (outcome, weight) in enumerate(zip(outcomes, weights, strict=True))
    ]


PASSED, FAILED = Outcome.PASSED, Outcome.FAILED


def test_full_marks() -> None:
    questions = score_questions(ASSIGNMENT, {"first": cases(PASSED, PASSED), "second": cases(PASSED)})
    assert [question.score for question in questions] == [10, 5]
    assert total(questions, 1.0) == 15
    assert total(questions, 0.5) == 7.5


def test_cases_share_points_by_weight() -> None:
    first, _ = score_questions(ASSIGNMENT, {"first": cases(PASSED, FAILED, weights=(3, 1)), "second": cases(FAILED)})
    assert first.score == 7.5
    assert first.outcome is FAILED


def test_thirds_are_rounded_to_hundredths() -> None:
    first, _ = score_questions(ASSIGNMENT, {"first": cases(PASSED, FAILED, FAILED), "second": cases(FAILED)})
    assert first.score == 3.33


@pytest.mark.parametrize("outcome", [outcome for outcome in Outcome if outcome is not PASSED])
def test_only_passed_earns(outcome: Outcome) -> None:
    questions = score_questions(ASSIGNMENT, {"first": cases(outcome, outcome), "second": cases(outcome)})
    assert total(questions, 1.0) == 0


def test_question_without_a_verdict_is_our_own_fault() -> None:
    first, _ = score_questions(ASSIGNMENT, {"second": cases(PASSED)})
    assert first.outcome is Outcome.GRADER_ERROR
    assert first.score == 0


def test_what_breaks_everything_alike_blocks_nothing() -> None:
    _, second = score_questions(ASSIGNMENT, {"first": cases(Outcome.ERROR), "second": cases(Outcome.ERROR)})
    assert second.outcome is Outcome.ERROR


def test_failure_of_a_dependency_blocks() -> None:
    _, second = score_questions(ASSIGNMENT, {"first": cases(FAILED), "second": cases(Outcome.ERROR, PASSED)})
    assert [case.outcome for case in second.cases] == [Outcome.BLOCKED, PASSED]
    assert "“First”" in second.cases[0].message
    assert "said" in second.cases[0].hint
    assert second.score == 2.5


def test_half_a_dependency_does_not_block() -> None:
    _, second = score_questions(ASSIGNMENT, {"first": cases(FAILED, PASSED), "second": cases(FAILED)})
    assert second.outcome is FAILED


def test_work_not_begun_is_not_blocked() -> None:
    _, second = score_questions(ASSIGNMENT, {"first": cases(FAILED), "second": cases(Outcome.NOT_ATTEMPTED)})
    assert second.outcome is Outcome.NOT_ATTEMPTED
