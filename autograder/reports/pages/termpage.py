"""term.html: people by assignments, with their used and remaining free days."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from autograder.gradebook.changes import shown
from autograder.gradebook.facts import Facts, Terms
from autograder.gradebook.grades import Grade, State
from autograder.reports.pages.html import render

__all__ = ["render_term"]

GIVEN = (State.GRADED, State.EXCUSED)


@dataclass(frozen=True)
class _Cell:
    """One assignment of one person. `page`: the submission whose page is in the same folder; "" for none."""

    text: str
    value: int
    state: State
    days: int
    why: str
    page: str


@dataclass(frozen=True)
class _Row:
    name: str
    number: str
    cells: tuple[_Cell | None, ...]
    used: int


def render_term(
    grades: Iterable[Grade], facts: Facts, terms: Sequence[Terms], titles: Mapping[str, str], here: str, free_days: int
) -> str:
    """A self-contained page on a term, in order of name. It is for the staff.

    Args:
        terms: of the assignments in the book, in the order of their due times.
        titles: of assignments, by id.
        here: the assignment whose pages are in the same folder.
        free_days: of each person over the term; 0 for none.
    """
    theirs: dict[str, dict[str, Grade]] = {}
    for grade in grades:
        theirs.setdefault(grade.student, {})[grade.assignment] = grade
    students = {each.key: each for each in facts.students}
    names = {each.id: each.name for each in facts.submissions}
    rows = []
    for key, own in theirs.items():
        known = students.get(key)
        cells = tuple(_cell(own.get(each.id), names, here) for each in terms)
        used = sum(grade.days for grade in own.values())
        name = known.name if known else "nothing tells whose this is"
        rows.append(_Row(name, (known.number or key) if known else _strays(own, names), cells, used))
    return render(
        "term.html",
        script="table.js",
        rows=sorted(rows, key=lambda row: (row.name.casefold(), row.number)),
        terms=terms,
        titles=titles,
        here=here,
        free_days=free_days,
        counts=[_counts(row.cells[place] for row in rows) for place in range(len(terms))],
    )


def _cell(grade: Grade | None, names: Mapping[int, str], here: str) -> _Cell | None:
    if grade is None:
        return None
    page = names.get(grade.submission, "") if grade.assignment == here else ""
    value = -1 if grade.cents is None else grade.cents
    return _Cell(shown(str(grade.state), grade.cents), value, grade.state, grade.days, "; ".join(grade.reasons), page)


def _strays(own: Mapping[str, Grade], names: Mapping[int, str]) -> str:
    return ", ".join(names.get(grade.submission, "") for grade in own.values())


def _counts(cells: Iterable[_Cell | None]) -> tuple[int, int, int]:
    """The numbers of people with a grade (or excused), held, and missing."""
    states = [cell.state for cell in cells if cell]
    return sum(state in GIVEN for state in states), states.count(State.HELD), states.count(State.MISSING)
