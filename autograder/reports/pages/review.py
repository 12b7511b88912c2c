"""review.html, two pages: the queue for the person who reads, and each submission's code beside its comments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from autograder.course.model import Assignment
from autograder.course.reading import Reading
from autograder.course.result import SubmissionResult
from autograder.reports.findings.decisions import Decisions, queued
from autograder.reports.pages.html import render

__all__ = ["render_queue", "render_reading"]


@dataclass(frozen=True)
class _Entry:
    """One submission in the queue. `decided`: a person has changed its row in the table.

    `reading` is None if there is no answer to show.
    """

    result: SubmissionResult
    reading: Reading | None
    before: float
    comment: str
    decided: bool


def render_queue(results: Sequence[SubmissionResult], assignment: Assignment, decisions: Decisions) -> str:
    """The page of the whole queue, open submissions first. It links to `<submission>/review.html`."""
    entries = [_entry(result, assignment, decisions) for result in queued(results, assignment)]
    return render(
        "queue.html",
        script="table.js",
        assignment=assignment,
        entries=sorted(entries, key=lambda entry: entry.decided),
        open=sum(not entry.decided for entry in entries),
    )


def render_reading(result: SubmissionResult, assignment: Assignment) -> str:
    """The page of one submission that has a reading, question by question. It is for the staff."""
    return render(
        "review.html",
        result=result,
        reading=result.reading,
        before=_before(result),
        titles={question.id: question for question in result.questions},
        assignment=assignment,
    )


def _entry(result: SubmissionResult, assignment: Assignment, decisions: Decisions) -> _Entry:
    comment, decided = decisions.comment(result).strip(), not decisions.is_open(result, assignment)
    reading = result.reading if result.reading and result.reading.questions else None
    return _Entry(result, reading, _before(result), comment, decided)


def _before(result: SubmissionResult) -> float:
    return sum(question.score for question in result.questions)
