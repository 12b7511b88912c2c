"""autograder grade: grades a class of submissions, or one submission."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from autograder.commands import arguments
from autograder.commands.class_grading import ClassGrading
from autograder.commands.interrupts import uninterrupted
from autograder.commands.linux import require_linux
from autograder.course.layout import Course
from autograder.course.model import DEVICES, Assignment
from autograder.errors import UsageError
from autograder.phases import measured, phase

if TYPE_CHECKING:  # grading needs Linux, but the command line must also start on a student's machine
    from autograder.grading.batch import Batch, Graders
    from autograder.grading.order import Order
    from autograder.reports.findings.rescored import ScoreChange
    from autograder.submission.receive.inbox import Inbox

__all__ = ["add", "run"]

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
    from autograder.reports import print_class, print_profile

    with measured() as phases:
        with phase("open"):
            inbox = _received(args, assignment)
            began = time.perf_counter()
            grading = ClassGrading.begin(course, assignment, inbox, args, console)
        page: Path = args.out
        changes: tuple[ScoreChange, ...] = ()
        try:
            if grading.batch.missing or grading.unconfirmed.exists():
                _grade(grading, _order(course, grading, args), args, console)
        except KeyboardInterrupt:
            done = f"{len(grading.results)} of {len(inbox.entries)} are finished and kept"
            console.print(f"\nstopped: {done}; run again to continue")
            return 130
        finally:
            if grading.results or grading.troubles:
                with phase("class"), uninterrupted():
                    page, changes = grading.write_class()
    print_class(grading.results, assignment, console, grading.troubles, changes, grading.passed)
    if args.profile:
        print_profile(grading.new, phases.seconds, console)
    for remark in grading.remarks(page, time.perf_counter() - began):
        console.print(Text(remark), soft_wrap=True)
    return 0 if grading.complete else 1


def _order(course: Course, grading: ClassGrading, args: argparse.Namespace) -> Order:
    from autograder.grading.order import Order

    until = time.time() + 60 * args.minutes if args.minutes else None
    run = grading.batch.run
    settings = {"notebooks": args.notebooks, "device": args.device, "unsafe": args.unsafe, "until": until}
    return Order.of(course, grading.assignment, run.seed, grading.inbox.folder, suite=run.suite, **settings)


def _received(args: argparse.Namespace, assignment: Assignment) -> Inbox:
    """The submissions. Raises UsageError if there are none, or if the only one cannot be read."""
    from autograder.submission.receive.inbox import Inbox

    inbox = Inbox.open(args.submissions, assignment, unpack_into=args.out.absolute() / RECEIVED)
    inbox = _beside(inbox, args.submissions, args.out)
    if not args.submissions.is_dir() and len(inbox.entries) == 1:
        inbox.receive(*inbox.entries)
    return inbox


def _require_writable(out: Path) -> None:
    """Raise UsageError if results cannot be written to `out`."""
    there = next(folder for folder in (out.absolute(), *out.absolute().parents) if folder.exists())
    if not there.is_dir():
        raise UsageError(f"--out: {there} is not a folder")
    if not os.access(there, os.W_OK | os.X_OK):
        raise UsageError(f"--out: {there} cannot be written to")


@contextmanager
def _alone(out: Path) -> Iterator[None]:
    """Keep other runs of `grade` out of a folder of results, so that nothing is graded twice. A missing folder is made.

    Raises:
        UsageError: another run uses the folder, or it cannot be made. However a run's process ends, its folder is free
            again.
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
            with suppress(OSError):  # the folder is not empty
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


def _grade(grading: ClassGrading, order: Order, args: argparse.Namespace, console: Console) -> None:
    """Grade the missing submissions. Each result is written at once, so that a stop loses no finished one.

    If none is missing, this only waits for the grading of the reference, which an earlier run did not complete.
    """
    from autograder.grading.batch import Failure
    from autograder.reports import Progress

    batch = grading.batch
    with ExitStack() as stack:
        with phase("start"):
            graders = stack.enter_context(_graders(batch, order, args))
        grading.begin_run()
        known = batch.expected
        expected = {name: known[name] for name in batch.missing}
        with phase("grade"), Progress(len(expected), console, expected=expected, at_once=graders.at_once) as progress:
            for result in batch.grade(graders.grade, graders.executor):
                if grading.unconfirmed.exists() and graders.is_confirmed():
                    grading.end_run()
                if isinstance(result, Failure):
                    grading.troubles.append((result.submission, result.why))
                    progress.failed(result.submission, result.why)
                else:
                    progress.finished(grading.of_this_run(grading.add(result)))
        with phase("reference"), console.status("grading the reference under the seed of this run"):
            graders.confirm()
        grading.end_run()


def _graders(batch: Batch, order: Order, args: argparse.Namespace) -> AbstractContextManager[Graders]:
    """The graders of the submissions: this machine, or a cluster."""
    from autograder.grading import fingerprint
    from autograder.grading.batch import local_graders
    from autograder.grading.order import available_cores

    if args.cluster is None:
        return local_graders(order, args.jobs or available_cores())
    try:
        from autograder.grading import cluster
    except ImportError as error:
        if error.name is None or error.name.partition(".")[0] not in ("distributed", "dask"):
            raise
        raise UsageError("--cluster: Dask is not installed; pip install 'autograder[cluster]'") from None
    submissions = {name: fingerprint.of_submission(path) for name, path in batch.missing.items()}
    return cluster.graders(args.cluster, order, cluster.Expected.on_this_machine(order, submissions))
