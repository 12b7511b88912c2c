"""Running times in reports: words, positions, and who may see them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from autograder.course.model import Assignment
from autograder.course.outcome import Outcome
from autograder.course.result import CaseResult, QuestionResult, SubmissionInfo, SubmissionResult
from autograder.reports import render_student
from autograder.reports.findings.timings import budget_charts, timing_views
from autograder.reports.pages.classpage import render_class

TIMING: dict[str, Any] = {
    "budget": "forward",
    "device": "cpu",
    "baseline": "reference",
    "verdict": "over",
    "credit": 0.5,
    "ratio": 3.4,
    "interval": [3.1, 3.8],
    "bands": [[2.0, 1.0], [5.0, 0.5]],
    "pairs": 3,
    "clock": "cpu",
    "core": 1,
    "student_ms": [34.0, 33.0, 36.0],
    "baseline_ms": [10.0, 9.8, 11.0],
    "notes": [],
}


def slow(**changes: Any) -> CaseResult:
    return CaseResult("test[a]", Outcome.TOO_SLOW, "3.4 x the time", credit=0.5, timing={**TIMING, **changes})


def result(name: str, question: str, *cases: CaseResult) -> SubmissionResult:
    questions = (QuestionResult(question, "Speed", 10, 5, Outcome.TOO_SLOW, cases),)
    return SubmissionResult("a1", SubmissionInfo(name), 5, 30, questions, 1)


def test_a_view() -> None:
    (view,) = timing_views([slow(), CaseResult("other", Outcome.PASSED)])
    assert (view.ratio, view.interval, view.verdict) == ("3.4 ×", "3.1 to 3.8", "over")
    assert view.bands == (("2 ×", "full points"), ("5 ×", "half"))
    assert [row.label for row in view.rows] == ["the reference", "your code"]
    assert [row.time for row in view.rows] == ["10 ms", "34 ms"]
    positions = [at for row in view.rows for at in (*row.dots, row.middle)] + [
        at for at, _ in (*view.edges, *view.ticks)
    ]
    assert all(0 <= at <= 1 for at in positions)
    ours, theirs = view.rows
    assert ours.middle < view.edges[0][0] < theirs.middle < view.edges[1][0], "3.4 x lies between 2 x and 5 x"


def test_another_baseline_is_named_where_there_is_room() -> None:
    (view,) = timing_views([slow(baseline="FastMaxPool.forward")])
    assert [row.label for row in view.rows] == ["the baseline", "your code"]
    assert "against FastMaxPool.forward on cpu" in view.facts


def test_no_pair_is_no_clock() -> None:
    (view,) = timing_views([slow(ratio=None, interval=[5.0, None], student_ms=[], baseline_ms=[], pairs=0)])
    assert view.facts == "against the reference on cpu; no pair was finished"


@pytest.mark.parametrize(
    "changes",
    [
        {"ratio": None, "interval": [5.0, None], "student_ms": [], "baseline_ms": [], "pairs": 0, "clock": ""},
        {"ratio": None, "interval": [5.0, None]},
        {"student_ms": [0.0], "baseline_ms": [1.0]},
        {"interval": [None, None], "ratio": None, "bands": [], "student_ms": []},
    ],
)
def test_measurements_that_came_to_nothing_are_shown_too(small: Assignment, changes: dict[str, Any]) -> None:
    case = slow(**changes)
    page = render_student(result("a", "hints", case), small)
    assert "test[a]" in page


def test_times_of_a_question_that_the_assignment_lacks_are_not_shown(small: Assignment) -> None:
    for question, shown in (("hints", True), ("unnamed", False)):
        page = render_student(result("a", question, slow()), small)
        assert (">your code<" in page) is shown
        assert ("3.1 to 3.8" in page) is shown


def test_a_class(small: Assignment) -> None:
    late = slow(ratio=None, interval=[5.0, None], student_ms=[], baseline_ms=[])
    results = [result("a", "hints", slow()), result("b", "hints", slow(ratio=0.9)), result("c", "hints", late)]
    (chart,) = budget_charts(results, small)
    assert [(name, ratio) for _, name, ratio, _ in chart.dots] == [("a", "3.4 ×"), ("b", "0.9 ×")]
    assert chart.dots[1][0] < chart.edges[0][0] < chart.dots[0][0] < chart.edges[1][0]
    assert chart.beyond == ("c",)
    page = render_class(results, small)
    assert "Running times" in page
    assert "a: 3.4 ×, over" in page
    assert "Running times" not in render_class([result("a", "hints", replace(slow(), timing=None))], small)


def test_what_is_written_down_is_inert(small: Assignment) -> None:
    page = render_student(result("a", "hints", slow(baseline="<script>x</script>", verdict="<b>")), small)
    assert "<script>x" not in page
    assert "<b>" not in page.split('class="timing"')[1].split("</svg>")[0].replace("<b>3.4", "")


def test_a_slim_case_has_no_single_times() -> None:
    assert slow().slim().timing == {**TIMING, "student_ms": [], "baseline_ms": []}
    assert CaseResult("x", Outcome.PASSED, detail="long").slim() == CaseResult("x", Outcome.PASSED)
