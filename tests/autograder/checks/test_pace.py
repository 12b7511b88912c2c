"""What a student is told of running time: sure of what is clear, silent of what is not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import pytest

from autograder.checks.public.pace import FEWER_PAIRS, PAIRS, Pace, assert_pace, measure_pace
from autograder.errors import TooNoisy, TooSlow


class Clock:
    """A clock that only the calls move."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.calls = 0

    def __call__(self) -> float:
        return self.seconds

    def taking(self, *seconds: float) -> Callable[[], None]:
        """A call that takes these seconds in turn."""
        times = _over_and_over(seconds)

        def call() -> None:
            self.calls += 1
            self.seconds += next(times)

        return call


def _over_and_over(values: Iterable[float]) -> Iterator[float]:
    while True:
        yield from values


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("autograder.checks.public.pace._clock", lambda: clock)
    return clock


def test_ratio_of_steady_calls(clock: Clock) -> None:
    assert measure_pace(clock.taking(0.006), clock.taking(0.002)) == pytest.approx((3.0, 3.0, 3.0))


def test_within_and_beyond(clock: Clock) -> None:
    assert_pace(clock.taking(0.006), clock.taking(0.002), at_most=3.5, what="yours", against="the given one")
    with pytest.raises(TooSlow, match=r"yours takes 3 x \(3 to 3\) the time of the given one; up to 2 x is fine"):
        assert_pace(clock.taking(0.006), clock.taking(0.002), at_most=2.0, what="yours", against="the given one")


def test_a_few_strays_do_not_decide(clock: Clock) -> None:
    given = clock.taking(*[0.002] * 40, 0.2)
    assert_pace(clock.taking(0.003), given, at_most=2.0, what="yours", against="the given one")


def test_unsteady_calls_are_not_judged(clock: Clock) -> None:
    unsteady = clock.taking(0.02, 0.02, 0.08, 0.08, 0.08)
    with pytest.raises(TooNoisy, match="not certain whether"):
        assert_pace(unsteady, clock.taking(0.02), at_most=2.0, what="yours", against="the given one")


def test_a_call_of_minutes_is_made_a_few_times_only(clock: Clock) -> None:
    slow = clock.taking(60.0)
    with pytest.raises(TooSlow, match="3e"):
        assert_pace(slow, clock.taking(0.002), at_most=10.0, what="yours", against="the given one")
    calls = clock.calls
    assert calls < 60
    assert FEWER_PAIRS < PAIRS


def test_pace_in_words() -> None:
    assert str(Pace((3.14159, 2.0, 123.456))) == "3.14 x (2 to 123)"


def test_real_clock() -> None:
    def work(times: int) -> Callable[[], None]:
        return lambda: [sum(range(1000)) for _ in range(times)] and None

    with pytest.raises(TooSlow):  # a hundred times the work
        assert_pace(work(500), work(5), at_most=10.0, what="yours", against="the given one")
