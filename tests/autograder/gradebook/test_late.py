"""What lateness costs: the worked table of the design, and the laws that it follows."""

from __future__ import annotations

import math
import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.errors import ManifestError
from autograder.gradebook.facts import Arrival, BookedRun, Facts, Grading, Member, Score, StoredSubmission, Terms
from autograder.gradebook.grades import Grade, State, grades
from autograder.gradebook.late import DAY, Counts, LateStep, Of, Policy, read_late, standing

POLICY = Policy(15, Of.POINTS, (LateStep(24, 10), LateStep(48, 30)), 4, 2, Counts.LAST)
ALL = None


def seconds(text: str) -> int:
    """`-1:00:00` and `24:15:01` in seconds."""
    sign, text = (-1, text[1:]) if text.startswith("-") else (1, text)
    hours, minutes, rest = map(int, text.split(":"))
    return sign * (3600 * hours + 60 * minutes + rest)


def graded(
    came: list[tuple[str, float]], left: int, *, counts: str = "last", of: str = "points", extension: float = 0
) -> Grade:
    """The grade of a person whose submissions came in so long after the deadline, with these scores."""
    from datetime import datetime, timedelta

    from autograder.gradebook.facts import Decision, stamp

    due = datetime.fromisoformat("2022-12-02T23:59:00+09:00")
    policy = Policy(15, Of(of), POLICY.steps, left, 2, Counts(counts))
    terms = Terms("w1", stamp(due), 10000, {"q": 10000}, {"1": 1.0}, frozenset(), policy)
    numbers = range(1, len(came) + 1)
    facts = Facts(
        submissions=tuple(StoredSubmission(number, "w1", "", f"s{number}", "1") for number in numbers),
        arrivals=tuple(
            Arrival(number, stamp(due + timedelta(seconds=seconds(after))), "table", False, "")
            for number, (after, _) in zip(numbers, came, strict=True)
        ),
        members=tuple(Member(number, 0, "1", "", "1") for number in numbers),
        runs=(BookedRun(1, "w1", "s", 0, "", ""),),
        gradings=tuple(
            Grading(number, 1, number, 0, "", 0, True, (Score("q", round(score * 100), 10000, "passed"),))
            for number, (_, score) in zip(numbers, came, strict=True)
        ),
        decisions=(Decision(1, "", "kim", "command", "w1", "extension", "1", value=extension, why="ill"),),
    )
    (grade,) = grades(facts, [terms])
    assert grade.state is State.GRADED
    return grade


WORKED = [
    ([("-1:00:00", 87.75)], 0, {}, "0:00:00", 0, 0, 0, 87.75),
    ([("0:15:00", 87.75)], 0, {}, "0:00:00", 0, 0, 0, 87.75),
    ([("0:15:01", 87.75)], 0, {}, "0:00:01", 0, 10, 10, 77.75),
    ([("0:15:01", 87.75)], 4, {}, "0:00:01", 1, 0, 0, 87.75),
    ([("0:15:01", 0)], 4, {}, "0:00:01", 0, 10, 0, 0),
    ([("24:15:00", 87.75)], 0, {}, "24:00:00", 0, 10, 10, 77.75),
    ([("24:15:01", 87.75)], 0, {}, "24:00:01", 0, 30, 30, 57.75),
    ([("30:00:00", 87.75)], 1, {}, "29:45:00", 1, 10, 10, 77.75),
    ([("30:00:00", 87.75)], 4, {}, "29:45:00", 2, 0, 0, 87.75),
    ([("80:00:00", 87.75)], 4, {}, "79:45:00", 2, 30, 30, 57.75),
    ([("97:00:00", 87.75)], 4, {}, "96:45:00", 0, ALL, 87.75, 0),
    ([("49:00:00", 87.75)], 0, {"extension": 48}, "0:45:00", 0, 10, 10, 77.75),
    ([("30:00:00", 87.75)], 0, {"of": "score"}, "29:45:00", 0, 30, 26.33, 61.42),
    ([("30:00:00", 6)], 0, {}, "29:45:00", 0, 30, 6, 0),
    ([("-1:00:00", 80), ("30:00:00", 87.75)], 0, {}, "29:45:00", 0, 30, 30, 57.75),
    ([("-1:00:00", 80), ("30:00:00", 87.75)], 0, {"counts": "best"}, "0:00:00", 0, 0, 0, 80),
    ([("-1:00:00", 80), ("30:00:00", 87.75)], 2, {"counts": "best"}, "29:45:00", 2, 0, 0, 87.75),
    ([("-1:00:00", 80), ("60:00:00", 99)], 0, {}, "0:00:00", 0, 0, 0, 80),
]


