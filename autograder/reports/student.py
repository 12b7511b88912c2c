"""report.html: what one student reads."""

from __future__ import annotations

from datetime import datetime

from autograder.course.model import Assignment
from autograder.course.result import SubmissionResult
from autograder.reports.html import render
from autograder.reports.text import span
from autograder.reports.view import student_view

__all__ = ["render_student"]


def render_student(result: SubmissionResult, assignment: Assignment) -> str:
    """A self-contained page on `result`: what the questions' visibility lets its student see, and no more."""
    return render(
        "student.html",
        view=student_view(result, assignment),
        notebook=result.notebook,
        assignment=assignment,
        delay=_delay(result.info.submitted_at, assignment.due) if result.info.late else "",
    )


def _delay(submitted_at: str, due: datetime) -> str:
    """How late, in words; "" where the time of submission isn't known well enough to say."""
    try:
        return span(datetime.fromisoformat(submitted_at) - due)
    except (ValueError, TypeError):
        return ""
