"""autograder similarity: lists answers that are more similar than chance explains."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from autograder.commands import arguments
from autograder.commands.linux import require_linux
from autograder.course.layout import Course
from autograder.errors import ArchiveError, UsageError

if TYPE_CHECKING:
    from autograder.course.model import Assignment
    from autograder.reports.study.similarity import AnswerSource

__all__ = ["add", "run"]

EXAMPLE = """example:
  autograder similarity a6 --out graded/ --also last-year/
      writes graded/similarity.html for a person to judge; it changes no grade, and no student's page shows it
  autograder similarity a6 submitted/ --json
      the same of submissions that nobody has graded yet
"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "similarity",
        help="list answers that are more similar than chance explains",
        description="List pairs of answers that share rare code. Changed names and numbers do not hide a copy.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("assignment", metavar="ASSIGNMENT", help="an id (a6) or a folder name")
    parser.add_argument(
        "submissions",
        metavar="SUBMISSIONS",
        nargs="?",
        type=arguments.path,
        help="folder of zips and folders, as for grade (what the gradebook holds)",
    )
    parser.add_argument("--also", metavar="DIR", type=arguments.path, help="an earlier class, compared with this one")
    parser.add_argument(
        "--out", metavar="DIR", type=arguments.path, help="the folder of results; similarity.html goes there"
    )
    parser.add_argument("--book", metavar="URL", default="", help="where the gradebook is (DIR/gradebook.db)")
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, console: Console) -> int:
    """Print the pairs, and write the page if a folder is named. Returns 0."""
    require_linux("reading a class")
    from autograder.grading.recording import SIMILARITY
    from autograder.reports import write_file
    from autograder.reports.study.page import render_similarity
    from autograder.reports.study.similarity import pairs

    course = Course.find(args.course)
    assignment = course.assignment(args.assignment)
    if args.submissions:
        sources, unread = _sources(args.submissions, assignment)
    else:
        sources, unread = _booked(args, course, assignment)
    if args.also:
        earlier, more = _sources(args.also, assignment, old=True)
        sources, unread = sources + earlier, unread + more
    if not sources:
        raise UsageError(f"{args.submissions or assignment.id}: no submission here could be read")
    found = pairs(sources, _given(course, assignment))
    if args.json:
        print(
            json.dumps(
                {"schema": 1, "assignment": assignment.id, "pairs": [pair.to_json() for pair in found]}, indent=1
            )
        )
    else:
        share = "1 pair shares" if len(found) == 1 else f"{len(found)} pairs share"
        lines = [f"{assignment.id}: {len(sources)} answers, {share} rare code"]
        for pair in found:
            same = f"  {len(pair.comments)} equal comments" if pair.comments else ""
            lines.append(f"  {pair.worth:7.1f}  {pair.one}  {pair.other}{same}")
        lines += [f"not read: {name}  {why}" for name, why in unread]
        for line in lines:
            console.print(Text(line), soft_wrap=True)
    if args.out:
        write_file(args.out / SIMILARITY, render_similarity(found, sources, assignment))
    return 0


def _booked(
    args: argparse.Namespace, course: Course, assignment: Assignment
) -> tuple[list[AnswerSource], list[tuple[str, str]]]:
    """The answers that the gradebook holds, and (name, why) of those that it does not."""
    from autograder.gradebook.settings import Settings
    from autograder.gradebook.store import Book
    from autograder.grading.recording import results
    from autograder.reports.study.similarity import AnswerSource

    sources, unread = [], []
    with Book.open(Settings.read(course).book(args.book, args.out), create=False) as book:
        for each in results(book, book.facts(), assignment):
            if isinstance(each, tuple):
                unread.append(each)
            elif each.sources:
                sources.append(AnswerSource(each.submission, each.sources))
            else:
                unread.append((each.submission, "its code is not in the book: name SUBMISSIONS, or grade it again"))
    return sources, unread


def _sources(
    folder: Path, assignment: Assignment, old: bool = False
) -> tuple[list[AnswerSource], list[tuple[str, str]]]:
    """The answers of a class, and (name, why) of each submission that cannot be read."""
    import tempfile

    from autograder.reports.study.similarity import AnswerSource
    from autograder.submission.receive.inbox import Inbox

    sources, unread = [], []
    with tempfile.TemporaryDirectory(prefix="similarity-") as work:
        inbox = Inbox.open(folder, assignment, unpack_into=Path(work))
        for name in inbox.entries:
            try:
                received = inbox.receive(name)
            except ArchiveError as error:
                unread.append((name, str(error)))
                continue
            files = {
                file: received.files[file].decode("utf-8", "replace")
                for file in assignment.files
                if file in received.files
            }
            sources.append(AnswerSource(f"{folder.name}/{name}" if old else name, files, old))
    return sources, unread


def _given(course: Course, assignment: Assignment) -> list[dict[str, str]]:
    """The code that everybody has: the handout's files, and the reference."""
    return [
        {file: path.read_text(encoding="utf-8") for file in assignment.files if (path := folder / file).is_file()}
        for folder in (course.handout(assignment), course.solution(assignment))
    ]
