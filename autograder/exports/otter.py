"""Scores as otter-grader's final_grades.csv, for scripts that read the output of `otter grade`."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from autograder.course.model import Assignment
from autograder.exports.naming import Naming
from autograder.exports.plain import counting, points
from autograder.gradebook.facts import Facts
from autograder.gradebook.grades import Grade, State
from autograder.reports.cells import text
from autograder.rounding import hundredths

__all__ = ["final_grades"]

POSSIBLE = "points-per-question"
LAST = ("total_points_earned", "percent_correct", "grading_status")


def final_grades(assignment: Assignment, facts: Facts, own: Sequence[Grade], naming: Naming) -> bytes:
    """A row for each submission that counts and whose grade is not held, in the order of names.

    The total is from the checks, before lateness, times the option's scale. The first row holds the points of each
    question. Questions are in the order of their ids, as in otter.
    """
    most = {question.id: question.points for question in assignment.questions}
    ids = sorted(most)
    sheet = io.StringIO()
    writer = csv.writer(sheet, lineterminator="\n")
    writer.writerow(["file", *ids, *LAST])
    writer.writerow([POSSIBLE, *(_number(most[id]) for id in ids), _number(assignment.max_score), 1, "--"])
    chosen = {grade.submission: grade for grade in own if grade.state is State.GRADED and grade.grading}
    rows: list[list[object]] = []
    for submission, grade in chosen.items():
        scores = counting(facts, grade)
        share = grade.checks / (assignment.max_score * 100) if assignment.max_score else 0
        earned = [points(scores.get(id, 0)) for id in ids]
        rows.append([text(naming.submission(submission)), *earned, points(grade.checks), share, "Completed"])
    rows.sort(key=lambda row: str(row[0]))
    writer.writerows(rows)
    return sheet.getvalue().encode()


def _number(value: float) -> float | int | None:
    return points(hundredths(value))
