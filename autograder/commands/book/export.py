"""autograder export: writes grades and pages for other programs, and records releases."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from autograder.commands import arguments
from autograder.commands.interrupts import uninterrupted
from autograder.commands.linux import require_linux
from autograder.course.layout import Course
from autograder.errors import UsageError
from autograder.rounding import number

if TYPE_CHECKING:
    from autograder.course.model import Assignment
    from autograder.exports.naming import Naming
    from autograder.gradebook.facts import Facts, Terms
    from autograder.gradebook.grades import Grade
    from autograder.gradebook.store import Book

__all__ = ["add", "run"]

EXAMPLE = """examples:
  autograder export table a6 --out graded/ --into grades-from-canvas.csv
      fills in a downloaded table of Canvas, Moodle or Blackboard; writes grades-from-canvas-filled.csv
  autograder export csv a6 --out graded/ --to a6.csv
  autograder export gradescope a6 --to a6-gradescope.zip
  autograder export feedback a6 --out graded/ --like moodle --into worksheet.csv --to a6-feedback.zip
"""
GRADESCOPE = "gradescope"
FORMATS = """Write grades for other programs, and record the release in the book. Held grades are left out.

format   writes
table    a filled copy of the school's own table (--into): Canvas, Moodle or Blackboard
feedback students' pages as a zip for Moodle or Canvas (--like), of released grades only
csv      the grades and all parts of their calculation, for a spreadsheet
json     the same, for a script
junit    results as JUnit's XML, for a CI server
otter    scores as otter-grader's final_grades.csv
gradescope  an autograder as a zip for Gradescope, which grades the submissions there; reads no book
"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "export",
        help="fill the school's own table with grades, or write them for other programs",
        description=FORMATS,
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("format", metavar="FORMAT", choices=FORMAT_NAMES, help=", ".join(FORMAT_NAMES))
    parser.add_argument("assignment", metavar="ASSIGNMENT", help="an id (a6) or a folder name")
    parser.add_argument("--out", metavar="DIR", type=arguments.path, help="the folder of results that holds the book")
    parser.add_argument("--book", metavar="URL", default="", help="the book's address (DIR/gradebook.db)")
    parser.add_argument("--into", metavar="FILE", type=arguments.path, help="the school's table (table, feedback)")
    parser.add_argument("--to", metavar="FILE", type=arguments.path, help="the file to write (every other format)")
    parser.add_argument(
        "--like", choices=("moodle", "canvas"), help="the learning system whose file names the zip uses (feedback)"
    )
    parser.add_argument("--column", metavar="NAME", default="", help="the header of the column to fill (table)")
    parser.add_argument(
        "--id-column", metavar="NAME", default="", help="the header of the column with the student's id"
    )
    parser.add_argument("--missing", choices=("0",), help="what to write for people who handed in nothing (nothing)")
    parser.add_argument(
        "--minutes",
        metavar="N",
        type=arguments.count,
        default=36,
        help="time for one submission (gradescope, 36)",
    )
    parser.add_argument(
        "--wheel",
        metavar="FILE",
        type=arguments.path,
        help="a wheel of autograder (gradescope; built here)",
    )
    parser.add_argument(
        "--anonymous", action="store_true", help="codes instead of names and ids (csv, json, junit, otter)"
    )
    parser.add_argument("--dry-run", action="store_true", help="print what would happen; write and record nothing")
    parser.set_defaults(run=run)


@dataclass(frozen=True)
class _Order:
    """The exported data: one assignment's grades, and the facts behind them."""

    args: argparse.Namespace
    book: Book
    assignment: Assignment
    facts: Facts
    terms: Terms
    own: tuple[Grade, ...]
    naming: Naming

    @property
    def target(self) -> Path:
        """The file that `--to` names. Raises UsageError if `--to` is missing."""
        if self.args.to is None:
            raise UsageError(f"{self.args.format}: found no file, wanted --to FILE")
        return Path(self.args.to)


@dataclass(frozen=True)
class _Written:
    """The file that an export writes, and the lines that it prints.

    Attributes:
        tells: True if somebody learns grades from the file, so that the book records a release.
        reached: the students who learn their grades from it; None for all.
        zeros: True if people who handed in nothing get a 0 in it.
        again: makes the file with the release's number in it.
    """

    path: Path
    content: bytes
    lines: tuple[str, ...] = ()
    tells: bool = True
    reached: frozenset[str] | None = None
    zeros: bool = False
    again: Callable[[int], bytes] | None = None


