"""Writes reports to disk. Every file appears completely or not at all.

<out>/index.html                 the class, for the instructor
<out>/term.html                  people by assignments, with the grades from the gradebook
<out>/answers.html               the written answers, question by question, if notebooks were run
<out>/review.html                the queue of submissions that a person reads, if an option asks for it
<out>/review.csv                 the decisions of that person; see `reports.findings.decisions`
<out>/grades.csv                 UTF-8 with a byte-order mark: without it Excel garbles names outside ASCII
<out>/<submission>/report.html   for the student
<out>/<submission>/result.json   everything, for the instructor and for scripts
<out>/<submission>/review.html   the code beside its author's comments, if a person reads it
<out>/<submission>/…             other files from grading (`SubmissionResult.attachments`)
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, TypeAlias

from autograder.course.encodable import encodable
from autograder.course.model import DEVICES, Assignment
from autograder.course.notebook import PAGELESS
from autograder.course.result import SubmissionResult
from autograder.errors import GraderError, UsageError
from autograder.files import clear, private, whole
from autograder.gradebook.wording import PageWords
from autograder.reports import cells
from autograder.reports.files.gradescsv import grades_csv
from autograder.reports.files.term import Standings
from autograder.reports.findings.decisions import DECISIONS, Decisions, Shown, queued
from autograder.reports.findings.rescored import ScoreChange
from autograder.reports.findings.statistics import statistics
from autograder.reports.pages.answers import render_answers
from autograder.reports.pages.classpage import render_class
from autograder.reports.pages.review import render_queue, render_reading
from autograder.reports.pages.student import render_student
from autograder.submission.receive.filename import is_taken

__all__ = [
    "to_confirm",
    "unconfirmed",
    "write_class",
    "write_file",
    "write_reports",
    "write_submission",
    "written_as_is",
]

Unmade: TypeAlias = "list[tuple[str, str]]"  # pages that could not be made, and why
MAX_REASON = 200  # characters
UNMADE = """<!DOCTYPE html>
<html lang="en"><meta charset="utf-8"><title>This page could not be made</title>
<p>This page could not be made. This is not the student's fault. result.json holds all results, and the terminal showed
the reason.</p></html>
"""
ANSWERS = "answers.html"


def write_reports(
    results: Sequence[SubmissionResult],
    assignment: Assignment,
    out: Path,
    failures: Iterable[tuple[str, str]] = (),
) -> Unmade:
    """Write everything about `results` into `out`, created if needed. Returns the pages that could not be made.

    Raises:
        GraderError: a submission's name cannot be a folder's name; then nothing is written.
        UsageError: `out` cannot be written to, as with every function here.
    """
    unmade: Unmade = []
    for result in results:
        _folder(out, result.submission)
    for result in results:
        write_submission(result, assignment, out, unmade)
    write_class(results, assignment, out, failures, unmade=unmade)
    return unmade


def write_submission(
    result: SubmissionResult,
    assignment: Assignment,
    out: Path,
    unmade: Unmade | None = None,
    words: PageWords | None = None,
) -> Path:
    """Write one submission's report.html and, last, its result.json; return their folder.

    A page that cannot be made is replaced by a message; the other pages are still written.

    Because result.json comes last, a folder with a result.json has a finished report. Some pages can only be made while
    grading. If the result was read from this folder, it names these pages but does not hold them, so they stay.

    Args:
        unmade: gets (page, why) for each page that could not be made.
        words: text from the gradebook about the score, for the student.
    """
    folder = _folder(out, result.submission)
    for name in result.attachments:
        _attachment(name)
    for name, page in assignment.pages.items():
        run = (result.notebooks or {}).get(name)
        if run is None or run.outcome in PAGELESS:
            _remove(folder / page)  # made from an earlier submission
    for name, text in result.attachments.items():
        write_file(folder / name, text)
    _page(folder / "report.html", lambda: render_student(result, assignment, words), unmade)
    if not result.reading or not result.reading.questions:
        _remove(folder / "review.html")
    elif any(question.functions[0].lines for question in result.reading.questions):
        _page(folder / "review.html", lambda: render_reading(result, assignment), unmade)
    write_file(folder / "result.json", _result_json(result))
    return folder


def written_as_is(result: SubmissionResult, out: Path) -> bool:
    """True if the result.json of a submission exists and equals this result: nobody has edited it."""
    try:
        return (_folder(out, result.submission) / "result.json").read_bytes() == _result_json(result)
    except OSError:
        return False


def _result_json(result: SubmissionResult) -> bytes:
    facts = replace(result, reading=result.reading.counts() if result.reading else None).to_json()
    del facts["attachments"], facts["sources"]  # the former are files beside it, the latter are in the book
    return encodable(json.dumps(facts, indent=1, allow_nan=False) + "\n").encode()


def write_class(
    results: Sequence[SubmissionResult],
    assignment: Assignment,
    out: Path,
    failures: Iterable[tuple[str, str]] = (),
    changes: Sequence[ScoreChange] = (),
    passed: Sequence[tuple[str, str]] = (),
    unmade: Unmade | None = None,
    shown: Shown | None = None,
    standings: Standings | None = None,
    graded_in: Path | None = None,
) -> Path:
    """Write grades.csv, index.html and the pages that it links to; return index.html.

    Args:
        failures: (submission, why it was not graded).
        changes: the differences of scores from an earlier run.
        passed: (path, why) of skipped files that are not submissions.
        unmade: as for `write_submission`.
        shown: by name, the gradebook's decision on each submission that a person reads.
        standings: the grades of the book; with them, term.html is written too.
        graded_in: the folder of the results, if it is not `out`.
    """
    failures = list(failures)
    with _disk_errors(out):
        for folder in out.iterdir() if out.is_dir() else ():
            clear(folder)  # a killed run may have left something beside pages that are not written again
    write_file(out / "grades.csv", "\ufeff" + grades_csv(results, assignment, failures))
    if any(result.answered for result in results):
        _page(out / ANSWERS, lambda: render_answers(results, assignment), unmade)
    else:
        _remove(out / ANSWERS)
    queue = queued(results, assignment)
    decisions = _write_queue(results, assignment, out, unmade, shown or {}) if queue else Decisions()
    grades = standings.of_class() if standings else None
    if standings:
        _page(out / "term.html", standings.term_page, unmade)
    earlier = standings.earlier() if standings else None
    figures = statistics(results, assignment, standings.before_and_after() if standings else ())
    parts = (failures, decisions, changes, passed, earlier, grades, figures)
    command = to_confirm(graded_in or out, assignment)
    _page(out / "index.html", lambda: render_class(results, assignment, *parts, to_confirm=command), unmade)
    return out / "index.html"


def unconfirmed(out: Path, assignment: Assignment, device: str) -> Path:
    """The path of a file that exists until the reference is graded under the seed of the results in `out`."""
    return out / f".unconfirmed-{assignment.id}-{device}"


def to_confirm(out: Path, assignment: Assignment) -> str:
    """The command that completes a run that ended before the reference was graded under its seed; "" if none did."""
    device = next((device for device in DEVICES if unconfirmed(out, assignment, device).exists()), None)
    if device is None:
        return ""
    return "autograder grade" if device == "cpu" else f"autograder grade --device {device}"


def _write_queue(
    results: Sequence[SubmissionResult], assignment: Assignment, out: Path, unmade: Unmade | None, shown: Shown
) -> Decisions:
    """Write the queue and its table; return the table's content. The file is read again: a person may edit it."""
    try:
        shown = {cells.text(name): each for name, each in shown.items()}
        decisions = Decisions.read(out / DECISIONS).merged(results, assignment).with_book(shown, assignment)
        _write_changed(out / DECISIONS, decisions.encoded())
    except UsageError:  # a person is writing it just now; the next run reports the fault
        decisions = Decisions()
    _page(out / "review.html", lambda: render_queue(results, assignment, decisions), unmade)
    return decisions


