"""Names a student's mistake: finds the mutant of the reference that gives the student's answers.

Mutants are mistakes that are known by name. If a case failed, the same check runs again with a mutant in the
student's place, on the same inputs. If the mutant's wrong values equal the student's, number by number, in every case
that is compared, the student made this mistake. `Mutant.why` names it. If two mistakes fit, none is named.

Mutants are the course's own code, so they run on the trusted side, yet in a process of their own under a deadline: a
mutant may loop for ever.
"""

from __future__ import annotations

import json
import math
import os
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cached_property, partial
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
from autograder.grading.mutants.artifacts import handed_in
from autograder.grading.mutants.ends import End, Ends
from autograder.grading.mutants.file import Mutant, load_mutants
from autograder.reports.bounded import bounded
from autograder.reports.findings.causes import masked

__all__ = ["Evidence", "FailureKey", "named_mistakes"]

SECONDS = 20.0  # of CPU time, for all questions of one submission
PATIENCE = 5.0  # the limit by the wall clock, as a multiple of SECONDS: other processes may use the core
MUTANT_SECONDS = 2.0  # of CPU time, for these few cases of one mutant
WRONG, RIGHT = 4, 2  # wrong cases of one cause, and passed ones, that are compared; more if two mistakes fit these
SLOW = 10.0  # seconds, on a busy machine too; a case that takes longer is left out
FailureKey = tuple[str, str]  # a question's id, and a message without its numbers
SAYS = "Your answer is what this mistake gives: {}"


@dataclass(frozen=True)
class Evidence:
    """One case as it ended: its check, its verdict, and the wrong value (None if it passed)."""

    item: pytest.Function
    case: CaseResult
    value: object

    @property
    def question(self) -> str:
        return str(question_of(self.item))

    @property
    def cause(self) -> FailureKey:
        return self.question, masked(self.case.message)

    @property
    def wrong(self) -> bool:
        """True if it failed by a value."""
        return self.case.outcome is Outcome.FAILED and isinstance(self.value, torch.Tensor)

    @property
    def tells(self) -> bool:
        """True if it can be compared with a mutant's end: it was quick, and passed, raised, or failed by a value."""
        quick = "race" not in self.item.fixturenames and self.case.seconds <= SLOW
        return quick and (self.wrong or self.case.outcome in (Outcome.PASSED, Outcome.ERROR))


def named_mistakes(
    course: Course,
    assignment: Assignment,
    evidence: Sequence[Evidence],
    desk: Desk,
    ends: Ends,
    seconds: float = math.inf,
    without: str | None = None,
) -> Mapping[FailureKey, str]:
    """For each cause of wrong values, a sentence on the known mistake that explains it, if exactly one does.

    Args:
        evidence: all cases of one submission, of any number of questions.
        desk: gives the reference and the inputs.
        ends: the known ends of checks for mutants on the same inputs; new ones are added.
        seconds: the most seconds of CPU time, if fewer than usual are left to the submission.
        without: the id of a mutant that names nothing.

    Returns:
        Sentences by question and message without numbers: cases with the same message have one cause. Causes that took
        too long are left out.
    """
    found: dict[FailureKey, str] = {}
    before = _computed_below()
    comparable = [each for each in evidence if each.tells]
    for question in dict.fromkeys(each.question for each in comparable if each.wrong):
        left = min(SECONDS, seconds) - (_computed_below() - before)
        if left <= 0:
            break
        of = [each for each in comparable if each.question == question]
        ask = partial(_named, course, assignment, of, desk, ends, without, left)
        with suppress(TimeoutError, RuntimeError):
            for message, why in json.loads(bounded(PATIENCE * left + MUTANT_SECONDS, ask)).items():
                found[question, message] = SAYS.format(why)
    return found


def _computed_below() -> float:
    """Seconds of CPU time of all forks of this process that have ended."""
    times = os.times()
    return times.children_user + times.children_system


def _looked_at(cause: FailureKey, comparable: Sequence[Evidence]) -> list[Evidence]:
    """A few of the cases with this cause, and a few that passed; the quickest first."""
    quick = sorted(comparable, key=lambda each: each.case.seconds)
    wrong = [each for each in quick if each.wrong and each.cause == cause]
    right = [each for each in quick if each.case.outcome is Outcome.PASSED]
    return [*wrong[:WRONG], *right[:RIGHT]]


