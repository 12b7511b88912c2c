"""The late policy: the cost of lateness, and the effect of free days. Pure functions.

Scores are whole hundredths of a point.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

from msgspec import Meta

from autograder.course.model import Number, number
from autograder.course.table import read_table
from autograder.errors import ManifestError
from autograder.rounding import exact, half_up

__all__ = ["DAY", "HOUR", "Counts", "LateStep", "Lateness", "Of", "Policy", "read_late", "standing"]

HOUR, DAY = 3600, 86400
Days = Annotated[int, Meta(ge=0, description="a whole number of at least 0")]


class Of(StrEnum):
    """The number that a percent refers to."""

    POINTS = "points"  # the assignment's points
    SCORE = "score"  # the score that was earned


class Counts(StrEnum):
    """The one of several submissions that counts."""

    BEST = "best"
    LAST = "last"


@dataclass(frozen=True)
class LateStep:
    """Lateness up to `hours` costs `percent`. A step without an end has infinitely many hours."""

    hours: Annotated[float, Meta(ge=0, description="a number of at least 0")]
    percent: Annotated[float, number(high=100)]


@dataclass(frozen=True)
class Policy:
    """The `[late]` table of a course or an assignment. Without steps, lateness is shown and costs nothing.

    Attributes:
        free_days: of each student, over the term.
        free_days_each: the most for one assignment; None for no limit.
    """

    grace_minutes: Number = 0
    of: Of = Of.POINTS
    steps: tuple[LateStep, ...] = ()
    free_days: Days = 0
    free_days_each: Days | None = None
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
        """The percent that so many seconds of lateness cost; None beyond the last step."""
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


def read_late(file: Path, data: Mapping[str, Any], base: Policy = Policy(), *, of_course: bool = False) -> Policy:
    """The policy of a `[late]` table. A missing key has the value of `base`.

    Args:
        of_course: True if the table is in course.toml; only there `free_days` is allowed.

    Raises:
        ManifestError: a wrong key or value.
    """
    if "free_days" in data and not of_course:
        wanted = "free days in course.toml: they are the course's"
        raise ManifestError(file, "late.free_days", found=data["free_days"], wanted=wanted)
    endless = [{"hours": math.inf, **step} if isinstance(step, dict) else step for step in data.get("steps", ())]
    policy = read_table(file, {**data, "steps": endless}, Policy, "late.")
    for index, (before, step) in enumerate(pairwise(policy.steps), start=1):
        if step.hours <= before.hours:
            wanted = f"more hours than the step before it, {before.hours:g}"
            raise ManifestError(file, f"late.steps[{index}].hours", found=step.hours, wanted=wanted)
        if step.percent < before.percent:
            wanted = f"at least the percent of the step before it, {before.percent:g}"
            raise ManifestError(file, f"late.steps[{index}].percent", found=step.percent, wanted=wanted)
    return replace(base, **{key: getattr(policy, key) for key in data})
