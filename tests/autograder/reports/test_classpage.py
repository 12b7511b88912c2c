"""The class page and the figures on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from autograder.course.model import Assignment
from autograder.course.outcome import Outcome
from autograder.course.result import CaseResult, QuestionResult, SubmissionInfo, SubmissionResult
from autograder.reports import render_class
from autograder.reports.charts import heat_map, histogram, tone
from autograder.reports.summary import concerns, summarize
from autograder.reports.text import number, percent


def result(name: str, score: float, outcome: Outcome = Outcome.FAILED, **info: object) -> SubmissionResult:
    """Scores all its points on the question `hints`, through one case of `outcome`."""
    case = CaseResult("matches[wide]", outcome, "m", detail="trace of the check")
    question = QuestionResult("hints", "The hints", 10, score, outcome, (case,))
    return SubmissionResult("a1", SubmissionInfo(name, option="1", **info), score, 30, (question,), seed=1)  # type: ignore[arg-type]


def test_figures(small: Assignment) -> None:
    scores = [2, 4, 6, 8, 10]
    summary = summarize([result(str(score), score) for score in scores], small)
    assert summary.scores
    assert (summary.scores.mean, summary.scores.median) == (6, 6)
    assert (summary.scores.lower_quartile, summary.scores.upper_quartile) == (4, 8)
    assert (summary.scores.lowest, summary.scores.highest) == (2, 10)
    question = summary.questions[0]
    assert (question.full, question.partial, question.none, question.share) == (1, 4, 0, pytest.approx(0.6))


def test_a_grader_error_counts_for_no_figure(small: Assignment) -> None:
    summary = summarize([result("a", 8), result("b", 0, Outcome.GRADER_ERROR)], small)
    assert summary.scores
    assert (summary.submissions, summary.graded, summary.scores.mean) == (2, 1, 8)
    assert summary.questions[0].none == 0
    assert summarize([result("b", 0, Outcome.GRADER_ERROR)], small).scores is None


def test_worst_cases_count_only_those_who_tried(small: Assignment) -> None:
    found = [result(str(index), 0, outcome) for index, outcome in enumerate(Outcome)]
    (trouble,) = summarize([one for one in found if one.graded], small).questions[0].worst
    # of thirteen outcomes: not attempted, blocked, pending and too noisy did not try, and ours is no grade
    assert (trouble.id, trouble.lost, trouble.tried) == ("matches[wide]", 7, 8)


def test_concerns_name_what_a_person_must_see(small: Assignment) -> None:
    found = concerns(
        [
            result("fine", 10, Outcome.PASSED),
            result("late", 10, Outcome.PASSED, late=True, notes=("given code was changed",)),
            replace(result("two", 5), info=SubmissionInfo("two", option="2")),
            replace(result("none", 5), info=SubmissionInfo("none", option="7")),
            result("ours", 0, Outcome.GRADER_ERROR),
            result("waits", 0, Outcome.PENDING),
        ],
        small,
    )
    told = {concern.submission: concern for concern in found}
    assert list(told) == ["ours", "late", "two", "none", "waits"]
    assert told["late"].reasons == ("late", "given code was changed")
    assert "option 2: for a person to read" in told["two"].reasons
    assert "option 7, which does not exist" in told["none"].reasons[0]
    assert "trace of the check" in told["ours"].detail


def test_histogram_counts_everyone_once() -> None:
    chart = histogram([0, 9.99, 10, 55, 100, 100], 100, 32)
    assert [bar.count for bar in chart.bars] == [2, 1, 0, 0, 0, 1, 0, 0, 0, 2]
    assert max(bar.height for bar in chart.bars) == 1
    assert chart.median == pytest.approx(0.32)
    assert len(histogram(list(range(100)), 100, 50).bars) == 20
    assert sum(bar.count for bar in histogram([120, 0], 100, 60).bars) == 2  # above the maximum: a bonus


def test_tones_tell_apart_what_a_score_alone_does_not() -> None:
    def of(score: float, outcome: Outcome) -> str:
        return tone(QuestionResult("q", "q", 10, score, outcome))

    assert of(10, Outcome.PASSED) == "s5"
    assert [of(score, Outcome.FAILED) for score in (0, 1, 2.5, 5, 7.5, 9.99)] == ["s0", "s1", "s2", "s3", "s4", "s4"]
    assert of(0, Outcome.NOT_ATTEMPTED) == "none"
    assert of(3, Outcome.GRADER_ERROR) == of(3, Outcome.PENDING) == "open"
    assert tone(None) == "none"


def test_heat_map_has_every_submission_in_every_row(a6: Assignment, class16: list[SubmissionResult]) -> None:
    heat = heat_map(class16, a6)
    assert [title for title, _ in heat.rows] == [question.title for question in a6.questions]
    assert all(sum(run.length for run in runs) == heat.columns == 16 for _, runs in heat.rows)


def test_page_links_to_every_report_and_shows_every_score(a6: Assignment, class16: list[SubmissionResult]) -> None:
    page = render_class(class16, a6, [("nobody", "not a zip archive")])
    for one in class16:
        assert f'href="{one.submission}/report.html"' in page
        assert not one.graded or f"<b>{number(one.score)}</b>" in page
    assert "not a zip archive" in page
    for question in a6.questions:
        assert question.title in page


def test_page_says_outcomes_in_words_too(a6: Assignment, class16: list[SubmissionResult]) -> None:
    table = render_class(class16, a6).partition('id="students"')[2]
    for outcome in ("not attempted", "timeout", "grader error", "pending", "forbidden"):
        assert f'<span class="sr">{outcome}</span>' in table


def test_links_cannot_leave_the_folder(small: Assignment) -> None:
    page = render_class([result("../../etc #?", 1)], small)
    assert 'href="..%2F..%2Fetc%20%23%3F/report.html"' in page


def test_the_order_of_results_does_not_matter(a6: Assignment, class16: list[SubmissionResult]) -> None:
    assert render_class(class16, a6) == render_class(class16[::-1], a6)


def test_empty_and_large_classes(a6: Assignment, make_class: Callable[[int], list[SubmissionResult]]) -> None:
    assert "By submission" in render_class([], a6)
    page = render_class(make_class(300), a6)
    assert page.count("/report.html") >= 300
    assert len(page) < 1_000_000


def test_numbers() -> None:
    assert [number(value) for value in (12.0, 7.5, 10 / 3, 0, -0.001, 100)] == ["12", "7.5", "3.33", "0", "0", "100"]
    assert [percent(part, 300) for part in (0, 1, 150, 299.9, 300)] == ["0 %", "1 %", "50 %", "99 %", "100 %"]
