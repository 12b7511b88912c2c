"""What a student may see of a result: each question's visibility decides, and nothing else reaches their page.

A question that the assignment doesn't name shows its score only. `CaseResult.detail`, the run's seed and the text of
a grader error are for instructors and have no place in a view at all.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from autograder.course.model import Assignment, Question, Visibility
from autograder.course.outcome import Outcome
from autograder.course.result import CaseResult, QuestionResult, SubmissionResult
from autograder.reports.changes import Change, changes
from autograder.reports.people import people
from autograder.reports.text import block, line
from autograder.reports.timings import TimingView, timing_views

__all__ = ["CaseGroup", "QuestionView", "StudentView", "student_view"]

NOT_FINAL = (Outcome.PENDING, Outcome.GRADER_ERROR)


@dataclass(frozen=True)
class CaseGroup:
    """Cases of one question that say the same thing: one cause is told once.

    Attributes:
        checks: (check, variants) for each check among them. A case's id is `check[variant]`, or `check` alone.
        count: how many cases there are.
    """

    outcome: Outcome
    message: str
    hint: str
    location: str
    checks: tuple[tuple[str, tuple[str, ...]], ...]
    count: int


@dataclass(frozen=True)
class QuestionView:
    """One question as its student sees it.

    Attributes:
        outcome: None where the student sees the score only.
        final: False while the score waits for a device, or for us to mend the grader.
        depends: titles of the questions that have to work first, where that is why this one is blocked.
        groups: passed cases last; empty where the student sees the score only.
        passed, total: numbers of cases; both 0 where the student sees the score only.
        timings: what was measured of its running time; empty where the student sees outcomes only.
    """

    id: str
    title: str
    component: str
    points: float
    score: float
    visibility: Visibility
    outcome: Outcome | None
    final: bool
    depends: tuple[str, ...] = ()
    groups: tuple[CaseGroup, ...] = ()
    passed: int = 0
    total: int = 0
    timings: tuple[TimingView, ...] = ()


@dataclass(frozen=True)
class StudentView:
    """Everything that a student's page is made of. `people` are (name, id), the one who handed in first."""

    submission: str
    people: tuple[tuple[str, str], ...]
    option: str
    option_title: str
    review: bool
    submitted_at: str
    late: bool
    notes: tuple[str, ...]
    changes: tuple[Change, ...]
    score: float
    max_score: float
    scale: float
    final: bool
    questions: tuple[QuestionView, ...]
    environment: tuple[tuple[str, str], ...]
    isolation_level: str
    isolation_layers: tuple[str, ...]
    fingerprint: str

    @property
    def timed(self) -> bool:
        """Whether the page shows running times."""
        return any(question.timings for question in self.questions)

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """Those that the page mentions, in the order of Outcome."""
        seen = {group.outcome for question in self.questions for group in question.groups}
        seen |= {question.outcome for question in self.questions if question.outcome is not None}
        return tuple(outcome for outcome in Outcome if outcome in seen)


def student_view(result: SubmissionResult, assignment: Assignment) -> StudentView:
    """`result` as its student may see it. All text in it is inert (`reports.text`)."""
    info = result.info
    option = assignment.option(info.option) if assignment.options else None
    layers = result.isolation.get("layers", {})
    questions = tuple(_question(question, assignment) for question in result.questions)
    return StudentView(
        submission=line(info.submission, 120),
        people=tuple((line(name, 80), line(id, 40)) for name, id in people(info)),
        option=line(info.option, 20),
        option_title=line(option.title) if option and option.id == info.option else "",
        review=bool(option and option.id == info.option and option.review),
        submitted_at=info.submitted_at,
        late=info.late,
        notes=tuple(line(note, 500) for note in info.notes),
        changes=changes(result.integrity),
        score=result.score,
        max_score=result.max_score,
        scale=result.scale,
        final=all(question.final for question in questions),
        questions=questions,
        environment=tuple((line(str(key), 40), line(str(value), 120)) for key, value in result.environment.items()),
        isolation_level=line(str(result.isolation.get("level", "")), 40),
        isolation_layers=tuple(line(str(name), 40) for name, holds in layers.items() if holds),
        fingerprint=line(result.fingerprint, 12),
    )


def _question(result: QuestionResult, assignment: Assignment) -> QuestionView:
    question = assignment.by_id.get(result.id)
    visibility = question.visibility if question else Visibility.SCORE
    final = result.outcome not in NOT_FINAL and not any(case.outcome in NOT_FINAL for case in result.cases)
    score = QuestionView(
        id=line(result.id, 60),
        title=line(result.title),
        component=question.component if question else "",
        points=result.points,
        score=result.score,
        visibility=visibility,
        outcome=None,
        final=final,
    )
    if visibility is Visibility.SCORE:
        return score
    return replace(
        score,
        outcome=result.outcome,
        depends=_dependencies(result, question, assignment),
        groups=_groups(result.cases, told=visibility is Visibility.HINTS),
        passed=sum(case.outcome is Outcome.PASSED for case in result.cases),
        total=len(result.cases),
        timings=timing_views(result.cases) if visibility is Visibility.HINTS else (),
    )


def _dependencies(result: QuestionResult, question: Question | None, assignment: Assignment) -> tuple[str, ...]:
    blocked = result.outcome is Outcome.BLOCKED or any(case.outcome is Outcome.BLOCKED for case in result.cases)
    return tuple(assignment.by_id[id].title for id in question.depends) if question and blocked else ()


def _groups(cases: tuple[CaseResult, ...], told: bool) -> tuple[CaseGroup, ...]:
    """Cases that say the same, in the order of their first; the passed ones last."""
    alike: dict[tuple[Outcome, str, str, str], list[str]] = {}
    for case in cases:
        alike.setdefault((case.outcome, *_words(case, told)), []).append(case.id)
    groups = [CaseGroup(*said, _checks(ids), len(ids)) for said, ids in alike.items()]
    return tuple(sorted(groups, key=lambda group: group.outcome is Outcome.PASSED))


def _words(case: CaseResult, told: bool) -> tuple[str, str, str]:
    """Message, hint and location; nothing for a grader error, whose words are about the check and not the answer."""
    if not told or case.outcome is Outcome.GRADER_ERROR:
        return "", "", ""
    return block(case.message), block(case.hint), line(case.location)


def _checks(ids: list[str]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    checks: dict[str, list[str]] = {}
    for id in ids:
        check, _, variant = id.removesuffix("]").partition("[")
        checks.setdefault(line(check), []).extend([line(variant)] if variant else [])
    return tuple((check, tuple(variants)) for check, variants in checks.items())
