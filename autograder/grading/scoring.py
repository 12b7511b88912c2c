"""Computes scores from verdicts on cases. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from autograder.course.model import Assignment, Question
from autograder.course.outcome import STOPPED, Outcome
from autograder.course.result import CaseResult, QuestionResult, SubmissionResult
from autograder.rounding import exact, half_up, hundredths

__all__ = ["blocked", "blocker", "reviewed", "score_questions", "total"]

SET = "scale set by review"

# Outcomes that a failed dependency may have caused. Work not begun, and the grader's faults, stay as they are.
BLOCKABLE = (*STOPPED, Outcome.FAILED, Outcome.TOO_SLOW, Outcome.TOO_NOISY)


def score_questions(assignment: Assignment, cases: Mapping[str, Sequence[CaseResult]]) -> tuple[QuestionResult, ...]:
    """Score every question of an assignment, in its order.

    The cases of a question share its points in proportion to their weights; each case earns its credit's part. If a
    question that it depends on earned nothing, wrong cases are shown as blocked. The exception is one error that ended
    all cases of a module, for example in a file that cannot be imported: no question is the cause. A case that stands
    alone is never blocked.

    Args:
        cases: verdicts by question id.
    """
    alike = _are_alike(cases.values())
    stopped = {module for module in assignment.modules if _is_stopped(assignment.questions_in(module), cases)}
    results = []
    for question in assignment.questions:
        by = None if alike or question.module in stopped else blocker(assignment, question, cases)
        verdicts = tuple(blocked(case, by) if by else case for case in cases.get(question.id, ()))
        results.append(_scored(question, verdicts))
    return tuple(results)


def _are_alike(verdicts: Iterable[Sequence[CaseResult]]) -> bool:
    return len({(case.outcome, case.message) for cases in verdicts for case in cases}) == 1


def _is_stopped(questions: Sequence[Question], cases: Mapping[str, Sequence[CaseResult]]) -> bool:
    """True if one error ended all cases of a module's questions."""
    verdicts = [cases.get(question.id, ()) for question in questions]
    return len(questions) > 1 and _are_alike(verdicts) and any(case.outcome in STOPPED for case in verdicts[0])


def blocker(assignment: Assignment, question: Question, cases: Mapping[str, Sequence[CaseResult]]) -> Question | None:
    """The first question that another depends on and that earned nothing, by itself or because it was blocked too."""
    for id in question.depends:
        other = assignment.by_id[id]
        by = blocker(assignment, other, cases)
        if not any(case.credit and (case.alone or not by) for case in cases.get(id, ())):
            return other
    return None


def blocked(case: CaseResult, by: Question, ended: str = "") -> CaseResult:
    """A wrong case, changed to blocked by a question; any other case unchanged.

    Args:
        ended: the own result of the case, in words; by default its message.
    """
    if case.outcome not in BLOCKABLE or case.alone:
        return case
    return replace(
        case,
        outcome=Outcome.BLOCKED,
        message=f"blocked: this needs “{by.title}”, which does not work yet",
        hint=f"Fix {by.id} first. {ended or f'Result without that dependency: {case.message}'}",
        credit=0.0,
    )


def total(questions: Sequence[QuestionResult], scale: float) -> float:
    """The sum of the questions' scores on an option's scale, to a hundredth, half up."""
    return half_up(sum(hundredths(question.score) for question in questions) * exact(scale)) / 100


def reviewed(result: SubmissionResult, assignment: Assignment, scale: float | None) -> SubmissionResult:
    """The result on the scale that a person gave it, and a note about it if it is not the option's own.

    Args:
        scale: None if nobody has decided. It counts only for options that a person reviews.
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
    whole = sum(exact(case.weight) for case in cases)
    earned = sum(exact(case.weight) * exact(case.credit) for case in cases)
    score = hundredths(exact(question.points) * earned / whole) / 100 if whole else 0.0
    outcome = Outcome.of(case.outcome for case in cases)
    return QuestionResult(question.id, question.title, question.points, score, outcome, cases)