def run(args: argparse.Namespace, console: Console) -> int:
    """Write the file and the release. Returns 0, or 1 if some grades are held."""
    if args.format == GRADESCOPE:
        return _gradescope(args, console)
    require_linux("the gradebook")
    from autograder.gradebook.grades import State
    from autograder.reports import write_file

    order = _order(args)
    writer = WRITERS[args.format]
    if args.anonymous and writer not in NAMELESS:
        raise UsageError(f"{args.format}: does not work with --anonymous: it needs to know the students")
    written = writer(order)
    _check_target(written.path, order)
    lines = list(written.lines)
    if not args.dry_run:
        if written.tells:
            lines.append(f"release {_release(order, written)}")
        else:
            write_file(written.path, written.content)
        lines.append(f"written: {written.path}")
    else:
        lines.append(f"dry run: {written.path} is not written, and the book records nothing")
    held = [grade for grade in order.own if grade.state is State.HELD]
    naming = order.naming
    lines += [f"held: {naming.id(grade.student)}  {naming.text('; '.join(grade.reasons))}".rstrip() for grade in held]
    for line in lines:
        console.print(Text(line), soft_wrap=True)
    return 1 if held else 0


def _check_target(path: Path, order: _Order) -> None:
    """Refuse a file that an export would destroy: the book, or a table with entries of a person."""
    from autograder.gradebook.opening import beside
    from autograder.reports import DECISIONS

    entered = [order.args.out / DECISIONS] if order.args.out else []
    given = [order.args.into] if order.args.into else []
    for kept in (*beside(order.book.url), *entered, *given):
        if path.resolve() == kept.resolve():
            raise UsageError(f"{path}: an export would overwrite it; name another file")


def _release(order: _Order, written: _Written) -> int:
    """Write a file with grades. Returns the number of its release, which is in the book before the file appears."""
    from autograder.gradebook.changes import as_released
    from autograder.gradebook.facts import Release
    from autograder.gradebook.store import who
    from autograder.reports import new_file

    release = Release(0, "", who(), order.assignment.id, order.args.format, order.terms.policy.to_json())
    with uninterrupted(), new_file(written.path) as file, order.book.together():
        own = [grade for grade in order.own if written.reached is None or grade.student in written.reached]
        number = order.book.add_release(release, as_released(own, zeros=written.zeros))
        file.write(written.again(number) if written.again else written.content)
        file.flush()  # if the disk is full, this raises before the release is in the book
    return number


def _order(args: argparse.Namespace) -> _Order:
    """Raises UsageError if the book holds nothing of the assignment."""
    from autograder.exports.naming import Naming
    from autograder.gradebook.grades import grades
    from autograder.gradebook.settings import Settings
    from autograder.gradebook.store import Book
    from autograder.reports import to_confirm

    course = Course.find(args.course)
    assignment, settings = course.assignment(args.assignment), Settings.read(course)
    if args.out is not None and not args.dry_run and (command := to_confirm(args.out, assignment)):
        raise UsageError(f"{args.out}: the reference is not graded yet under the seed of these results; run {command}")
    book = Book.open(settings.book(args.book, args.out), create=False)
    facts, terms = book.sound(book.facts()), settings.terms(assignment)
    own = tuple(each for each in grades(facts, settings.all_terms()) if each.assignment == assignment.id)
    if not any(each.assignment == assignment.id for each in facts.submissions):
        raise UsageError(f"{book.address}: this book has nothing of {assignment.id}")
    return _Order(args, book, assignment, facts, terms, own, Naming(facts, args.anonymous))


def _table(order: _Order) -> _Written:
    """The school's table with our cells, and a report of the changes."""
    from autograder.exports.filling import EXCUSED, fill
    from autograder.gradebook.grades import State
    from autograder.gradebook.table import SchoolTable
    from autograder.gradebook.wording import by_person, sentence

    args, assignment, own = order.args, order.assignment, order.own
    if args.into is None:
        raise UsageError("table: found no file, wanted --into FILE")
    cells: dict[str, str | int] = {}
    for grade in own:
        if grade.state is State.EXCUSED:
            cells[grade.student] = EXCUSED
        elif grade.cents is not None:
            cells[grade.student] = grade.cents
        elif grade.state is State.MISSING and args.missing:
            cells[grade.student] = 0
    filled = fill(
        SchoolTable.read(args.into),
        order.facts.students,
        cells,
        title=assignment.title,
        names=(assignment.id.upper(), *(f"{word}{assignment.number}" for word in ("A", "Assignment ", "Assignment"))),
        points=order.terms.points,
        id_column=args.id_column,
        column=args.column,
        lines={
            grade.student: sentence(grade, order.terms, by_person(grade, order.facts))
            for grade in own
            if grade.cents is not None
        },
    )
    held = sum(grade.state is State.HELD for grade in own)
    counts = f"{filled.new} new, {filled.changed} changed, {filled.same} same"
    written = filled.new + filled.changed + filled.same
    lines = [f"table: {written} written ({counts}), {held} held, {len(filled.absent)} not in the table"]
    if filled.points is not None and filled.points * 100 != order.terms.points:
        points = number(order.terms.points / 100)
        lines.append(f"scaled: the column has {number(filled.points)} points, {assignment.id} has {points}")
    lines += [f"{filled.system}: {note}" for note in filled.notes]
    lines += [f"changed: {student}  {old} → {new}" for student, old, new in filled.replaced]
    lines += [f"excused, cell unchanged: {student}" for student in filled.excused]
    lines += [f"not in the table: {student}" for student in filled.absent]
    path = args.into.with_stem(f"{args.into.stem}-filled")
    reached = frozenset(filled.people.values())
    return _Written(path, filled.table.encoded(), tuple(lines), reached=reached, zeros=bool(args.missing))


