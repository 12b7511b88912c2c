"""One measurement of a submission beside its baseline, in interleaved pairs of slices, until there is a verdict."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass, replace
from functools import cached_property
from itertools import pairwise
from statistics import median
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

from autograder.checks.draw import Draw
from autograder.checks.timing.clocks import ASLEEP, SHORTEST, ClockReading, SlicePair, clock_for
from autograder.checks.timing.sides import Side
from autograder.checks.timing.slices import ComparedPlaces, Runner, Slice, Task, compare, draw_places
from autograder.checks.timing.statistics import (
    MAX_PAIRS,
    Estimate,
    Measured,
    TimeVerdict,
    credit_at,
    decide,
    due,
    few_long,
)
from autograder.course.model import Budget
from autograder.errors import TimeSpent, WorkerTimeout
from autograder.sandbox.grader.deadline import STRETCH

__all__ = ["Measurement", "Quick"]

SLICE_SECONDS = 0.012
MAX_CALLS = 64  # in a slice
TURNS = 4  # the parts that a slice is cut into
MAX_BYTES = {"cpu": 16 << 20, "cuda": 64 << 20}  # of a slice's inputs
# The deadline of a first call, which includes one-time setup: on CUDA, loading libraries of kernels.
FIRST_SECONDS = {"cpu": 5.0, "cuda": 30.0}
IDLE = 10.0  # on a busy machine a call may take this many times its CPU time by the wall clock
LONG_SECONDS = 0.1  # a slice that takes longer needs no other one to warm up
MAX_SECONDS = 0.15  # the most that a slice of the submission should take; a single call may take longer
MAX_PREPARED = 1.0  # seconds that the preparation of the submission's slice should take; one call may take more
LEAST_SECONDS, PATIENCE = 5.0, 40.0  # deadline of a slice: this much, or this multiple of the last band
TRUSTED_SECONDS = 60.0  # at least, for a request of the baseline: if it takes long, the machine is the cause
BOX_SECONDS = 20.0  # of both sides' own time, for all pairs together
# If both first calls take more than 2 x the last band, stop: single calls vary by far less. The same rule holds for two
# calls of a part of the work, before all of the work is run.
BEYOND = 2.0
# A baseline that is this many times slower beside the submission than before is timed alone, this many times.
SLOWED, ALONE = 1.25, 5
ENOUGH_SECONDS = 0.04  # a few calls that take longer may decide alone: each is as long as several slices
BESIDE = 3  # calls of the baseline after each long call of the submission
MAX_LONG_CALLS = 8
POOL = 1 << 18  # normal numbers
MIN_PAIRS_IN_BOX = 5  # that a race has before its box of time may end it
UNSTEADY = 0.5  # times with a larger spread are the submission's own noise, if the baseline's times are steady


class Quick(Draw):
    """Draws inputs fast, but not the same ones on every platform: for numbers that nobody records."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self._fast = np.random.default_rng(seed)

    def uniform(
        self, *shape: int, low: float = 0.0, high: float = 1.0, dtype: torch.dtype = torch.float64
    ) -> torch.Tensor:
        return torch.from_numpy(np.asarray(self._fast.random(shape, np.float32) * (high - low) + low)).to(dtype)

    def normal(self, *shape: int, scale: float = 1.0, dtype: torch.dtype = torch.float64) -> torch.Tensor:
        # Drawing takes longer than many calls, so parts of one drawing serve, each at a random place and stretched.
        count, parts = math.prod(shape), []
        for begin in range(0, count, POOL):
            place, stretch = int(self._fast.integers(POOL)), np.float32(scale * self._fast.uniform(0.8, 1.2))
            parts.append(self._pool[place : place + min(POOL, count - begin)] * stretch)
        drawn = np.concatenate(parts) if parts else np.empty(0, np.float32)
        return torch.from_numpy(drawn).reshape(shape).to(dtype)

    @cached_property
    def _pool(self) -> np.ndarray[Any, Any]:
        """Twice the same normal numbers, so that `POOL` of them follow any place."""
        drawn = self._fast.standard_normal(POOL, np.float32)
        return np.concatenate([drawn, drawn])


