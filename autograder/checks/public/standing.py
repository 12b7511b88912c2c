"""A student's progress: the public checks summed up by question, and the question to fix first. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from autograder.course.model import Assignment, Question
from autograder.course.outcome import Outcome
from autograder.course.result import CaseResult

__all__ = ["FINE", "QuestionStanding", "Standing", "Status", "standing_of"]

# The student has nothing to do: if the machine was too busy to time an answer, the answer was right.
FINE = frozenset({Outcome.PASSED, Outcome.TOO_NOISY})


class Status(StrEnum):
    """The result of all public checks of a question."""

    PASSED = "passed"
    NOT_ATTEMPTED = "not_attempted"  # nothing is wrong, but nothing is written yet
    PARTLY = "partly"  # nothing is wrong: some of it is right, some is not written yet
    PENDING = "pending"  # the rest needs a device that this machine does not have
    FAILED = "failed"
    GRADER_ERROR = "grader_error"  # the checks could not be run; not the student's fault

    @classmethod
    def of(cls, outcomes: Iterable[Outcome]) -> Status:
        """The status of a question whose cases came out like this."""
        seen = set(outcomes)
        wrong = seen - FINE
        if not wrong:
            return cls.PASSED
        if Outcome.GRADER_ERROR in wrong:
            return cls.GRADER_ERROR
        if wrong == {Outcome.NOT_ATTEMPTED}:
            return cls.PARTLY if seen & FINE else cls.NOT_ATTEMPTED
        return cls.PENDING if wrong <= {Outcome.NOT_ATTEMPTED, Outcome.PENDING} else cls.FAILED


@dataclass(frozen=True)
class QuestionStanding:
    """One question and its public cases, in the order in which they ran."""

    question: Question
    cases: tuple[CaseResult, ...]

    @property
    def status(self) -> Status:
        return Status.of(case.outcome for case in self.cases)

    @property
    def passed(self) -> int:
        """The number of cases that pass."""
        return sum(case.outcome in FINE for case in self.cases)

    @property
    def first(self) -> CaseResult:
        """The case to look at first: a wrong one before one that is not written yet. There must be one."""
        open_cases = [case for case in self.cases if case.outcome not in FINE]
        return next((case for case in open_cases if Status.of([case.outcome]) is self._of_wrong), open_cases[0])

    @property
    def _of_wrong(self) -> Status:
        """The status, leaving right cases out."""
        return Status.of(case.outcome for case in self.cases if case.outcome not in FINE)


@dataclass(frozen=True)
class Standing:
    """All questions that were checked, in the manifest's order."""

    questions: tuple[QuestionStanding, ...]

    @property
    def passed(self) -> bool:
        return all(standing.status is Status.PASSED for standing in self.questions)

    @property
    def first(self) -> QuestionStanding | None:
        """The question to fix first: the first wrong one, else the first open one. Questions that it builds on come
        before it. None if everything passes."""
        ranks = (Status.GRADER_ERROR, Status.FAILED), (Status.PARTLY, Status.NOT_ATTEMPTED), (Status.PENDING,)
        for statuses in ranks:
            for standing in self.questions:
                if standing.status in statuses:
                    return self._ground_of(standing)
        return None

    def _ground_of(self, standing: QuestionStanding) -> QuestionStanding:
        """The first question that does not pass and that `standing` builds on, directly or not; else `standing` itself.

        A manifest names only earlier questions, so this ends.
        """
        for other in self.questions:
            if other.question.id in standing.question.depends and other.status is not Status.PASSED:
                return self._ground_of(other)
        return standing


def standing_of(assignment: Assignment, results: Mapping[str, Sequence[CaseResult]]) -> Standing:
    """Sum up the verdicts that `public.public_results` gives, which hold no question without a case."""
    return Standing(
        tuple(
            QuestionStanding(question, tuple(results[question.id]))
            for question in assignment.questions
            if question.id in results
        )
    )
