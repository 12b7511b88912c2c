"""The outcomes of a case, and of a question with several cases."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

__all__ = ["STOPPED", "Outcome"]


class Outcome(StrEnum):
    """The verdict on one case. `PASSED` earns all its points; a slow answer may earn a part, see `credit`."""

    PASSED = "passed"
    FAILED = "failed"  # the answer is wrong
    ERROR = "error"  # the student's code raised
    NOT_ATTEMPTED = "not_attempted"  # the stub's NotImplementedError
    TIMEOUT = "timeout"
    OUT_OF_MEMORY = "out_of_memory"
    CRASHED = "crashed"  # the worker died or sent no valid reply
    FORBIDDEN = "forbidden"  # the code used something that the question rules out
    TOO_SLOW = "too_slow"  # the answer is right and took longer than its budget
    TOO_NOISY = "too_noisy"  # the machine was too busy to measure; the next run measures again
    BLOCKED = "blocked"  # a question that this one depends on earned no points
    PENDING = "pending"  # this machine lacks a device or data, or a person has to judge
    GRADER_ERROR = "grader_error"  # the grader itself is at fault

    @classmethod
    def of(cls, cases: Iterable[Outcome]) -> Outcome:
        """The outcome of a question: passed if all cases passed, else the most important outcome of a case.

        A grader error comes first, then a pending case. Then comes the most frequent other outcome, on a tie the
        earliest one. Too noisy comes last. A question without a case is a grader error.
        """
        seen = list(cases)
        if not seen or cls.GRADER_ERROR in seen:
            return cls.GRADER_ERROR
        wrong = [outcome for outcome in seen if outcome is not cls.PASSED]
        if not wrong:
            return cls.PASSED
        if cls.PENDING in wrong:
            return cls.PENDING
        return max(wrong, key=lambda outcome: (outcome is not cls.TOO_NOISY, wrong.count(outcome)))


STOPPED = (Outcome.ERROR, Outcome.TIMEOUT, Outcome.CRASHED, Outcome.OUT_OF_MEMORY)  # the call gave no answer
