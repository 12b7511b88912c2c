"""autograder grade: a class of submissions, or one."""

from __future__ import annotations

import argparse
import json
import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
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

if TYPE_CHECKING:  # grading needs Linux, and the command line must start on a student's machine too
    from autograder.grading.batch import Batch, Grade
    from autograder.reports import Decisions
    from autograder.submission.inbox import Inbox

__all__ = ["add", "run", "uninterrupted"]

EXAMPLE = """example:
  autograder grade a6 submitted/ --out reports/
      grades every zip and folder in submitted/; run again, it continues where it was stopped
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
        "--seed", metavar="S", type=int, help="draw the inputs of an earlier run again; leave it out where it counts"
    )
    parser.add_argument(
        "--device",
        choices=DEVICES,
        default="cpu",
        help="where running times are graded; cuda fills in what an earlier run on a CPU left pending (cpu)",
    )
    parser.add_argument("--regrade", action="store_true", help="grade also what has a result that still holds")
    parser.add_argument(
        "--notebooks", action="store_true", help="run each notebook once too, and keep it as notebook.html (no points)"
    )
    parser.add_argument("--unsafe", action="store_true", help="grade even where this host cannot confine student code")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, console: Console) -> int:
    """Grade, write, print. Returns 0, or 1 where a submission could not be graded through our own fault."""
    require_linux("grading")
    from autograder.grading.batch import Batch, Run
    from autograder.grading.libraries import require_notebooks
    from autograder.reports import DECISIONS, Decisions, print_class, write_class
    from autograder.sandbox.grader.gpu import require_gpu
    from autograder.submission.inbox import Inbox

    course = Course.find(args.course)
    assignment = course.assignment(args.assignment)
    if args.jobs is not None and args.cluster is not None:
        raise UsageError("--jobs: a cluster grades as many at once as its workers have threads")
    if args.notebooks:
        require_notebooks(course, assignment)
    if args.device == "cuda" and args.cluster is None:
        require_gpu()
    inbox = _beside(Inbox.open(args.submissions, assignment), args.submissions, args.out)
    if not args.submissions.is_dir():
        inbox.receive(*inbox.entries)  # named by itself, what cannot be read is a bad argument
    began = time.perf_counter()
    plan = Run.plan(course, assignment, args.out, args.seed)
    settings = {"regrade": args.regrade, "notebooks": args.notebooks, "device": args.device}
    batch = Batch.open(plan, assignment, args.out, inbox, **settings)
    decisions = Decisions.read(args.out / DECISIONS)
    results = list(_kept(batch, assignment, decisions, args.out))
    troubles: list[tuple[str, str]] = []  # (submission, why it was not graded)
    try:
        if batch.missing:
            _grade(course, assignment, batch, args, console, decisions, results, troubles)
    except KeyboardInterrupt:
        console.print(f"\nstopped: {len(results)} of {len(inbox.entries)} are finished and kept; run again to continue")
        return 130
    finally:
        if results or troubles:
            with uninterrupted():
                page = write_class(results, assignment, args.out, troubles)
    print_class(results, assignment, troubles, console)
    if others := [path.parent.name for path in args.out.glob("*/result.json") if path.parent.name not in inbox.entries]:
        whose = "from earlier runs, whose submissions are not here; grades.csv leaves them out"
        console.print(Text(f"also in {args.out}: {len(others)} {whose}"), soft_wrap=True)
    kept = f", {len(batch.kept)} of them kept from before" if batch.kept else ""
    said = f"{len(results)} graded{kept} in {time.perf_counter() - began:.1f} s · {page}"
    console.print(Text(said), soft_wrap=True)
    return 1 if troubles or not all(result.graded for result in results) else 0


def _beside(inbox: Inbox, submissions: Path, out: Path) -> Inbox:
    """The inbox without `out`, which may stand beside the submissions. Raises UsageError where it cannot be."""
    from autograder.grading.batch import RUN_FILE

    there = next(folder for folder in (out.absolute(), *out.absolute().parents) if folder.exists())
    if not there.is_dir():
        raise UsageError(f"--out: {there} is not a folder")
    if not os.access(there, os.W_OK | os.X_OK):
        raise UsageError(f"--out: {there} cannot be written to")
    folder, place = submissions.resolve(), out.resolve()
    if not (folder.is_dir() and place.is_relative_to(folder)):
        return inbox
    ours = not out.exists() or (out / RUN_FILE).exists() or not any(out.iterdir())
    if place.parent != folder or folder in inbox.entries.values() or not ours:
        raise UsageError(f"--out: {out} holds submissions, or lies in one; results go into a folder of their own")
    entries = {name: path for name, path in inbox.entries.items() if path != place}
    if not entries:
        raise UsageError(f"{submissions}: no submissions here but the results in {out.name}")
    return replace(inbox, entries=entries)


def _grade(
    course: Course,
    assignment: Assignment,
    batch: Batch,
    args: argparse.Namespace,
    console: Console,
    decisions: Decisions,
    results: list[SubmissionResult],
    troubles: list[tuple[str, str]],
) -> None:
    """Grade what is missing, writing each result as it comes, so that a stop loses nothing that is finished."""
    from autograder.grading.batch import RUN_FILE, Failure
    from autograder.grading.scoring import reviewed
    from autograder.reports import Progress, write_file, write_submission

    with _graders(course, assignment, batch, args) as (grade, executor):
        write_file(args.out / RUN_FILE, (json.dumps(batch.run.to_json()) + "\n").encode())
        with Progress(len(batch.missing), console) as progress:
            for result in batch.grade(grade, executor):
                if isinstance(result, Failure):
                    troubles.append((result.submission, result.why))
                    progress.failed(result.submission, result.why)
                else:
                    result = reviewed(result, assignment, decisions.scale(result))
                    with uninterrupted():
                        write_submission(result, assignment, args.out)
                        results.append(_slim(result))
                    progress.finished(result)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Ctrl-C counts once this block is done: what is on disk and what the class's pages say of it stay one."""
    held: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: held.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if held and before is not signal.SIG_IGN:
        raise KeyboardInterrupt


