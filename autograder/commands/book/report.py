"""autograder report: writes pages and tables again from the gradebook."""

from __future__ import annotations

import argparse

from rich.console import Console
from rich.text import Text

from autograder.commands import arguments
from autograder.commands.linux import require_linux
from autograder.course.layout import Course
from autograder.errors import UsageError

__all__ = ["add", "run"]

EXAMPLE = """example:
  autograder report a6 --out graded/
      writes every page, grades.csv and result.json again; nothing is graded
"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "report",
        help="write pages and tables again from the gradebook",
        description="Write every page and table of an assignment again from the gradebook. Nothing is graded.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("assignment", metavar="ASSIGNMENT", help="an id (a6) or a folder name")
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
    from autograder.commands.book.nameless import write_nameless
    from autograder.gradebook.settings import Settings
    from autograder.gradebook.store import Book
    from autograder.grading.recording import enter_sheet, has_results, read_in, write_views

    course = Course.find(args.course)
    assignment = course.assignment(args.assignment)
    settings = Settings.read(course)
    book = Book.open(settings.book(args.book, args.out), create=has_results(args.out))
    read_in(book, assignment, args.out)
    if not any(each.assignment == assignment.id for each in book.facts().submissions):
        raise UsageError(f"{book.address}: this book has nothing of {assignment.id}")
    entered = enter_sheet(book, assignment, args.out)
    unmade: list[tuple[str, str]] = []
    if args.anonymous:
        page = write_nameless(book, settings, assignment, args.out / "anonymous", unmade)
        console.print(Text(f"written without names · {page}"), soft_wrap=True)
        return 0
    page = write_views(book, settings, assignment, args.out, unmade)
    for name, why in unmade:
        console.print(Text(f"page not made: {name}  {why}"), soft_wrap=True)
    said = f"{entered} decisions read from review.csv · " if entered else ""
    console.print(Text(f"{said}written from {book.address} · {page}"), soft_wrap=True)
    return 0
