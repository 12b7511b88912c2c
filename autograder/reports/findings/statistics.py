"""Statistics of a class: difficulty and discrimination of questions, common wrong answers. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import StatisticsError, correlation, fmean, pvariance, quantiles
from typing import Any

from autograder.course.model import Assignment
from autograder.course.outcome import Outcome
from autograder.course.result import CaseResult, SubmissionResult
from autograder.reports.findings.causes import NO_CAUSE, masked, whole_cause

__all__ = ["CommonAnswer", "Distribution", "QuestionStatistics", "Statistics", "statistics"]

ENOUGH = 10  # people; fewer give no meaningful correlation
TELLS_LITTLE = 0.2
COMMON = 2  # people, for an answer to be common
UNDECIDED = (Outcome.PASSED, Outcome.TOO_NOISY, Outcome.PENDING)


@dataclass(frozen=True)
class Distribution:
    """Points of a class: the smallest, the quartiles (inclusive), the largest, the mean; `count` people."""

    count: int
    lowest: float
    lower: float
    median: float
    upper: float
    highest: float
    mean: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Distribution | None:
        """The distribution of some points; None if there are none."""
        if not values:
            return None
        several = [*values] if len(values) > 1 else [*values, *values]
        lower, middle, upper = quantiles(several, n=4, method="inclusive")
        return cls(len(values), min(values), lower, middle, upper, max(values), fmean(values))


@dataclass(frozen=True)
class QuestionStatistics:
    """One question over a class.

    Attributes:
        tried: the number of submissions that began it; full, part, none: numbers of submissions, by score.
        difficulty: mean score as a part of the points, 0 to 1; smaller is harder.
        discrimination: Pearson's correlation of its score with the rest of the total, from ten people on; None if
            it is meaningless.
        seconds: mean wall-clock time of its checks for one submission.
        noisy: share of its cases that the machine was too busy to time.
        remark: advice for the instructor; may be empty.
    """

    id: str
    title: str
    points: float
    tried: int
    full: int
    part: int
    none: int
    difficulty: float
    discrimination: float | None
    seconds: float
    noisy: float
    remark: str


@dataclass(frozen=True)
class CommonAnswer:
    """The same wrong answer of several people: equal check, outcome and message, except for numbers in the message."""

    question: str
    check: str
    outcome: str
    message: str
    people: tuple[str, ...]


@dataclass(frozen=True)
class Statistics:
    """Everything on one assignment.

    Attributes:
        checks, grades: points before and after lateness.
        alpha: Cronbach's alpha, the consistency of the questions; None for fewer than two questions or ten people.
        never: checks that nobody failed.
        together: groups of checks that failed for exactly the same people.
    """

    assignment: str
    submissions: int
    checks: Distribution | None
    grades: Distribution | None
    alpha: float | None
    questions: tuple[QuestionStatistics, ...]
    common: tuple[CommonAnswer, ...]
    never: tuple[str, ...]
    together: tuple[tuple[str, ...], ...]

    def to_json(self) -> dict[str, Any]:
        return {"schema": 1, **asdict(self)}


def statistics(
    results: Iterable[SubmissionResult], assignment: Assignment, grades: Sequence[tuple[float, float]]
) -> Statistics:
    """Figures over results, without results that met a fault of the grader or failed as a whole.

    Args:
        grades: (points before lateness, grade) of each person whose grade is known.
    """
    counted = [result for result in results if result.graded and not whole_cause(result)]
    scores = [{each.id: each.score for each in result.questions} for result in counted]
    ids = [question.id for question in assignment.questions]
    failed = _failed(counted)
    return Statistics(
        assignment=assignment.id,
        submissions=len(counted),
        checks=Distribution.of([before for before, _ in grades]),
        grades=Distribution.of([after for _, after in grades]),
        alpha=_alpha([[own.get(id, 0.0) for id in ids] for own in scores]),
        questions=tuple(
            _question(id, question.title, question.points, counted, scores)
            for id, question in assignment.by_id.items()
            if counted
        ),
        common=_common(counted),
        never=tuple(sorted(check for check, names in failed.items() if not names)),
        together=_together(failed),
    )


def _question(
    id: str, title: str, points: float, results: Sequence[SubmissionResult], scores: Sequence[Mapping[str, float]]
) -> QuestionStatistics:
    answers = [question for result in results for question in result.questions if question.id == id]
    own = [each.get(id, 0.0) for each in scores]
    rest = [sum(each.values()) - each.get(id, 0.0) for each in scores]
    cases = [case for answer in answers for case in answer.cases]
    full = sum(score >= points for score in own)
    none = sum(score <= 0 < points for score in own)
    found = _correlation(own, rest)
    remark = ""
    if found is not None and found < TELLS_LITTLE:
        remark = "look at this check: who is better elsewhere is worse here" if found < 0 else "tells little"
    return QuestionStatistics(
        id=id,
        title=title,
        points=points,
        tried=sum(answer.outcome is not Outcome.NOT_ATTEMPTED for answer in answers),
        full=full,
        part=len(own) - full - none,
        none=none,
        difficulty=fmean(own) / points if points else 0.0,
        discrimination=found,
        seconds=sum(case.seconds for case in cases) / len(results),
        noisy=sum(case.outcome is Outcome.TOO_NOISY for case in cases) / len(cases) if cases else 0.0,
        remark=remark,
    )


def _correlation(one: Sequence[float], other: Sequence[float]) -> float | None:
    try:
        return correlation(one, other) if len(one) >= ENOUGH else None
    except StatisticsError:  # all alike
        return None


def _alpha(rows: Sequence[Sequence[float]]) -> float | None:
    """Cronbach's alpha: k/(k−1) · (1 − sum of the questions' variances / variance of the totals)."""
    if len(rows) < ENOUGH or len(rows[0]) < 2:
        return None
    whole = pvariance([sum(row) for row in rows])
    count = len(rows[0])
    parts = sum(pvariance(column) for column in zip(*rows, strict=True))
    return count / (count - 1) * (1 - parts / whole) if whole else None


def _check(question: str, case: CaseResult) -> str:
    return f"{question}: {case.id.partition('[')[0]}"


def _failed(results: Sequence[SubmissionResult]) -> dict[str, frozenset[str]]:
    """By check, the submissions that failed in some case of it."""
    found: dict[str, set[str]] = {}
    for result in results:
        for question in result.questions:
            for case in question.cases:
                names = found.setdefault(_check(question.id, case), set())
                if case.outcome not in UNDECIDED:
                    names.add(result.submission)
    return {check: frozenset(names) for check, names in found.items()}


def _together(failed: Mapping[str, frozenset[str]]) -> tuple[tuple[str, ...], ...]:
    groups: dict[frozenset[str], list[str]] = {}
    for check, names in failed.items():
        if len(names) >= COMMON:
            groups.setdefault(names, []).append(check)
    return tuple(tuple(sorted(checks)) for checks in groups.values() if len(checks) > 1)


def _common(results: Sequence[SubmissionResult]) -> tuple[CommonAnswer, ...]:
    people: dict[tuple[str, str, str, str], dict[str, None]] = {}
    for result in results:
        for question in result.questions:
            for case in question.cases:
                if case.outcome not in NO_CAUSE:
                    check = case.id.partition("[")[0]
                    key = (question.id, check, str(case.outcome), masked(case.message))
                    people.setdefault(key, {})[result.submission] = None
    found = [CommonAnswer(*key, tuple(names)) for key, names in people.items() if len(names) >= COMMON]
    return tuple(sorted(found, key=lambda each: (-len(each.people), each.question, each.check, each.message)))
