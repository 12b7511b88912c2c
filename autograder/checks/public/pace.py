"""Compares the time of a call with the time of a given one, on a student's machine: for public checks of speed.

    assert_pace(lambda: student.Conv.forward(x, w, b, param), lambda: student.FastConv.forward(x, w, b, param),
                at_most=8.0, what="Conv.forward", against="FastConv.forward")

This is feedback, not a grade: both run in this process, in turn, on a laptop that has other things to do. So it fails
only if it is certain, and otherwise says that it is not. Grading measures in another way (`checks.timing`).
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

from autograder.checks.public.watched import unwatched
from autograder.errors import TooNoisy, TooSlow

__all__ = ["Pace", "assert_pace", "measure_pace"]

# Of both sides in turn. The true median lies between the second smallest and the second largest of nine ratios 96 times
# in 100, and between the smallest and the largest of five 94 times.
PAIRS, FEWER_PAIRS = 9, 5
SLICE_SECONDS = 0.015
# Once this is spent, fewer pairs must do: a call that takes so long is not near any bar.
PATIENCE_SECONDS = 2.0
# A clock that is coarser than this cannot time a slice; then the wall's is the finer one.
FINE = 1e-4

Call = Callable[[], Any]


class Pace(tuple[float, float, float]):
    """A ratio of times: (median, low, high), where the true ratio lies between low and high 19 times in 20."""

    __slots__ = ()

    def __str__(self) -> str:
        median, low, high = (f"{value:.3g}" for value in self)
        return f"{median} x ({low} to {high})"


def assert_pace(call: Call, given: Call, *, at_most: float, what: str, against: str, hint: str = "") -> None:
    """Compare the times of two calls that do the same work.

    Args:
        at_most: how many times as long as `given` the call may take.
        what, against: what they are called.

    Raises:
        ForbiddenUse: the call uses what the question rules out. It is watched once, and then timed unwatched.
        TooSlow: it certainly takes longer.
        TooNoisy: this machine is too busy to say.
    """
    call()
    with unwatched():
        pace = measure_pace(call, given)
    _, low, high = pace
    if low > at_most:
        raise TooSlow(f"{what} takes {pace} the time of {against}; up to {at_most:g} x is fine", hint)
    if high > at_most:
        message = f"{what} takes {pace} the time of {against}; it is not certain whether this is within {at_most:g} x"
        raise TooNoisy(message, "This machine was busy: close other programs, and check once more.", credit=1.0)


def measure_pace(call: Call, given: Call) -> Pace:
    """How many times as long as `given` a call takes."""
    clock = _clock()
    began = clock()
    repeats = [_repeats(side, clock) for side in (call, given)]
    ratios: list[float] = []
    while len(ratios) < PAIRS and (len(ratios) < FEWER_PAIRS or clock() - began < PATIENCE_SECONDS):
        pair = [(call, repeats[0]), (given, repeats[1])]
        first = len(ratios) % 2  # each side goes first half of the times
        seconds = {side: _slice(*pair[side], clock) for side in (first, 1 - first)}
        ratios.append(seconds[0] / max(seconds[1], 1e-9))
        if len(ratios) == 1 and clock() - began > PATIENCE_SECONDS:
            break
    ratios.sort()
    outer = 1 if len(ratios) == PAIRS else 0
    return Pace((statistics.median(ratios), ratios[outer], ratios[-1 - outer]))


def _clock() -> Callable[[], float]:
    """Seconds, from any start: this process's own, which other programs do not move, if it can be read finely."""
    fine = time.get_clock_info("process_time").resolution <= FINE
    return time.process_time if fine else time.perf_counter


def _repeats(call: Call, clock: Callable[[], float]) -> int:
    """Calls that fill a slice. The first call of all is not counted, unless it is long: it has things to set up."""
    if _slice(call, 1, clock) > PATIENCE_SECONDS / 4:
        return 1
    return max(1, round(SLICE_SECONDS / max(_slice(call, 1, clock), 1e-6)))


def _slice(call: Call, repeats: int, clock: Callable[[], float]) -> float:
    """Seconds per call."""
    began = clock()
    for _ in range(repeats):
        call()
    return (clock() - began) / repeats
