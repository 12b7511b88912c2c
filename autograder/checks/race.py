"""The fixture `race`: times a submission against its budget's baseline, in interleaved pairs of slices.

How a check uses it stands in `checks.timing`. Which clock decides: CPU time of the whole process, all threads, read by
the grader from outside; it hardly minds what else the machine does. Time asleep is not in it, so where the wall clock
says clearly more, in every way it could be read, the wall clock decides. On CUDA it is the device's own events, where
the grader's clock agrees with them, else the grader's clock.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

from autograder.checks.draw import Draw
from autograder.checks.rivals import Rivals
from autograder.checks.sides import Side
from autograder.checks.slices import Runner, Slice, Task, compare, glance
from autograder.checks.timing import CLEAR, MOST, Estimate, Measured, Standing, credit_at, decide, estimate, words
from autograder.course.model import Budget, BudgetKind, Limits, Question
from autograder.errors import DeviceNeeded, TooNoisy, TooSlow, UsageError, WorkerTimeout
from autograder.sandbox.process import a_core
from autograder.sandbox.proxy import Proxy

__all__ = ["Heat", "Quick", "Race"]

SLICE_SECONDS = 0.012
MOST_CALLS = 64  # in a slice
TURNS = 4  # that a slice is cut into
MOST_BYTES = 16 << 20  # of a slice's inputs
SHORTEST = 1e-6  # seconds that a call of the baseline can be taken to need
FIRST_SECONDS = 5.0  # for a first call, which may have things to set up
LONG_SECONDS = 0.1  # a slice that takes longer needs no other one to warm up
LEAST_SECONDS, PATIENCE = 2.0, 40.0  # deadline of a slice: this much, or so many times what earns the last points
BOX_SECONDS = 20.0  # for all pairs together
# The wall clock decides where it says so much more than the CPU clock.
ASLEEP = 1.5
HINTS = {
    "slow": "Replace loops over images, channels or pixels by operations on whole tensors, and compute nothing twice.",
    "asleep": "It spends its time waiting rather than computing.",
    "noisy": "The machine was too busy to say. It is measured again when grading is run again.",
}


class Quick(Draw):
    """Draws inputs fast, and not the same on every platform: for numbers whose values nobody records."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self._fast = np.random.default_rng(seed)

    def uniform(
        self, *shape: int, low: float = 0.0, high: float = 1.0, dtype: torch.dtype = torch.float64
    ) -> torch.Tensor:
        return torch.from_numpy(np.asarray(self._fast.random(shape, np.float32) * (high - low) + low)).to(dtype)

    def normal(self, *shape: int, scale: float = 1.0, dtype: torch.dtype = torch.float64) -> torch.Tensor:
        return torch.from_numpy(np.asarray(self._fast.standard_normal(shape, np.float32) * scale)).to(dtype)


