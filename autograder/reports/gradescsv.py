"""grades.csv: one row per submission, safe to open in a spreadsheet.

Text that a submission chose could be taken for a formula by the spreadsheet that opens the file. An apostrophe is put
before every `=`, `+`, `-` or `@` (full-width forms too) that begins a cell's text, or follows a character in the text
that some locale takes for a separator. Scores are written as plain numbers and are never touched.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence

from autograder.course.model import Assignment
from autograder.course.outcome import Outcome
from autograder.course.result import SubmissionResult
from autograder.reports.text import line

__all__ = ["COLUMNS", "NOT_GRADED", "grades_csv"]

COLUMNS = (
    "submission",
    "name",
    "id",
    "members",
    "option",
    "score",
    "max_score",
    "late",
    "submitted_at",
    "outcome",
    "notes",
)
NOT_GRADED = "not_graded"  # in the outcome column, where a submission could not be read at all

FORMULA = re.compile(r"(^|[,;\t|])(\s*)(?=[=+\-@＝＋－＠])")


def grades_csv(
    results: Sequence[SubmissionResult], assignment: Assignment, failures: Iterable[tuple[str, str]] = ()
) -> str:
    """Header and one row per submission in order of name: COLUMNS, then a column of scores per question id
    (`question late` for one that would be taken for another column).

    `members` reads `id name; id name`. `outcome` is the submission's (Outcome.of its questions). A submission that
    could not be graded (`failures`: name, why), or that met our own fault, has no score at all: an empty cell is
    noticed, a 0 is not.
    """
    ids = [question.id for question in assignment.questions]
    rows = [_row(result, ids) for result in results]
    for submission, why in failures:
        known = dict.fromkeys(COLUMNS, "") | {
            "submission": _text(submission),
            "max_score": _number(assignment.max_score),
            "outcome": NOT_GRADED,
            "notes": _text(why, 1000),
        }
        rows.append([*known.values(), *("" for _ in ids)])
    sheet = io.StringIO()
    writer = csv.writer(sheet, lineterminator="\r\n")
    writer.writerow([*COLUMNS, *(f"question {id}" if id in COLUMNS else id for id in ids)])
    writer.writerows(sorted(rows))
    return sheet.getvalue()


def _row(result: SubmissionResult, ids: Sequence[str]) -> list[str]:
    info = result.info
    scores = {question.id: question for question in result.questions}
    return [
        _text(info.submission),
        _text(info.name),
        _text(info.id),
        "; ".join(_text(f"{id} {name}") for id, name in info.members),
        _text(info.option),
        _number(result.score) if result.graded else "",
        _number(result.max_score),
        "yes" if info.late else "no",
        _text(info.submitted_at),
        str(Outcome.of(question.outcome for question in result.questions)),
        _text("; ".join(info.notes), 1000),
        *(
            _number(scores[id].score) if id in scores and scores[id].outcome is not Outcome.GRADER_ERROR else ""
            for id in ids
        ),
    ]


def _text(value: str, limit: int = 200) -> str:
    return FORMULA.sub(r"\1\2'", line(value, limit))


def _number(value: float) -> str:
    """As exact as the score itself: sums over this column must agree with the result."""
    return f"{value:.6f}".rstrip("0").rstrip(".")
