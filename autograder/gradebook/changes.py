"""Two sets of grades → the changes, for whom and why. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from autograder.gradebook.decisions import words
from autograder.gradebook.facts import Decision, Facts, ReleasedGrade
from autograder.gradebook.grades import TO_READ, Grade, State
from autograder.rounding import number

__all__ = ["GradeChange", "as_released", "changed", "shown"]


@dataclass(frozen=True)
class GradeChange:
    """One person's grade before and now, as text, and the reason for the difference."""

    student: str
    before: str
    now: str
    why: str

    def __str__(self) -> str:
        """
        >>> str(GradeChange("2022990116", "87.75", "91.25", "conv-backward 7.5 → 11"))
        '2022990116  87.75 → 91.25  conv-backward 7.5 → 11'
        """
        return f"{self.student}  {self.before:<5} → {self.now:<5}  {self.why}".rstrip()


def shown(state: str, cents: int | None) -> str:
    """A grade as text: its number, or its state if it has none."""
    return state if cents is None else number(cents / 100)


def as_released(grades: Sequence[Grade], *, zeros: bool = False) -> tuple[ReleasedGrade, ...]:
    """Grades in the form in which a release keeps them. The number of the release is still 0.

    Args:
        zeros: True if people who handed in nothing get a 0 in it.
    """

    def cents(grade: Grade) -> int | None:
        return 0 if zeros and grade.state is State.MISSING else grade.cents

    return tuple(ReleasedGrade(0, each.student, str(each.state), cents(each), each.why) for each in grades)


def changed(before: Sequence[ReleasedGrade], now: Sequence[ReleasedGrade], facts: Facts) -> tuple[GradeChange, ...]:
    """The people whose state or number differs, in the order of students."""
    earlier = {each.student: each for each in before}
    later = {each.student: each for each in now}
    found = []
    for student in sorted({*earlier, *later}):
        old, new = earlier.get(student), later.get(student)
        was = shown(old.state, old.cents) if old else "nothing"
        is_now = shown(new.state, new.cents) if new else "nothing"
        if old and new and old.state == new.state == State.MISSING:
            continue  # a released 0 stands for no submission
        if was != is_now:
            why = _why(old.why if old else {}, new.why if new else {}, facts)
            found.append(GradeChange(student, was, is_now, why))
    return tuple(found)


def _why(old: Mapping[str, Any], new: Mapping[str, Any], facts: Facts) -> str:
    parts = []
    for key, name in (("taken", "late"), ("days", "free days"), ("adjust", "adjusted")):
        was, is_now = old.get(key, 0), new.get(key, 0)
        if was != is_now:
            unit = 1 if key == "days" else 100
            parts.append(f"{name} {number(was / unit)} → {number(is_now / unit)}")
    gone = [each for each in old.get("reasons", ()) if each not in new.get("reasons", ())]
    parts += ["review done" if each.endswith(TO_READ) else f"no longer: {each}" for each in gone]
    known = {decision.id: decision for decision in facts.decisions}
    was_by, is_by = ({*each.get("decisions", ())} & known.keys() for each in (old, new))
    latest = {_matter(each): each for each in sorted(facts.decisions, key=lambda each: each.id)}
    taken_back = {latest[_matter(known[id])].id for id in was_by - is_by}
    decided = [
        _in_words(known[id])
        for id in sorted({*(is_by - was_by), *(id for id in taken_back if known[id].value is None)})
    ]
    explained = ": ".join(filter(None, (", ".join(parts), "; ".join(decided))))
    came = [reason for reason in new.get("reasons", ()) if reason not in old.get("reasons", ())]
    return "; ".join(filter(None, (_gradings(old.get("grading", 0), new.get("grading", 0), facts), explained, *came)))


def _matter(decision: Decision) -> tuple[str, str, str, int, str]:
    return decision.assignment, decision.kind, decision.student, decision.submission, decision.question


def _in_words(decision: Decision) -> str:
    """A decision in words: its content, its author and the reason."""
    why = f', "{decision.why}"' if decision.why else ""
    return f"{words(replace(decision, why=''))}, {decision.who}{why}"


def _gradings(before: int, now: int, facts: Facts) -> str:
    """The questions whose scores differ between two gradings, in words."""
    if before == now or now not in facts.by_id:
        return ""
    new = facts.by_id[now]
    if before not in facts.by_id:
        return f"graded in run {new.run}"
    scores = {score.question: score.cents for score in facts.by_id[before].scores}
    differ = [
        f"{score.question} {number(scores[score.question] / 100)} → {number(score.cents / 100)}"
        for score in new.scores
        if scores.get(score.question, score.cents) != score.cents
    ]
    if facts.by_id[before].submission != new.submission:
        return "another submission counts"
    return f"{', '.join(differ)}: {_runs(facts.by_id[before].run, new.run, facts)}" if differ else ""


def _runs(before: int, now: int, facts: Facts) -> str:
    suites = {run.id: run.suite for run in facts.runs}
    was, is_now = suites.get(before, ""), suites.get(now, "")
    return f"run {now}" + (f" (suite {was[:4]}… → {is_now[:4]}…)" if was != is_now else "")
