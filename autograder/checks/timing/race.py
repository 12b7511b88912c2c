"""The fixture `race`, which a check calls to measure a running time. `checks.timing` explains its use."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from types import SimpleNamespace
from typing import Any

from autograder.checks.draw import Draw
from autograder.checks.timing.measurement import Measurement
from autograder.checks.timing.rivals import Rivals
from autograder.checks.timing.slices import Task
from autograder.checks.timing.statistics import Measured, TimeVerdict, words
from autograder.course.model import Budget, BudgetKind, Limits, Question
from autograder.errors import DeviceNeeded, TooNoisy, TooSlow, UsageError, WorkerTimeout
from autograder.phases import phase
from autograder.sandbox.grader.process import a_core
from autograder.sandbox.proxy import Proxy

__all__ = ["Race"]

LATE = 1.5  # a training on CUDA is ended after this multiple of its seconds
TIMING_HINTS = {
    "slow": "Replace loops over images, channels or pixels with operations on whole tensors; compute nothing twice.",
    "asleep": "Little of its time is computing time: look for what waits, as sleep does.",
    "noisy": "The machine was too busy to measure it. It is measured again when grading runs again.",
}


class Race:
    """The fixture: each call of it measures one budget.

    Args:
        rivals: opens the sides; None if nothing is timed.
        seed: inputs and orders are drawn from it.
        generators: the seed of both sides' random generators.
        keep: called with every measurement, whatever the verdict.
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
        """Time `run`. Raises TooSlow, TooNoisy, DeviceNeeded, CheckFailed for wrong outputs, and errors of calls."""
        wanted = self._budget(budget, BudgetKind.RATIO)
        size = self.size(budget)
        with ExitStack() as stack:
            with phase("wait"), self._rivals.waiting():
                core = stack.enter_context(a_core()) if self._rivals.confined else None
            opened = self._rivals.sides(self._question, wanted, size.device, self._generators)
            with phase("start"):
                baseline, student = stack.enter_context(opened)
            task = Task(run, setup, prepare)
            part = wanted.parts.get(size.device)
            smaller = SimpleNamespace(**part, device=size.device) if part is not None else None
            measurement = Measurement(wanted, size, task, draw, self._seed, self._limits.call_seconds, smaller)
            with phase("races"):
                measured = measurement.run(baseline, student, core)
        self._keep(measured)
        _raise(measured)

    def size(self, budget: str) -> SimpleNamespace:
        """The manifest's sizes for the device of this run. Raises DeviceNeeded if it names no device that is here."""
        wanted = self._budget(budget)
        devices = self._rivals.devices
        device = next((device for device in devices if device in wanted.sizes), None)
        if device is None:
            raise DeviceNeeded(
                f"its running time is graded on {' or '.join(wanted.sizes)}, which this run does not have"
            )
        return SimpleNamespace(**wanted.sizes[device], device=device)

    def train(self, budget: str, call: Callable[[Proxy, Any], Any]) -> Any:
        """The result of `call(who, size)`. Raises TooSlow after its seconds, DeviceNeeded, and errors of the call."""
        wanted = self._budget(budget, BudgetKind.TRAINING)
        size = self.size(budget)
        assert wanted.seconds is not None
        size.seconds = wanted.seconds if size.device == "cuda" else None
        side = self._rivals.student(self._question, size.device, self._generators)
        size.cpu_seconds = side.cpu_seconds  # for a training that stops when these seconds are used up
        allowed = wanted.seconds * LATE if size.seconds else self._limits.question_seconds
        began = time.perf_counter()
        late = False
        try:
            with phase("train"):
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
                raise TooSlow(f"the training takes {took:.1f} s; {size.seconds:g} s are allowed", TIMING_HINTS["slow"])
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


def _trained(budget: Budget, size: SimpleNamespace, took: float, late: bool) -> Measured:
    return Measured(
        budget=budget.id,
        device=size.device,
        baseline=f"{size.seconds:g} s",
        verdict=(TimeVerdict.OVER if late else TimeVerdict.WITHIN).value,
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
    if found.verdict == TimeVerdict.WITHIN:
        return
    if found.verdict == TimeVerdict.TOO_NOISY:
        raise TooNoisy(words(found), TIMING_HINTS["noisy"], found.credit)
    raise TooSlow(words(found), TIMING_HINTS["asleep" if found.clock == "wall" else "slow"], found.credit)