def _kept(batch: Batch, assignment: Assignment, decisions: Decisions, out: Path) -> Iterator[SubmissionResult]:
    """Results of an earlier run, on the scale that a person has given them since."""
    from autograder.grading.scoring import reviewed
    from autograder.reports import write_submission

    for result in batch.kept.values():
        now = reviewed(result, assignment, decisions.scale(result))
        if now != result:
            write_submission(now, assignment, out)
        yield _slim(now)


def _graders(
    course: Course, assignment: Assignment, batch: Batch, args: argparse.Namespace
) -> AbstractContextManager[tuple[Grade, Executor]]:
    """What grades, and on how many at once: this machine, or a cluster."""
    from autograder.grading import fingerprint
    from autograder.grading.batch import local_graders

    if args.cluster is None:
        jobs = args.jobs or os.cpu_count() or 1
        settings = {"submissions": args.submissions, "notebooks": args.notebooks, "device": args.device}
        return local_graders(course, assignment, batch.run.seed, jobs, unsafe=args.unsafe, **settings)
    try:
        from autograder.grading import cluster
    except ImportError as error:
        if error.name is None or error.name.partition(".")[0] not in ("distributed", "dask"):
            raise
        raise UsageError("--cluster: Dask is not installed; pip install 'autograder[cluster]'") from None
    order = cluster.Order(
        root=course.root.resolve(),
        assignment=assignment.name,
        suite=batch.run.suite,
        seed=batch.run.seed,
        submissions=args.submissions.resolve(),
        digests={name: fingerprint.of_submission(path) for name, path in batch.missing.items()},
        unsafe=args.unsafe,
        notebooks=args.notebooks,
        device=args.device,
    )
    return cluster.graders(args.cluster, order)


def _slim(result: SubmissionResult) -> SubmissionResult:
    """Without what only result.json needs: the memory of a run does not grow with what submissions print."""
    questions = tuple(
        replace(question, cases=tuple(case.slim() for case in question.cases)) for question in result.questions
    )
    reading = result.reading.counts() if result.reading else None
    return replace(result, questions=questions, attachments={}, reading=reading)
