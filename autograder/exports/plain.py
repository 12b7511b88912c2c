"""Grades with all parts of their calculation, as CSV for a spreadsheet and as JSON for a script."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

from autograder.course.model import Assignment
from autograder.course.outcome import Outcome
from autograder.exports.naming import Naming
from autograder.gradebook.facts import Facts, StoredSubmission, moment
from autograder.gradebook.grades import Grade
from autograder.reports.cells import text
from autograder.rounding import hundredths

__all__ = ["ADDED", "SCHEMA", "counting", "grade_rows", "grades_json", "grades_table", "points"]

SCHEMA = 1
ADDED = ("checks", "late_by", "days", "percent", "taken", "adjust", "grade", "state", "reasons")
MAX_TEXT = 1000  # characters of a cell


def grade_rows(assignment: Assignment, facts: Facts, own: Sequence[Grade], naming: Naming) -> list[dict[str, Any]]:
    """One row per person, as plain data: the columns of grades.csv, `questions`, then ADDED.

    Points are numbers, whole ones without a decimal point; None for a missing one. `score` is the one before lateness.
    """
    submissions = {each.id: each for each in facts.submissions}
    rows = [_row(assignment, facts, grade, submissions.get(grade.submission), naming) for grade in own]
    return sorted(rows, key=lambda row: str(row["id"])) if naming.anonymous else rows


def _row(
    assignment: Assignment, facts: Facts, grade: Grade, submission: StoredSubmission | None, naming: Naming
) -> dict[str, Any]:
    grading = facts.by_id.get(grade.grading)
    scores = counting(facts, grade)
    outcomes = [Outcome(score.outcome) for score in grading.scores] if grading else []
    return {
        "submission": naming.submission(grade.submission),
        "name": naming.name(grade.student),
        "id": naming.id(grade.student),
        **_came(assignment, facts, grade, submission, naming),
        "outcome": str(Outcome.of(outcomes)) if outcomes else "",
        "notes": "; ".join((*map(naming.text, submission.notes), *grade.notes)).strip("; ") if submission else "",
        "questions": {each.id: points(scores.get(each.id)) for each in assignment.questions},
        "checks": points(grade.checks) if submission else None,
        "late_by": max(grade.late, 0) if submission else None,
        "days": grade.days,
        "percent": grade.percent,
        "taken": points(grade.taken),
        "adjust": points(grade.adjust),
        "grade": points(grade.cents),
        "state": str(grade.state),
        "reasons": "; ".join(map(naming.text, grade.reasons)).strip("; "),
    }


def _came(
    assignment: Assignment, facts: Facts, grade: Grade, submission: StoredSubmission | None, naming: Naming
) -> dict[str, Any]:
    """The group, the option, the maximum, and the time of handing in."""
    known = submission is not None and facts.arrival(submission.id) is not None
    at, late = facts.handed_in(submission.id, assignment.due) if submission else ("", False)
    came = moment(at).astimezone(assignment.due.tzinfo) if at else None
    people = sorted((each.place, each.student) for each in facts.members if each.submission == grade.submission)
    group = [student for _, student in people if student != grade.student]
    return {
        "members": "; ".join(f"{naming.id(each)} {naming.name(each)}".strip() for each in group),
        "option": submission.option if submission else "",
        "score": points(grade.checks) if submission else None,
        "max_score": points(hundredths(assignment.max_score)),
        "late": ("yes" if late else "no") if known or at else "",
        "submitted_at": came.isoformat(timespec="seconds") if came else "",
    }


def grades_table(assignment: Assignment, rows: Sequence[Mapping[str, Any]]) -> bytes:
    """The rows as CSV: UTF-8 with a byte-order mark, and no text that a spreadsheet reads as a formula."""
    fixed = [name for name in rows[0] if name not in ("questions", *ADDED)]
    titles = {
        each.id: f"question {each.id}" if each.id in (*fixed, *ADDED) else each.id for each in assignment.questions
    }
    sheet = io.StringIO()
    writer = csv.writer(sheet, lineterminator="\r\n")
    writer.writerow([*fixed, *titles.values(), *ADDED])
    for row in rows:
        cells = [row[name] for name in fixed] + [row["questions"][id] for id in titles] + [row[name] for name in ADDED]
        writer.writerow([text(cell, MAX_TEXT) if isinstance(cell, str) else cell for cell in cells])
    return ("\ufeff" + sheet.getvalue()).encode()


def grades_json(
    assignment: Assignment, rows: Sequence[Mapping[str, Any]], policy: Mapping[str, Any], release: int | None
) -> bytes:
    """The rows as JSON: `{"schema": 1, "assignment", "release", "policy", "grades": […]}`.

    Args:
        release: the number of the release in the book; None without one.
    """
    data = {"schema": SCHEMA, "assignment": assignment.id, "release": release, "policy": policy, "grades": rows}
    return (json.dumps(data, indent=1, ensure_ascii=False) + "\n").encode()


def counting(facts: Facts, grade: Grade) -> dict[str, int]:
    """Hundredths of each question of the grading that counts: from a person's decision, else from the checks."""
    grading = facts.by_id.get(grade.grading)
    found = {score.question: score.cents for score in grading.scores} if grading else {}
    newest = {
        each.question: each.value
        for each in facts.decisions
        if (each.kind, each.assignment, each.submission) == ("points", grade.assignment, grade.submission)
    }
    return found | {id: value for id, value in newest.items() if value is not None and id in found}


def points(cents: int | None) -> float | int | None:
    """Hundredths as points, whole numbers without a point.

    >>> points(8775), points(300), points(None)
    (87.75, 3, None)
    """
    if cents is None:
        return None
    return cents // 100 if cents % 100 == 0 else cents / 100
