"""One cause is told once: to a student as one card, to an instructor as one cluster."""

from __future__ import annotations

from dataclasses import replace

import pytest

from autograder.course.model import Assignment
from autograder.course.outcome import Outcome
from autograder.course.result import CaseResult, QuestionResult, SubmissionInfo, SubmissionResult
from autograder.reports import student_view
from autograder.reports.findings.causes import causes, clusters, masked, whole_cause

SWAPPED = "right, but with its axes in another order"


def failed(id: str, message: str, hint: str = "", location: str = "") -> CaseResult:
    return CaseResult(id, Outcome.FAILED, message, hint, location)


def submission(name: str, *cases: CaseResult, question: str = "hints") -> SubmissionResult:
    right = QuestionResult("score", "s", 10, 10, Outcome.PASSED, (CaseResult("fine", Outcome.PASSED),))
    asked = QuestionResult(question, "The hints", 10, 0, Outcome.of(case.outcome for case in cases), cases)
    return SubmissionResult("a1", SubmissionInfo(name, option="1"), 10, 30, (asked, right), seed=1)


@pytest.mark.parametrize(
    "message, wanted",
    [
        ("dx differs in 40 of 96 elements", "dx differs in … of … elements"),
        ("the worst relative error is 1.8e-05, at [1, 0, 3]", "the worst relative error is …"),
        ("out has shape (2,), wanted (2, 3, 4)", "out has shape …, wanted …"),
        ("your code raised RuntimeError", "your code raised RuntimeError"),
    ],
)
def test_numbers_are_masked(message: str, wanted: str) -> None:
    assert masked(message) == wanted


def test_messages_that_differ_in_numbers_are_one_cause() -> None:
    found = causes([failed(f"backward[{n}]", f"dx differs in {n} of 96 elements") for n in range(37)])
    assert [(len(cause.cases), cause.example) for cause in found] == [(37, "backward[0]")]


def test_another_place_or_outcome_is_another_cause() -> None:
    same = failed("a", "m 1", location="x.py:3")
    found = causes([same, failed("b", "m 2", location="x.py:4"), CaseResult("c", Outcome.ERROR, "m 3", "", "x.py:3")])
    assert [cause.cases for cause in found] == [("a",), ("b",), ("c",)]


def test_a_cause_tells_the_hint_that_most_of_its_cases_give() -> None:
    cases = [failed("a", "dw 1"), failed("b", "dw 2", SWAPPED), failed("c", "dw 3", SWAPPED)]
    (cause,) = causes(cases)
    assert (cause.hint, cause.example, cause.message) == (SWAPPED, "b", "dw 2")


def test_a_hint_of_few_cases_is_a_coincidence() -> None:
    cases = [failed(str(n), f"dx differs in {n}") for n in range(11)]
    (cause,) = causes([*cases, failed("odd", "dx differs in 2", "wrong only at index 2 of axis 2")])
    assert cause.hint == ""


def test_causes_with_a_hint_come_first_and_passed_cases_last() -> None:
    cases = [CaseResult("fine", Outcome.PASSED), failed("a", "x"), failed("b", "x"), failed("c", "y", SWAPPED)]
    assert [cause.cases for cause in causes(cases)] == [("c",), ("a", "b"), ("fine",)]


def test_clusters_count_each_submission_once() -> None:
    three = [failed("a", "dw 1", SWAPPED), failed("b", "dw 2", SWAPPED), failed("c", "db 2")]
    found = clusters([submission("kim", *three), submission("lee", three[0]), submission("han", three[2])], "hints")
    assert [(cluster.what, cluster.hint, cluster.submissions) for cluster in found] == [
        ("db …", "", ("han", "kim")),
        ("dw …", SWAPPED, ("kim", "lee")),
    ]
    assert found[1].example == "dw 1"


def test_work_that_is_not_begun_or_failed_as_a_whole_is_in_no_cluster() -> None:
    idle = submission("idle", CaseResult("a", Outcome.NOT_ATTEMPTED), CaseResult("b", Outcome.BLOCKED))
    unreadable = submission("zip", CaseResult("archive", Outcome.ERROR, "not a zip"))
    unreadable = replace(unreadable, questions=unreadable.questions[:1] * 2)
    assert whole_cause(unreadable)
    assert clusters([idle, unreadable], "hints") == ()


def test_what_failed_as_a_whole_is_told_once(small: Assignment) -> None:
    error = CaseResult("archive", Outcome.ERROR, "cannot be read: not a zip", "Hand in the zip again.")
    questions = tuple(
        QuestionResult(question.id, question.title, 10, 0, Outcome.ERROR, (error,)) for question in small.questions
    )
    view = student_view(replace(submission("zip"), questions=questions), small)
    assert view.whole
    assert view.whole.message == "cannot be read: not a zip"
    assert [question.groups for question in view.questions] == [()] * 3
