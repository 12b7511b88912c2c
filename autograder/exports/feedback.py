"""Students' pages as a zip for Moodle or Canvas, which gives each page back to its student.

A page belongs to one person. It names nobody else, even if a group handed in one submission.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from autograder.course.model import Assignment
from autograder.course.result import SubmissionInfo, SubmissionResult
from autograder.errors import UsageError
from autograder.exports.naming import with_codes
from autograder.gradebook.facts import Facts, ReleasedGrade, Student
from autograder.gradebook.grades import Grade
from autograder.gradebook.table import SchoolTable
from autograder.gradebook.wording import PageWords
from autograder.reports.pages.student import render_student
from autograder.submission.collect.zip import zip_bytes
from autograder.submission.receive.systems import system_name

__all__ = ["PagePlace", "canvas_places", "moodle_places", "own_page", "packed", "released"]

NUMBER = re.compile(r"(\d+)\s*$")
NO_NAME = re.compile(r'[_/\\:*?"<>|\x00-\x1f\x7f]')  # `_` separates the parts; the rest is no name on some system


@dataclass(frozen=True)
class PagePlace:
    """The path of a student's page in the zip."""

    student: str
    path: str


def released(own: Sequence[Grade], last_release: Sequence[ReleasedGrade]) -> tuple[list[Grade], list[Grade]]:
    """The grades that are as in the last release, and the others.

    Args:
        last_release: the content of the newest release.
    """
    last = {each.student: each for each in last_release}
    graded = [grade for grade in own if grade.cents is not None and grade.grading]
    same = [grade for grade in graded if grade.student in last and last[grade.student].cents == grade.cents]
    alike = {grade.student for grade in same}
    return same, [grade for grade in graded if grade.student not in alike]


def own_page(
    result: SubmissionResult,
    assignment: Assignment,
    student: Student,
    others: Sequence[Student],
    words: PageWords | None,
) -> str:
    """The page of one person, without the names of other members of the group.

    Args:
        words: the gradebook's words about this person's grade.
    """
    called = f"{assignment.id}-{student.number or student.key}"
    names = [result.info.submission, *(text for other in others for text in (other.name, other.number, other.key))]
    notes = tuple(note for note in result.info.notes if not any(name and name in note for name in names))
    info = SubmissionInfo(
        submission=called,
        name=student.name,
        id=student.number,
        option=result.info.option,
        submitted_at=result.info.submitted_at,
        late=result.info.late,
        notes=notes,
    )
    return render_student(replace(with_codes(result, names, called), info=info), assignment, words)


def moodle_places(table: SchoolTable, people: Mapping[int, str], assignment: Assignment) -> list[PagePlace]:
    """`{full name}_{participant}_assignfeedback_file/{assignment}-report.html`, from Moodle's grading worksheet.

    Moodle splits the name of a folder at `_` and takes the second part, so `_` is removed from names.

    Raises:
        UsageError: the table is not a worksheet.
    """
    titles = [title.strip() for title in table.header]
    if "Identifier" not in titles:
        raise UsageError(f"{table.path}: found the columns {table.titles}; wanted Moodle's grading worksheet")
    identifier = titles.index("Identifier")
    name = titles.index("Full name") if "Full name" in titles else identifier
    places = []
    for row, student in people.items():
        number = NUMBER.search(table.cell(row, identifier))
        if number is None:
            raise UsageError(f"{table.path}: row {row + 1}: found no participant's number under Identifier")
        full = NO_NAME.sub(" ", table.cell(row, name)).strip(" .~") or "Participant"
        places.append(PagePlace(student, f"{full}_{number[1]}_assignfeedback_file/{assignment.id}-report.html"))
    return places


def canvas_places(facts: Facts, own: Sequence[Grade]) -> list[PagePlace]:
    """`{who}_{user}_{attachment}_report.html`, by the names of the files that Canvas gave.

    Canvas takes the first two parts that are all digits: its user, and the file that was handed in. A group's page
    goes to the person who handed in.
    """
    names = {each.id: each.name for each in facts.submissions}
    first = {each.submission: each.student for each in facts.members if each.place == 0}
    places = []
    for grade in own:
        given = system_name(names.get(grade.submission, ""))
        if given and given.file and first.get(grade.submission) == grade.student:
            who = given.account.replace("_", "-")  # a part of a group's name may be a number
            who = f"user{who}" if who.isdecimal() else who
            places.append(PagePlace(grade.student, f"{who}_{given.key}_{given.file}_report.html"))
    return places


def packed(pages: Mapping[str, str]) -> bytes:
    """The pages by their paths, as a zip. The same pages give the same bytes."""
    return zip_bytes({path: page.encode() for path, page in sorted(pages.items())})
