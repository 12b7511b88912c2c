"""index.html: what the instructor reads about a class."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from autograder.course.model import Assignment
from autograder.course.outcome import Outcome
from autograder.course.result import QuestionResult, SubmissionResult
from autograder.reports.charts import heat_map, histogram, tone
from autograder.reports.decisions import queued
from autograder.reports.html import render
from autograder.reports.summary import concerns, summarize
from autograder.reports.timings import budget_charts

__all__ = ["render_class"]


@dataclass(frozen=True)
class _Cell:
    """One question of one submission in the class table."""

    question: QuestionResult | None
    tone: str
    passed: int
    total: int


@dataclass(frozen=True)
class _Row:
    result: SubmissionResult
    cells: tuple[_Cell, ...]


def render_class(
    results: Sequence[SubmissionResult], assignment: Assignment, failures: Iterable[tuple[str, str]] = ()
) -> str:
    """A self-contained page on a class, in order of submission name; `failures` are (submission, why not graded).

    It links to `<submission>/report.html` beside it. It shows what students must not see.
    """
    results = sorted(results, key=lambda result: result.submission)
    summary = summarize(results, assignment)
    graded = [result.score for result in results if result.graded]
    return render(
        "class.html",
        script="table.js",
        assignment=assignment,
        summary=summary,
        chart=histogram(graded, assignment.max_score, summary.scores.median) if summary.scores else None,
        heat=heat_map(results, assignment),
        budgets=budget_charts(results, assignment),
        concerns=concerns(results, assignment),
        failures=sorted(failures),
        rows=[_row(result, assignment) for result in results],
        notebooks=any(result.notebook for result in results),
        answers=any(result.notebook and result.notebook.answers for result in results),
        queue=len(queued(results, assignment)),
        machines=sorted({_machine(result) for result in results}),
    )


def _row(result: SubmissionResult, assignment: Assignment) -> _Row:
    found = {question.id: question for question in result.questions}
    return _Row(result, tuple(_cell(found.get(question.id)) for question in assignment.questions))


def _cell(question: QuestionResult | None) -> _Cell:
    cases = question.cases if question else ()
    return _Cell(question, tone(question), sum(case.outcome is Outcome.PASSED for case in cases), len(cases))


def _machine(result: SubmissionResult) -> str:
    facts = ", ".join(f"{key} {value}" for key, value in result.environment.items())
    level = result.isolation.get("level", "")
    return facts + (f"{'; ' if facts else ''}isolation level {level}" if level else "")
