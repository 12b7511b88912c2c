"""Turns wishes into decisions for the book: one function for the command, the table and the review page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from autograder.course.model import Assignment
from autograder.errors import UsageError
from autograder.gradebook.decisions import KINDS, read_value
from autograder.gradebook.facts import Decision, Facts, StoredSubmission, Terms, key
from autograder.gradebook.table import SchoolTable

__all__ = ["Wish", "about", "read_wishes", "wanted"]

COLUMNS = ("student", "submission", "kind", "value", "why", "question", "assignment")


@dataclass(frozen=True)
class Wish:
    """A decision as a person writes it. `whom`: an id, or a submission's name. `assignment`: "" if the row has none."""

    whom: str
    kind: str
    value: str
    why: str = ""
    question: str = ""
    assignment: str = ""


def wanted(wish: Wish, facts: Facts, terms: Terms, assignment: Assignment, who: str, by: str) -> tuple[Decision, ...]:
    """The decisions that a wish means: one, or one for each member if a submission is named for its people.

    Raises:
        UsageError: no person and no submission has this name, or the kind, question, value or reason is wrong.
    """
    students, submission = _whom(wish.whom, facts, assignment)
    return about(students, submission, wish, facts, terms, assignment, who, by)


def about(
    students: Sequence[str],
    submission: StoredSubmission | None,
    wish: Wish,
    facts: Facts,
    terms: Terms,
    assignment: Assignment,
    who: str,
    by: str,
) -> tuple[Decision, ...]:
    """The decisions that a wish means for known people, or for a known submission; `wish.whom` does not count."""
    value = read_value(wish.kind, wish.value, terms, assignment.due.tzinfo, wish.question, wish.why)
    if wish.kind == "counts" and value is not None:
        value = _named(value, facts, assignment).id
    if wish.kind == "owner" and value is not None:
        _check_owners(value, facts)
    shared = {
        "assignment": assignment.id,
        "kind": wish.kind,
        "question": wish.question,
        "value": value,
        "why": wish.why,
    }
    of = KINDS[wish.kind].about
    if of == "submission" or (of == "either" and submission is not None):
        found = submission or _only(students[0], facts, assignment)
        grading, _ = facts.counting(found.id)
        saw = grading.id if grading else 0
        return (Decision(0, "", who, by, submission=found.id, saw=saw, **shared),)
    if not students:
        raise UsageError(f"{wish.whom}: the owner of this submission is unknown; name an id")
    return tuple(Decision(0, "", who, by, student=student, **shared) for student in students)


def _whom(whom: str, facts: Facts, assignment: Assignment) -> tuple[list[str], StoredSubmission | None]:
    """The people of a wish, and the submission if one was named."""
    if any(each.name == whom and each.assignment == assignment.id for each in facts.submissions):
        submission = _named(whom, facts, assignment)
        members = (each.student for each in facts.members if each.submission == submission.id)
        return list(dict.fromkeys(filter(None, members))), submission
    wanted = key(whom)
    if wanted and any(each.key == wanted for each in facts.students):
        return [wanted], None
    raise UsageError(f"{whom or 'nobody'}: no student of the book has this id, and no submission this name")


def _named(name: str, facts: Facts, assignment: Assignment) -> StoredSubmission:
    """The submission of a name, or of a number: `#12`. Of two with one name, the later counts."""
    own = [each for each in facts.submissions if each.assignment == assignment.id]
    found = [each for each in own if each.name == name] or [each for each in own if f"#{each.id}" == name]
    if not found:
        raise UsageError(f"{name}: no submission of {assignment.id} has this name")
    return found[-1]


def _only(student: str, facts: Facts, assignment: Assignment) -> StoredSubmission:
    """The one submission of a person. Raises UsageError if there are several, or none."""
    theirs = {each.submission for each in facts.members if each.student == student}
    found = [each for each in facts.submissions if each.id in theirs and each.assignment == assignment.id]
    if len(found) != 1:
        names = ", ".join(each.name for each in found) or "none"
        raise UsageError(f"{student}: this decision is about a submission; name one of: {names}")
    return found[0]


def _check_owners(keys: Iterable[str], facts: Facts) -> None:
    known = {each.key for each in facts.students}
    for each in keys:
        if each not in known:
            raise UsageError(f"owner: nobody in the book has the id {each}")


def read_wishes(path: Path) -> list[tuple[int, Wish]]:
    """A table's decisions, with their rows. The columns are those of COLUMNS, with `student` or `submission`.

    Raises:
        UsageError: a column is missing or unknown, or a row names nobody.
    """
    table = SchoolTable.read(path)
    titles = [title.strip() for title in table.header]
    unknown = [title for title in titles if title and title not in COLUMNS]
    if unknown or "kind" not in titles or "value" not in titles or not {"student", "submission"} & {*titles}:
        raise UsageError(f"{path}: row 1: found {table.titles}, wanted columns of {', '.join(COLUMNS)}")
    found = []
    for row in range(1, len(table.rows)):
        cells = {title: table.cell(row, place).strip() for place, title in enumerate(titles)}
        if not any(cells.values()):
            continue
        whom = cells.get("submission") or cells.get("student", "")
        if not whom:
            raise UsageError(f"{path}: row {row + 1}, student: found nothing, wanted an id or a submission's name")
        more = (cells.get(name, "") for name in ("why", "question", "assignment"))
        found.append((row + 1, Wish(whom, cells["kind"], cells["value"], *more)))
    return found
