"""autograder diff: what changed since the school was told."""

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
  autograder diff a6 --out graded/
      grades that differ from the last release, and why; exit status 1 where there are some
"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "diff",
        help="what changed since the school was told",
        description="Compare the grades of now, or of a release, with those of an earlier release.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("assignment", metavar="ASSIGNMENT", help="an id (a6) or a folder name")
    parser.add_argument("first", metavar="FROM", nargs="?", type=arguments.count, help="a release's number (the last)")
    parser.add_argument("then", metavar="TO", nargs="?", type=arguments.count, help="a release's number (now)")
    parser.add_argument("--out", metavar="DIR", type=arguments.path, help="the folder of results whose book is meant")
    parser.add_argument(
        "--book", metavar="URL", default="", help="the book's address, where it is not DIR/gradebook.db"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, console: Console) -> int:
    """Print one line for each person whose grade differs. Returns 0 for none, 1 for some."""
    require_linux("the gradebook")
    from autograder.gradebook.changes import changed, told_now
    from autograder.gradebook.grades import grades
    from autograder.gradebook.settings import Settings
    from autograder.gradebook.store import Book

    course = Course.find(args.course)
    assignment, settings = course.assignment(args.assignment), Settings.read(course)
    book = Book.open(settings.book(args.book, args.out), create=False)
    releases = {release.id: release for release in book.releases(assignment.id)}
    first = args.first or max(releases, default=0)
    for number in filter(None, (first, args.then)):
        if number not in releases:
            raise UsageError(f"release {number}: {assignment.id} has {', '.join(map(str, releases)) or 'none'}")
    if not first:
        raise UsageError(f"{assignment.id}: nothing was released yet; `autograder export` does it")
    facts = book.facts()
    own = [each for each in grades(facts, settings.all_terms()) if each.assignment == assignment.id]
    now = book.told(args.then) if args.then else told_now(own)
    found = changed(book.told(first), now, facts)
    then = f"release {args.then}" if args.then else "now"
    release = releases[first]
    head = f"{assignment.id}, release {first} ({release.at}, {release.who}) → {then}: {len(found)} of {len(now)} differ"
    for line in (head, *(f"  {change}" for change in found)):
        console.print(Text(line), soft_wrap=True)
    return 1 if found else 0
