"""Which clock decides, per device: what each pair of slices took, by the clock that can be believed.

On the CPU: CPU time of the whole process, read by the grader from outside; it hardly minds what else the machine does.
Time asleep is not in it, so where the wall clock says clearly more, in every way it could be read, that decides.

On CUDA: the device's events, which the worker reads, where the grader's own clock agrees with them on both sides; else
the grader's clock. The submission pays for what it does after its calls too, until its outputs have been looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from autograder.checks.timing.slices import Slice
from autograder.checks.timing.statistics import Estimate, estimate

__all__ = ["SHORTEST", "Clock", "CpuClock", "CudaClock", "Pair", "Reading", "clock_for"]

SHORTEST = 1e-6  # seconds that a call of the baseline can be taken to need
# The wall clock decides on the CPU where it says so many times more than the CPU clock.
ASLEEP = 1.5
# Events agree where they leave no more than this share of the wall clock, or so many seconds, unexplained.
UNEXPLAINED, FRAMES = 0.3, 0.002
# Part of a slice's wall clock that what surrounds it may differ by, by chance.
CHANCE = 0.1

Pair: TypeAlias = tuple[Slice, Slice]  # the baseline's, the submission's


@dataclass(frozen=True)
class Reading:
    """What some pairs say by one clock.

    Attributes:
        clock: "cpu", "wall" or "events".
        times: seconds per call of each pair, the baseline's and the submission's.
        notes: what an instructor should know of it.
    """

    found: Estimate
    clock: str
    times: tuple[tuple[float, float], ...]
    notes: tuple[str, ...] = ()


class Clock(Protocol):
    """How a device is timed."""

    def usual(self, alone: Slice) -> float:
        """Seconds per call of a slice."""

    def read(self, pairs: Sequence[Pair], seed: int) -> Reading: ...


class CpuClock:
    """CPU time, unless it was spent asleep."""

    def usual(self, alone: Slice) -> float:
        return max(alone.cpu / alone.calls, SHORTEST)

    def read(self, pairs: Sequence[Pair], seed: int) -> Reading:
        cpu, wall = _by(_cpu, "cpu", pairs, seed), _by(_wall, "wall", pairs, seed)
        return wall if wall.found.low > ASLEEP * cpu.found.high else cpu


class CudaClock:
    """The device's events, if the grader's clock agrees."""

    def usual(self, alone: Slice) -> float:
        return max(alone.wall / alone.calls, SHORTEST)

    def read(self, pairs: Sequence[Pair], seed: int) -> Reading:
        if not all(_agrees(ours) for ours, _ in pairs):
            note = "the calls are too short for the device's own clock: the grader's decides"
            return _by(_wall, "wall", pairs, seed, note)
        if not all(_agrees(theirs) for _, theirs in pairs):
            note = "the device's clock in the submission's process disagrees with the grader's, which decides"
            return _by(_wall, "wall", pairs, seed, note)
        return _by(_events, "events", pairs, seed)


def clock_for(device: str) -> Clock:
    return CpuClock() if device == "cpu" else CudaClock()


def _by(
    clock: Callable[[Slice, Slice], tuple[float, float]], name: str, pairs: Sequence[Pair], seed: int, *notes: str
) -> Reading:
    times = tuple(clock(*pair) for pair in pairs)
    found = estimate([theirs / max(ours, SHORTEST) for ours, theirs in times], seed)
    return Reading(found, name, times, notes)


def _cpu(ours: Slice, theirs: Slice) -> tuple[float, float]:
    """The submission pays for what it does before and after its calls too, less what that takes the baseline."""
    extra = max(0.0, theirs.cpu_around - ours.cpu_around)
    return ours.cpu / ours.calls, (theirs.cpu + extra) / theirs.calls


def _wall(ours: Slice, theirs: Slice) -> tuple[float, float]:
    return ours.wall / ours.calls, (theirs.wall + _extra(ours, theirs)) / theirs.calls


def _events(ours: Slice, theirs: Slice) -> tuple[float, float]:
    assert ours.events is not None
    assert theirs.events is not None
    return ours.events / ours.calls, (theirs.events + _extra(ours, theirs)) / theirs.calls


def _extra(ours: Slice, theirs: Slice) -> float:
    """Wall-clock seconds that the submission's slice took longer around its calls, beyond chance."""
    extra = theirs.wall_around - ours.wall_around
    return extra if extra > CHANCE * theirs.wall else 0.0


def _agrees(one: Slice) -> bool:
    if one.events is None:
        return False
    return -FRAMES < one.wall - one.events <= max(UNEXPLAINED * one.wall, FRAMES)
