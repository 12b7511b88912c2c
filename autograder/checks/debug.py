"""Plain `pytest` on a folder of checks: finds the course around it, and what is to be checked."""

from __future__ import annotations

import warnings
from contextlib import ExitStack
from pathlib import Path

import torch

from autograder.checks.desk import Desk, LocalSubject, reference_channels, reference_loader
from autograder.checks.subject import Library, Subject
from autograder.checks.timing.rivals import LocalRivals, Rivals
from autograder.checks.timing.workers import WorkerRivals
from autograder.checks.transcript import Answers
from autograder.course.layout import Course
from autograder.errors import UsageError
from autograder.sandbox import Sandbox
from autograder.submission.inbox import Inbox
from autograder.submission.integrity import CleanCopy, handed_out, prepare

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
        rivals = LocalRivals(load, load)
    else:
        assert sandbox is not None
        clean = handed_out(course.handout(assignment))
        submission = Inbox(assignment, {submitted.stem: submitted}, clean).receive(submitted.stem)
        if not submission.module_found:
            raise UsageError(f"{submitted}: {assignment.module}.py is not in it")
        prepared = prepare(submission, CleanCopy.read(clean, assignment), assignment)
        for note in (*submission.info.notes, *prepared.notes):
            warnings.warn(note, stacklevel=1)
        given = Library(course.common).package(prepared, submission.artifacts, assignment.module)
        confined = cleanup.enter_context(Subject(sandbox, given, assignment.limits))
        baseline = Library(course.common).reference(course.solution(assignment), assignment.module)
        rivals = cleanup.enter_context(WorkerRivals(sandbox, confined, given, baseline, assignment.limits))
        subject = confined
    return Desk(assignment, subject, reference_channels(load, answers), seed, answers, rivals)
