"""Finds and fills the gaps of a result: cases that waited for a device, or for a quieter machine."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import replace

from autograder.course.model import Assignment, Question
from autograder.course.outcome import Outcome
from autograder.course.result import CaseResult, SubmissionResult
from autograder.grading.scoring import score_questions, total

__all__ = ["UNFINISHED", "Gap", "concerned", "filled", "gaps"]

Gap = tuple[str, str]  # a question's id, a case's
UNFINISHED = "not decided: the time of this run was over"


def gaps(result: SubmissionResult, assignment: Assignment, device: str) -> frozenset[Gap]:
    """The cases that a run on `device` could decide.

    Cases that were too noisy are measured again on their device; every run can do this for the CPU. Pending cases wait
    for a device that a budget of their question names, or for a run with more time.
    """
    here = {"cpu", device}
    return frozenset(
        (question.id, case.id)
        for question in result.questions
        if question.id in assignment.by_id
        for case in question.cases
        if _decidable(case, assignment.by_id[question.id], here)
    )


def concerned(wanted: Collection[Gap], assignment: Assignment) -> tuple[str, ...]:
    """The questions whose checks must run for these cases: their own, and those that they depend on."""
    ahead, needed = [question for question, _ in wanted], set[str]()
    while ahead:
        question = ahead.pop()
        if question not in needed:
            needed.add(question)
            ahead += assignment.by_id[question].depends
    return tuple(question for question in assignment.by_id if question in needed)


def filled(
    before: SubmissionResult, fresh: SubmissionResult, wanted: Collection[Gap], assignment: Assignment
) -> SubmissionResult:
    """`before` with these cases from `fresh`, scored again, and with the other results of that run."""
    found = {(question.id, case.id): case for question in fresh.questions for case in question.cases}
    cases = {
        question.id: [
            found.get((question.id, case.id), case) if (question.id, case.id) in wanted else case
            for case in question.cases
        ]
        for question in before.questions
    }
    questions = score_questions(assignment, cases)
    device = {key: value for key, value in fresh.environment.items() if key not in before.environment}
    return replace(
        before,
        questions=questions,
        score=total(questions, before.scale),
        environment={**before.environment, **device},
        reading=fresh.reading or before.reading,
        notebooks=before.notebooks if fresh.notebooks is None else fresh.notebooks,
        attachments=fresh.attachments,
        sources=fresh.sources or before.sources,
        seconds=round(before.seconds + fresh.seconds, 3),
        phase_seconds={
            name: round(before.phase_seconds.get(name, 0.0) + fresh.phase_seconds.get(name, 0.0), 3)
            for name in before.phase_seconds.keys() | fresh.phase_seconds.keys()
        },
    )


def _decidable(case: CaseResult, question: Question, here: AbstractSet[str]) -> bool:
    if case.outcome is Outcome.TOO_NOISY:
        return case.timing is None or case.timing.get("device") in here
    waits = case.message != UNFINISHED
    return case.outcome is Outcome.PENDING and not (waits and here.isdisjoint(_waited_for(question)))


def _waited_for(question: Question) -> Iterator[str]:
    """Devices that keep a case of this question pending on a machine with a CPU alone."""
    for budget in question.budgets:
        if "cpu" not in budget.sizes:
            yield from budget.sizes
