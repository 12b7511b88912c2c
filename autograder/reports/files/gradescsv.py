"""grades.csv: one row per person, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

from autograder.course.model import Assignment
from autograder.course.outcome import Outcome
from autograder.course.result import QuestionResult, SubmissionResult
from autograder.reports.cells import number, text
from autograder.reports.findings.people import elsewhere, people

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
NOT_GRADED = "not_graded"  # in the outcome column of a submission without a result


def grades_csv(
    results: Sequence[SubmissionResult], assignment: Assignment, failures: Iterable[tuple[str, str]] = ()
) -> str:
    """Header and one row per person, in order of submission: COLUMNS, then a column of scores per question id
    (`question late` for one that would be taken for another column).

    Every member of a group has a row with the submission's score: first the one who handed in, then the others in the
    group's order. A person in two submissions has two rows, with a note on each. `members` has the form
    `id name; id name`. `outcome` is the submission's (Outcome.of its questions). A submission that could not be graded
    (`failures`: name, why), or that met a fault of the grader, has an empty score: people notice an empty cell, but not
    a wrong 0.
    """
    ids = [question.id for question in assignment.questions]
    twice = elsewhere(results)
    rows: list[list[str]] = []
    for result in results:
        rows += _rows(result, ids, twice.get(result.submission, ()))
    for submission, why in failures:
        known = dict.fromkeys(COLUMNS, "") | {
            "submission": text(submission),
            "max_score": number(assignment.max_score),
            "outcome": NOT_GRADED,
            "notes": text(why, 1000),
        }
        rows.append([*known.values(), *("" for _ in ids)])
    rows.sort(key=lambda row: row[0])
    sheet = io.StringIO()
    writer = csv.writer(sheet, lineterminator="\r\n")
    writer.writerow([*COLUMNS, *(f"question {id}" if id in COLUMNS else id for id in ids)])
    writer.writerows(rows)
    return sheet.getvalue()


def _rows(result: SubmissionResult, ids: Sequence[str], twice: Sequence[tuple[str, str, str]]) -> Iterator[list[str]]:
    """A row for each person. `twice` are people who are also in another submission: (name, id, the other)."""
    info = result.info
    scores = {question.id: question.score for question in result.questions if _is_graded(question)}
    members = "; ".join(text(f"{id} {name}") for id, name in info.members)
    for name, id in people(info) or (("", ""),):
        notes = [f"also in {other}" for _, who, other in twice if who == id]
        yield [
            *(text(info.submission), text(name), text(id), members, text(info.option)),
            *(number(result.score) if result.graded else "", number(result.max_score)),
            *("yes" if info.late else "no", text(info.submitted_at)),
            *(str(Outcome.of(question.outcome for question in result.questions)),),
            *(text("; ".join((*notes, *info.notes)), 1000),),
            *(number(scores[question]) if question in scores else "" for question in ids),
        ]


def _is_graded(question: QuestionResult) -> bool:
    return question.outcome is not Outcome.GRADER_ERROR
