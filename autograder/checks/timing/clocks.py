"""Chooses the clock that decides, for each device, and computes the time of each pair of slices by it.

On the CPU: CPU time of the whole process, read by the grader from outside. Other work of the machine hardly changes it.
CPU time leaves out the seconds in which the code sleeps. So the wall clock decides if its interval lies clearly above
that of the CPU time. Neither clock counts time in which other processes ran.

Both sides of a pair run the same calls. The work around the calls, sending inputs and looking at outputs, is the same
on both sides, too. If it takes the submission longer, the difference counts like time inside its calls.

On CUDA: the device's events, which the worker reads, if the grader's own clock agrees with them. If not, the grader's
clock, less the usual overhead of a request. The trusted baseline shows this overhead, since its events are true. The
submission's work after its calls counts too, until its outputs have been looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Protocol, TypeAlias

import numpy as np

from autograder.checks.timing.slices import Slice
from autograder.checks.timing.statistics import Estimate, estimate

__all__ = ["ASLEEP", "SHORTEST", "Clock", "ClockReading", "CpuClock", "CudaClock", "SlicePair", "clock_for"]

SHORTEST = 1e-6  # seconds; a call of the baseline counts as at least this long
# On the CPU the wall clock decides if it shows more than this multiple of the CPU time.
ASLEEP = 1.5
# Events agree if they leave at most this share of the wall clock, or this many seconds, unexplained.
UNEXPLAINED, FRAMES = 0.3, 0.0005
# The work around the calls may differ by this share of a slice's wall-clock time by chance.
CHANCE = 0.1

SlicePair: TypeAlias = tuple[Slice, Slice]  # the baseline's, the submission's


@dataclass(frozen=True)
class ClockReading:
    """The times of some pairs by one clock.

    Attributes:
        clock: "cpu", "wall" or "events".
        times: seconds per call of each pair, the baseline's and the submission's.
        notes: remarks on it for the instructor.
    """

    found: Estimate
    clock: str
    times: tuple[tuple[float, float], ...]
    notes: tuple[str, ...] = ()


class Clock(Protocol):
    """A way to time a device."""

    def usual(self, alone: Slice) -> float:
        """Seconds per call of a slice."""

    def read(self, pairs: Sequence[SlicePair], seed: int) -> ClockReading: ...


class CpuClock:
    """CPU time, or the wall clock if the submission slept."""

    def usual(self, alone: Slice) -> float:
        return max(alone.cpu / alone.calls, SHORTEST)

    def read(self, pairs: Sequence[SlicePair], seed: int) -> ClockReading:
        cpu, wall = _by(_cpu, "cpu", pairs, seed, 0.0), _by(_wall, "wall", pairs, seed, _extra(pairs))
        return wall if wall.found.low > ASLEEP * cpu.found.high else cpu


class CudaClock:
    """The device's events, if the grader's clock agrees."""

    def usual(self, alone: Slice) -> float:
        return max((alone.wall if alone.events is None else alone.events) / alone.calls, SHORTEST)

    def read(self, pairs: Sequence[SlicePair], seed: int) -> ClockReading:
        anyway = median((ours.wall - _device_seconds(ours)) / ours.runs for ours, _ in pairs)
        took = [theirs.wall - theirs.runs * anyway for _, theirs in pairs]
        hidden = median(time - _device_seconds(theirs) for time, (_, theirs) in zip(took, pairs, strict=True))
        extra = _extra(pairs)
        if hidden <= max(UNEXPLAINED * median(took), FRAMES):
            return _by(_events, "events", pairs, seed, extra)

        def beyond(ours: Slice, theirs: Slice) -> tuple[float, float]:
            return _device_seconds(ours), max(theirs.wall - theirs.runs * anyway, _device_seconds(theirs))

        note = "the device's clock in the submission's process disagrees with the grader's, which decides"
        return _by(beyond, "wall", pairs, seed, extra, note)


def clock_for(device: str) -> Clock:
    return CpuClock() if device == "cpu" else CudaClock()


def _by(
    clock: Callable[[Slice, Slice], tuple[float, float]],
    name: str,
    pairs: Sequence[SlicePair],
    seed: int,
    extra: float,
    *notes: str,
) -> ClockReading:
    """The seconds per call, as `clock` reads both slices, with `extra` seconds for each slice of the submission."""
    readings = ((ours, theirs, *clock(ours, theirs)) for ours, theirs in pairs)
    times = tuple((us / ours.calls, (them + extra) / theirs.calls) for ours, theirs, us, them in readings)
    found = estimate([theirs / max(ours, SHORTEST) for ours, theirs in times], seed)
    return ClockReading(found, name, times, notes)


def _cpu(ours: Slice, theirs: Slice) -> tuple[float, float]:
    """CPU time of both. Work around the submission's calls counts too, less the baseline's work there."""
    return ours.cpu, theirs.cpu + max(0.0, theirs.cpu_around - ours.cpu_around)


def _wall(ours: Slice, theirs: Slice) -> tuple[float, float]:
    return ours.wall, theirs.wall


def _events(ours: Slice, theirs: Slice) -> tuple[float, float]:
    return _device_seconds(ours), _device_seconds(theirs)


def _device_seconds(one: Slice) -> float:
    return one.events or 0.0


def _extra(pairs: Sequence[SlicePair]) -> float:
    """The additional wall-clock seconds of the submission's slices around their calls, if beyond chance; else 0.

    Sending large inputs takes longer than the calls, and its time varies. So a single pair shows only noise, and the
    median of all pairs is used.
    """
    longer = median(theirs.wall_around - ours.wall_around for ours, theirs in pairs)
    low, high = np.quantile([ours.wall_around for ours, _ in pairs], [0.25, 0.75])
    chance = max(CHANCE * median(theirs.wall for _, theirs in pairs), float(high - low))
    return longer if longer > chance else 0.0
