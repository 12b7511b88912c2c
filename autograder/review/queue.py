"""The queue: submissions that a person has to look at, with reasons, the most serious first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from autograder.gradebook.facts import StoredSubmission
from autograder.gradebook.grades import TO_READ, Grade, State
from autograder.gradebook.wording import sentence
from autograder.review.desk import Moment

__all__ = ["QueueEntry", "Why", "entries"]

ALTERED = "{} {} of given code changed: the course's own code was run"
OPEN = "a request is open"


class Why(StrEnum):
    """Reasons why a person has to look, the most serious first. The value is the word on the page."""

    HELD = "held"
    READ = "to be read"
    REQUEST = "request"
    STALE = "stale"
    INTEGRITY = "given code"
    NOTE = "note"


@dataclass(frozen=True)
class QueueEntry:
    """A submission in the queue. `reasons`: (why, in words); empty if there is nothing to decide."""

    submission: StoredSubmission
    name: str
    people: tuple[str, ...]
    sums: tuple[str, ...]
    state: str
    cents: int
    reasons: tuple[tuple[Why, str], ...]

    @property
    def kinds(self) -> tuple[Why, ...]:
        return tuple(dict.fromkeys(why for why, _ in self.reasons))


def entries(moment: Moment) -> tuple[QueueEntry, ...]:
    """Every submission, those with the most serious reason first, then by name."""
    order = list(Why)
    found = [_entry(moment, each) for each in moment.submissions]
    return tuple(sorted(found, key=lambda each: min((order.index(why) for why in each.kinds), default=len(order))))


def _entry(moment: Moment, submission: StoredSubmission) -> QueueEntry:
    own = moment.grades_of.get(submission.id, ())
    states = dict.fromkeys(str(each.state) for each in own)
    return QueueEntry(
        submission=submission,
        name=moment.names.submission(submission),
        people=tuple(moment.names.person(each.student) for each in own),
        sums=tuple(dict.fromkeys(_sum(moment, each, submission) for each in own)),
        state=", ".join(states),
        cents=max((each.cents or 0 for each in own if each.submission == submission.id), default=-1),
        reasons=tuple(dict.fromkeys(_reasons(moment, submission, own))),
    )


def _sum(moment: Moment, grade: Grade, submission: StoredSubmission) -> str:
    if grade.submission != submission.id:
        return "another submission counts"
    return sentence(grade, moment.terms).partition(". Not final")[0]


def _reasons(moment: Moment, submission: StoredSubmission, own: tuple[Grade, ...]) -> Iterator[tuple[Why, str]]:
    names, newest = moment.names, moment.newest
    for grade in own:
        if grade.state is State.HELD:
            held = (
                reason for reason in grade.reasons if not reason.startswith(OPEN)
            )  # the request itself follows below
            yield from ((_of(reason), names.without(reason)) for reason in held)
        for (kind, student, _, question), decision in newest.items():
            if kind == "request" and student == grade.student and decision.value is not None:
                answer = newest.get(("answer", student, 0, question))
                if answer is None or answer.id < decision.id:
                    yield Why.REQUEST, f"{question}: {decision.value}" if question else str(decision.value)
        yield from ((Why.STALE, note) for note in grade.notes)
    if places := moment.desk.restored(moment, submission):
        yield Why.INTEGRITY, ALTERED.format(places, "place" if places == 1 else "places")
    if names.anonymous:
        if submission.notes:
            yield Why.NOTE, f"{len(submission.notes)} on what was handed in; they may name people"
    else:
        yield from ((Why.NOTE, note) for note in submission.notes)


def _of(reason: str) -> Why:
    """The heading for a reason why a grade is held."""
    if reason.endswith(TO_READ):
        return Why.READ
    return Why.STALE if ": set to " in reason else Why.HELD
