"""Which clock decides, per device: what each pair of slices took, by the clock that can be believed.

On the CPU: CPU time of the whole process, read by the grader from outside; it hardly minds what else the machine does.
Time asleep is not in it, so where the wall clock says clearly more, in every way it could be read, that decides. What
the machine was busy with others is on neither clock.

Both sides of a pair run the same calls. What surrounds them, laying inputs and looking at outputs, is the same work on
both sides then, and what takes the submission longer there counts like time inside its calls.

On CUDA: the device's events, which the worker reads, where the grader's own clock agrees with them; else the grader's
clock, less what a request takes anyway. That is known from the baseline, whose events are true: it is trusted. The
submission pays for what it does after its calls too, until its outputs have been looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Protocol, TypeAlias

import numpy as np

from autograder.checks.timing.slices import Slice
from autograder.checks.timing.statistics import Estimate, estimate

__all__ = ["ASLEEP", "SHORTEST", "Clock", "CpuClock", "CudaClock", "Pair", "Reading", "clock_for"]

SHORTEST = 1e-6  # seconds that a call of the baseline can be taken to need
# The wall clock decides on the CPU where it says so many times more than the CPU clock.
ASLEEP = 1.5
# Events agree where they leave no more than this share of the wall clock, or so many seconds, unexplained.
UNEXPLAINED, FRAMES = 0.3, 0.0005
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
        cpu, wall = _by(_cpu, "cpu", pairs, seed, 0.0), _by(_wall, "wall", pairs, seed, _extra(pairs))
        return wall if wall.found.low > ASLEEP * cpu.found.high else cpu


class CudaClock:
    """The device's events, if the grader's clock agrees."""

    def usual(self, alone: Slice) -> float:
        return max((alone.wall if alone.events is None else alone.events) / alone.calls, SHORTEST)

    def read(self, pairs: Sequence[Pair], seed: int) -> Reading:
        anyway = median((ours.wall - _told(ours)) / ours.runs for ours, _ in pairs)
        took = [theirs.wall - theirs.runs * anyway for _, theirs in pairs]
        hidden = median(time - _told(theirs) for time, (_, theirs) in zip(took, pairs, strict=True))
        extra = _extra(pairs)
        if hidden <= max(UNEXPLAINED * median(took), FRAMES):
            return _by(_events, "events", pairs, seed, extra)

        def beyond(ours: Slice, theirs: Slice) -> tuple[float, float]:
            return _told(ours), max(theirs.wall - theirs.runs * anyway, _told(theirs))

        note = "the device's clock in the submission's process disagrees with the grader's, which decides"
        return _by(beyond, "wall", pairs, seed, extra, note)


def clock_for(device: str) -> Clock:
    return CpuClock() if device == "cpu" else CudaClock()


def _by(
    clock: Callable[[Slice, Slice], tuple[float, float]],
    name: str,
    pairs: Sequence[Pair],
    seed: int,
    extra: float,
    *notes: str,
) -> Reading:
    """Seconds per call by a clock that tells those of both slices, and `extra` seconds for each of the submission's."""
    told = ((ours, theirs, *clock(ours, theirs)) for ours, theirs in pairs)
    times = tuple((us / ours.calls, (them + extra) / theirs.calls) for ours, theirs, us, them in told)
    found = estimate([theirs / max(ours, SHORTEST) for ours, theirs in times], seed)
    return Reading(found, name, times, notes)


def _cpu(ours: Slice, theirs: Slice) -> tuple[float, float]:
    """The submission pays for what it does before and after its calls too, less what that takes the baseline."""
    return ours.cpu, theirs.cpu + max(0.0, theirs.cpu_around - ours.cpu_around)


def _wall(ours: Slice, theirs: Slice) -> tuple[float, float]:
    return ours.wall, theirs.wall


def _events(ours: Slice, theirs: Slice) -> tuple[float, float]:
    return _told(ours), _told(theirs)


def _told(one: Slice) -> float:
    return one.events or 0.0


def _extra(pairs: Sequence[Pair]) -> float:
    """Wall-clock seconds that the submission's slices took longer around their calls, beyond chance.

    To lay large inputs takes longer than to work on them, and now longer, now shorter: what a single pair says of that
    is noise.
    """
    longer = median(theirs.wall_around - ours.wall_around for ours, theirs in pairs)
    low, high = np.quantile([ours.wall_around for ours, _ in pairs], [0.25, 0.75])
    chance = max(CHANCE * median(theirs.wall for _, theirs in pairs), float(high - low))
    return longer if longer > chance else 0.0
