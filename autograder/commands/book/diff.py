"""autograder diff: lists the grades that changed since a release."""

from __future__ import annotations

import argparse
import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from autograder.commands import arguments
from autograder.commands.linux import require_linux
from autograder.course.layout import Course
from autograder.errors import UsageError

if TYPE_CHECKING:  # a student's machine has no database
    from autograder.course.model import Assignment
    from autograder.gradebook.facts import Facts, ReleasedGrade
    from autograder.gradebook.settings import Settings
    from autograder.gradebook.store import Book

__all__ = ["add", "run"]

EXAMPLE = """example:
  autograder diff a6 --out graded/
      grades that differ from the last release, and why; exit status 1 if there are any
  autograder diff a6 2 3 --out graded/
      from release 2 to release 3
  autograder diff a6 run4 --out graded/
      changes since the end of run 4: different results of run 5, and later decisions
  autograder diff a6 2022-12-12T09:00 --out graded/
      changes since a point in time
"""

RUN = re.compile(r"run[ :-]?(\d{1,9})", re.IGNORECASE)


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "diff",
        help="list the grades that changed since a release",
        description="Compare the grades at two times: a release, the end of a run, a date and time, or now.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("assignment", metavar="ASSIGNMENT", help="an id (a6) or a folder name")
    parser.add_argument(
        "first", metavar="FROM", nargs="?", help="a release (2), a run (run4) or a date and time (the last release)"
    )
    parser.add_argument("then", metavar="TO", nargs="?", help="the same (now)")
    parser.add_argument("--out", metavar="DIR", type=arguments.path, help="the folder of results that holds the book")
    parser.add_argument("--book", metavar="URL", default="", help="the book's address (DIR/gradebook.db)")
    parser.set_defaults(run=run)


@dataclass(frozen=True)
class _Time:
    """A time to compare: its name, and the grades at that time."""

    name: str
    grades: tuple[ReleasedGrade, ...]


def run(args: argparse.Namespace, console: Console) -> int:
    """Print one line for each person whose grade differs. Returns 0 if there is none, else 1."""
    require_linux("the gradebook")
    from autograder.gradebook.changes import changed
    from autograder.gradebook.settings import Settings
    from autograder.gradebook.store import Book

    course = Course.find(args.course)
    assignment, settings = course.assignment(args.assignment), Settings.read(course)
    with Book.open(settings.book(args.book, args.out), create=False) as book:
        facts = book.sound(book.facts())
        times = _Times(book, facts, settings, assignment)
        first, then = times.of(args.first or times.last), times.of(args.then)
    found = changed(first.grades, then.grades, facts)
    people = {each.student for each in (*first.grades, *then.grades)}
    head = f"{assignment.id}, {first.name} → {then.name}: {len(found)} of {len(people)} differ"
    for line in (head, *(f"  {change}" for change in found)):
        console.print(Text(line), soft_wrap=True)
    return 1 if found else 0


@dataclass(frozen=True)
class _Times:
    """Reads FROM and TO."""

    book: Book
    facts: Facts
    settings: Settings
    assignment: Assignment

    @property
    def last(self) -> str:
        """The last release. Raises UsageError if there is none."""
        releases = self.book.releases(self.assignment.id)
        if not releases:
            raise UsageError(f"{self.assignment.id}: nothing was released yet; `autograder export` makes a release")
        return str(releases[-1].id)

    def of(self, text: str | None) -> _Time:
        """Raises UsageError if there is no such release, run or point in time."""
        if text is None:
            return _Time("now", self._grades(self.facts))
        if text.isdecimal():
            return self._release(int(text))
        if found := RUN.fullmatch(text):
            return self._run(int(found[1]))
        return self._instant(text)

    def _release(self, number: int) -> _Time:
        releases = {release.id: release for release in self.book.releases(self.assignment.id)}
        if number not in releases:
            there = ", ".join(map(str, releases)) or "none"
            raise UsageError(f"release {number}: {self.assignment.id} has {there}")
        release = releases[number]
        return _Time(f"release {number} ({self._when(release.at)}, {release.who})", self.book.released_grades(number))

    def _run(self, number: int) -> _Time:
        runs = {run.id: run for run in self.facts.runs if run.assignment == self.assignment.id}
        if number not in runs:
            raise UsageError(f"run {number}: {self.assignment.id} has {', '.join(map(str, runs)) or 'none'}")
        run, later = runs[number], [run for run in runs.values() if run.id > number]
        facts = self.facts.before(later[0].at, number, later[0].id) if later else self.facts
        return _Time(f"run {number} ({self._when(run.at)}, {run.who})", self._grades(facts))

    def _instant(self, text: str) -> _Time:
        from autograder.gradebook.facts import stamp

        try:
            at = datetime.fromisoformat(text)
            at = at if at.tzinfo else at.replace(tzinfo=self.assignment.due.tzinfo)
            facts = self.facts.before(stamp(at))
        except (ValueError, OverflowError):
            wanted = "a release's number (2), a run's (run4), or an instant (2022-12-12T09:00)"
            raise UsageError(f"found {text[:60]!r}, wanted {wanted}") from None
        return _Time(self._when(stamp(at)), self._grades(facts))

    def _grades(self, facts: Facts) -> tuple[ReleasedGrade, ...]:
        from autograder.gradebook.changes import as_released
        from autograder.gradebook.grades import grades

        own = grades(facts, self.settings.all_terms())
        return as_released([each for each in own if each.assignment == self.assignment.id])

    def _when(self, at: str) -> str:
        """An instant of the book as the course's clock shows it."""
        from autograder.gradebook.facts import moment

        return f"{moment(at).astimezone(self.assignment.due.tzinfo):%Y-%m-%d %H:%M}"
