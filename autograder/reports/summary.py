"""What a class's results say together: pure figures for the class page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median, quantiles

from autograder.course.model import Assignment
from autograder.course.outcome import Outcome
from autograder.course.result import CaseResult, QuestionResult, SubmissionResult
from autograder.reports.people import elsewhere

__all__ = ["CaseTrouble", "ClassSummary", "Concern", "QuestionSummary", "ScoreSummary", "concerns", "summarize"]

NOT_TRIED = (Outcome.NOT_ATTEMPTED, Outcome.BLOCKED, Outcome.PENDING, Outcome.TOO_NOISY)
WORST_CASES = 5


@dataclass(frozen=True)
class ScoreSummary:
    """Scores of those whose grading ended well; quartiles are inclusive (the extremes are 0 % and 100 %)."""

    mean: float
    median: float
    lower_quartile: float
    upper_quartile: float
    lowest: float
    highest: float


@dataclass(frozen=True)
class CaseTrouble:
    """One case, and how many of those who tried it (`tried`) it stopped (`lost`); `outcomes` by frequency."""

    id: str
    lost: int
    tried: int
    outcomes: tuple[tuple[Outcome, int], ...]


@dataclass(frozen=True)
class QuestionSummary:
    """One question over the class.

    Attributes:
        full, partial, none: submissions by score; `not_attempted` of the last are told apart.
        share: mean score as a part of the points, 0 to 1.
        worst: the cases that stopped most of those who tried them, worst first.
    """

    id: str
    title: str
    points: float
    share: float
    full: int
    partial: int
    none: int
    not_attempted: int
    worst: tuple[CaseTrouble, ...]


@dataclass(frozen=True)
class Concern:
    """A submission that a person should look at, with the reasons; `detail` is the grader's own error."""

    submission: str
    reasons: tuple[str, ...]
    urgent: bool = False
    detail: str = ""


@dataclass(frozen=True)
class ClassSummary:
    """`graded` of `submissions` ended without a fault of ours; `scores` is None where none did."""

    submissions: int
    graded: int
    late: int
    pending: int
    scores: ScoreSummary | None
    questions: tuple[QuestionSummary, ...]


def summarize(results: Sequence[SubmissionResult], assignment: Assignment) -> ClassSummary:
    """Figures over `results`; scores count only where the grader itself did not fail."""
    graded = [result for result in results if result.graded]
    return ClassSummary(
        submissions=len(results),
        graded=len(graded),
        late=sum(result.info.late for result in results),
        pending=sum(_pending(result) for result in results),
        scores=_scores([result.score for result in graded]) if graded else None,
        questions=tuple(
            _question(question.id, question.title, question.points, _answers(graded, question.id))
            for question in assignment.questions
        ),
    )


def concerns(results: Sequence[SubmissionResult], assignment: Assignment) -> list[Concern]:
    """Submissions that need a person: our own faults first, then the rest in the order given."""
    twice = elsewhere(results)
    all_of_them = [_concern(result, assignment, twice.get(result.submission, ())) for result in results]
    found = [concern for concern in all_of_them if concern.reasons]
    return sorted(found, key=lambda concern: not concern.urgent)


def _concern(result: SubmissionResult, assignment: Assignment, twice: Sequence[tuple[str, str, str]]) -> Concern:
    faults = [case for question in result.questions for case in question.cases if _faulty(case)]
    reasons = []
    if not result.graded:
        where = [question.id for question in result.questions if question.outcome is Outcome.GRADER_ERROR]
        reasons.append(f"grader error in {', '.join(where)}: no grade yet")
    if _pending(result):
        reasons.append("waits for a device: the score may rise")
    option = next((option for option in assignment.options if option.id == result.info.option), None)
    if option and option.review:
        reasons.append(f"option {option.id}: for a person to read")
    elif not option and assignment.options:
        found = f"names option {result.info.option}, which does not exist" if result.info.option else "names no option"
        reasons.append(f"{found}: scored as option {assignment.option(result.info.option).id}")
    if result.info.late:
        reasons.append("late")
    reasons += [f"{name or id} is also in {other}" for name, id, other in twice]
    if result.integrity and (count := result.integrity.restored):
        reasons.append(f"given code changed in {count} {'place' if count == 1 else 'places'}; the course's own was run")
    detail = "\n".join(filter(None, (faults[0].id, faults[0].message, faults[0].detail))) if faults else ""
    return Concern(result.submission, (*reasons, *result.info.notes), urgent=not result.graded, detail=detail)


def _faulty(case: CaseResult) -> bool:
    return case.outcome is Outcome.GRADER_ERROR


def _pending(result: SubmissionResult) -> bool:
    return any(question.outcome is Outcome.PENDING for question in result.questions)


def _scores(scores: list[float]) -> ScoreSummary:
    lower, _, upper = quantiles(scores, n=4, method="inclusive") if len(scores) > 1 else scores * 3
    return ScoreSummary(fmean(scores), median(scores), lower, upper, min(scores), max(scores))


def _answers(results: Sequence[SubmissionResult], id: str) -> list[QuestionResult]:
    return [question for result in results for question in result.questions if question.id == id]


def _question(id: str, title: str, points: float, answers: list[QuestionResult]) -> QuestionSummary:
    full = sum(answer.score >= answer.points for answer in answers)
    none = [answer for answer in answers if answer.score <= 0 < answer.points]
    return QuestionSummary(
        id=id,
        title=title,
        points=points,
        share=fmean(answer.score for answer in answers) / points if answers and points else 0.0,
        full=full,
        partial=len(answers) - full - len(none),
        none=len(none),
        not_attempted=sum(answer.outcome is Outcome.NOT_ATTEMPTED for answer in none),
        worst=_worst(answers),
    )


def _worst(answers: list[QuestionResult]) -> tuple[CaseTrouble, ...]:
    tried: Counter[str] = Counter()
    lost: dict[str, Counter[Outcome]] = {}
    for case in (case for answer in answers for case in answer.cases if case.outcome not in NOT_TRIED):
        tried[case.id] += 1
        if case.outcome is not Outcome.PASSED:
            lost.setdefault(case.id, Counter())[case.outcome] += 1
    troubles = [
        CaseTrouble(id, outcomes.total(), tried[id], tuple(outcomes.most_common())) for id, outcomes in lost.items()
    ]
    return tuple(sorted(troubles, key=lambda trouble: (-trouble.lost, trouble.tried, trouble.id))[:WORST_CASES])