class Race:
    """What a check calls. One budget each.

    Args:
        rivals: opens the sides; None where nothing is timed.
        seed: inputs and orders are drawn from it.
        generators: where both sides' random generators start.
        keep: told what was measured, whatever the verdict.
    """

    def __init__(
        self,
        question: Question,
        rivals: Rivals | None,
        limits: Limits,
        seed: int,
        generators: int,
        keep: Callable[[Measured], None],
    ) -> None:
        self._question, self._limits, self._seed, self._generators = question, limits, seed, generators
        self._maybe_rivals, self._keep = rivals, keep

    def __call__(
        self,
        budget: str,
        run: Callable[..., Any],
        draw: Callable[[Draw, Any], Sequence[Any]],
        *,
        setup: Callable[[Proxy], Any] | None = None,
        prepare: Callable[..., Any] | None = None,
    ) -> None:
        """Time `run`. Raises TooSlow, TooNoisy, DeviceNeeded, CheckFailed for wrong outputs, and what a call raises."""
        wanted = self._budget(budget, BudgetKind.RATIO)
        size = self.size(budget)
        with ExitStack() as stack:
            core = stack.enter_context(a_core()) if self._rivals.confined else None
            opened = self._rivals.sides(self._question, wanted, size.device, self._generators)
            baseline, student = stack.enter_context(opened)
            heat = Heat(wanted, size, Task(run, setup, prepare), draw, self._seed, self._limits.call_seconds)
            measured = heat.run(baseline, student, core)
        self._keep(measured)
        _raise(measured)

    def size(self, budget: str) -> SimpleNamespace:
        """The manifest's sizes for the device of this run. Raises DeviceNeeded where it names none that is here."""
        wanted = self._budget(budget)
        devices = self._rivals.devices
        device = next((device for device in devices if device in wanted.sizes), None)
        if device is None:
            raise DeviceNeeded(f"its running time is graded on {' or '.join(wanted.sizes)}, which this run has not")
        return SimpleNamespace(**wanted.sizes[device], device=device)

    def train(self, budget: str, call: Callable[[Proxy, Any], Any]) -> Any:
        """What `call(who, size)` returns, if it does so in time. Raises TooSlow, DeviceNeeded, and what it raises."""
        wanted = self._budget(budget, BudgetKind.TRAINING)
        size = self.size(budget)
        assert wanted.seconds is not None
        size.seconds = wanted.seconds if size.device == "cuda" else None
        side = self._rivals.student(self._question, size.device, self._generators)
        allowed = wanted.seconds * CLEAR if size.seconds else self._limits.question_seconds
        began = time.perf_counter()
        late = False
        try:
            trained = call(Proxy(side, timeout=allowed), size)
        except WorkerTimeout:
            if size.seconds is None:
                raise
            late = True
        took = time.perf_counter() - began
        if size.seconds is not None:
            late = late or took > size.seconds
            self._keep(_trained(wanted, size, took, late))
            if late:
                raise TooSlow(f"the training takes {took:.1f} s; {size.seconds:g} s are allowed", HINTS["slow"])
        return trained

    @property
    def _rivals(self) -> Rivals:
        if self._maybe_rivals is None:
            raise DeviceNeeded("its running time is measured when it is graded")
        return self._maybe_rivals

    def _budget(self, id: str, kind: BudgetKind | None = None) -> Budget:
        found = next((budget for budget in self._question.budgets if budget.id == id), None)
        if found is None or kind not in (None, found.kind):
            known = ", ".join(f"{budget.id} ({budget.kind})" for budget in self._question.budgets) or "none"
            raise UsageError(f"question {self._question.id} has no {kind or ''} budget {id!r}; it has: {known}")
        return found