def _named(
    course: Course,
    assignment: Assignment,
    comparable: Sequence[Evidence],
    desk: Desk,
    ends: Ends,
    without: str | None,
    seconds: float,
) -> str:
    """For each cause in one question's cases, the `why` of the only mutant that ends like the student, as JSON.

    Empty if some cause has no such mutant, or two that end alike in all cases. A mutant that explains only a part of
    the wrong values is often another mistake than the student's. Empty too if the seconds of CPU time are used up:
    another mutant might fit as well.
    """
    try:
        mutants = load_mutants(course, assignment, comparable[0].question)
    except AutograderError:  # an assignment without mutants is graded all the same
        return "{}"
    causes = {each.cause: _looked_at(each.cause, comparable) for each in comparable if each.wrong}
    fitting: dict[FailureKey, list[_Tried]] = {cause: [] for cause in causes}
    with TemporaryDirectory() as scratch, ExitStack() as kept:
        for number, mutant in enumerate(mutants):
            if time.process_time() > seconds:
                return "{}"
            if mutant.id == without:
                continue
            known = ends.read(mutant.id)
            tried = _Tried(Path(scratch, str(number)), course, assignment, mutant, desk, known)
            kept.callback(tried.keep, ends)
            for cause, looked_at in causes.items():
                if tried.fits(looked_at):
                    fitting[cause].append(tried)
        whys = {cause[1]: _distinguished(those, comparable, seconds) for cause, those in fitting.items()}
    named = {message: why.pop() for message, why in whys.items() if len(why) == 1}
    return json.dumps(named if len(named) == len(causes) else {})


def _distinguished(those: Sequence[_Tried], comparable: Sequence[Evidence], seconds: float) -> set[str]:
    """The `why` of each mutant that fits all other cases, too: in each, it ends like the student, or passes.

    A mutant that passes a case that the student fails leaves room for another mistake of the student's. Of several
    mutants, those that explain more cases stay.
    """
    for each in sorted(comparable, key=lambda each: each.case.seconds):
        if those and time.process_time() < seconds:
            alike = [tried for tried in those if tried.fits([each])]
            those = alike or [tried for tried in those if tried.passes(each) or tried.slow]
    return {tried.mutant.why for tried in those}


class _Tried:
    """A mutant in the student's place. Each check is run on it once.

    Args:
        folder: the folder for its files, made when they are needed.
        known: the ends of earlier checks for it, by case.

    Attributes:
        slow: True if the time of a check was up before it showed if the mutant fits.
    """

    def __init__(
        self,
        folder: Path,
        course: Course,
        assignment: Assignment,
        mutant: Mutant,
        desk: Desk,
        known: Mapping[str, End],
    ) -> None:
        self.mutant, self.slow = mutant, False
        self._known, self._ends = known, dict(known)
        self._folder, self._course, self._assignment, self._given = folder, course, assignment, desk

    def fits(self, evidence: Sequence[Evidence]) -> bool:
        """True if it ends like the student in every case."""
        return all(_fits(self._end(each), each) for each in evidence)

    def passes(self, evidence: Evidence) -> bool:
        """True if it passes this case, on which it has been tried."""
        return self._end(evidence).outcome is Outcome.PASSED

    def keep(self, ends: Ends) -> None:
        """Keep the ends of checks, if any was run now."""
        if len(self._ends) > len(self._known):
            ends.keep(self.mutant.id, self._ends)

    def _end(self, evidence: Evidence) -> End:
        if evidence.case.id not in self._ends:
            self._ends[evidence.case.id] = self._run(evidence)
        end = self._ends[evidence.case.id]
        self.slow |= end.outcome is None
        return end

    def _run(self, evidence: Evidence) -> End:
        """Run the check at a desk with the mutant as the student."""
        try:
            with _interrupted_after(MUTANT_SECONDS):
                case = run_check(evidence.item, None, self._desk)
        except TimeoutError:
            return End()
        value = wrong_value(evidence.item)
        tensor = value.detach().clone() if isinstance(value, torch.Tensor) else None
        return End(case.outcome, case.message, tensor)

    @cached_property
    def _desk(self) -> Desk:
        self._folder.mkdir()
        for name, path in self._course.sources(self._assignment).items():
            source = self.mutant.source if name == self.mutant.file else path.read_text(encoding="utf-8")
            Path(self._folder, name).write_text(source, encoding="utf-8")
        files = handed_in(self._assignment, self._course.solution(self._assignment), self.mutant.artifacts)
        common = self._course.common.parent
        subject = LocalSubject(lambda module: load_module(self._folder / f"{module}.py", common), files)
        return replace(self._given, subject=subject, rivals=None)


@contextmanager
def _interrupted_after(seconds: float) -> Iterator[None]:
    """Raise TimeoutError in this block, once the process has computed for so long."""

    def interrupt(number: int, frame: object) -> None:
        raise TimeoutError

    signal.signal(signal.SIGPROF, interrupt)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _fits(end: End, evidence: Evidence) -> bool:
    """True if a mutant's check ended like the student's."""
    case = evidence.case
    if end.outcome is not Outcome.FAILED or case.outcome is not Outcome.FAILED:
        return (end.outcome, end.message) == (case.outcome, case.message)
    return masked(end.message) == evidence.cause[1] and _alike(end.value, evidence.value)


def _alike(one: object, other: object) -> bool:
    """True if two wrong answers are equal up to rounding."""
    if not (isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor)):
        return False
    if one.shape != other.shape or one.dtype is not other.dtype or one.device != other.device:
        return False
    tolerance = tolerance_for(one.dtype)
    return torch.allclose(one, other, rtol=tolerance.rtol, atol=tolerance.atol, equal_nan=True)
