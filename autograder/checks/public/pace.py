"""Compares the time of a call with the time of a given one, on a student's machine: for public checks of speed.

    assert_pace(lambda: student.Conv.forward(x, w, b, param), lambda: student.FastConv.forward(x, w, b, param),
                at_most=8.0, what="Conv.forward", against="FastConv.forward")

This is feedback, not a grade: both calls run in turn in this process, and the laptop runs other programs, too. So the
check fails only if the result is certain; otherwise it says that the result is uncertain. Grading measures in another
way (`checks.timing`).
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

from autograder.checks.public.watched import unwatched
from autograder.errors import TooNoisy, TooSlow

__all__ = ["Pace", "assert_pace", "measure_pace"]

# Pairs of slices, one of each side. The true median lies between the second smallest and the second largest of nine
# ratios 96 times in 100, and between the smallest and the largest of five 94 times.
PAIRS, FEWER_PAIRS = 9, 5
SLICE_SECONDS = 0.015
# After this time fewer pairs must suffice: a call that takes so long is not near any bar.
PATIENCE_SECONDS = 2.0
# A clock that is coarser than this cannot time a slice. Then the wall clock is the finer one.
FINE = 1e-4

Call = Callable[[], Any]


class Pace(tuple[float, float, float]):
    """A ratio of times: (median, low, high). The true ratio lies between low and high 19 times in 20."""

    __slots__ = ()

    def __str__(self) -> str:
        median, low, high = (f"{value:.3g}" for value in self)
        return f"{median} x ({low} to {high})"


def assert_pace(call: Call, given: Call, *, at_most: float, what: str, against: str, hint: str = "") -> None:
    """Compare the times of two calls that do the same work.

    Args:
        at_most: the most time of the call, as a multiple of the time of `given`.
        what, against: the names of the two calls.

    Raises:
        ForbiddenUse: the call uses something that the question rules out. One call is watched, the timed ones are not.
        TooSlow: the call certainly takes longer.
        TooNoisy: this machine is too busy to measure the times.
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
    """The time of `call`, as a multiple of the time of `given`."""
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
    """A clock in seconds: the process's own CPU time, which other programs do not change, if it is fine enough."""
    fine = time.get_clock_info("process_time").resolution <= FINE
    return time.process_time if fine else time.perf_counter


def _repeats(call: Call, clock: Callable[[], float]) -> int:
    """The number of calls that fill a slice. A short first call is not counted, because of its one-time setup."""
    if _slice(call, 1, clock) > PATIENCE_SECONDS / 4:
        return 1
    return max(1, round(SLICE_SECONDS / max(_slice(call, 1, clock), 1e-6)))


def _slice(call: Call, repeats: int, clock: Callable[[], float]) -> float:
    """Seconds per call."""
    began = clock()
    for _ in range(repeats):
        call()
    return (clock() - began) / repeats
