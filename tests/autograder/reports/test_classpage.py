"""The class page and the figures on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from rich.console import Console

from autograder.course.model import Assignment
from autograder.course.outcome import Outcome
from autograder.course.result import CaseResult, QuestionResult, SubmissionInfo, SubmissionResult
from autograder.reports import print_class, render_class, render_student
from autograder.reports.findings.concerns import Reason, concerns
from autograder.reports.findings.need import in_need
from autograder.reports.findings.summary import summarize
from autograder.reports.pages.charts import heat_map, histogram, tone
from autograder.reports.text import percent
from autograder.rounding import number


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
    assert (summary.scores.lower, summary.scores.upper) == (4, 8)
    assert (summary.scores.lowest, summary.scores.highest) == (2, 10)
    question = summary.questions[0]
    assert (question.full, question.partial, question.none, question.share) == (1, 4, 0, pytest.approx(0.6))


def test_a_grader_error_counts_for_no_figure(small: Assignment) -> None:
    summary = summarize([result("a", 8), result("b", 0, Outcome.GRADER_ERROR)], small)
    assert summary.scores
    assert (summary.submissions, summary.graded, summary.scores.mean) == (2, 1, 8)
    assert summary.questions[0].none == 0
    assert summarize([result("b", 0, Outcome.GRADER_ERROR)], small).scores is None


def test_concerns_are_grouped_by_reason(small: Assignment) -> None:
    found = concerns(
        [
            result("fine", 10, Outcome.PASSED),
            result("late", 10, Outcome.PASSED, late=True, notes=("files in a folder",)),
            replace(result("two", 5), info=SubmissionInfo("two", option="2")),
            replace(result("none", 5), info=SubmissionInfo("none", option="7")),
            result("ours", 0, Outcome.GRADER_ERROR),
            result("waits", 0, Outcome.PENDING),
        ],
        small,
        [("gone", "the grader ended")],
    )
    told = {group.reason: [concern.submission for concern in group.concerns] for group in found}
    assert told == {
        Reason.OURS: ["gone", "ours"],
        Reason.OPTION: ["none"],
        Reason.NOTE: ["late"],
        Reason.DEVICE: ["waits"],
        Reason.READ: ["two"],
        Reason.LATE: ["late"],
    }
    assert list(told) == sorted(told, key=list(Reason).index)
    ours = found[0].concerns
    assert not ours[0].linked
    assert "trace of the check" in ours[1].detail
    assert "option 7 does not exist" in next(group for group in found if group.reason is Reason.OPTION).concerns[0].text


def test_who_needs_help(small: Assignment) -> None:
    def of(name: str, score: float, *outcomes: Outcome) -> SubmissionResult:
        questions = tuple(
            QuestionResult(str(n), "q", 10, 0, outcome, (CaseResult("c", outcome, "z" if name == "zip" else f"m{n}"),))
            for n, outcome in enumerate(outcomes)
        )
        return replace(result(name, score), questions=questions)

    nothing, broken, wrong, right = Outcome.NOT_ATTEMPTED, Outcome.ERROR, Outcome.FAILED, Outcome.PASSED
    class_ = [
        of("good", 25, right, right, wrong),
        of("lazy", 0, nothing, nothing, nothing),
        of("broken", 5, broken, broken, right),
        of("low", 8, wrong, right, wrong),
        of("zip", 0, broken, broken),
    ]
    assert {group.title: [name for name, _ in group.people] for group in in_need(class_, small)} == {
        "Cannot be read or run at all": ["zip"],
        "Not begun": ["lazy"],
        "Most questions end in an exception, a crash or a timeout": ["broken"],
        "Lowest scores": ["low"],
    }


def test_who_did_much_better_before_needs_help(small: Assignment) -> None:
    def of(name: str, share: float) -> SubmissionResult:
        question = QuestionResult("q", "q", 10, 10 * share, Outcome.FAILED, (CaseResult("c", Outcome.FAILED, "m"),))
        return replace(result(name, 10 * share * 0.5), questions=(question,), scale=0.5, max_score=10)

    class_ = [of("fell", 0.6), of("far", 0.2), of("same", 0.9), of("new", 0.7)]
    before = {"fell": [("t0", 0.95), ("t1", 0.9)], "far": [("t1", 1.0)], "same": [("t1", 1.0)]}
    groups = {group.title: group.people for group in in_need(class_, small, before)}
    assert groups["Much lower than in earlier assignments"] == (
        ("far", "t1 100 %, now 20 %"),
        ("fell", "t0 95 %, t1 90 %, now 60 %"),
    )
    assert "Much lower than" not in str(in_need(class_, small))


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
    assert [percent(part, 300) for part in (0, 1, 150, 299.9, 300)] == ["0 %", "1 %", "50 %", "99 %", "100 %"]


def test_what_was_passed_over_is_named_with_the_reason(small: Assignment, capsys: pytest.CaptureFixture[str]) -> None:
    passed = [("in/README.md", "neither a zip nor a folder"), ("<b>x", "a link; links are not followed")]
    page = render_class([result("a", 8)], small, passed=passed)
    assert "2 skipped" in page
    assert "in/README.md" in page
    assert "neither a zip nor a folder" in page
    assert "<b>x" not in page
    print_class([result("a", 8)], small, console=Console(width=200), passed=passed)
    said = capsys.readouterr().out
    assert "skipped: in/README.md  neither a zip nor a folder" in said
    assert "2 skipped" in said.splitlines()[-1]


def test_a_question_with_something_right_and_something_to_write_is_partly_done(small: Assignment) -> None:
    cases = (CaseResult("a", Outcome.PASSED), CaseResult("b", Outcome.NOT_ATTEMPTED, "to be written"))
    id = small.questions[0].id
    for kept, said in ((cases, True), (cases[1:], False)):
        question = QuestionResult(id, "q", 10, 5, Outcome.NOT_ATTEMPTED, kept)
        done = replace(result("kim", 5), questions=(question,))
        assert ("partly, 1 of 2 cases" in render_class([done], small)) is said
        assert ("◐</span>partly</span>" in render_student(done, small)) is said
