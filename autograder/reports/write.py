"""Reports on disk: every file appears whole or not at all.

<out>/index.html                 the class, for the instructor
<out>/answers.html               the written answers, where notebooks were run: question by question
<out>/review.html                the queue of what a person is to read, where an option says so
<out>/review.csv                 what that person decides; see `reports.decisions`
<out>/run.json                   what the next run needs to know of this one (`grading.batch.Run`)
<out>/grades.csv                 UTF-8 with a byte-order mark: without it Excel garbles names outside ASCII
<out>/<submission>/report.html   for the student
<out>/<submission>/result.json   everything, for the instructor and for scripts
<out>/<submission>/review.html   the code beside its author's comments, where a person is to read it
<out>/<submission>/…             what else grading made of it (`SubmissionResult.attachments`)
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from autograder.course.model import Assignment
from autograder.course.notebook import NotebookOutcome
from autograder.course.result import SubmissionResult
from autograder.errors import GraderError, UsageError
from autograder.reports.answers import render_answers
from autograder.reports.classpage import render_class
from autograder.reports.decisions import DECISIONS, Decisions, queued
from autograder.reports.gradescsv import grades_csv
from autograder.reports.review import render_queue, render_reading
from autograder.reports.student import render_student

__all__ = ["write_class", "write_file", "write_reports", "write_submission"]

NOTEBOOK, ANSWERS = "notebook.html", "answers.html"
PAGELESS = (NotebookOutcome.MISSING, NotebookOutcome.UNREADABLE)
OURS = ("index.html", "grades.csv", ANSWERS, "review.html", DECISIONS)


def write_reports(
    results: Sequence[SubmissionResult],
    assignment: Assignment,
    out: Path,
    failures: Iterable[tuple[str, str]] = (),
) -> None:
    """Write everything on `results` below `out`, which is made where it is missing.

    Raises:
        GraderError: a submission name that can't be a folder's name; nothing is written then.
        UsageError: `out` cannot be written to, as with every function here.
    """
    for result in results:
        _folder(out, result.submission)
    for result in results:
        write_submission(result, assignment, out)
    write_class(results, assignment, out, failures)


def write_submission(result: SubmissionResult, assignment: Assignment, out: Path) -> Path:
    """Write one submission's report.html and, last, its result.json; return their folder.

    Whoever finds a result.json finds a finished report beside it. Pages that only a grading can make stay where the
    result was read from there: it says that they were made, and does not hold them.
    """
    folder = _folder(out, result.submission)
    for name in result.attachments:
        _attachment(name)
    if result.notebook is None or result.notebook.outcome in PAGELESS:
        _remove(folder / NOTEBOOK)  # made of what was handed in before
    for name, text in result.attachments.items():
        write_file(folder / name, text.encode("utf-8", "replace"))
    write_file(folder / "report.html", render_student(result, assignment).encode())
    if not result.reading or not result.reading.questions:
        _remove(folder / "review.html")
    elif any(question.functions[0].lines for question in result.reading.questions):
        write_file(folder / "review.html", render_reading(result, assignment).encode())
    facts = replace(result, reading=result.reading.counts() if result.reading else None).to_json()
    del facts["attachments"]  # they lie beside it
    write_file(folder / "result.json", (json.dumps(facts, indent=1, allow_nan=False) + "\n").encode())
    return folder


def write_class(
    results: Sequence[SubmissionResult],
    assignment: Assignment,
    out: Path,
    failures: Iterable[tuple[str, str]] = (),
) -> Path:
    """Write grades.csv and index.html; return the latter. `failures` are (submission, why it was not graded)."""
    failures = list(failures)
    write_file(out / "grades.csv", grades_csv(results, assignment, failures).encode("utf-8-sig"))
    if any(result.notebook and result.notebook.answers for result in results):
        write_file(out / ANSWERS, render_answers(results, assignment).encode())
    else:
        _remove(out / ANSWERS)
    if queued(results, assignment):
        _write_queue(results, assignment, out)
    write_file(out / "index.html", render_class(results, assignment, failures).encode())
    return out / "index.html"


def _write_queue(results: Sequence[SubmissionResult], assignment: Assignment, out: Path) -> None:
    """The queue and its table, read afresh: a person may have written into it meanwhile."""
    try:
        decisions = Decisions.read(out / DECISIONS)
        _write_changed(out / DECISIONS, decisions.merged(results, assignment).encode("utf-8-sig"))
    except UsageError:  # half-written just now: it is theirs, and the next run will say what is wrong with it
        decisions = Decisions()
    write_file(out / "review.html", render_queue(results, assignment, decisions).encode())


def _write_changed(path: Path, content: bytes) -> None:
    if not (path.is_file() and path.read_bytes() == content):
        write_file(path, content)


def _folder(out: Path, submission: str) -> Path:
    """`out/submission`, refused unless it lies directly in `out`: names come from archives that anyone may send."""
    if submission in ("", ".", "..", *OURS) or any(char in "/\\\0" for char in submission):
        raise GraderError(f"the submission name {submission[:80]!r} cannot be a folder's name")
    return out / submission


def _attachment(name: str) -> None:
    """Refuse what is not a plain file's name of its own: a result may have crossed a network."""
    if not re.fullmatch(r"[a-z][a-z0-9_-]*\.[a-z]+", name) or name in ("report.html", "result.json", "review.html"):
        raise GraderError(f"{name[:80]!r} cannot be an attachment's name")


def write_file(path: Path, content: bytes) -> None:
    """Write one file, and the folders around it where they are missing. Raises UsageError where that cannot be."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with _told(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("xb") as file:
                file.write(content)
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


def _remove(path: Path) -> None:
    with _told(path):
        path.unlink(missing_ok=True)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """A full disk, a folder that may not be written to: whoever runs this can mend it."""
    try:
        yield
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror or error}") from None
