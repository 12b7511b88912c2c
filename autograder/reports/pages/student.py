"""report.html: what one student reads."""

from __future__ import annotations

from datetime import datetime

from autograder.course.model import Assignment
from autograder.course.result import SubmissionResult
from autograder.gradebook.wording import PageWords
from autograder.reports.findings.view import student_view
from autograder.reports.pages.html import render
from autograder.reports.text import block, span

__all__ = ["render_student"]


def render_student(result: SubmissionResult, assignment: Assignment, told: PageWords | None = None) -> str:
    """A self-contained page on `result`: what the questions' visibility lets its student see, and no more.

    Args:
        told: what the gradebook says: what lateness and people made of the score.
    """
    return render(
        "student.html",
        view=student_view(result, assignment),
        told=(told or PageWords()).changed(block),
        notebooks=result.notebooks or {},
        assignment=assignment,
        delay=_delay(result.info.submitted_at, assignment.due) if result.info.late else "",
    )


def _delay(submitted_at: str, due: datetime) -> str:
    """How late, in words; "" where the time of submission isn't known well enough to say."""
    try:
        return span(datetime.fromisoformat(submitted_at) - due)
    except (ValueError, TypeError):
        return ""
