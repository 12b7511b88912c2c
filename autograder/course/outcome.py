"""What can become of one case, and of a question made of cases."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

__all__ = ["STOPPED", "Outcome"]


class Outcome(StrEnum):
    """The verdict on one case. `PASSED` earns its points; what was timed may earn a part of them, see `credit`."""

    PASSED = "passed"
    FAILED = "failed"  # answered, and the answer is wrong
    ERROR = "error"  # the student's code raised
    NOT_ATTEMPTED = "not_attempted"  # the stub's NotImplementedError
    TIMEOUT = "timeout"
    OUT_OF_MEMORY = "out_of_memory"
    CRASHED = "crashed"  # the worker died, or sent something that is not an answer
    FORBIDDEN = "forbidden"  # used what the question rules out
    TOO_SLOW = "too_slow"  # right, and beyond its running-time budget
    TOO_NOISY = "too_noisy"  # the machine was too busy to judge; measured again at the next run
    BLOCKED = "blocked"  # a question that this one depends on earned no points
    PENDING = "pending"  # needs a device or data that are not here, or a person
    GRADER_ERROR = "grader_error"  # our own fault

    @classmethod
    def of(cls, cases: Iterable[Outcome]) -> Outcome:
        """The outcome of a question: passed if every case passed, else the one that most needs attention.

        Our own fault outranks everything; then what needs a device; then the commonest of the rest, the earliest
        on a tie; last what was too noisy. A question with no case is our own fault too.
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


STOPPED = (Outcome.ERROR, Outcome.TIMEOUT, Outcome.CRASHED, Outcome.OUT_OF_MEMORY)  # no answer was given