@pytest.mark.parametrize("came, left, how, late, days, percent, taken, grade", WORKED)
def test_the_worked_table(came, left, how, late, days, percent, taken, grade) -> None:
    found = graded(came, left, **how)
    assert found.late == seconds(late)
    assert (found.days, found.percent, found.taken / 100, (found.cents or 0) / 100) == (days, percent, taken, grade)


STEPS = st.lists(st.tuples(st.integers(0, 120), st.integers(0, 100)), max_size=4).map(
    lambda pairs: tuple(
        LateStep(hours, percent)
        for hours, percent in zip(
            sorted({hours for hours, _ in pairs}), sorted(percent for _, percent in pairs), strict=False
        )
    )
)
POLICIES = st.builds(Policy, of=st.sampled_from(Of), steps=STEPS, free_days_each=st.none() | st.integers(0, 3))
LATE, CENTS, DAYS = st.integers(-5 * DAY, 9 * DAY), st.integers(0, 10000), st.integers(0, 4)


@settings(max_examples=300, deadline=None)
@given(POLICIES, CENTS, LATE, st.integers(0, 3 * DAY), DAYS)
def test_laws_of_one_submission(policy: Policy, cents: int, late: int, more: int, days: int) -> None:
    found = standing(cents, 10000, late, days, policy)
    assert standing(cents, 10000, late + more, days, policy).cents <= found.cents, "later never earns more"
    assert standing(cents, 10000, late - more, days, policy).cents >= found.cents, "an extension never costs"
    assert standing(cents, 10000, late, days + 1, policy).cents >= found.cents, "a further free day never costs"
    assert late > 0 or (found.taken, found.days, found.cents) == (0, 0, cents), "no lateness, nothing taken"
    if found.days:
        assert standing(cents, 10000, late, found.days - 1, policy).cents < found.cents, "one day fewer gives less"
    assert 0 <= found.cents <= cents
    assert found.cents + found.taken == cents


def read(text: str, **how: bool) -> Policy:
    return read_late(Path("course.toml"), tomllib.loads(text), **how)


def test_reads_the_design_s_example() -> None:
    text = """
        grace_minutes = 15
        of = "points"
        steps = [{ hours = 24, percent = 10 }, { hours = 48, percent = 30 }]
        free_days = 4
        free_days_each = 2
        counts = "last"
    """
    assert read(text, of_course=True) == POLICY


def test_an_assignment_changes_single_keys() -> None:
    found = read_late(Path("assignment.toml"), {"grace_minutes": 30}, POLICY)
    assert found == Policy(30, Of.POINTS, POLICY.steps, 4, 2, Counts.LAST)


def test_a_last_step_without_hours_has_no_end() -> None:
    policy = read("steps = [{ hours = 24, percent = 10 }, { percent = 50 }]")
    assert policy.steps[-1].hours == math.inf
    assert policy.percent(10**9) == 50


@pytest.mark.parametrize(
    "text, key",
    [
        ("grace = 3", "late.grace"),
        ("grace_minutes = -1", "late.grace_minutes"),
        ('of = "all"', "late.of"),
        ("steps = [{ hours = 24, percent = 10 }, { hours = 24, percent = 30 }]", "late.steps[1].hours"),
        ("steps = [{ percent = 10 }, { hours = 24, percent = 30 }]", "late.steps[1].hours"),
        ("steps = [{ hours = 24, percent = 30 }, { hours = 48, percent = 10 }]", "late.steps[1].percent"),
        ("steps = [{ hours = 24, percent = 101 }]", "late.steps[0].percent"),
        ("free_days_each = -1", "late.free_days_each"),
        ("free_days = 2", "late.free_days"),
    ],
)
def test_refuses(text: str, key: str) -> None:
    with pytest.raises(ManifestError) as error:
        read(text)
    assert error.value.key == key
