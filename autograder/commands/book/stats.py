"""autograder stats: prints statistics of a class about questions and checks."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from autograder.commands import arguments
from autograder.commands.linux import require_linux
from autograder.course.layout import Course
from autograder.errors import UsageError
from autograder.rounding import fixed, number

if TYPE_CHECKING:
    from autograder.reports.findings.statistics import Distribution, Statistics

__all__ = ["add", "run"]

EXAMPLE = """example:
  autograder stats a6 --out graded/
      how hard each question was, how well it separates students, and which wrong answers several people gave
"""
MAX_NAMED = 8  # people, on a line


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "stats",
        help="how hard questions were, and which wrong answers are common",
        description="Print statistics of a class, from the gradebook. Submissions that could not run are not counted.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("assignment", metavar="ASSIGNMENT", help="an id (a6) or a folder name")
    parser.add_argument("--out", metavar="DIR", type=arguments.path, help="the folder of results that holds the book")
    parser.add_argument("--book", metavar="URL", default="", help="the book's address (DIR/gradebook.db)")
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.add_argument("--anonymous", action="store_true", help="codes instead of submissions' names")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, console: Console) -> int:
    """Print the figures. Returns 0."""
    require_linux("the gradebook")
    from autograder.exports.naming import Naming
    from autograder.gradebook.grades import grades
    from autograder.gradebook.settings import Settings
    from autograder.gradebook.store import Book
    from autograder.grading.recording import results
    from autograder.reports.findings.statistics import statistics

    course = Course.find(args.course)
    assignment, settings = course.assignment(args.assignment), Settings.read(course)
    book = Book.open(settings.book(args.book, args.out), create=False)
    facts = book.facts()
    own = [each for each in grades(facts, settings.all_terms()) if each.assignment == assignment.id]
    naming = Naming(facts, args.anonymous)
    named = {each.name: each for each in facts.submissions if each.assignment == assignment.id}
    found = []
    for each in results(book, facts, assignment):
        if not isinstance(each, tuple):
            submission = named[each.submission]
            coded = naming.result(each, submission)
            found.append(replace(coded, info=replace(each.info, submission=naming.of(submission))))
    if not found:
        raise UsageError(f"{book.address}: this book has nothing of {assignment.id}")
    known = [(each.checks / 100, each.cents / 100) for each in own if each.cents is not None and each.submission]
    figures = statistics(found, assignment, known)
    if args.json:
        print(json.dumps(figures.to_json(), indent=1, ensure_ascii=False))
    else:
        for line in _lines(figures):
            console.print(Text(line), soft_wrap=True)
    return 0


def _lines(figures: Statistics) -> list[str]:
    alpha = "" if figures.alpha is None else f"; Cronbach's alpha {figures.alpha:.2f}"
    lines = [f"{figures.assignment}: {figures.submissions} submissions{alpha}"]
    lines += [_distribution("before lateness", figures.checks), _distribution("grades", figures.grades), ""]
    longest = max((len(each.id) for each in figures.questions), default=0)
    lines.append(f"{'question':<{longest}}  tried  full  part  none  difficulty  discrimination  seconds  too noisy")
    for each in figures.questions:
        discrimination = "–" if each.discrimination is None else f"{each.discrimination:.2f}"
        counts = f"{each.tried:>5}  {each.full:>4}  {each.part:>4}  {each.none:>4}  {fixed(each.difficulty):>10}"
        shares = f"{discrimination:>14}  {each.seconds:>7.1f}  {fixed(100 * each.noisy, 0):>7} %"
        lines.append(f"{each.id:<{longest}}  {counts}  {shares}  {each.remark}".rstrip())
    if figures.common:
        lines += ["", "Common answers:"]
    for answer in figures.common:
        more = f" and {len(answer.people) - MAX_NAMED} more" if len(answer.people) > MAX_NAMED else ""
        lines.append(
            f"  {len(answer.people)}  {answer.question}, {answer.check}: {answer.outcome.replace('_', ' ')}: "
            f"{answer.message}  ({', '.join(answer.people[:MAX_NAMED])}{more})"
        )
    if figures.never:
        lines += ["", "Nobody failed: " + ", ".join(figures.never)]
    lines += [f"Fail for the same people: {', '.join(checks)}" for checks in figures.together]
    return lines


def _distribution(name: str, found: Distribution | None) -> str:
    if found is None:
        return f"{name}: nobody"
    quartiles = f"quartiles {number(found.lower)}, {number(found.median)}, {number(found.upper)}"
    span = f"{number(found.lowest)} to {number(found.highest)}"
    return f"{name}: {found.count} people, {span}, {quartiles}, mean {fixed(found.mean)}"
