"""report.html: the page for one student."""

from __future__ import annotations

from datetime import datetime

from autograder.course.model import Assignment
from autograder.course.result import SubmissionResult
from autograder.gradebook.wording import PageWords
from autograder.reports.findings.view import student_view
from autograder.reports.pages.html import render
from autograder.reports.text import block, span

__all__ = ["render_student"]


def render_student(result: SubmissionResult, assignment: Assignment, words: PageWords | None = None) -> str:
    """A self-contained page on `result`. It shows the content of `student_view`.

    Args:
        words: text from the gradebook: the effect of lateness and of people's decisions on the score.
    """
    return render(
        "student.html",
        view=student_view(result, assignment),
        book=(words or PageWords()).changed(block),
        notebooks=result.notebooks or {},
        assignment=assignment,
        delay=_delay(result.info.submitted_at, assignment.due) if result.info.late else "",
    )


def _delay(submitted_at: str, due: datetime) -> str:
    """The lateness in words; "" if the time of submission is not known precisely."""
    try:
        return span(datetime.fromisoformat(submitted_at) - due)
    except (ValueError, TypeError):
        return ""