@dataclass(frozen=True)
class _Warm:
    """A call of the baseline before the submission's first turn, and the places at which its outputs are compared."""

    calls: Sequence[Sequence[Any]]
    at: ComparedPlaces
    slice: Slice


class Measurement:
    """One measurement.

    Args:
        size: the sizes for `draw`.
        limit: seconds for a request that runs no timed call.
        part: the sizes for a part of the work; None if no part is run beforehand.
        now: the grader's clock.
    """

    def __init__(
        self,
        budget: Budget,
        size: SimpleNamespace,
        task: Task,
        draw: Callable[[Draw, Any], Sequence[Any]],
        seed: int,
        limit: float,
        part: SimpleNamespace | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._budget, self._size, self._task, self._draw, self._seed = budget, size, task, draw, seed
        self._limit, self._part, self._now = limit, part, now
        self._trusted = max(limit, TRUSTED_SECONDS)
        self._rng, self._order = Quick(seed), random.Random(seed)
        self._clock = clock_for(size.device)
        self._pairs: list[SlicePair] = []
        self._compared = False  # True once an answer of the submission was right
        self._notes: list[str] = []
        self._core: int | None = None

    def run(self, baseline: Side, student: Side, core: int | None) -> Measured:
        """Measure until there is a verdict. Raises CheckFailed for wrong outputs, and the errors of requests."""
        self._core = core
        runners: list[Runner] = []
        try:
            inputs = len(self._inputs())
            ours = Runner(baseline, self._task, inputs, self._size.device, self._trusted)
            runners.append(ours)
            self._pin(ours, core)
            ours.idle = ours.rest() if self._size.device == "cpu" else 0.0
            warm = [self._warm(ours, self._size) for _ in range(2)]
            try:
                theirs = Runner(student, self._task, inputs, self._size.device, self._limit)
                runners.append(theirs)
                self._pin(theirs, core)
                theirs.idle = ours.idle  # measured on the baseline, since the submission could falsify it
                return self._race(ours, theirs, warm)
            except TimeSpent:
                raise
            except WorkerTimeout as error:
                if runners[-1].preparing and not error.starved:  # the preparation took too long, and it is not timed
                    raise
                return self._ended(error)
        finally:
            for runner in runners:
                runner.close()

    def _warm(self, ours: Runner, size: SimpleNamespace) -> _Warm:
        """One call of the baseline that is not part of a pair."""
        calls, at = [self._inputs(size)], draw_places()
        return _Warm(calls, at, ours.slice(calls, at, self._trusted))

    def _race(self, ours: Runner, theirs: Runner, warm: Sequence[_Warm]) -> Measured:
        usual = self._clock.usual(warm[-1].slice)
        last = self._budget.bands[-1].ratio
        most = self._calls(usual)
        patience = max(LEAST_SECONDS, PATIENCE * last * usual)
        for_first = max(FIRST_SECONDS[self._size.device], patience)
        if self._part is not None and (found := self._far_too_slow(ours, theirs, usual, self._part, for_first)):
            return found
        first = self._check(theirs, warm[0], for_first)
        is_long = self._size.device == "cpu" and self._clock.usual(first) > ENOUGH_SECONDS
        beside = self._beside(ours) if is_long else []
        second = self._check(theirs, warm[1], patience)
        each = self._clock.usual(second)
        least = min(self._clock.usual(first), each)
        slowest = max([usual, *map(self._clock.usual, beside)])
        single = [(warm[0].slice, first), (warm[1].slice, second)]
        if self._is_beyond(least, slowest) and self._is_beyond(least, self._baseline(ours, slowest)):
            self._pairs = single
            return self._settled(ours, theirs, usual, TimeVerdict.OVER, self._clock.read(single, self._seed))
        if beside and each > ENOUGH_SECONDS:
            groups: list[Sequence[Slice]] = [[one.slice for one in warm], beside]
            if found := self._clear_at_once(ours, theirs, usual, [first, second], groups, patience):
                return found
        longer = max(0.0, second.cpu_around - warm[1].slice.cpu_around)  # the submission may compute there, too
        asleep = second.wall / second.calls / IDLE  # a submission that waits a lot also gets few calls
        calls = max(1, min(most, round(MAX_SECONDS / max(each + longer, asleep))))
        few = theirs.prepared * calls > MAX_PREPARED
        if few:
            calls = max(1, int(MAX_PREPARED / theirs.prepared))
        patience = max(LEAST_SECONDS, PATIENCE * last * usual * calls)
        if each * calls < LONG_SECONDS:
            self._pair(ours, theirs, calls, patience)  # not counted: it touches the memory of later pairs
        begun, used = self._now(), ours.used + theirs.used
        while True:
            self._pairs.append(self._pair(ours, theirs, calls, patience))
            done = len(self._pairs)
            spent = max(ours.used + theirs.used - used, (self._now() - begun) / STRETCH)
            last_pair = done >= MAX_PAIRS or (done >= MIN_PAIRS_IN_BOX and spent > BOX_SECONDS)
            if not (last_pair or due(done)):
                continue
            read = self._clock.read(self._pairs, self._seed)
            standing = decide(read.found, done, self._budget.bands, last=last_pair)
            if standing is None and last_pair:  # if calls are few, the machine is not to blame
                standing = self._standing(read.found.ratio) if few else TimeVerdict.TOO_NOISY
            if standing is not None:
                return self._settled(ours, theirs, usual, standing, read)

    def _far_too_slow(
        self, ours: Runner, theirs: Runner, usual: float, part: SimpleNamespace, seconds: float
    ) -> Measured | None:
        """The verdict "over" if a part of the work already takes too long, else None.

        All of the work takes at least as long as a part of it. One-time setup affects only the first call, so two calls
        are timed. A slow machine slows the baseline down, too, which is timed before and after.

        Args:
            usual: the seconds of a call of the baseline, for all of the work.
            seconds: deadline of a call.
        """
        times: list[float] = []
        while len(times) < 2:
            warm = self._warm(ours, part)
            times.append(self._clock.usual(self._check(theirs, warm, seconds)))
            if not self._is_beyond(times[-1], usual):
                return None
        usual = self._baseline(ours, usual)
        if not self._is_beyond(min(times), usual):
            return None
        clock, note = "cpu" if self._size.device == "cpu" else "events", "a part of the work took so long"
        return replace(
            self._blank(), interval=(round(min(times) / usual, 4), None), clock=clock, notes=(*self._notes, note)
        )

    def _clear_at_once(
        self,
        ours: Runner,
        theirs: Runner,
        usual: float,
        calls: list[Slice],
        groups: list[Sequence[Slice]],
        seconds: float,
    ) -> Measured | None:
        """The verdict if a few long calls lie clearly inside a band or beyond all, else None.

        So an answer that loops takes the time of two to eight calls, mostly two or three. Each call is compared
        with the calls of the baseline just before and just after it: if the machine is slow for a while, both differ.
        `few_long` says what is clear.

        Args:
            calls: the submission's first two calls; more are added.
            groups: calls of the baseline before the first call and before the second one; more are added.
            seconds: deadline of a call.
        """
        used = ours.used + theirs.used
        while True:
            groups.append(self._beside(ours))
            middles = [self._middle(group) for group in groups]
            pairs, later = list(zip(middles, calls, strict=False)), zip(middles[1:], calls, strict=True)
            read = self._clock.read([*pairs, *later], self._seed)
            found = few_long([theirs / max(base, SHORTEST) for base, theirs in read.times], len(calls))
            if standing := decide(found, len(calls), self._budget.bands, last=True):
                self._pairs = pairs
                read = replace(read, found=found, times=read.times[: len(pairs)])
                return self._settled(ours, theirs, usual, standing, read)
            if len(calls) == MAX_LONG_CALLS or ours.used + theirs.used - used > BOX_SECONDS / 2:
                return None
            warm = self._warm(ours, self._size)
            groups[-1] = [*groups[-1], warm.slice]
            calls.append(self._check(theirs, warm, seconds))

    def _beside(self, ours: Runner) -> list[Slice]:
        """Calls of the baseline beside a long call of the submission."""
        return [self._warm(ours, self._size).slice for _ in range(BESIDE)]

    def _middle(self, group: Sequence[Slice]) -> Slice:
        """The call whose time is the median of a group's; of two in the middle, the faster one."""
        return sorted(group, key=self._clock.usual)[(len(group) - 1) // 2]

    def _is_beyond(self, seconds: float, usual: float) -> bool:
        """True if two calls that take so long are enough for a verdict. `usual`: the seconds of the baseline."""
        return seconds > BEYOND * self._budget.bands[-1].ratio * usual

    def _baseline(self, ours: Runner, usual: float) -> float:
        """The seconds of a call of the baseline, measured again; `usual`, its earlier time, if that is longer."""
        return max(usual, *(self._clock.usual(self._warm(ours, self._size).slice) for _ in range(2)))

    def _check(self, theirs: Runner, warm: _Warm, seconds: float) -> Slice:
        """Let the submission make the same call, and compare the outputs."""
        found = theirs.slice(warm.calls, warm.at, min(seconds, self._limit))
        compare(found.digest, warm.slice.digest)
        self._compared = True
        return found

    def _pair(self, ours: Runner, theirs: Runner, count: int, seconds: float) -> SlicePair:
        """One pair: both sides make the same calls in turns, so that other work of the machine slows both down."""
        calls = [self._inputs() for _ in range(count)]
        ours.lay(calls)
        theirs.lay(calls)
        turns = [(ours, self._trusted, *turn) for turn in _turns(count)]
        turns += [(theirs, min(seconds, self._limit), *turn) for turn in _turns(count)]
        # In the order of the middles of the turns. If two middles are equal, chance decides which side is first.
        for runner, limit, first, last, _ in sorted(turns, key=lambda turn: (turn[4], self._order.random())):
            runner.go(first, last, limit)
        at = draw_places()
        wanted, found = ours.look(at), theirs.look(at)
        compare(found.digest, wanted.digest)
        return wanted, found

    def _settled(
        self, ours: Runner, theirs: Runner, usual: float, standing: TimeVerdict, found: ClockReading
    ) -> Measured:
        """The verdict, after a check that the submission did not slow the baseline down."""
        notes = list(found.notes)
        if self._size.device == "cuda":
            slowed = self._slowed(ours, theirs, usual, found)
            if slowed > SLOWED:
                notes.append(f"the baseline was {slowed:.2g} x as fast once the submission was ended, and that counts")
                corrected = Estimate(*(slowed * value for value in astuple(found.found)))
                found = replace(found, found=corrected)
                standing = self._standing(corrected.ratio)
        if standing is TimeVerdict.TOO_NOISY and _unsteady(found):
            notes.append("its own times differ far more than the baseline's: the slower ones decide")
            slower = _slower(found)
            found, standing = replace(found, found=Estimate(slower, slower, slower)), self._standing(slower)
        return self._measured(standing, found, notes)

    def _standing(self, ratio: float) -> TimeVerdict:
        return TimeVerdict.WITHIN if ratio <= self._budget.bands[0].ratio else TimeVerdict.OVER

    def _slowed(self, ours: Runner, theirs: Runner, usual: float, found: ClockReading) -> float:
        """The baseline's time beside the submission, as a multiple of its time alone; 1 if it was not slower."""
        beside = median(ours for ours, _ in found.times)
        if beside <= SLOWED * usual:
            return 1.0
        theirs.side.kill()
        alone = [self._alone(ours) for _ in range(ALONE)]
        read = self._clock.read([(one, one) for one in alone], self._seed)
        return max(1.0, beside / max(time for time, _ in read.times))

    def _alone(self, ours: Runner) -> Slice:
        return ours.slice([self._inputs() for _ in range(self._pairs[0][0].calls)], draw_places(), self._trusted)

    def _measured(self, standing: TimeVerdict, found: ClockReading, notes: Sequence[str] = ()) -> Measured:
        ratios = found.found
        return replace(
            self._blank(),
            verdict=standing.value,
            credit=credit_at(ratios.low if standing is TimeVerdict.TOO_NOISY else ratios.ratio, self._budget.bands),
            ratio=round(ratios.ratio, 4),
            interval=(round(ratios.low, 4), round(ratios.high, 4)),
            pairs=len(self._pairs),
            clock=found.clock,
            student_ms=tuple(round(1000 * theirs, 4) for _, theirs in found.times),
            baseline_ms=tuple(round(1000 * ours, 4) for ours, _ in found.times),
            notes=(*self._notes, *notes),
        )

    def _ended(self, error: WorkerTimeout) -> Measured:
        """The result for a submission that was ended at its deadline, which is far beyond every band."""
        last = self._budget.bands[-1].ratio
        found = self._blank()
        if self._pairs:
            found = self._measured(TimeVerdict.OVER, self._clock.read(self._pairs, self._seed))
        if error.starved:
            notes = (*found.notes, "it hardly ran: the machine was busy with others")
            credit = self._budget.bands[0].credit if self._compared else 0.0
            return replace(found, verdict=TimeVerdict.TOO_NOISY.value, credit=credit, notes=notes)
        asleep = error.computed is not None and ASLEEP * error.computed < error.seconds
        notes, clock = (*found.notes, "ended at its deadline"), "wall" if asleep else "cpu"
        if self._size.device == "cuda":
            clock = found.clock or "events"
        return replace(found, credit=0.0, ratio=None, interval=(last, None), clock=clock, notes=notes)

    def _blank(self) -> Measured:
        return Measured(
            budget=self._budget.id,
            device=self._size.device,
            baseline=self._budget.baseline,
            verdict=TimeVerdict.OVER.value,
            credit=0.0,
            ratio=None,
            interval=(None, None),
            bands=tuple((band.ratio, band.credit) for band in self._budget.bands),
            pairs=0,
            clock="",
            core=self._core,
            notes=tuple(self._notes),
        )

    def _inputs(self, size: SimpleNamespace | None = None) -> Sequence[Any]:
        drawn = self._draw(self._rng, size or self._size)
        return drawn if isinstance(drawn, (tuple, list)) else (drawn,)

    def _calls(self, usual: float) -> int:
        """The number of calls that make a slice of the baseline long enough for the clock."""
        size = sum(value.nbytes for value in self._inputs() if isinstance(value, torch.Tensor))
        return max(1, min(MAX_CALLS, math.ceil(SLICE_SECONDS / usual), MAX_BYTES[self._size.device] // max(size, 1)))

    def _pin(self, runner: Runner, core: int | None) -> None:
        if core is not None and not runner.side.pin(core):
            self._core = None
            self._notes.append("a worker could not be pinned to a core")


def _slower(found: ClockReading) -> float:
    """The ratio of the submission's slower times: the median of the times in the upper half of their range.

    Example: the times 1, 1, 1, 3, 3 s beside a baseline of 1 s give the ratio 3.
    """
    times = [theirs for _, theirs in found.times]
    low, high = np.quantile(times, [0.1, 0.9])
    slower = median(time for time in times if time >= (low + high) / 2)
    return slower / max(median(ours for ours, _ in found.times), SHORTEST)


def _unsteady(found: ClockReading) -> bool:
    """True if the submission's times vary much more than the baseline's."""
    baseline, student = (_spread([pair[side] for pair in found.times]) for side in (0, 1))
    return student > max(UNSTEADY, 3 * baseline)


def _spread(times: Sequence[float]) -> float:
    """The range from the 10th to the 90th percentile, as a multiple of the median."""
    low, middle, high = np.quantile(times, [0.1, 0.5, 0.9])
    return float((high - low) / max(middle, SHORTEST))


def _turns(calls: int) -> list[tuple[int, int, float]]:
    """A slice's calls in up to `TURNS` turns: for each, the first call, the call after the last, the middle, 0 to 1.

    Example: `_turns(2)` is `[(0, 1, 0.25), (1, 2, 0.75)]`.
    """
    parts = min(TURNS, calls)
    edges = [calls * part // parts for part in range(parts + 1)]
    return [(first, last, (first + last) / 2 / calls) for first, last in pairwise(edges)]
