"""The grading of one class: opens its gradebook, keeps its results so far, and writes the pages of the class."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from autograder.commands.interrupts import uninterrupted
from autograder.course.layout import Course
from autograder.course.model import DEVICES, Assignment
from autograder.course.result import SubmissionResult
from autograder.phases import phase

if TYPE_CHECKING:  # grading needs Linux, but the command line must also start on a student's machine
    from autograder.gradebook.settings import Settings
    from autograder.gradebook.store import Book
    from autograder.grading.batch import Batch
    from autograder.grading.recording import Recorder
    from autograder.reports.findings.rescored import ScoreChange
    from autograder.submission.receive.inbox import Inbox

__all__ = ["ClassGrading"]


@dataclass
class ClassGrading:
    """The grading of a class: its folders, its gradebook, and the results so far. Each result is on disk.

    Attributes:
        troubles: submissions that could not be graded: (submission, why).
        unmade: pages that could not be made: (page, why).
    """

    assignment: Assignment
    out: Path
    inbox: Inbox
    settings: Settings
    book: Book
    batch: Batch
    recorder: Recorder
    device: str
    results: list[SubmissionResult] = field(default_factory=list)
    troubles: list[tuple[str, str]] = field(default_factory=list)
    unmade: list[tuple[str, str]] = field(default_factory=list)

    @classmethod
    def begin(
        cls, course: Course, assignment: Assignment, inbox: Inbox, args: argparse.Namespace, console: Console
    ) -> ClassGrading:
        """Open the gradebook, and take over the results of earlier runs that are still valid."""
        from autograder.gradebook.settings import Settings
        from autograder.gradebook.store import Book
        from autograder.grading.batch import Batch, GradingRun
        from autograder.grading.recording import Recorder, newest_run, read_in, stored_in
        from autograder.reports import DECISIONS, Decisions

        settings = Settings.read(course)
        settings.terms(assignment)
        Decisions.read(args.out / DECISIONS)  # an invalid cell ends the command before anything is written
        book = Book.open(settings.book(args.book, args.out))
        if book.network:
            warning = f"{book.address} is on {book.network}, where SQLite's locks do not work; use PostgreSQL: --book"
            console.print(Text(warning), soft_wrap=True)
        if before := read_in(book, assignment, args.out):
            console.print(Text(f"{before} older results were read into the gradebook"), soft_wrap=True)
        plan = GradingRun.plan(course, assignment, args.seed, newest_run(book, assignment))
        options = {
            "regrade": args.regrade,
            "notebooks": args.notebooks,
            "device": args.device,
            "unsafe": args.unsafe,
        }
        batch = Batch.open(plan, assignment, args.out, inbox, stored_in(book, assignment), **options)
        recorder = Recorder.open(book, assignment, plan, fresh=args.regrade)
        begun = cls(assignment, args.out, inbox, settings, book, batch, recorder, args.device)
        begun._keep()
        return begun

    @property
    def passed(self) -> list[tuple[str, str]]:
        """Files that are no submissions: (file, why)."""
        return [(each.name, each.why) for each in self.inbox.passed]

    @property
    def new(self) -> list[SubmissionResult]:
        """The results of this run, with the seconds of this run only."""
        return [self.of_this_run(result) for result in self.results if result.submission not in self.batch.kept]

    @property
    def complete(self) -> bool:
        """True if everything is graded, and no skipped file may be somebody's work."""
        unclear = any(each.work for each in self.inbox.passed)
        return not (self.troubles or self.unmade or unclear) and all(result.graded for result in self.results)

    @property
    def unconfirmed(self) -> Path:
        """The path of a file that exists until the reference is graded under the seed of the results."""
        from autograder.reports import unconfirmed

        return unconfirmed(self.out, self.assignment, self.device)

    def begin_run(self) -> None:
        """Record that results follow, and that their reference is not graded yet."""
        from autograder.reports import unconfirmed

        self.recorder.run  # noqa: B018  the run and its seed are in the book from here on
        if not (self.batch.kept or self.batch.partial):  # runs with other devices left no valid results here
            for device in DEVICES:
                unconfirmed(self.out, self.assignment, device).unlink(missing_ok=True)
        self.unconfirmed.touch()

    def end_run(self) -> None:
        """Record that the reference had full marks under the seed of these results."""
        self.unconfirmed.unlink(missing_ok=True)

    def of_this_run(self, result: SubmissionResult) -> SubmissionResult:
        """The result with the seconds of this run only: an earlier run may have begun it."""
        before = self.batch.partial.get(result.submission)
        if before is None:
            return result
        phases = {name: took - before.phase_seconds.get(name, 0.0) for name, took in result.phase_seconds.items()}
        return replace(result, seconds=result.seconds - before.seconds, phase_seconds=phases)

    def _keep(self) -> None:
        """Add the valid results of an earlier run, each on the scale that a person has set since then.

        Their pages are written again if result.json differs from the gradebook.
        """
        from autograder.grading.recording import enter_sheet
        from autograder.reports import DECISIONS, written_as_is

        batch = self.batch
        for result in batch.kept.values():
            self.recorder.keep(result, self.inbox.came(result.submission))
        if (self.out / DECISIONS).exists():
            for name in batch.before.keys() - batch.kept.keys():
                self.recorder.expect(batch.prints[name], batch.before[name].info, self.inbox.came(name))
            enter_sheet(self.book, self.assignment, self.out)
        for result in batch.kept.values():
            now = self._reviewed(result)
            changed = now != result or result.info != batch.before[result.submission].info
            self._take(now, write=changed or not written_as_is(now, self.out))

    def add(self, result: SubmissionResult) -> SubmissionResult:
        """Write a result; returns it with its scale applied. Ctrl-C takes effect afterwards."""
        with phase("write"), uninterrupted():
            self.recorder.add(result, self.inbox.came(result.submission))
            result = self._reviewed(result)
            self._take(result, write=True)
        return result

    def write_class(self) -> tuple[Path, tuple[ScoreChange, ...]]:
        """Write grades.csv and the pages of the class. Returns the class page, and scores that differ from before."""
        from autograder.grading.recording import shown_in_sheet, write_words
        from autograder.reports import score_changes, write_class
        from autograder.reports.files.term import Standings

        changes = score_changes(self.batch.before, self.results)
        facts = self.book.facts()
        standings = Standings(facts, self.settings, self.assignment)
        write_words(self.book, standings, self.out)
        more = (self.troubles, changes, self.passed, self.unmade, shown_in_sheet(facts, self.assignment), standings)
        return write_class(self.results, self.assignment, self.out, *more), changes

    def remarks(self, page: Path, seconds: float) -> Iterator[str]:
        """The last lines in the terminal."""
        from autograder.reports.text import line

        for name, why in self.unmade:
            yield f"page not made: {line(name)}  {line(why)}"
        written = [path.parent.name for path in self.out.glob("*/result.json")]
        if others := [name for name in written if name not in self.inbox.entries]:
            whose = f"{len(others)} result{'s' * (len(others) > 1)} of earlier runs without a submission here"
            yield f"also in {self.out}: {whose}; grades.csv leaves them out"
        kept = f", {len(self.batch.kept)} of them kept from before" if self.batch.kept else ""
        yield f"{len(self.results)} graded{kept} in {seconds:.1f} s · {page}"

    def _reviewed(self, result: SubmissionResult) -> SubmissionResult:
        from autograder.grading.scoring import reviewed

        result = replace(result, info=self.recorder.info(result))
        return reviewed(result, self.assignment, self.recorder.scale(result.submission))

    def _take(self, result: SubmissionResult, write: bool) -> None:
        from autograder.reports import write_submission

        if write:
            write_submission(result, self.assignment, self.out, self.unmade)
        self.results.append(_slim(result))


def _slim(result: SubmissionResult) -> SubmissionResult:
    """The result without the parts that only result.json needs, so that printed text of submissions takes no memory."""
    questions = tuple(
        replace(question, cases=tuple(case.slim() for case in question.cases)) for question in result.questions
    )
    reading = result.reading.counts() if result.reading else None
    return replace(result, questions=questions, attachments={}, reading=reading, sources={})
