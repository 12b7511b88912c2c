"""A grade in words: the line that stands first on a student's page. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from autograder.gradebook.changes import shown
from autograder.gradebook.facts import Decision, Facts, Terms
from autograder.gradebook.grades import Grade, State
from autograder.gradebook.late import DAY, HOUR, Of

__all__ = ["PageWords", "PolicyRow", "by_person", "elapsed", "page_words", "sentence"]

MatterKey: TypeAlias = "tuple[str, str, int, str]"  # kind, student, submission, question
SCORING = ("points",)
# The decisions beside a question on its student's page, with their words.
BESIDE: Mapping[str, str] = {
    "points": "Points set by a person: {}",
    "comment": "{}",
    "request": "Request: {}",
    "answer": "Answer: {}",
}
UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def elapsed(seconds: int) -> str:
    """A length of time in full.

    >>> elapsed(107100)
    '1 d 5 h 45 min'
    """
    parts = []
    for size, name in UNITS:
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count} {name}")
    return " ".join(parts) or "0 s"


def by_person(grade: Grade, facts: Facts) -> bool:
    """True if a person set points of a question."""
    return _decided(grade, facts, SCORING)


def sentence(grade: Grade, terms: Terms, points_by_person: bool = False) -> str:
    """The calculation in one line: the points from the checks, the loss through lateness, a person's change.

    Args:
        points_by_person: True if a person set points of a question.
    """
    if grade.state is State.EXCUSED:
        return "Excused: this assignment does not count."
    text = f"{_points(grade.checks)} from the checks{' and a person' if points_by_person else ''}"
    if grade.late and terms.policy.steps:
        days = f", {'one free day' if grade.days == 1 else f'{grade.days} free days'} used" if grade.days else ""
        if grade.percent is None:
            return f"{text}; late by {elapsed(grade.late)}: not accepted = 0 of {_points(terms.points)}"
        text += f" − {_points(grade.taken)} late by {elapsed(grade.late)}{days}"
    if grade.adjust:
        text += f" {'+' if grade.adjust > 0 else '−'} {_points(abs(grade.adjust))} by a person"
    if grade.state is State.HELD:
        return f"{text}. Not final: {'; '.join(grade.reasons)}."
    return f"{text} = {_points(grade.cents or 0)} of {_points(terms.points)}"


@dataclass(frozen=True)
class PolicyRow:
    """One row of the late policy, for a page. `mine`: the people whose row it is; "" means everybody of the page."""

    late: str
    costs: str
    mine: tuple[str, ...] = ()


@dataclass(frozen=True)
class PageWords:
    """The text on a page about the grade, besides the results of the checks.

    Attributes:
        sums: the grade in one line; a line for each person if the members of a group differ.
        grade: the grade in points, if there are sums and everybody on the page has this grade; None otherwise.
        beside: by question, people's texts and decisions; under "" those about the whole submission.
        policy: the rows of the late policy; empty without one.
        deadlines: the extensions that count, one line each.
    """

    sums: tuple[str, ...] = ()
    beside: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    policy: tuple[PolicyRow, ...] = ()
    deadlines: tuple[str, ...] = ()
    grade: float | None = None

    def changed(self, change: Callable[[str], str]) -> PageWords:
        """The same with every text changed. It removes ids if names are hidden."""
        return PageWords(
            tuple(map(change, self.sums)),
            {question: tuple(map(change, lines)) for question, lines in self.beside.items()},
            tuple(replace(row, mine=tuple(map(change, row.mine))) for row in self.policy),
            tuple(map(change, self.deadlines)),
            self.grade,
        )


def page_words(grades: Iterable[Grade], facts: Facts, terms: Terms) -> dict[int, PageWords]:
    """By submission, the text on its page about grades; nothing if neither a policy nor a person changes a score.

    If the members of a group differ, each gets a line with the id; else they share one.
    """
    theirs: dict[int, list[Grade]] = {}
    for grade in grades:
        if grade.assignment == terms.id and grade.submission:
            theirs.setdefault(grade.submission, []).append(grade)
    newest = {
        (each.kind, each.student, each.submission, each.question): each
        for each in sorted(facts.decisions, key=lambda decision: decision.id)
        if each.assignment == terms.id
    }
    found = {}
    for submission in {*theirs, *(number for kind, _, number, _ in newest if kind in BESIDE)} - {0}:
        own = theirs.get(submission, [])
        stated = [grade for grade in own if terms.policy.steps or _decided(grade, facts)]
        words = PageWords(
            sums=_shared([(each.student, sentence(each, terms, by_person(each, facts))) for each in stated], len(own)),
            beside=_beside(newest, submission, {grade.student for grade in own}),
            policy=_policy(own, terms) if own else (),
            deadlines=_shared([(grade.student, line) for grade in own if (line := _deadline(grade, newest))], len(own)),
            grade=_common(own) if stated else None,
        )
        if words != PageWords():
            found[submission] = words
    return found


def _common(own: Sequence[Grade]) -> float | None:
    """The grade that everybody has, in points; None if two differ, or if one is not known yet."""
    cents = {grade.cents for grade in own}
    return (found or 0) / 100 if len(cents) == 1 and (found := cents.pop()) is not None else None


def _shared(lines: Sequence[tuple[str, str]], people: int) -> tuple[str, ...]:
    """The lines of some of `people`; one line if all lines are the same."""
    different = len({line for _, line in lines}) > 1 or len(lines) < people
    return tuple(dict.fromkeys(f"{student}: {line}" if different else line for student, line in lines))


def _beside(newest: Mapping[MatterKey, Decision], submission: int, students: set[str]) -> dict[str, tuple[str, ...]]:
    """Comments and set points of a submission, requests and answers of its people."""
    found: dict[str, list[str]] = {}
    for (kind, student, number, question), decision in newest.items():
        mine = number == submission if number else student in students
        if mine and kind in BESIDE and decision.value not in (None, ""):
            text = _points(decision.value) if kind == "points" else decision.value
            found.setdefault(question, []).append(BESIDE[kind].format(text))
    return {question: tuple(lines) for question, lines in found.items()}


def _deadline(grade: Grade, newest: Mapping[MatterKey, Decision]) -> str:
    extension = newest.get(("extension", grade.student, 0, ""))
    if extension is None or extension.value is None:
        return ""
    if isinstance(extension.value, str):
        return f"The deadline was moved to {extension.value}."
    return f"The deadline was moved by {elapsed(round(extension.value * 3600))}."


def _policy(own: Sequence[Grade], terms: Terms) -> tuple[PolicyRow, ...]:
    """The policy's rows, those of these people marked."""
    policy = terms.policy
    if not policy.steps:
        return ()
    grace = f", or within {elapsed(round(policy.grace_minutes * 60))} of the deadline" if policy.grace_minutes else ""
    whole = f"the {_points(terms.points)} points" if policy.of is Of.POINTS else "the score"
    rows = [PolicyRow(f"in time{grace}", "nothing")]
    for step in policy.steps:
        late = "later" if step.hours == math.inf else f"up to {elapsed(round(step.hours * 3600))} late"
        rows.append(PolicyRow(late, f"{step.percent:g} % of {whole}"))
    if policy.steps[-1].hours < math.inf:
        rows.append(PolicyRow("later", "not accepted"))
    places = [_place(grade, terms) for grade in own]
    alone = len(set(places)) == 1
    mine: dict[int, list[str]] = {}
    for grade, place in zip(own, places, strict=True):
        mine.setdefault(place, []).append("" if alone else grade.student)
    return tuple(replace(row, mine=tuple(dict.fromkeys(mine.get(at, ())))) for at, row in enumerate(rows))


def _place(grade: Grade, terms: Terms) -> int:
    """The row of the policy that applies to a grade, after free days."""
    late = grade.late - grade.days * DAY
    if late <= 0:
        return 0
    steps = terms.policy.steps
    return next((at for at, step in enumerate(steps, start=1) if late <= step.hours * HOUR), len(steps) + 1)


def _decided(grade: Grade, facts: Facts, kinds: Collection[str] | None = None) -> bool:
    """True if the grade rests on a decision of these kinds; None means any kind that the page shows."""
    found = {decision.id: decision.kind for decision in facts.decisions}
    return any(found[id] in kinds if kinds else found[id] not in ("scale", "note") for id in grade.decisions)


def _points(cents: int) -> str:
    return shown("", cents)
