"""Fills one column of a school's table with grades: Canvas's, Moodle's and Blackboard's own, or any other.

For each system, the effect of a cell is known. A cell that the system would silently ignore is refused here, with the
reason.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from autograder.errors import UsageError
from autograder.gradebook.facts import Student, key
from autograder.gradebook.table import SchoolTable, points_row
from autograder.rounding import exact, half_up, number

__all__ = ["EXCUSED", "Filled", "System", "fill", "people_of", "system_of"]

EXCUSED = "EX"  # Canvas's word for excused; no other system has one
FEEDBACK = "Feedback comments"
OURS = "from the checks"  # in every line of ours: a later export recognizes it


class System(StrEnum):
    """The system that a table is from."""

    CANVAS = "Canvas"
    MOODLE = "Moodle"
    BLACKBOARD = "Blackboard"
    OTHER = "other"


def system_of(table: SchoolTable) -> System:
    """The system that a table is from, by its header and the row below."""
    header = [title.strip() for title in table.header]
    if points_row(table) is not None or (len(header) > 1 and header[0] in ("Student", "LastName") and "ID" in header):
        return System.CANVAS
    if "Identifier" in header:
        return System.MOODLE
    if any("[Total Pts:" in title for title in header):
        return System.BLACKBOARD
    return System.OTHER


NOTES = {System.MOODLE: ("upload it before anybody grades in Moodle: Moodle skips people who were graded there later",)}


@dataclass(frozen=True)
class Filled:
    """A filled table, and its changes.

    Attributes:
        people: row → key of the student.
        new, changed, same: numbers of cells.
        replaced: (id, old, new) of each number that was replaced.
        absent: keys of students with a grade who are not in the table.
        points: the maximum of the column, to which scores are scaled; None if unknown.
        excused: keys of excused people whose cell stays, because this system has no word for excused.
        notes: remarks about this system for the instructor.
    """

    table: SchoolTable
    system: System
    people: Mapping[int, str]
    new: int = 0
    changed: int = 0
    same: int = 0
    replaced: tuple[tuple[str, str, str], ...] = ()
    absent: tuple[str, ...] = ()
    points: float | None = None
    excused: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def fill(
    table: SchoolTable,
    students: Sequence[Student],
    cells: Mapping[str, str | int],
    *,
    title: str,
    names: Sequence[str],
    points: int,
    id_column: str = "",
    column: str = "",
    lines: Mapping[str, str] | None = None,
) -> Filled:
    """Fill the score column of a school's table.

    Args:
        cells: by student: hundredths of a point, or EXCUSED.
        title: the assignment's title.
        names: other names in a header: `A6`, `Assignment 6`.
        points: the assignment's points, in hundredths.
        id_column, column: the headers of the id and score columns; "" finds them.
        lines: by student, a line for Moodle's column of comments. A person's comment there stays.

    Raises:
        UsageError: a column is unclear, or the system would ignore the column's new cells.
    """
    place = table.column(column) if column else _score_column(table, title, names)
    people = people_of(table, students, table.column(id_column) if id_column else None)
    system, most = system_of(table), _points_of(table, place)
    _check_target(table, system, place)
    written: dict[tuple[int, int], str] = {}
    new = changed = same = 0
    replaced, excused = [], []
    for row, student in people.items():
        value, before = cells.get(student), table.cell(row, place).strip()
        if value is None:
            continue
        if isinstance(value, str) and system is not System.CANVAS:
            excused.append(student)
            continue
        top = _row_points(table, row) or most
        text = value if isinstance(value, str) else _scaled(value, top, points)
        if system is System.MOODLE and top is not None and not isinstance(value, str) and float(text) > top:
            problem = f"found {text}, above the column's {number(top)} points, which Moodle skips"
            raise UsageError(f"{table.path}: row {row + 1}: {problem}")
        written |= _comment(table, row, (lines or {}).get(student, "")) if system is System.MOODLE else {}
        if _equal(before, text):
            same += 1
            continue
        new, changed = new + (not before), changed + bool(before)
        if before:
            replaced.append((student, before, text))
        written[row, place] = text
    return Filled(
        table=table.with_cells(written),
        system=system,
        people=people,
        new=new,
        changed=changed,
        same=same,
        replaced=tuple(replaced),
        absent=tuple(sorted({*cells} - {*people.values()})),
        points=most,
        excused=tuple(excused),
        notes=NOTES.get(system, ()),
    )


def _scaled(cents: int, top: float | None, points: int) -> str:
    share = exact(top) * 100 / points if top is not None and points else 1
    return number(half_up(Fraction(cents) * share) / 100)


def _comment(table: SchoolTable, row: int, line: str) -> dict[tuple[int, int], str]:
    """The cell of Moodle's comments with our line, unless a person wrote there."""
    for place, title in enumerate(table.header):
        before = table.cell(row, place).strip()
        if title.strip() == FEEDBACK and line and before != line and (not before or OURS in before):
            return {(row, place): line}
    return {}


