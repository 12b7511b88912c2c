"""Anonymous pages: codes for people and submissions, in a different order."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from autograder.course.model import Assignment
from autograder.course.result import SubmissionInfo, SubmissionResult
from autograder.exports.naming import Naming
from autograder.gradebook.facts import Facts, StoredSubmission
from autograder.gradebook.settings import Settings
from autograder.gradebook.store import Book
from autograder.grading.recording import results
from autograder.reports import write_class, write_submission
from autograder.reports.files.term import Standings

__all__ = ["nameless", "write_nameless"]


def nameless(result: SubmissionResult, submission: StoredSubmission, facts: Facts, naming: Naming) -> SubmissionResult:
    """A result with codes, and without the parts that could name somebody: notes, file names, code and its comments."""
    members = sorted((each for each in facts.members if each.submission == submission.id), key=lambda each: each.place)
    codes = [naming.id(each.student) for each in members if each.student]
    info = SubmissionInfo(
        submission=naming.of(submission),
        id=codes[0] if codes else "",
        option=result.info.option,
        members=tuple((code, "") for code in codes[1:]),
        submitted_at=result.info.submitted_at,
        late=result.info.late,
    )
    bare = replace(naming.result(result, submission), info=info, attachments={}, sources={}, fingerprint="")
    return replace(bare, notebooks=None, integrity=None, reading=None)


def write_nameless(
    book: Book, settings: Settings, assignment: Assignment, out: Path, unmade: list[tuple[str, str]]
) -> Path:
    """Write students' pages, grades.csv, the class's and the term's page into a new folder; return the class page."""
    facts = book.facts()
    naming = Naming(facts, anonymous=True)
    standings = Standings(naming.bare(), settings, assignment)
    words = standings.words()
    named = {each.name: each for each in facts.submissions if each.assignment == assignment.id}
    shutil.rmtree(out, ignore_errors=True)
    found, failures = [], []
    for each in results(book, facts, assignment):
        if isinstance(each, tuple):
            failures.append((naming.of(named[each[0]]), "its result cannot be read"))
            continue
        submission = named[each.submission]
        found.append(nameless(each, submission, facts, naming))
        write_submission(found[-1], assignment, out, unmade, words.get(naming.of(submission)))
    found.sort(key=lambda each: each.submission)
    return write_class(found, assignment, out, failures, unmade=unmade, standings=standings, graded_in=out.parent)