def _write_changed(path: Path, content: bytes) -> None:
    if not (path.is_file() and path.read_bytes() == content):
        write_file(path, content)


def _folder(out: Path, submission: str) -> Path:
    """`out/submission`. A name that leads elsewhere is refused: names come from archives that anybody may send."""
    if submission in ("", ".", "..") or is_taken(submission) or any(char in "/\\\0" for char in submission):
        raise GraderError(f"the submission name {submission[:80]!r} cannot be a folder's name")
    return out / submission


def _attachment(name: str) -> None:
    """Refuse a name that is not a plain, unused file name: a result may have crossed a network."""
    if not re.fullmatch(r"[a-z][a-z0-9_-]*\.[a-z]+", name) or name in ("report.html", "result.json", "review.html"):
        raise GraderError(f"{name[:80]!r} cannot be an attachment's name")


def _page(path: Path, make: Callable[[], str], unmade: Unmade | None) -> None:
    """Write the page that `make` returns, or, if it raises, a page that says so."""
    try:
        text = make()
    except Exception as error:  # any error: the content of a submission may cause it
        if unmade is not None:
            unmade.append((f"{path.parent.name}/{path.name}", f"{type(error).__name__}: {error}"[:MAX_REASON]))
        text = UNMADE
    write_file(path, text)


def write_file(path: Path, content: str | bytes) -> None:
    """Write one file, and create its folders if needed. Raises UsageError if that is impossible.

    Text is written as UTF-8; characters that UTF-8 cannot encode are replaced.
    """
    with new_file(path) as file:
        file.write(encodable(content).encode() if isinstance(content, str) else content)


@contextmanager
def new_file(path: Path) -> Iterator[BinaryIO]:
    """A file to write to, with its folders. It appears when the block ends, and not at all if the block raises.

    Raises:
        UsageError: it cannot be written.
    """
    with _disk_errors(path):
        private(path.parent)
        with whole(path) as file:
            yield file


def _remove(path: Path) -> None:
    with _disk_errors(path):
        path.unlink(missing_ok=True)


@contextmanager
def _disk_errors(path: Path) -> Iterator[None]:
    """Turn a full disk or a protected folder into a UsageError: the person who runs this can repair it."""
    try:
        yield
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror or error}") from None
