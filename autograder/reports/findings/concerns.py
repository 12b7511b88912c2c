"""Submissions of a class that a person has to look at, grouped by reason, the most serious first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from autograder.course.model import Assignment
from autograder.course.outcome import Outcome
from autograder.course.result import SubmissionResult
from autograder.reports.findings.causes import part_causes, whole_cause
from autograder.reports.findings.people import elsewhere

__all__ = ["Concern", "ConcernGroup", "Reason", "concerns"]


class Reason(StrEnum):
    """Reasons why a person has to look, most serious first. The value is the group's title."""

    OURS = "The grader failed: no grade yet"
    PASSED = "Skipped: not graded"
    WHOLE = "Nothing could be graded"
    OPTION = "The option is unclear"
    TWICE = "One person in several submissions"
    GIVEN = "Given code was changed: the course's own was run"
    NOTE = "Notes on what was handed in"
    DEVICE = "Waiting for a device: the score may rise"
    READ = "For a person to read"
    LATE = "Late"


@dataclass(frozen=True)
class Concern:
    """One submission, with a text for the person who looks at it.

    Attributes:
        detail: the grader's own error.
        linked: True if it has a page.
    """

    submission: str
    text: str = ""
    detail: str = ""
    linked: bool = True


@dataclass(frozen=True)
class ConcernGroup:
    """All submissions with one reason, in the order given."""

    reason: Reason
    concerns: tuple[Concern, ...]


def concerns(
    results: Sequence[SubmissionResult],
    assignment: Assignment,
    failures: Iterable[tuple[str, str]] = (),
    passed: Iterable[tuple[str, str]] = (),
) -> tuple[ConcernGroup, ...]:
    """The groups that are not empty. A submission is in every group whose reason it has.

    Args:
        failures: (submission, why) of those that have no result because of a fault of the grader.
        passed: (path, why) of skipped files that are not submissions.
    """
    found: dict[Reason, list[Concern]] = {reason: [] for reason in Reason}
    found[Reason.OURS] += [Concern(name, why, linked=False) for name, why in sorted(failures)]
    found[Reason.PASSED] += [Concern(name, why, linked=False) for name, why in passed]
    twice = elsewhere(results)
    for result in results:
        for reason, concern in _concerns(result, assignment, twice.get(result.submission, ())):
            found[reason].append(concern)
    return tuple(ConcernGroup(reason, tuple(found[reason])) for reason in Reason if found[reason])


def _concerns(
    result: SubmissionResult, assignment: Assignment, twice: Sequence[tuple[str, str, str]]
) -> Iterator[tuple[Reason, Concern]]:
    name = result.submission
    if not result.graded:
        yield Reason.OURS, _fault(result)
    if whole := whole_cause(result):
        yield Reason.WHOLE, Concern(name, whole.message)
    for file, cause in part_causes(result, assignment).items():
        yield Reason.WHOLE, Concern(name, cause.message if file in cause.message else f"{file}: {cause.message}")
    option = next((option for option in assignment.options if option.id == result.info.option), None)
    if option and option.review:
        yield Reason.READ, Concern(name, f"option {option.id}")
    elif not option and assignment.options:
        scored = f"scored as option {assignment.option(result.info.option).id}"
        found = f"option {result.info.option} does not exist" if result.info.option else "no option is named"
        yield Reason.OPTION, Concern(name, f"{found}: {scored}")
    for who, id, other in twice:
        yield Reason.TWICE, Concern(name, f"{who or id} is also in {other}")
    if result.integrity and (count := result.integrity.restored):
        yield Reason.GIVEN, Concern(name, f"{count} {'place' if count == 1 else 'places'}")
    for note in result.info.notes:
        yield Reason.NOTE, Concern(name, note)
    if any(question.outcome is Outcome.PENDING for question in result.questions):
        yield Reason.DEVICE, Concern(name)
    if result.info.late:
        yield Reason.LATE, Concern(name)


def _fault(result: SubmissionResult) -> Concern:
    where = [question.id for question in result.questions if question.outcome is Outcome.GRADER_ERROR]
    case = next(
        case for question in result.questions for case in question.cases if case.outcome is Outcome.GRADER_ERROR
    )
    detail = "\n".join(filter(None, (case.id, case.message, case.detail)))
    return Concern(result.submission, f"in {', '.join(where)}", detail)