def _csv(order: _Order) -> _Written:
    from autograder.exports.plain import grade_rows, grades_table

    rows = grade_rows(order.assignment, order.facts, order.own, order.naming)
    return _Written(order.target, grades_table(order.assignment, rows))


def _json(order: _Order) -> _Written:
    from autograder.exports.plain import grade_rows, grades_json

    rows = grade_rows(order.assignment, order.facts, order.own, order.naming)
    policy = order.terms.policy.to_json()

    def content(release: int | None = None) -> bytes:
        return grades_json(order.assignment, rows, policy, release)

    return _Written(order.target, content(), again=content)


def _junit(order: _Order) -> _Written:
    """Every result that counts. It contains no grade, so it is no release."""
    from autograder.exports.junit import Suite, junit
    from autograder.grading.recording import results

    named = {each.name: each for each in order.facts.submissions if each.assignment == order.assignment.id}
    suites, lines = [], []
    for result in results(order.book, order.facts, order.assignment):
        name, why = (result.submission, "") if not isinstance(result, tuple) else result
        called = order.naming.of(named[name])
        if isinstance(result, tuple):
            lines.append(f"left out: {called}  {order.naming.text(why)}".rstrip())
            continue
        grading, _ = order.facts.counting(named[name].id)
        result = order.naming.result(result, named[name])
        cases = [
            (f"{order.assignment.id}.{question.id}", case) for question in result.questions for case in question.cases
        ]
        suites.append(Suite(called, cases, result.seconds, grading.at if grading else ""))
    if order.args.anonymous:  # in the order of names, a reader could guess who is who
        suites.sort(key=lambda suite: suite.name)
        lines.sort()
    return _Written(order.target, junit(suites), tuple(lines), tells=False)


def _otter(order: _Order) -> _Written:
    from autograder.exports.otter import final_grades

    return _Written(order.target, final_grades(order.assignment, order.facts, order.own, order.naming))


def _feedback(order: _Order) -> _Written:
    from autograder.commands.book.pages import feedback

    pages, lines = feedback(order.args, order.book, order.assignment, order.facts, order.terms, order.own)
    return _Written(order.target, pages, tuple(lines), tells=False)


def _gradescope(args: argparse.Namespace, console: Console) -> int:
    """Write the zip to upload. Reads no book and makes no release. Returns 0."""
    from autograder.authoring.gradescope import gradescope_zip
    from autograder.authoring.handout import Wheel, build_wheel
    from autograder.reports import write_file

    course = Course.find(args.course)
    assignment = course.assignment(args.assignment)
    path = args.to or args.out or Path(f"{assignment.id}-gradescope.zip")
    if path.is_dir():
        path = path / f"{assignment.id}-gradescope.zip"
    wheel = Wheel.read(args.wheel) if args.wheel else build_wheel()
    content = gradescope_zip(course, assignment, wheel, args.minutes)
    if not args.dry_run:
        write_file(path, content)
    message = f"{path}: {len(content) / 1e6:.1f} MB; it holds the hidden checks: give it to nobody but Gradescope"
    console.print(Text(message), soft_wrap=True)
    return 0


WRITERS: Mapping[str, Callable[[_Order], _Written]] = {
    "table": _table,
    "feedback": _feedback,
    "csv": _csv,
    "json": _json,
    "junit": _junit,
    "otter": _otter,
}
FORMAT_NAMES = (*WRITERS, GRADESCOPE)
NAMELESS = (_csv, _json, _junit, _otter)
