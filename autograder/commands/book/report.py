"""autograder report: writes pages and tables again from the gradebook."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from autograder.commands import arguments
from autograder.commands.linux import require_linux
from autograder.course.layout import Course
from autograder.errors import UsageError

if TYPE_CHECKING:  # a student's machine has no database
    from autograder.course.model import Assignment
    from autograder.gradebook.settings import Settings
    from autograder.gradebook.store import Book

__all__ = ["add", "run"]

EXAMPLE = """example:
  autograder report a6 --out graded/
      writes every page, grades.csv and result.json again; nothing is graded
  autograder report a6 a7 --out term/
      several assignments: a folder in term/ for each; without a name, every assignment of the book
"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "report",
        help="write pages and tables again from the gradebook",
        description="Write every page and table of assignments again from the gradebook. Nothing is graded.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "assignments", metavar="ASSIGNMENT", nargs="*", help="an id (a6) or a folder name (all of the book)"
    )
    parser.add_argument("--out", metavar="DIR", type=arguments.path, required=True, help="where the pages go")
    parser.add_argument("--book", metavar="URL", default="", help="where the gradebook is (DIR/gradebook.db)")
    parser.add_argument(
        "--anonymous",
        action="store_true",
        help="write into DIR/anonymous, with codes instead of names, in a different order",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, console: Console) -> int:
    """Read a person's entries in review.csv, then write everything. Returns 0."""
    require_linux("the gradebook")
    from autograder.gradebook.settings import Settings
    from autograder.gradebook.store import Book
    from autograder.grading.recording import has_results, is_unread, read_in

    course = Course.find(args.course)
    named = list({each.id: each for each in map(course.assignment, args.assignments)}.values())
    settings = Settings.read(course)
    places = [args.out, *(args.out / each.id for each in named)]
    book = Book.open(settings.book(args.book, args.out), create=any(map(has_results, places)))
    if not named and is_unread(book.facts(), args.out):
        for name in course.names():
            read_in(book, course.assignment(name), args.out)
    there = {each.assignment for each in book.facts().submissions}
    named = named or [course.assignment(each) for each in sorted(there)]
    if not named:
        raise UsageError(f"{book.address}: this book has no submissions")
    for assignment in named:
        out = args.out if len(named) == 1 else args.out / assignment.id
        read_in(book, assignment, out)
        if not any(each.assignment == assignment.id for each in book.facts().submissions):
            raise UsageError(f"{book.address}: this book has nothing of {assignment.id}")
        _write(book, settings, assignment, out, args, console)
    return 0


def _write(
    book: Book, settings: Settings, assignment: Assignment, out: Path, args: argparse.Namespace, console: Console
) -> None:
    """One assignment's pages and tables."""
    from autograder.commands.book.nameless import write_nameless
    from autograder.grading.recording import enter_sheet, write_views

    entered = enter_sheet(book, assignment, out)
    unmade: list[tuple[str, str]] = []
    if args.anonymous:
        page = write_nameless(book, settings, assignment, out / "anonymous", unmade)
        console.print(Text(f"written without names · {page}"), soft_wrap=True)
        return
    page = write_views(book, settings, assignment, out, unmade)
    for name, why in unmade:
        console.print(Text(f"page not made: {name}  {why}"), soft_wrap=True)
    prefix = f"{entered} decisions read from review.csv · " if entered else ""
    console.print(Text(f"{prefix}written from {book.address} · {page}"), soft_wrap=True)
