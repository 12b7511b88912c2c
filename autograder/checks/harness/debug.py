"""Plain `pytest` on a folder of checks: finds the course and the code to check."""

from __future__ import annotations

import warnings
from contextlib import ExitStack
from pathlib import Path

import torch

from autograder.checks.harness.desk import Desk
from autograder.checks.sides.local import LocalSubject, reference_channels, reference_loader
from autograder.checks.sides.reference import Answers
from autograder.checks.sides.student import Library, Subject
from autograder.checks.timing.rivals import LocalRivals, Rivals
from autograder.checks.timing.workers import WorkerRivals
from autograder.course.layout import Course
from autograder.errors import UsageError
from autograder.sandbox import Sandbox
from autograder.submission.clean.prepare import CleanCopy, handed_out, prepare
from autograder.submission.receive.inbox import Inbox

__all__ = ["open_desk"]


def open_desk(check: Path, submitted: Path | None, sandbox: Sandbox | None, seed: int, cleanup: ExitStack) -> Desk:
    """A desk for the checks beside `check`, tests/hidden/<assignment>/test_….py.

    Args:
        submitted: zip or folder of a submission, run in `sandbox`; None checks the reference, in this process.
        cleanup: closes what was opened.
    """
    torch.set_num_threads(1)  # as in grading, where submissions share the cores
    course = Course.find(check)
    assignment = course.assignment(check.parent.name)
    answers: Answers = {}
    load = reference_loader(course, assignment)
    rivals: Rivals
    if submitted is None:
        subject: LocalSubject | Subject = LocalSubject(load, course.artifacts(assignment))
        rivals = LocalRivals(load)
    else:
        assert sandbox is not None
        clean = handed_out(course.handout(assignment))
        submission = Inbox(assignment, {submitted.stem: submitted}, clean).receive(submitted.stem)
        if not submission.modules:
            raise UsageError(f"{submitted}: {' or '.join(assignment.files)} is not in it")
        prepared = prepare(submission, CleanCopy.read(clean, assignment), assignment)
        for note in (*submission.info.notes, *prepared.notes):
            warnings.warn(note, stacklevel=1)
        library = Library.of(course, assignment)
        given = library.package(prepared, submission.artifacts)
        confined = cleanup.enter_context(Subject(sandbox, given, assignment.limits))
        baseline = library.reference(course.solution(assignment), assignment.files)
        rivals = cleanup.enter_context(WorkerRivals(sandbox, confined, baseline, assignment.limits))
        subject = confined
    return Desk(assignment, subject, reference_channels(load, answers), seed, answers, rivals, {})
