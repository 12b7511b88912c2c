"""Students of a class who need help: they have not begun, their work does not run, they did much better before, or they
have the lowest scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from autograder.course.model import Assignment
from autograder.course.outcome import Outcome
from autograder.course.result import SubmissionResult
from autograder.reports.findings.causes import whole_cause
from autograder.rounding import number

__all__ = ["NeedGroup", "in_need"]

BROKEN = (Outcome.ERROR, Outcome.CRASHED, Outcome.TIMEOUT, Outcome.OUT_OF_MEMORY)
LOW = 0.5  # of all points; above it nobody is named for a low score
LOWEST = 0.1  # of the class
DROP = 0.3  # of all points, below a person's mean in earlier assignments
EarlierScores = Mapping[str, Sequence[tuple[str, float]]]


@dataclass(frozen=True)
class NeedGroup:
    """`people` are (submission, a short reason), the one most in need first."""

    title: str
    people: tuple[tuple[str, str], ...]


def in_need(
    results: Sequence[SubmissionResult], assignment: Assignment, earlier: EarlierScores | None = None
) -> tuple[NeedGroup, ...]:
    """The groups that are not empty. Nobody is in two groups. Results without a grade are left out.

    Args:
        earlier: by submission, (assignment, share of its points from 0 to 1) of its people's earlier work.
    """
    before = earlier or {}
    left = sorted((result for result in results if result.graded), key=lambda result: (result.score, result.submission))
    groups = []
    for title, belongs, word in (
        ("Cannot be read or run at all", lambda result: bool(whole_cause(result)), _whole),
        ("Not begun", _not_begun, lambda result: ""),
        ("Most questions end in an exception, a crash or a timeout", _mostly_broken, _points),
    ):
        people = [result for result in left if belongs(result)]
        left = [result for result in left if not belongs(result)]
        groups.append(NeedGroup(title, tuple((result.submission, word(result)) for result in people)))
    dropped = sorted(
        (result for result in left if _drop(result, before) >= DROP), key=lambda each: -_drop(each, before)
    )
    left = [result for result in left if result not in dropped]
    people_and_words = tuple((result.submission, _fall(result, before)) for result in dropped)
    groups.append(NeedGroup("Much lower than in earlier assignments", people_and_words))
    low = [result for result in left if result.score < LOW * assignment.max_score]
    lowest = low[: max(1, round(LOWEST * len(results)))]
    groups.append(NeedGroup("Lowest scores", tuple((result.submission, _points(result)) for result in lowest)))
    return tuple(group for group in groups if group.people)


def _share(result: SubmissionResult) -> float:
    """The share of all points, before the option's scale."""
    most = sum(question.points for question in result.questions)
    return sum(question.score for question in result.questions) / most if most else 0.0


def _drop(result: SubmissionResult, earlier: EarlierScores) -> float:
    shares = [share for _, share in earlier.get(result.submission, ())]
    return fmean(shares) - _share(result) if shares else 0.0


def _fall(result: SubmissionResult, earlier: EarlierScores) -> str:
    before = ", ".join(f"{id} {number(100 * share, 0)} %" for id, share in earlier[result.submission])
    return f"{before}, now {number(100 * _share(result), 0)} %"


def _whole(result: SubmissionResult) -> str:
    cause = whole_cause(result)
    return cause.message if cause else ""


def _not_begun(result: SubmissionResult) -> bool:
    return all(question.outcome is Outcome.NOT_ATTEMPTED for question in result.questions)


def _mostly_broken(result: SubmissionResult) -> bool:
    broken = [question for question in result.questions if question.outcome in BROKEN]
    return 2 * len(broken) > len(result.questions)


def _points(result: SubmissionResult) -> str:
    return f"{number(result.score, 1)} of {number(result.max_score)}"
