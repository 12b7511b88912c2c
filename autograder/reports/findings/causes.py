"""Groups cases that fail for the same reason. A student's page shows each reason once; the class page counts it.

Two cases have one cause if they have the same outcome, at the same place in the student's code, with messages that
differ in numbers only: "dx differs in 40 of 40 elements" and "dx differs in 75 of 96 elements".
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from autograder.course.model import Assignment
from autograder.course.outcome import STOPPED, Outcome
from autograder.course.result import CaseResult, QuestionResult, SubmissionResult

__all__ = ["Cause", "Cluster", "causes", "clusters", "masked", "part_causes", "whole_cause"]

# A shape or a position, whatever its length, is one number; so is "1.8e-05".
NUMBERS = re.compile(r"[\[(]-?\d+(?:, -?\d+)*,?[\])]|-?\d+(?:\.\d+)?(?:e[-+]?\d+)?")
NO_CAUSE = (Outcome.PASSED, Outcome.NOT_ATTEMPTED, Outcome.BLOCKED, Outcome.PENDING, Outcome.TOO_NOISY)
# A hint that only few of a cause's cases give is a coincidence.
SUPPORT = 1 / 3
MANY = 3


@dataclass(frozen=True)
class Cause:
    """The reason for the outcome of some cases of one question.

    Attributes:
        message, hint, location: those of one chosen case; see `causes`.
        cases: ids of all cases with this cause, in their order.
        example: the id of this case.
    """

    outcome: Outcome
    message: str
    hint: str
    location: str
    cases: tuple[str, ...]
    example: str


@dataclass(frozen=True)
class Cluster:
    """Submissions that lost points in one question for one reason.

    Attributes:
        what: the message's first clause with its numbers masked, "dw differs in … of … elements".
        example: one student's unchanged message, with the place in their code.
        submissions: their names, in order.
    """

    outcome: Outcome
    what: str
    hint: str
    example: str
    submissions: tuple[str, ...]


def masked(message: str) -> str:
    """The message with "…" for every number and shape, and without positions, which only some messages have.

    >>> masked("dx has shape (2, 3, 4), wanted (2, 4, 3)")
    'dx has shape …, wanted …'
    """
    return NUMBERS.sub("…", message).replace(", at …", "")


def causes(cases: Sequence[CaseResult]) -> list[Cause]:
    """The cases by cause. Causes with a hint come first, then those with most cases; passed cases come last.

    The hint is the one that most cases of a cause give. It is left out if fewer than a third of them give it: such
    a hint fits by coincidence. The message is that of the first case with this hint.
    """
    alike: dict[tuple[Outcome, str, str], list[CaseResult]] = {}
    for case in cases:
        alike.setdefault((case.outcome, masked(case.message), case.location), []).append(case)
    found = [_cause(group) for group in alike.values()]
    return sorted(found, key=lambda cause: (cause.outcome is Outcome.PASSED, not cause.hint, -len(cause.cases)))


def _cause(cases: Sequence[CaseResult]) -> Cause:
    hint = _shared_hint(cases)
    best = next(case for case in cases if case.hint == hint or not hint)
    return Cause(best.outcome, best.message, hint, best.location, tuple(case.id for case in cases), best.id)


def _shared_hint(cases: Sequence[CaseResult]) -> str:
    hints = Counter(case.hint for case in cases if case.hint).most_common(1)
    if not hints or (len(cases) >= MANY and hints[0][1] < SUPPORT * len(cases)):
        return ""
    return hints[0][0]


def clusters(results: Sequence[SubmissionResult], question: str) -> tuple[Cluster, ...]:
    """The reasons why submissions lost points in a question, the most frequent first.

    A submission with several causes is in several clusters. Cases that were not begun, or that wait for another
    question, have no cause. A submission that failed as a whole is in no question's clusters.
    """
    members: dict[tuple[Outcome, str, str], dict[str, str]] = {}
    for result in results:
        if whole_cause(result):
            continue
        for answer in result.questions:
            if answer.id == question:
                for cause in causes([case for case in answer.cases if case.outcome not in NO_CAUSE]):
                    key = cause.outcome, masked(cause.message).partition(";")[0], cause.hint
                    members.setdefault(key, {}).setdefault(result.submission, _line(cause))
    found = [Cluster(*key, next(iter(of.values())), tuple(sorted(of))) for key, of in members.items()]
    return tuple(sorted(found, key=lambda cluster: (-len(cluster.submissions), cluster.what)))


def whole_cause(result: SubmissionResult) -> Cause | None:
    """The single cause of all questions of a submission, for example an unreadable zip or a missing file.

    None if cases ended differently, and for wrong answers, which belong to single questions.
    """
    return _only_cause(result.questions)


def part_causes(result: SubmissionResult, assignment: Assignment) -> dict[str, Cause]:
    """For each file, the single cause of all its questions. Empty if all files have the same cause."""
    if whole_cause(result):
        return {}
    found = {}
    for component in assignment.components:
        ids = {question.id for question in assignment.questions_in(component.module)}
        if cause := _only_cause([question for question in result.questions if question.id in ids]):
            found[component.file] = cause
    return found


def _only_cause(questions: Sequence[QuestionResult]) -> Cause | None:
    """The common cause of two or more questions, if all their cases have the same outcome and message."""
    cases = [case for question in questions for case in question.cases]
    alike = len(questions) >= 2 and len({(case.outcome, case.message) for case in cases}) == 1
    return causes(cases)[0] if alike and cases[0].outcome in STOPPED else None


def _line(cause: Cause) -> str:
    return f"{cause.message} ({cause.location})" if cause.location else cause.message