def _equal(before: str, now: str) -> bool:
    try:
        return float(before.replace(",", ".")) == float(now)
    except ValueError:
        return before == now


def people_of(table: SchoolTable, students: Sequence[Student], wanted: int | None) -> dict[int, str]:
    """Row → student, by the column whose cells match most people by key, login or e-mail."""
    known: dict[str, set[str]] = {}
    for student in students:
        for name in (student.key, key(student.number), student.login.casefold(), student.email.casefold()):
            if name:
                known.setdefault(name, set()).add(student.key)
    columns = range(len(table.header)) if wanted is None else (wanted,)
    matches = {place: _matched(table, place, known) for place in columns}
    best = max(matches, key=lambda place: len(matches[place]))
    found = matches[best]
    rows = sum(any(cell.strip() for cell in row) for row in table.rows[1:])
    if wanted is None and len(found) * 2 < min(len(students), rows):
        raise UsageError(
            f"{table.path}: no column holds the ids of half of the people; --id-column: one of {table.titles}"
        )
    for place, other in matches.items():
        if len(other) * 2 >= len(found) and any(found.get(row, student) != student for row, student in other.items()):
            columns_named = f"{table.header[best]!r} and {table.header[place]!r}"
            raise UsageError(f"{table.path}: the columns {columns_named} name different people; --id-column says which")
    twice = [student for student in found.values() if list(found.values()).count(student) > 1]
    if twice:
        raise UsageError(f"{table.path}: {twice[0]} is in two rows")
    return found


def _matched(table: SchoolTable, place: int, known: Mapping[str, set[str]]) -> dict[int, str]:
    found = {}
    for row in range(1, len(table.rows)):
        cell = table.cell(row, place).strip()
        who = known.get(cell.casefold()) or known.get(key(cell), set())
        if cell and len(who) == 1:
            (found[row],) = who
    return found


def _score_column(table: SchoolTable, title: str, names: Sequence[str]) -> int:
    words = [re.escape(each) for each in (title, *names) if each]
    pattern = re.compile(rf"(?<!\w)(?:{'|'.join(words)})(?!\w)", re.IGNORECASE)
    found = [place for place, header in enumerate(table.header) if pattern.search(header)]
    if not found and "Identifier" in map(str.strip, table.header):
        found = [place for place, header in enumerate(table.header) if header.strip() == "Grade"]
    if len(found) != 1:
        what = "no column" if not found else "several columns: " + ", ".join(repr(table.header[each]) for each in found)
        raise UsageError(f"{table.path}: found {what} for {title!r}; --column: one of {table.titles}")
    return found[0]


DROPPED = re.compile(
    r"(current|final|unposted current|unposted final)\s+(score|points|grade)|override\s+(score|grade|status)",
    re.IGNORECASE,
)


def _check_target(table: SchoolTable, system: System, place: int) -> None:
    """Refuse a column, or a whole table, that the system drops, ignores or misreads."""
    header, titles = table.header[place], [title.strip() for title in table.header]
    if system is System.CANVAS:
        if DROPPED.search(header):
            raise UsageError(f"{table.path}: Canvas drops the column {header!r} unread: its name reads as a total's")
        if "(read only)" in table.cell(points_row(table) or 0, place):
            raise UsageError(f"{table.path}: Canvas ignores the column {header!r}: its points say “(read only)”")
        if "Section" not in titles or place <= titles.index("Section"):
            raise UsageError(f"{table.path}: Canvas takes scores from the columns after “Section” only")
        if not re.search(r"\(\d+\)\s*$", header):
            raise UsageError(f"{table.path}: Canvas would make a new assignment of {header!r}: it has no (number)")
    if system is System.MOODLE and "Last modified (grade)" not in titles:
        raise UsageError(f"{table.path}: Moodle reads no worksheet without the column “Last modified (grade)”")
    if system is System.BLACKBOARD and not re.search(r"\|\d+\s*$", header):
        raise UsageError(f"{table.path}: Blackboard would make a new column of {header!r}: it has no |number")


def _points_of(table: SchoolTable, place: int) -> float | None:
    """The points of a column: Canvas's row, or Blackboard's header `[Total Pts: 100 …`."""
    if match := re.search(r"\[Total Pts: ([\d.,]+)", table.header[place]):
        return _points(match[1])
    row = points_row(table)
    return _points(table.cell(row, place)) if row is not None else None


def _row_points(table: SchoolTable, row: int) -> float | None:
    """The maximum in Moodle's worksheet, which each row repeats."""
    for place, header in enumerate(table.header):
        if header.strip() == "Maximum Grade":
            return _points(table.cell(row, place))
    return None


def _points(text: str) -> float | None:
    try:
        value = float(text.strip().replace(",", "."))
    except ValueError:
        return None
    return value if value > 0 else None
