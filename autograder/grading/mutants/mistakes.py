"""Names a student's mistake: finds the mutant of the reference that answers just as the student does.

Mutants are mistakes that are known by name. Where a case failed, the same check runs again with a mutant in the
student's place, on the same inputs. If the mutant's wrong values are the student's, number by number, in every case
that is looked at, the student made this mistake, and `Mutant.why` says which. Two mistakes that fit name none.

Mutants are the course's own code, so they run on the trusted side, yet in a process of their own under a deadline: a
mutant may loop for ever.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import torch

from autograder.checks.compare.tolerance import tolerance_for
from autograder.checks.harness.desk import Desk
from autograder.checks.harness.items import question_of
from autograder.checks.harness.plugin import run_check, wrong_value
from autograder.checks.sides.local import LocalSubject, load_module
from autograder.course.layout import Course
from autograder.course.model import Assignment
from autograder.course.outcome import Outcome
from autograder.course.result import CaseResult
from autograder.errors import AutograderError
from autograder.grading.mutants.file import Mutant, load_mutants
from autograder.reports.bounded import bounded
from autograder.reports.findings.causes import masked

__all__ = ["Cause", "Evidence", "named_mistakes"]

SECONDS = 20.0  # for all questions of one submission
MUTANT_SECONDS = 1.0  # of CPU time, for all cases of one mutant
WRONG, RIGHT = 4, 2  # cases of one cause that are looked at: what is alike in these is alike
SLOW = 2.0  # seconds; a case that takes longer is left out
Cause = tuple[str, str]  # a question's id, and a message without its numbers
SAYS = "Your answer is what this mistake gives: {}"


@dataclass(frozen=True)
class Evidence:
    """One case as it ended: its check, its verdict, and the value that was found wrong (None if it passed)."""

    item: pytest.Function
    case: CaseResult
    value: object

    @property
    def question(self) -> str:
        return str(question_of(self.item))

    @property
    def cause(self) -> Cause:
        return self.question, masked(self.case.message)

    @property
    def wrong(self) -> bool:
        """Whether it failed by a value."""
        return self.case.outcome is Outcome.FAILED and isinstance(self.value, torch.Tensor)

    @property
    def tells(self) -> bool:
        """Whether it can be compared with a mutant's: it is quick, and passed or failed by a value."""
        quick = "race" not in self.item.fixturenames and self.case.seconds <= SLOW
        return quick and (self.wrong or self.case.outcome is Outcome.PASSED)


def named_mistakes(
    course: Course, assignment: Assignment, evidence: Sequence[Evidence], desk: Desk, without: str | None = None
) -> Mapping[Cause, str]:
    """A sentence on the mistake behind each cause of wrong values, where one mistake is known that fits.

    Args:
        evidence: all cases of one submission, of any number of questions.
        desk: its reference and its inputs are used.
        without: the id of a mutant that names nothing.

    Returns:
        By question and message without numbers: cases that say the same have one cause. What took too long is left out.
    """
    deadline, found = time.monotonic() + SECONDS, {}
    told = [each for each in evidence if each.tells]
    for cause in dict.fromkeys(each.cause for each in told if each.wrong):
        left = deadline - time.monotonic()
        if left <= 0:
            break
        with suppress(TimeoutError, RuntimeError):
            if why := bounded(left, partial(_named, course, assignment, _looked_at(cause, told), desk, without)):
                found[cause] = SAYS.format(why)
    return found


def _looked_at(cause: Cause, told: Sequence[Evidence]) -> list[Evidence]:
    """A few of the cases with this cause, and a few of the same question that passed; the quickest first."""
    quick = sorted((each for each in told if each.cause[0] == cause[0]), key=lambda each: each.case.seconds)
    wrong = [each for each in quick if each.wrong and each.cause == cause]
    right = [each for each in quick if not each.wrong]
    return [*wrong[:WRONG], *right[:RIGHT]]


def _named(
    course: Course, assignment: Assignment, evidence: Sequence[Evidence], desk: Desk, without: str | None
) -> str:
    """Why the one mutant that does in every case what the student did is wrong; "" where there is not just one."""
    try:
        mutants = load_mutants(course, assignment, evidence[0].question)
    except AutograderError:  # an assignment without mutants is graded all the same
        return ""
    asked = [mutant for mutant in mutants if mutant.id != without and not mutant.artifacts]
    fitting = {mutant.why for mutant in asked if _fits(course, assignment, mutant, evidence, desk)}
    return fitting.pop() if len(fitting) == 1 else ""


def _fits(course: Course, assignment: Assignment, mutant: Mutant, evidence: Sequence[Evidence], desk: Desk) -> bool:
    """Whether the mutant does in every case what the student did."""
    with TemporaryDirectory() as scratch:
        for name, path in course.sources(assignment).items():
            Path(scratch, name).write_text(mutant.source if name == mutant.file else path.read_text(encoding="utf-8"))
        subject = LocalSubject(lambda module: load_module(Path(scratch, f"{module}.py"), course.common.parent))
        there = replace(desk, subject=subject, rivals=None)
        with _interrupted_after(MUTANT_SECONDS):
            return all(_same_end(each, there) for each in evidence)


@contextmanager
def _interrupted_after(seconds: float) -> Iterator[None]:
    """Raise TimeoutError in what runs in this block, once the process has computed for so long."""

    def interrupt(number: int, frame: object) -> None:
        raise TimeoutError

    signal.signal(signal.SIGPROF, interrupt)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _same_end(evidence: Evidence, desk: Desk) -> bool:
    case = run_check(evidence.item, None, desk)
    if evidence.case.outcome is Outcome.PASSED:
        return case.outcome is Outcome.PASSED
    said = case.outcome is Outcome.FAILED and masked(case.message) == evidence.cause[1]
    return said and _alike(wrong_value(evidence.item), evidence.value)


def _alike(one: object, other: object) -> bool:
    """Whether two wrong answers are one: they differ by rounding at most."""
    if not (isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor)):
        return False
    if one.shape != other.shape or one.dtype is not other.dtype or one.device != other.device:
        return False
    tolerance = tolerance_for(one.dtype)
    return torch.allclose(one, other, rtol=tolerance.rtol, atol=tolerance.atol, equal_nan=True)
