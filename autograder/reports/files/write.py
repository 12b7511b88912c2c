"""Reports on disk: every file appears whole or not at all.

<out>/index.html                 the class, for the instructor
<out>/term.html                  people by assignments, where the gradebook says what became of the scores
<out>/answers.html               the written answers, where notebooks were run: question by question
<out>/review.html                the queue of what a person is to read, where an option says so
<out>/review.csv                 what that person decides; see `reports.decisions`
<out>/grades.csv                 UTF-8 with a byte-order mark: without it Excel garbles names outside ASCII
<out>/<submission>/report.html   for the student
<out>/<submission>/result.json   everything, for the instructor and for scripts
<out>/<submission>/review.html   the code beside its author's comments, where a person is to read it
<out>/<submission>/…             what else grading made of it (`SubmissionResult.attachments`)
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeAlias

from autograder.course.encodable import encodable
from autograder.course.model import Assignment
from autograder.course.notebook import PAGELESS
from autograder.course.result import SubmissionResult
from autograder.errors import GraderError, UsageError
from autograder.files import whole
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

__all__ = ["write_class", "write_file", "write_reports", "write_submission", "written_as_is"]

Unmade: TypeAlias = "list[tuple[str, str]]"  # pages that could not be made, and why
MAX_REASON = 200  # characters
UNMADE = """<!DOCTYPE html>
<html lang="en"><meta charset="utf-8"><title>This page could not be made</title>
<p>This page could not be made, through no fault of a student: result.json holds all that is known, and the terminal
said why.</p></html>
"""
ANSWERS = "answers.html"
OURS = ("index.html", "term.html", "grades.csv", ANSWERS, "review.html", DECISIONS)


def write_reports(
    results: Sequence[SubmissionResult],
    assignment: Assignment,
    out: Path,
    failures: Iterable[tuple[str, str]] = (),
) -> Unmade:
    """Write everything on `results` below `out`, which is made where it is missing; what no page could be made of.

    Raises:
        GraderError: a submission name that can't be a folder's name; nothing is written then.
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
    told: PageWords | None = None,
) -> Path:
    """Write one submission's report.html and, last, its result.json; return their folder.

    A page that cannot be made says so, and takes no other along.

    Whoever finds a result.json finds a finished report beside it. Pages that only a grading can make stay where the
    result was read from there: it says that they were made, and does not hold them.

    Args:
        unmade: takes up (page, why) of a page that could not be made.
        told: what the gradebook says of the score, for the student.
    """
    folder = _folder(out, result.submission)
    for name in result.attachments:
        _attachment(name)
    for name, page in assignment.pages.items():
        run = (result.notebooks or {}).get(name)
        if run is None or run.outcome in PAGELESS:
            _remove(folder / page)  # made of what was handed in before
    for name, text in result.attachments.items():
        write_file(folder / name, text)
    _page(folder / "report.html", lambda: render_student(result, assignment, told), unmade)
    if not result.reading or not result.reading.questions:
        _remove(folder / "review.html")
    elif any(question.functions[0].lines for question in result.reading.questions):
        _page(folder / "review.html", lambda: render_reading(result, assignment), unmade)
    write_file(folder / "result.json", _result_json(result))
    return folder


def written_as_is(result: SubmissionResult, out: Path) -> bool:
    """Whether the result.json of a submission is there and says what this result says: nobody has edited it."""
    try:
        return (_folder(out, result.submission) / "result.json").read_bytes() == _result_json(result)
    except OSError:
        return False


def _result_json(result: SubmissionResult) -> bytes:
    facts = replace(result, reading=result.reading.counts() if result.reading else None).to_json()
    del facts["attachments"], facts["sources"]  # those lie beside it, these stand in the book
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
) -> Path:
    """Write grades.csv, index.html and what it links to; return index.html.

    Args:
        failures: (submission, why it was not graded).
        changes: how scores differ from an earlier run's.
        passed: (path, why) of what lies beside the submissions and is none.
        unmade: as of `write_submission`.
        shown: what the gradebook says of each submission that a person reads, by name.
        standings: what became of the scores; with it, term.html is written too.
    """
    failures = list(failures)
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
    page = partial(render_class, results, assignment, failures, decisions, changes, passed, earlier, grades, figures)
    _page(out / "index.html", page, unmade)
    return out / "index.html"


def _write_queue(
    results: Sequence[SubmissionResult], assignment: Assignment, out: Path, unmade: Unmade | None, shown: Shown
) -> Decisions:
    """Write the queue and its table, read afresh: a person may have written into it meanwhile. Return what it holds."""
    try:
        shown = {cells.text(name): each for name, each in shown.items()}
        decisions = Decisions.read(out / DECISIONS).with_book(shown)
        _write_changed(out / DECISIONS, ("\ufeff" + encodable(decisions.merged(results, assignment))).encode())
    except UsageError:  # half-written just now: it is theirs, and the next run will say what is wrong with it
        decisions = Decisions()
    _page(out / "review.html", lambda: render_queue(results, assignment, decisions), unmade)
    return decisions


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


def _page(path: Path, make: Callable[[], str], unmade: Unmade | None) -> None:
    """Write the page that `make` makes, or where it raises one that says so."""
    try:
        text = make()
    except Exception as error:  # of whatever kind: what a submission holds has made it
        if unmade is not None:
            unmade.append((f"{path.parent.name}/{path.name}", f"{type(error).__name__}: {error}"[:MAX_REASON]))
        text = UNMADE
    write_file(path, text)


def write_file(path: Path, content: str | bytes) -> None:
    """Write one file, and the folders around it where they are missing. Raises UsageError where that cannot be.

    Text is written as UTF-8, here and nowhere else; what cannot be is replaced.
    """
    if isinstance(content, str):
        content = encodable(content).encode()
    with _told(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole(path) as file:
            file.write(content)


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
