"""From verdicts on cases to scores: pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from autograder.course.model import Assignment, Question
from autograder.course.outcome import Outcome
from autograder.course.result import CaseResult, QuestionResult, SubmissionResult

__all__ = ["reviewed", "score_questions", "total"]

SET = "scale set by review"

# What a failed dependency may have caused. Work not begun, and our own faults, stay what they are.
BLOCKABLE = (
    *(Outcome.FAILED, Outcome.ERROR, Outcome.TIMEOUT, Outcome.OUT_OF_MEMORY, Outcome.CRASHED),
    *(Outcome.TOO_SLOW, Outcome.TOO_NOISY),
)


def score_questions(assignment: Assignment, cases: Mapping[str, Sequence[CaseResult]]) -> tuple[QuestionResult, ...]:
    """Score every question of an assignment, in its order.

    A question's points are shared by its cases in proportion to their weights; each earns its credit's part. Where a
    question that it depends on earned nothing, what went wrong here is shown as blocked; unless all went wrong alike,
    as in a file that cannot be imported: no question is to blame for that.

    Args:
        cases: verdicts by question id.
    """
    results: dict[str, QuestionResult] = {}
    alike = len({(case.outcome, case.message) for verdicts in cases.values() for case in verdicts}) == 1
    for question in assignment.questions:
        broken = [results[other] for other in question.depends if results[other].score == 0 and not alike]
        verdicts = tuple(_blocked(case, broken[0]) if broken else case for case in cases.get(question.id, ()))
        results[question.id] = _scored(question, verdicts)
    return tuple(results.values())


def total(questions: Sequence[QuestionResult], scale: float) -> float:
    """The sum of the questions' scores on an option's scale, to a hundredth."""
    return round(sum(question.score for question in questions) * scale, 2)


def reviewed(result: SubmissionResult, assignment: Assignment, scale: float | None) -> SubmissionResult:
    """The result on the scale that a person gave it, and a note that says so where it is not the option's own.

    Args:
        scale: None where nobody has decided. It counts for options that a person reviews, and for no others.
    """
    option = assignment.option(result.info.option)
    if not option.review:
        return result
    scale = option.scale if scale is None else scale
    notes = tuple(note for note in result.info.notes if not note.startswith(SET))
    if scale != option.scale:
        notes += (f"{SET}: {scale:g} instead of {option.scale:g}",)
    info = replace(result.info, notes=notes)
    return replace(result, info=info, scale=scale, score=total(result.questions, scale))


def _scored(question: Question, cases: tuple[CaseResult, ...]) -> QuestionResult:
    whole = sum(case.weight for case in cases)
    earned = sum(case.weight * case.credit for case in cases)
    score = round(question.points * earned / whole, 2) if whole else 0.0
    outcome = Outcome.of(case.outcome for case in cases)
    return QuestionResult(question.id, question.title, question.points, score, outcome, cases)


def _blocked(case: CaseResult, dependency: QuestionResult) -> CaseResult:
    if case.outcome not in BLOCKABLE:
        return case
    return replace(
        case,
        outcome=Outcome.BLOCKED,
        message=f"blocked: this needs “{dependency.title}”, which does not work yet",
        hint=f"Mend {dependency.id} first. On its own, this ended thus: {case.message}",
        credit=0.0,
    )
