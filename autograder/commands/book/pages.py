"""The zip of `export feedback`: the pages of students whose grades were released."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from autograder.errors import UsageError

if TYPE_CHECKING:
    from autograder.course.model import Assignment
    from autograder.exports.feedback import PagePlace
    from autograder.gradebook.facts import Facts, Terms
    from autograder.gradebook.grades import Grade
    from autograder.gradebook.store import Book

__all__ = ["feedback"]


def feedback(
    args: argparse.Namespace, book: Book, assignment: Assignment, facts: Facts, terms: Terms, own: Sequence[Grade]
) -> tuple[bytes, list[str]]:
    """The zip, and a line for each student whose page is not in it.

    Raises:
        UsageError: nothing was released yet, no file shows how the learning system names a student, or no page is left.
    """
    from autograder.exports.feedback import own_page, packed, released
    from autograder.gradebook.wording import page_words
    from autograder.grading.recording import results

    releases = book.releases(assignment.id)
    if not releases:
        raise UsageError(f"{assignment.id}: no grade was released yet; `autograder export table` makes a release")
    last = releases[-1].id
    unchanged, changed = released(own, book.released_grades(last))
    places = {place.student: place for place in _places(args, assignment, facts, unchanged)}
    people = {student.key: student for student in facts.students}
    names = {each.id: each.name for each in facts.submissions}
    wanted = {names[grade.submission] for grade in unchanged if grade.student in places}
    found = {each.submission: each for each in results(book, facts, assignment, wanted) if not isinstance(each, tuple)}
    pages, lines = {}, []
    for grade in unchanged:
        group = [each.student for each in facts.members if each.submission == grade.submission]
        result, place = found.get(names[grade.submission]), places.get(grade.student)
        if place is None or result is None:
            why = "its result is damaged" if place else _why(args.like, grade.student in group[:1])
            lines.append(f"left out: {grade.student}  {why}")
            continue
        others = [people[key] for key in group if key in people and key != grade.student]
        own_words = page_words((grade,), facts, terms).get(grade.submission)
        pages[place.path] = own_page(result, assignment, people[grade.student], others, own_words)
    lines += [f"left out: {grade.student}  the grade differs from release {last}: export it first" for grade in changed]
    if not pages:
        raise UsageError("feedback: found no page for the zip\n" + "\n".join(lines))
    return packed(pages), [f"feedback: {len(pages)} pages, {len(lines)} left out", *lines]


def _places(args: argparse.Namespace, assignment: Assignment, facts: Facts, grades: Sequence[Grade]) -> list[PagePlace]:
    from autograder.exports.feedback import canvas_places, moodle_places
    from autograder.exports.filling import people_of
    from autograder.gradebook.table import SchoolTable

    if args.like is None:
        raise UsageError("feedback: found no naming, wanted --like moodle or --like canvas")
    if args.like == "canvas":
        return canvas_places(facts, grades)
    if args.into is None:
        raise UsageError("feedback: found no file, wanted --into FILE: Moodle's grading worksheet")
    table = SchoolTable.read(args.into)
    people = people_of(table, facts.students, table.column(args.id_column) if args.id_column else None)
    return moodle_places(table, people, assignment)


def _why(like: str, handed_in: bool) -> str:
    if like == "moodle":
        return "not in the worksheet"
    if not handed_in:
        return "handed in by another member of the group"
    return "the submission's name does not come from Canvas"
