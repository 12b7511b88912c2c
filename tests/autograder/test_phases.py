"""Seconds by phase, each in one phase only."""

from __future__ import annotations

from autograder.phases import Phases, measured, phase


def test_an_inner_phase_has_its_seconds_for_itself() -> None:
    times = iter([0.0, 1.0, 3.0, 7.0, 15.0])
    phases = Phases(lambda: next(times))
    with phases.within("calls"), phases.within("import"):
        pass
    assert phases.seconds == {"rest": 1.0, "calls": 2.0 + 8.0, "import": 4.0}


def test_a_phase_that_raises_ends() -> None:
    times = iter([0.0, 1.0, 3.0, 7.0, 15.0])
    phases = Phases(lambda: next(times))
    try:
        with phases.within("calls"):
            raise ValueError
    except ValueError:
        with phases.within("checks"):
            pass
    assert phases.seconds == {"rest": 5.0, "calls": 2.0, "checks": 8.0}


def test_calls_of_a_race_are_its_own() -> None:
    times = iter([0.0, 1.0, 3.0, 7.0, 15.0, 31.0, 63.0])
    phases = Phases(lambda: next(times))
    with phases.within("races"), phases.within("calls"), phases.within("import"):
        pass
    assert phases.seconds == {"rest": 1.0, "races": 2.0 + 4.0 + 16.0 + 32.0, "import": 8.0}


def test_what_nobody_measures_is_not_kept() -> None:
    with phase("calls"):
        pass
    with measured() as phases:
        pass
    assert set(phases.seconds) == {"rest"}
    with phase("calls"):
        pass
    assert set(phases.seconds) == {"rest"}
