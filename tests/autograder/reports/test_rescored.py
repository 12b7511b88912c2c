"""What a second grading into the same folder changed."""

from __future__ import annotations

from autograder.course.outcome import Outcome
from autograder.course.result import QuestionResult, SubmissionInfo, SubmissionResult
from autograder.reports import score_changes


def result(name: str, *scores: float) -> SubmissionResult:
    questions = tuple(
        QuestionResult(f"q{n}", "title", 10, score, Outcome.FAILED) for n, score in enumerate(scores, start=1)
    )
    return SubmissionResult("a1", SubmissionInfo(name), sum(scores), 20, questions, seed=1)


def test_only_what_differs_is_told_the_largest_change_first() -> None:
    before = {"kim": result("kim", 2, 5), "lee": result("lee", 5, 5), "han": result("han", 1, 9)}
    found = score_changes(
        before, [result("kim", 3, 5), result("lee", 5, 5), result("han", 9, 1.5), result("new", 1, 1)]
    )
    assert [str(change) for change in found] == ["kim  7 → 8, q1 2 → 3", "han  10 → 10.5, q1 1 → 9, q2 9 → 1.5"]


def test_scores_that_move_but_add_up_are_told_too() -> None:
    (change,) = score_changes({"han": result("han", 1, 9)}, [result("han", 9, 1)])
    assert change.questions == (("q1", 1, 9), ("q2", 9, 1))
