"""The late policy: what lateness costs, and what free days save. Pure functions.

Scores are whole hundredths of a point.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from autograder.course.table import Table
from autograder.rounding import exact, half_up

__all__ = ["DAY", "HOUR", "Counts", "Lateness", "Of", "Policy", "Step", "read_late", "standing"]

HOUR, DAY = 3600, 86400


class Of(StrEnum):
    """The number that a percent refers to."""

    POINTS = "points"  # the assignment's points
    SCORE = "score"  # the score that was earned


class Counts(StrEnum):
    """Which of several submissions counts."""

    BEST = "best"
    LAST = "last"


@dataclass(frozen=True)
class Step:
    """Lateness up to `hours` costs `percent`. A step without an end has infinitely many hours."""

    hours: float
    percent: float


@dataclass(frozen=True)
class Policy:
    """The `[late]` table of a course or an assignment. Without steps, lateness is shown and costs nothing.

    Attributes:
        free_days: of each student, over the term.
        free_days_each: the most for one assignment; None for no limit.
    """

    grace_minutes: float = 0
    of: Of = Of.POINTS
    steps: tuple[Step, ...] = ()
    free_days: int = 0
    free_days_each: int | None = None
    counts: Counts = Counts.BEST

    def to_json(self) -> dict[str, Any]:
        """Plain data, with the keys of course.toml."""
        steps = [
            {"percent": step.percent} | ({"hours": step.hours} if step.hours < math.inf else {}) for step in self.steps
        ]
        return {
            "grace_minutes": self.grace_minutes,
            "of": str(self.of),
            "steps": steps,
            "free_days": self.free_days,
            "free_days_each": self.free_days_each,
            "counts": str(self.counts),
        }

    def percent(self, late: int) -> float | None:
        """What so many seconds of lateness cost; None beyond the last step."""
        if late <= 0 or not self.steps:
            return 0.0
        return next((step.percent for step in self.steps if late <= step.hours * HOUR), None)


@dataclass(frozen=True)
class Lateness:
    """The effect of lateness on one submission.

    Attributes:
        late: seconds after deadline, extension and grace; 0 if in time.
        days: free days used.
        percent: None if the submission is not accepted.
        taken: hundredths of a point.
        cents: the score that is left.
    """

    late: int
    days: int
    percent: float | None
    taken: int
    cents: int

    @property
    def accepted(self) -> bool:
        return self.percent is not None


def standing(cents: int, points: int, late: int, days_left: int, policy: Policy) -> Lateness:
    """The score after lateness, with the fewest free days that give the best score.

    Args:
        cents: the score before lateness, in hundredths of a point.
        points: the assignment's points, in hundredths.
        late: seconds after deadline, extension and grace; negative for early.
        days_left: free days that this student may use here.
    """
    late = max(late, 0)
    each = days_left if policy.free_days_each is None else min(days_left, policy.free_days_each)
    tried = (_with_days(cents, points, late, days, policy) for days in range(max(each, 0) + 1))
    return max(tried, key=lambda found: (found.cents, -found.days))


def _with_days(cents: int, points: int, late: int, days: int, policy: Policy) -> Lateness:
    percent = policy.percent(late - days * DAY)
    if percent is None:
        return Lateness(late, days, None, cents, 0)
    whole = points if policy.of is Of.POINTS else cents
    taken = min(half_up(exact(percent) * whole / 100), cents)
    return Lateness(late, days, percent, taken, cents - taken)


@dataclass(frozen=True)
class _Reading:
    """One `[late]` table, key by key over another policy."""

    table: Table
    base: Policy
    of_course: bool
    days: Mapping[str, int] = field(default_factory=dict)

    def policy(self) -> Policy:
        table, base = self.table, self.base
        each = self._whole("free_days_each", base.free_days_each)
        policy = Policy(
            grace_minutes=table.number("grace_minutes", base.grace_minutes),
            of=table.choice("of", Of, base.of),
            steps=self._steps() if "steps" in table.data else base.steps,
            free_days=self._free_days(),
            free_days_each=each,
            counts=table.choice("counts", Counts, base.counts),
        )
        table.done()
        return policy

    def _free_days(self) -> int:
        if not self.of_course and "free_days" in self.table.data:
            raise self.table.wrong(
                "free_days", self.table.data["free_days"], "free days in course.toml: they are the course's"
            )
        return self._whole("free_days", self.base.free_days) or 0

    def _whole(self, key: str, default: int | None) -> int | None:
        value = self.table.take(key, int, "a whole number of at least 0", default)
        if value is not None and value < 0:
            raise self.table.wrong(key, value, "a whole number of at least 0")
        return value

    def _steps(self) -> tuple[Step, ...]:
        steps: list[Step] = []
        for entry in self.table.tables("steps", least=0):
            step = Step(
                entry.number("hours", math.inf) if "hours" in entry.data else math.inf,
                entry.number("percent", high=100),
            )
            entry.done()
            if steps and step.hours <= steps[-1].hours:
                raise entry.wrong("hours", step.hours, f"more hours than the step before it, {steps[-1].hours:g}")
            if steps and step.percent < steps[-1].percent:
                raise entry.wrong(
                    "percent", step.percent, f"at least the percent of the step before it, {steps[-1].percent:g}"
                )
            steps.append(step)
        return tuple(steps)


def read_late(file: Path, data: Mapping[str, Any], base: Policy = Policy(), *, of_course: bool = False) -> Policy:
    """The policy of a `[late]` table. A missing key has the value of `base`.

    Args:
        of_course: whether the table is in course.toml; only there `free_days` is allowed.

    Raises:
        ManifestError: a wrong key or value.
    """
    return _Reading(Table(file, "late.", dict(data)), base, of_course).policy()
