"""Two sets of grades → what changed, for whom and why. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from autograder.gradebook.decisions import words
from autograder.gradebook.facts import Facts, Told
from autograder.gradebook.grades import Grade

__all__ = ["GradeChange", "changed", "shown", "told_now"]


@dataclass(frozen=True)
class GradeChange:
    """One person's grade before and now, as they are shown, and why they differ."""

    student: str
    before: str
    now: str
    why: str

    def __str__(self) -> str:
        """
        >>> str(GradeChange("2022990116", "87.75", "91.25", "conv-backward 7.5 → 11"))
        '2022990116  87.75 → 91.25  conv-backward 7.5 → 11'
        """
        return f"{self.student}  {self.before} → {self.now}  {self.why}".rstrip()


def shown(state: str, cents: int | None) -> str:
    """A grade as it is written: its number, or its state where it has none."""
    return state if cents is None else f"{cents / 100:.2f}".rstrip("0").rstrip(".")


def told_now(grades: Sequence[Grade], release: int = 0) -> tuple[Told, ...]:
    """Grades in the form in which a release keeps them."""
    return tuple(Told(release, each.student, str(each.state), each.cents, each.why) for each in grades)


def changed(before: Sequence[Told], now: Sequence[Told], facts: Facts) -> tuple[GradeChange, ...]:
    """Whose state or number differs, in the order of students."""
    earlier = {told.student: told for told in before}
    later = {told.student: told for told in now}
    found = []
    for student in sorted({*earlier, *later}):
        old, new = earlier.get(student), later.get(student)
        was = shown(old.state, old.cents) if old else "nothing"
        is_now = shown(new.state, new.cents) if new else "nothing"
        if was != is_now:
            why = _why(old.why if old else {}, new.why if new else {}, facts)
            found.append(GradeChange(student, was, is_now, why))
    return tuple(found)


def _why(old: Mapping[str, Any], new: Mapping[str, Any], facts: Facts) -> str:
    parts = [_gradings(old.get("grading", 0), new.get("grading", 0), facts)]
    for key, name in (("taken", "late"), ("days", "free days"), ("adjust", "adjusted")):
        was, is_now = old.get(key, 0), new.get(key, 0)
        if was != is_now:
            unit = 1 if key == "days" else 100
            parts.append(f"{name} {was / unit:g} → {is_now / unit:g}")
    known = {decision.id: decision for decision in facts.decisions}
    for id in sorted({*new.get("decisions", ())} - {*old.get("decisions", ())}):
        if decision := known.get(id):
            parts.append(f"{words(decision)} ({decision.who})")
    parts += [f"no longer: {reason}" for reason in old.get("reasons", ()) if reason not in new.get("reasons", ())]
    parts += [reason for reason in new.get("reasons", ()) if reason not in old.get("reasons", ())]
    return "; ".join(filter(None, parts))


def _gradings(before: int, now: int, facts: Facts) -> str:
    """Which questions' scores differ between two gradings."""
    if before == now or now not in facts.by_id:
        return ""
    new = facts.by_id[now]
    if before not in facts.by_id:
        return f"graded in run {new.run}"
    scores = {score.question: score.cents for score in facts.by_id[before].scores}
    differ = [
        f"{score.question} {scores[score.question] / 100:g} → {score.cents / 100:g}"
        for score in new.scores
        if scores.get(score.question, score.cents) != score.cents
    ]
    if facts.by_id[before].submission != new.submission:
        return "another submission counts"
    return f"{', '.join(differ)}: run {new.run}" if differ else ""