class Heat:
    """One measurement.

    Args:
        size: what `draw` is given.
        limit: wall-clock seconds for a request that runs no timed call.
        now: the clock for the time box.
    """

    def __init__(
        self,
        budget: Budget,
        size: SimpleNamespace,
        task: Task,
        draw: Callable[[Draw, Any], Sequence[Any]],
        seed: int,
        limit: float,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._budget, self._size, self._task, self._draw, self._seed = budget, size, task, draw, seed
        self._limit, self._now = limit, now
        self._rng, self._order = Quick(seed), random.Random(seed)
        self._pairs: list[tuple[Slice, Slice]] = []  # baseline's, student's
        self._notes: list[str] = []
        self._core: int | None = None

    def run(self, baseline: Side, student: Side, core: int | None) -> Measured:
        """Measure until a verdict falls. Raises CheckFailed for wrong outputs, and what a request raises."""
        self._core = core
        runners: list[Runner] = []
        try:
            inputs = len(self._inputs())
            ours = Runner(baseline, self._task, inputs, self._size.device, self._limit)
            runners.append(ours)
            self._pin(ours, core)
            usual = self._warm(ours)
            try:
                theirs = Runner(student, self._task, inputs, self._size.device, self._limit)
                runners.append(theirs)
                self._pin(theirs, core)
                return self._race(ours, theirs, usual)
            except WorkerTimeout:
                return self._ended()
        finally:
            for runner in runners:
                runner.close()

    def _warm(self, ours: Runner) -> float:
        """Seconds that one call of the baseline takes once it is warm."""
        for _ in range(2):
            found = ours.slice([self._inputs()], glance(), self._limit)
        return max(found.wall if self._size.device == "cuda" else found.cpu, SHORTEST)

    def _race(self, ours: Runner, theirs: Runner, usual: float) -> Measured:
        began = self._now()
        last = self._budget.bands[-1].ratio
        most = self._calls(usual)
        patience = max(LEAST_SECONDS, PATIENCE * last * usual)
        self._check(ours, theirs, min(self._limit, max(FIRST_SECONDS, patience)))
        each = self._check(ours, theirs, min(self._limit, patience))
        fewer = max(1, min(most, round(SLICE_SECONDS / max(each, SHORTEST))))
        patience = max(LEAST_SECONDS, PATIENCE * last * usual * fewer)
        if each * fewer < LONG_SECONDS:
            self._pair(ours, theirs, most, fewer, patience)  # touches all memory that the others will use
        while True:
            self._pairs.append(self._pair(ours, theirs, most, fewer, patience))
            estimates, clock = self._estimate()
            standing = decide(estimates, len(self._pairs), self._budget.bands)
            if standing is not None:
                return self._measured(standing, estimates, clock)
            if len(self._pairs) >= MOST or self._now() - began > BOX_SECONDS:
                return self._measured(Standing.TOO_NOISY, estimates, clock)

    def _check(self, ours: Runner, theirs: Runner, seconds: float) -> float:
        """Let both do the same one call off the record, and compare. Returns the submission's seconds."""
        calls, look = [self._inputs()], glance()
        wanted = ours.slice(calls, look, self._limit)
        found = theirs.slice(calls, look, min(seconds, self._limit))
        compare(found.digest, wanted.digest)
        return found.wall if self._size.device == "cuda" else found.cpu

    def _pair(self, ours: Runner, theirs: Runner, most: int, fewer: int, seconds: float) -> tuple[Slice, Slice]:
        """One pair: both work in turns, so that what else the machine does meets both."""
        calls = [self._inputs() for _ in range(most)]
        ours.lay(calls)
        theirs.lay(calls[:fewer])
        turns = [(ours, self._limit, *turn) for turn in _turns(most)]
        turns += [(theirs, min(seconds, self._limit), *turn) for turn in _turns(fewer)]
        # By the middle of each turn; which of two at the same place comes first is chance.
        for runner, limit, first, last, _ in sorted(turns, key=lambda turn: (turn[4], self._order.random())):
            runner.go(first, last, limit)
        at = glance()
        wanted, found = ours.look(at), theirs.look(at)
        compare(found.digest, wanted.digest)
        return wanted, found

    def _estimate(self) -> tuple[Estimate, str]:
        """The ratio, by the clock that decides."""
        wall = estimate(self._ratios(_wall), self._seed)
        if self._size.device == "cuda":
            return wall, "wall"
        cpu = estimate(self._ratios(_cpu), self._seed)
        return (wall, "wall") if wall.low > ASLEEP * cpu.high else (cpu, "cpu")

    def _ratios(self, clock: Callable[[Slice, Slice], tuple[float, float]]) -> list[float]:
        return [theirs / max(ours, SHORTEST) for ours, theirs in (clock(*pair) for pair in self._pairs)]

    def _measured(self, standing: Standing, found: Estimate, clock: str) -> Measured:
        bands = self._budget.bands
        times = [(_wall if clock == "wall" else _cpu)(*pair) for pair in self._pairs]
        return Measured(
            budget=self._budget.id,
            device=self._size.device,
            baseline=self._budget.baseline,
            verdict=standing.value,
            credit=credit_at(found.low if standing is Standing.TOO_NOISY else found.ratio, bands),
            ratio=round(found.ratio, 4),
            interval=(round(found.low, 4), round(found.high, 4)),
            bands=tuple((band.ratio, band.credit) for band in bands),
            pairs=len(self._pairs),
            clock=clock,
            core=self._core,
            student_ms=tuple(round(1000 * theirs, 4) for _, theirs in times),
            baseline_ms=tuple(round(1000 * ours, 4) for ours, _ in times),
            notes=tuple(self._notes),
        )

    def _ended(self) -> Measured:
        """The submission was ended at a deadline that is far beyond every band."""
        last = self._budget.bands[-1].ratio
        if not self._pairs:
            return Measured(
                budget=self._budget.id,
                device=self._size.device,
                baseline=self._budget.baseline,
                verdict=Standing.OVER.value,
                credit=0.0,
                ratio=None,
                interval=(last, None),
                bands=tuple((band.ratio, band.credit) for band in self._budget.bands),
                pairs=0,
                clock="wall",
                core=self._core,
                notes=(*self._notes, "ended at its deadline"),
            )
        found, _ = self._estimate()
        told = self._measured(Standing.OVER, found, "wall")
        notes = (*told.notes, "ended at its deadline")
        return replace(told, credit=0.0, ratio=None, interval=(last, None), notes=notes)

    def _inputs(self) -> Sequence[Any]:
        drawn = self._draw(self._rng, self._size)
        return drawn if isinstance(drawn, (tuple, list)) else (drawn,)

    def _calls(self, usual: float) -> int:
        """How many calls make a slice of the baseline's long enough to be read off the clock."""
        size = sum(value.nbytes for value in self._inputs() if isinstance(value, torch.Tensor))
        return max(1, min(MOST_CALLS, math.ceil(SLICE_SECONDS / usual), MOST_BYTES // max(size, 1)))

    def _pin(self, runner: Runner, core: int | None) -> None:
        if core is not None and not runner.side.pin(core):
            self._core = None
            self._notes.append("a worker could not be pinned to a core")


def _turns(calls: int) -> list[tuple[int, int, float]]:
    """A slice's calls in up to `TURNS` parts: the first, the one after the last, where its middle lies from 0 to 1."""
    parts = min(TURNS, calls)
    edges = [calls * part // parts for part in range(parts + 1)]
    return [(first, last, (first + last) / 2 / calls) for first, last in pairwise(edges)]


def _cpu(ours: Slice, theirs: Slice) -> tuple[float, float]:
    """Seconds of CPU time per call: the baseline's, the submission's.

    The submission pays for what it does before and after its slice too, less what that takes the baseline.
    """
    extra = max(0.0, theirs.cpu_around - ours.cpu_around)
    return ours.cpu / ours.calls, (theirs.cpu + extra) / theirs.calls


def _wall(ours: Slice, theirs: Slice) -> tuple[float, float]:
    extra = max(0.0, theirs.wall_around - ours.wall_around)
    return ours.wall / ours.calls, (theirs.wall + extra) / theirs.calls


def _trained(budget: Budget, size: SimpleNamespace, took: float, late: bool) -> Measured:
    return Measured(
        budget=budget.id,
        device=size.device,
        baseline=f"{size.seconds:g} s",
        verdict=(Standing.OVER if late else Standing.WITHIN).value,
        credit=0.0 if late else 1.0,
        ratio=round(took / size.seconds, 4),
        interval=(round(took / size.seconds, 4), None if late else round(took / size.seconds, 4)),
        bands=((1.0, 1.0),),
        pairs=1,
        clock="wall",
        core=None,
        student_ms=(round(1000 * took, 1),),
    )


def _raise(found: Measured) -> None:
    if found.verdict == Standing.WITHIN:
        return
    if found.verdict == Standing.TOO_NOISY:
        raise TooNoisy(words(found), HINTS["noisy"], found.credit)
    raise TooSlow(words(found), HINTS["asleep" if found.clock == "wall" and found.pairs else "slow"], found.credit)
