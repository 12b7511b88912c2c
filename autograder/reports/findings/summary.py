"""Figures over a class's results, for the class page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from autograder.course.model import Assignment
from autograder.course.outcome import Outcome
from autograder.course.result import QuestionResult, SubmissionResult
from autograder.reports.findings.causes import Cluster, clusters, whole_cause
from autograder.reports.findings.statistics import Distribution

__all__ = ["ClassSummary", "QuestionSummary", "summarize"]


@dataclass(frozen=True)
class QuestionSummary:
    """One question over the class.

    Attributes:
        full, partial, none: numbers of submissions by score; `not_attempted` is a part of `none`.
        share: mean score as a part of the points, 0 to 1.
        clusters: reasons for lost points, the most frequent first.
    """

    id: str
    title: str
    points: float
    share: float
    full: int
    partial: int
    none: int
    not_attempted: int
    clusters: tuple[Cluster, ...]


@dataclass(frozen=True)
class ClassSummary:
    """Figures over a class.

    Attributes:
        graded: submissions that were graded without a fault of the grader.
        unreadable: the part of them that failed as a whole, for example an unreadable zip. No figure counts them.
        scores: None if there is no submission to count.
    """

    submissions: int
    graded: int
    unreadable: int
    late: int
    pending: int
    scores: Distribution | None
    questions: tuple[QuestionSummary, ...]


def summarize(results: Sequence[SubmissionResult], assignment: Assignment) -> ClassSummary:
    """Figures over `results`. Scores count only if the grader itself did not fail."""
    graded = [result for result in results if result.graded]
    readable = [result for result in graded if not whole_cause(result)]
    return ClassSummary(
        submissions=len(results),
        graded=len(graded),
        unreadable=len(graded) - len(readable),
        late=sum(result.info.late for result in results),
        pending=sum(_pending(result) for result in results),
        scores=Distribution.of([result.score for result in readable]),
        questions=tuple(
            _question(question.id, question.title, question.points, readable) for question in assignment.questions
        ),
    )


def _pending(result: SubmissionResult) -> bool:
    return any(question.outcome is Outcome.PENDING for question in result.questions)


def _answers(results: Sequence[SubmissionResult], id: str) -> list[QuestionResult]:
    return [question for result in results for question in result.questions if question.id == id]


def _question(id: str, title: str, points: float, results: Sequence[SubmissionResult]) -> QuestionSummary:
    answers = _answers(results, id)
    full = sum(answer.score >= answer.points for answer in answers)
    none = [answer for answer in answers if answer.score <= 0 < answer.points]
    return QuestionSummary(
        id=id,
        title=title,
        points=points,
        share=fmean(answer.score for answer in answers) / points if answers and points else 0.0,
        full=full,
        partial=len(answers) - full - len(none),
        none=len(none),
        not_attempted=sum(answer.outcome is Outcome.NOT_ATTEMPTED for answer in none),
        clusters=clusters(results, id),
    )
