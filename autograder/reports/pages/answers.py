"""answers.html: a class's answers in words, question by question, for a person to read."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from autograder.course.model import Assignment
from autograder.course.notebook import WrittenAnswer
from autograder.course.result import SubmissionResult
from autograder.reports.pages.html import render

__all__ = ["render_answers"]


def render_answers(results: Sequence[SubmissionResult], assignment: Assignment) -> str:
    """A self-contained page. Names can be hidden on it, for anonymous reading."""
    asked: dict[tuple[str, str], list[tuple[str, WrittenAnswer]]] = {}
    order = list(assignment.notebooks)
    for result in sorted(results, key=lambda result: result.submission):
        for notebook, run in (result.notebooks or {}).items():
            for answer in run.answers:
                asked.setdefault((notebook, answer.question), []).append((result.submission, answer))
    questions = [
        # made inert when the notebook was read; and the page's policy lets nothing in it run or load
        (
            assignment.pages.get(notebook, "notebook.html"),
            Markup(answers[0][1].question_html),
            [(name, answer.text, Markup(answer.html)) for name, answer in answers],
        )
        for (notebook, _), answers in sorted(asked.items(), key=lambda pair: _place(pair[0][0], order))
    ]
    return render("answers.html", assignment=assignment, questions=questions)


def _place(notebook: str, order: Sequence[str]) -> int:
    return order.index(notebook) if notebook in order else len(order)
