"""The part of a result that its student may see.

A question that the assignment does not name shows its score only. `CaseResult.detail`, the run's seed and the text of
a grader error are for instructors only, and no view contains them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from autograder.course.model import Assignment, Question
from autograder.course.outcome import Outcome
from autograder.course.result import CaseResult, QuestionResult, SubmissionResult
from autograder.reports.findings.causes import causes, part_causes, whole_cause
from autograder.reports.findings.changes import Change, changes
from autograder.reports.findings.people import people
from autograder.reports.findings.timings import TimingView, timing_views
from autograder.reports.text import block, line

__all__ = ["CaseGroup", "QuestionView", "StudentView", "student_view"]

NOT_FINAL = (Outcome.PENDING, Outcome.GRADER_ERROR)


@dataclass(frozen=True)
class CaseGroup:
    """Cases of one question that have one cause.

    Attributes:
        message: the message of the case named by `example`.
        example: the title and variant of the message's case; "" if all cases have exactly this message.
        checks: (title, variants) for each check among them. A case's id is `check[variant]`, or `check` alone.
        count: the number of these cases.
    """

    outcome: Outcome
    message: str
    hint: str
    location: str
    checks: tuple[tuple[str, tuple[str, ...]], ...]
    count: int
    example: str = ""


@dataclass(frozen=True)
class QuestionView:
    """One question, as its student sees it.

    Attributes:
        file: the Python file of the answer, if the assignment has several; else "".
        outcome: None if the student sees the score only.
        final: False while the score waits for a device or for a repair of the grader.
        depends: if this question is blocked, titles of the questions that have to work first.
        groups: groups of cases, passed ones last; empty if the assignment does not name this question.
        passed, total: numbers of cases; both 0 if the assignment does not name it.
        timings: measurements of its running time.
    """

    id: str
    title: str
    file: str
    component: str
    points: float
    score: float
    outcome: Outcome | None
    final: bool
    depends: tuple[str, ...] = ()
    groups: tuple[CaseGroup, ...] = ()
    passed: int = 0
    total: int = 0
    timings: tuple[TimingView, ...] = ()

    @property
    def partly(self) -> bool:
        """True if nothing is wrong, but only a part is written."""
        return self.outcome is Outcome.NOT_ATTEMPTED and self.passed > 0


@dataclass(frozen=True)
class StudentView:
    """All content of a student's page.

    Attributes:
        people: (name, id), the one who handed in first.
        whole: the single cause that stopped all questions, if there is one; single questions do not repeat it.
        stopped: for each file, the single cause that stopped all its questions.
    """

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
    whole: CaseGroup | None
    stopped: Mapping[str, CaseGroup]
    questions: tuple[QuestionView, ...]
    environment: tuple[tuple[str, str], ...]
    isolation_level: str
    isolation_layers: tuple[str, ...]
    fingerprint: str

    @property
    def timed(self) -> bool:
        """True if the page shows running times."""
        return any(question.timings for question in self.questions)

    @property
    def parts(self) -> tuple[tuple[str, tuple[QuestionView, ...]], ...]:
        """The questions by file; all under "" if there is only one file."""
        return tuple((file, tuple(group)) for file, group in groupby(self.questions, lambda each: each.file))

    @property
    def changes_by_file(self) -> tuple[tuple[str, tuple[Change, ...]], ...]:
        """The changes by file; under "" those that belong to no single file."""
        return tuple((file, tuple(group)) for file, group in groupby(self.changes, lambda each: each.file))

    @property
    def partly(self) -> bool:
        return any(question.partly for question in self.questions)

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """The outcomes that the page mentions, in the order of Outcome."""
        seen = {group.outcome for question in self.questions for group in question.groups}
        seen |= {question.outcome for question in self.questions if question.outcome is not None}
        return tuple(outcome for outcome in Outcome if outcome in seen)


def student_view(result: SubmissionResult, assignment: Assignment) -> StudentView:
    """`result` as its student may see it. All text in it is inert (`reports.text`)."""
    info = result.info
    option = assignment.option(info.option) if assignment.options else None
    layers = result.isolation.get("layers", {})
    questions = tuple(_question(question, assignment) for question in result.questions)
    whole = _first_group(questions) if whole_cause(result) else None
    files = part_causes(result, assignment)
    stopped = {file: _first_group([each for each in questions if each.file == file]) for file in files}
    causes_by_file = {file: group for file, group in stopped.items() if group}
    questions = tuple(replace(each, groups=()) if whole or each.file in causes_by_file else each for each in questions)
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
        whole=whole,
        stopped=causes_by_file,
        questions=questions,
        environment=tuple((line(str(key), 40), line(str(value), 120)) for key, value in result.environment.items()),
        isolation_level=line(str(result.isolation.get("level", "")), 40),
        isolation_layers=tuple(line(str(name), 40) for name, holds in layers.items() if holds),
        fingerprint=line(result.fingerprint, 12),
    )


def _first_group(questions: Sequence[QuestionView]) -> CaseGroup | None:
    return next((question.groups[0] for question in questions if question.groups), None)


def _question(result: QuestionResult, assignment: Assignment) -> QuestionView:
    question = assignment.by_id.get(result.id)
    final = result.outcome not in NOT_FINAL and not any(case.outcome in NOT_FINAL for case in result.cases)
    score = QuestionView(
        id=line(result.id, 60),
        title=line(result.title),
        file=assignment.component_of(question).file if question and len(assignment.components) > 1 else "",
        component=question.component if question else "",
        points=result.points,
        score=result.score,
        outcome=None,
        final=final,
    )
    if question is None:
        return score
    return replace(
        score,
        outcome=result.outcome,
        depends=_dependencies(result, question, assignment),
        groups=_groups(result.cases),
        passed=sum(case.outcome is Outcome.PASSED for case in result.cases),
        total=len(result.cases),
        timings=timing_views(result.cases),
    )


def _dependencies(result: QuestionResult, question: Question, assignment: Assignment) -> tuple[str, ...]:
    blocked = result.outcome is Outcome.BLOCKED or any(case.outcome is Outcome.BLOCKED for case in result.cases)
    return tuple(assignment.by_id[id].title for id in question.depends) if blocked else ()


def _groups(cases: tuple[CaseResult, ...]) -> tuple[CaseGroup, ...]:
    """Cases by cause, the passed ones last."""
    shown = [_shown(case) for case in cases]
    by_id = {case.id: case for case in shown}
    return tuple(
        CaseGroup(
            outcome=cause.outcome,
            message=cause.message,
            hint=cause.hint,
            location=cause.location,
            checks=_checks([by_id[id] for id in cause.cases]),
            count=len(cause.cases),
            example=_named(by_id[cause.example]) if len({by_id[id].message for id in cause.cases}) > 1 else "",
        )
        for cause in causes(shown)
    )


def _shown(case: CaseResult) -> CaseResult:
    """The case with inert words; without words for a grader error, which is about the check and not the answer."""
    if case.outcome is Outcome.GRADER_ERROR:
        return replace(case, message="", hint="", location="")
    return replace(case, message=block(case.message), hint=block(case.hint), location=line(case.location))


def _checks(cases: list[CaseResult]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    checks: dict[tuple[str, str], list[str]] = {}
    for case in cases:
        check, variant = _parts(case)
        checks.setdefault((check, line(case.title or check)), []).extend([line(variant)] if variant else [])
    return tuple((title, tuple(variants)) for (_, title), variants in checks.items())


def _named(case: CaseResult) -> str:
    """`The output is right: wide`"""
    check, variant = _parts(case)
    return line(": ".join(filter(None, (case.title or check, variant))))


def _parts(case: CaseResult) -> tuple[str, str]:
    """`matches[wide]` -> ("matches", "wide")"""
    check, _, variant = case.id.removesuffix("]").partition("[")
    return check, variant
