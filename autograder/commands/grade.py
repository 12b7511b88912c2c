"""autograder grade: grades a class of submissions, or one submission."""

from __future__ import annotations

import argparse
import os
import signal
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from autograder.commands import arguments
from autograder.commands.linux import require_linux
from autograder.course.layout import Course
from autograder.course.model import DEVICES, Assignment
from autograder.course.result import SubmissionResult
from autograder.errors import UsageError

if TYPE_CHECKING:  # grading needs Linux, but the command line must also start on a student's machine
    from autograder.grading.batch import Batch, Graders
    from autograder.grading.order import Order
    from autograder.grading.recording import Recorder
    from autograder.submission.receive.inbox import Inbox

__all__ = ["add", "run", "uninterrupted"]

RECEIVED = ".received"  # in the folder of results: the submissions unpacked from a class's archive
EXAMPLE = """example:
  autograder grade a6 submitted/ --out reports/
      grades every zip and folder in submitted/; after a stop, the same command continues
"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "grade",
        help="grade a folder of zips and folders, or one of either",
        description="Grade submissions with the hidden checks and write grades, results and reports.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("assignment", metavar="ASSIGNMENT", help="an id (a6) or a folder name")
    parser.add_argument(
        "submissions", metavar="SUBMISSIONS", type=arguments.path, help="folder of zips and folders, or one"
    )
    parser.add_argument("--out", metavar="DIR", type=arguments.path, required=True, help="where results and reports go")
    parser.add_argument(
        "--jobs", metavar="N", type=arguments.count, help="submissions at once (as many as there are cores)"
    )
    parser.add_argument(
        "--cluster", metavar="ADDRESS", help="grade on the Dask cluster of this scheduler, tcp://HOST:8786"
    )
    parser.add_argument(
        "--seed",
        metavar="S",
        type=int,
        help="draw the inputs of an earlier run again; for a real grading, leave it out",
    )
    parser.add_argument(
        "--device",
        choices=DEVICES,
        default="cpu",
        help="where running times are graded; cuda grades the cases that an earlier run on a CPU left pending (cpu)",
    )
    parser.add_argument("--regrade", action="store_true", help="also grade submissions whose result is still valid")
    parser.add_argument(
        "--notebooks", action="store_true", help="run each notebook once too, and keep it as notebook.html (no points)"
    )
    parser.add_argument(
        "--minutes",
        metavar="N",
        type=arguments.minutes,
        help="end after N minutes; undecided checks are then pending, and the next run decides them",
    )
    parser.add_argument("--book", metavar="URL", default="", help="where the gradebook is (DIR/gradebook.db)")
    parser.add_argument("--profile", action="store_true", help="print the time of each phase")
    parser.add_argument("--unsafe", action="store_true", help="grade even if this host cannot confine student code")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, console: Console) -> int:
    """Grade, write, print.

    Returns 0, or 1 if a fault of the grader left a submission ungraded, or if a skipped file may be somebody's work.
    """
    require_linux("grading")
    from autograder.grading.libraries import require_notebooks
    from autograder.sandbox.grader.gpu import require_gpu

    course = Course.find(args.course)
    assignment = course.assignment(args.assignment)
    if args.jobs is not None and args.cluster is not None:
        raise UsageError("--jobs: not with --cluster: there the number of the workers' threads decides")
    if args.notebooks:
        require_notebooks(course, assignment)
    if args.device == "cuda" and args.cluster is None:
        require_gpu()
    _require_writable(args.out)
    with _alone(args.out):
        return _run(course, assignment, args, console)


def _run(course: Course, assignment: Assignment, args: argparse.Namespace, console: Console) -> int:
    from autograder.gradebook.settings import Settings
    from autograder.gradebook.store import Book
    from autograder.grading.batch import Batch, GradingRun
    from autograder.grading.order import Order
    from autograder.grading.recording import (
        Recorder,
        enter_sheet,
        newest_run,
        read_in,
        shown_in_sheet,
        stored_in,
        write_words,
    )
    from autograder.reports import DECISIONS, Decisions, print_class, print_profile, score_changes, write_class
    from autograder.reports.files.term import Standings
    from autograder.reports.text import line
    from autograder.submission.receive.inbox import Inbox

    inbox = Inbox.open(args.submissions, assignment, unpack_into=args.out.absolute() / RECEIVED)
    inbox = _beside(inbox, args.submissions, args.out)
    if not args.submissions.is_dir() and len(inbox.entries) == 1:
        inbox.receive(*inbox.entries)  # a single unreadable submission is a bad argument
    began = time.perf_counter()
    told = Settings.read(course)
    told.terms(assignment)
    Decisions.read(args.out / DECISIONS)  # an invalid cell ends the command before anything is written
    book = Book.open(told.book(args.book, args.out))
    if book.network:
        warning = f"{book.address} is on {book.network}, where SQLite's locks do not work; use PostgreSQL: --book"
        console.print(Text(warning), soft_wrap=True)
    if before := read_in(book, assignment, args.out):
        console.print(Text(f"{before} older results were read into the gradebook"), soft_wrap=True)
    plan = GradingRun.plan(course, assignment, args.seed, newest_run(book, assignment))
    settings = {"regrade": args.regrade, "notebooks": args.notebooks, "device": args.device}
    batch = Batch.open(plan, assignment, args.out, inbox, stored_in(book, assignment), **settings)
    recorder = Recorder.open(book, assignment, plan, fresh=args.regrade)
    for result in batch.kept.values():
        recorder.keep(result, inbox.came(result.submission))
    if (args.out / DECISIONS).exists():
        for name in batch.before.keys() - batch.kept.keys():
            recorder.expect(batch.prints[name], batch.before[name].info, inbox.came(name))
        enter_sheet(book, assignment, args.out)
    until = time.time() + 60 * args.minutes if args.minutes else None
    settings = {"notebooks": args.notebooks, "device": args.device, "unsafe": args.unsafe, "until": until}
    order = Order.of(course, assignment, plan.seed, inbox.folder, **settings)
    graded = _Graded(assignment, args.out, recorder, inbox)
    graded.keep(batch)
    passed = [(each.name, each.why) for each in inbox.passed]
    unclear = any(each.work for each in inbox.passed)
    try:
        if batch.missing:
            _grade(batch, order, args, console, graded)
    except KeyboardInterrupt:
        console.print(
            f"\nstopped: {len(graded.results)} of {len(inbox.entries)} are finished and kept; run again to continue"
        )
        return 130
    finally:
        results, troubles = graded.results, graded.troubles
        if results or troubles:
            with uninterrupted():
                changes = score_changes(batch.before, results)
                facts = book.facts()
                standings = Standings(facts, told, assignment)
                write_words(book, standings, args.out)
                shown = shown_in_sheet(facts, assignment)
                more = (troubles, changes, passed, graded.unmade, shown, standings)
                page = write_class(results, assignment, args.out, *more)
    print_class(results, assignment, troubles, console, changes, passed)
    if args.profile:
        print_profile([result for result in results if result.submission not in batch.kept], graded.started, console)
    for name, why in graded.unmade:
        console.print(Text(f"page not made: {line(name)}  {line(why)}"), soft_wrap=True)
    if others := [path.parent.name for path in args.out.glob("*/result.json") if path.parent.name not in inbox.entries]:
        whose = f"{len(others)} result{'s' * (len(others) > 1)} of earlier runs without a submission here"
        console.print(Text(f"also in {args.out}: {whose}; grades.csv leaves them out"), soft_wrap=True)
    kept = f", {len(batch.kept)} of them kept from before" if batch.kept else ""
    said = f"{len(results)} graded{kept} in {time.perf_counter() - began:.1f} s · {page}"
    console.print(Text(said), soft_wrap=True)
    return 1 if troubles or graded.unmade or unclear or not all(result.graded for result in results) else 0


def _require_writable(out: Path) -> None:
    """Raise UsageError if results cannot be written to `out`."""
    there = next(folder for folder in (out.absolute(), *out.absolute().parents) if folder.exists())
    if not there.is_dir():
        raise UsageError(f"--out: {there} is not a folder")
    if not os.access(there, os.W_OK | os.X_OK):
        raise UsageError(f"--out: {there} cannot be written to")


@contextmanager
def _alone(out: Path) -> Iterator[None]:
    """Keep other runs of `grade` out of a folder of results, which is made if needed: two would grade everything twice.

    Raises:
        UsageError: another run is there, or the folder cannot be made. The end of a run's process, of any kind, frees
            the folder.
    """
    import fcntl

    from autograder.files import private

    try:
        private(out)
        folder = os.open(out, os.O_RDONLY)
    except OSError as error:
        raise UsageError(f"--out: {out} cannot be written to: {error.strerror}") from None
    try:
        with suppress(OSError):  # a file system without locks
            try:
                fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise UsageError(f"--out: another `autograder grade` writes into {out}; wait for its end") from None
        try:
            yield
        finally:
            with suppress(OSError):  # it holds something
                out.rmdir()
    finally:
        os.close(folder)


def _beside(inbox: Inbox, submissions: Path, out: Path) -> Inbox:
    """The inbox without `out`, which may be in the folder of submissions. Raises UsageError if `out` is not allowed."""
    folder, place = submissions.resolve(), out.resolve()
    if not (folder.is_dir() and place.is_relative_to(folder)):
        return inbox
    if place.parent != folder or folder in inbox.entries.values() or not _is_ours(out):
        raise UsageError(f"--out: {out} holds submissions, or is inside one; use a separate folder for results")
    unpacked = place / RECEIVED
    entries = {
        name: path
        for name, path in inbox.entries.items()
        if not path.is_relative_to(place) or path.is_relative_to(unpacked)
    }
    if not entries:
        raise UsageError(f"{submissions}: no submissions here, only the results in {out.name}")
    passed = (each for each in inbox.passed if each.name.split("/")[0] != out.name)
    return replace(inbox, entries=entries, passed=tuple(passed))


def _is_ours(out: Path) -> bool:
    """True if a folder holds results, or only files of a run that was killed early: a book, a page, hidden files."""
    from autograder.gradebook.opening import FILE
    from autograder.grading.recording import has_results

    if not out.exists() or has_results(out) or (out / FILE).is_file():
        return True
    names = [path.name for path in out.iterdir() if not path.name.startswith(".")]
    return not names or next(out.glob("*/report.html"), None) is not None


@dataclass
class _Graded:
    """Results that are on disk, and submissions that could not be graded: (submission, why)."""

    assignment: Assignment
    out: Path
    recorder: Recorder
    inbox: Inbox
    results: list[SubmissionResult] = field(default_factory=list)
    troubles: list[tuple[str, str]] = field(default_factory=list)
    unmade: list[tuple[str, str]] = field(default_factory=list)  # pages that could not be made, and why
    started: float = 0.0  # seconds until the first submission could be graded

    def keep(self, batch: Batch) -> None:
        """Add the valid results of an earlier run, each with the scale that a person has set in the meantime.

        Their pages are written again if result.json differs from the gradebook.
        """
        from autograder.reports import written_as_is

        for result in batch.kept.values():
            now = self._reviewed(result)
            changed = now != result or result.info != batch.before[result.submission].info
            self._take(now, write=changed or not written_as_is(now, self.out))

    def add(self, result: SubmissionResult) -> SubmissionResult:
        """Write a result; returns it with its scale applied. Ctrl-C takes effect afterwards."""
        with uninterrupted():
            self.recorder.add(result, self.inbox.came(result.submission))
            result = self._reviewed(result)
            self._take(result, write=True)
        return result

    def _reviewed(self, result: SubmissionResult) -> SubmissionResult:
        from autograder.grading.scoring import reviewed

        result = replace(result, info=self.recorder.info(result))
        return reviewed(result, self.assignment, self.recorder.scale(result.submission))

    def _take(self, result: SubmissionResult, write: bool) -> None:
        from autograder.reports import write_submission

        if write:
            write_submission(result, self.assignment, self.out, self.unmade)
        self.results.append(_slim(result))


def _grade(batch: Batch, order: Order, args: argparse.Namespace, console: Console, graded: _Graded) -> None:
    """Grade the missing submissions. Each result is written at once, so that a stop loses no finished one."""
    from autograder.grading.batch import Failure
    from autograder.reports import Progress

    began = time.perf_counter()
    with _graders(batch, order, args) as graders:
        graded.started = time.perf_counter() - began
        graded.recorder.run  # noqa: B018  the run and its seed are in the book from here on
        expected = {name: batch.expected[name] for name in batch.missing}
        with Progress(len(expected), console, expected=expected) as progress:
            for result in batch.grade(graders.grade, graders.executor):
                if isinstance(result, Failure):
                    graded.troubles.append((result.submission, result.why))
                    progress.failed(result.submission, result.why)
                else:
                    progress.finished(graded.add(result))
        with console.status("grading the reference under the seed of this run"):
            graders.confirm()


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Delay Ctrl-C until the end of this block, so that the results on disk and the class's pages agree."""
    held: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: held.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if held and before is not signal.SIG_IGN:
        raise KeyboardInterrupt


def _graders(batch: Batch, order: Order, args: argparse.Namespace) -> AbstractContextManager[Graders]:
    """The graders of the submissions: this machine, or a cluster."""
    from autograder.grading import fingerprint
    from autograder.grading.batch import local_graders

    if args.cluster is None:
        return local_graders(order, args.jobs or os.cpu_count() or 1)
    try:
        from autograder.grading import cluster
    except ImportError as error:
        if error.name is None or error.name.partition(".")[0] not in ("distributed", "dask"):
            raise
        raise UsageError("--cluster: Dask is not installed; pip install 'autograder[cluster]'") from None
    submissions = {name: fingerprint.of_submission(path) for name, path in batch.missing.items()}
    return cluster.graders(args.cluster, order, cluster.Expected(batch.run.suite, submissions))


def _slim(result: SubmissionResult) -> SubmissionResult:
    """The result without the parts that only result.json needs, so that printed text of submissions takes no memory."""
    questions = tuple(
        replace(question, cases=tuple(case.slim() for case in question.cases)) for question in result.questions
    )
    reading = result.reading.counts() if result.reading else None
    return replace(result, questions=questions, attachments={}, reading=reading, sources={})
