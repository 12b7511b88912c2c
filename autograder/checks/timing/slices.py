"""Runs slices of calls on one side: the time of each slice, and digests that show that the work was done."""

from __future__ import annotations

import math
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from autograder.checks.timing.sides import Side
from autograder.errors import CheckFailed, GraderError, ProtocolError
from autograder.sandbox.channel.refs import Ref
from autograder.sandbox.plan import Plan, record
from autograder.sandbox.proxy import Proxy

__all__ = ["ComparedPlaces", "Runner", "Slice", "Task", "compare", "draw_places"]

PIECE, PLACES = 4096, 8
RESTS = 5
# Relative. A race detects skipped work; the correctness question grades the precision.
TOLERANCE = 1e-3
HINT = "The answer is wrong, so its speed is not graded. Fix it first."


@dataclass(frozen=True)
class Task:
    """The functions of a check that are timed; `checks.timing` explains each."""

    run: Callable[..., Any]
    setup: Callable[[Proxy], Any] | None = None
    prepare: Callable[..., Any] | None = None


@dataclass(frozen=True)
class ComparedPlaces:
    """The places at which outputs are compared. They are drawn after the outputs were computed."""

    weights: torch.Tensor
    places: np.ndarray[Any, Any]


@dataclass(frozen=True)
class Slice:
    """Some calls of one side, one after the other. All times are seconds for all these calls together.

    Attributes:
        runs: the number of requests that ran the calls.
        cpu, wall: the time of these requests. The wall clock stands still while other processes run.
        cpu_around, wall_around: the time of the work around these requests: sending inputs, and looking at outputs. The
            CPU time also contains the time since the last slice.
        events: the time by the device's own clock.
        digest: the digests of every call's outputs.
    """

    calls: int
    runs: int
    cpu: float
    wall: float
    cpu_around: float
    wall_around: float
    events: float | None
    digest: list[Any]


def draw_places() -> ComparedPlaces:
    """New random places, which no code that ran before can know."""
    drawn = np.random.default_rng(secrets.randbits(64))
    weights = torch.from_numpy(drawn.uniform(0.5, 1.5, PIECE))
    return ComparedPlaces(weights, drawn.integers(0, 1 << 62, PLACES))


class Runner:
    """One side, ready to run slices: it gets inputs, runs calls, and returns digests. In between it is stopped.

    Args:
        inputs: the number of inputs of a call.
        device: "cpu" or "cuda".
        limit: seconds for requests that run no timed call.

    Attributes:
        used: the side's own seconds until now.
        preparing: True while calls are prepared.
        prepared: the side's own seconds for the preparation of one call; 0 without preparation.
        idle: CPU seconds of a request without a call in it, see `rest`.
    """

    def __init__(self, side: Side, task: Task, inputs: int, device: str, limit: float) -> None:
        self.side, self._device, self._limit = side, device, limit
        who = Proxy(side, timeout=limit)
        made = task.setup(who) if task.setup else who
        self._prepare = record(task.prepare, made, inputs) if task.prepare else None
        self._run = record(task.run, made, inputs + (1 if self._prepare else 0))
        early = self._prepare.mentioned if self._prepare else frozenset()
        self._early = [number for number in range(inputs) if number in early]
        self._late = [number for number in range(inputs) if number not in early]
        self.used = self.idle = self.prepared = 0.0
        self.preparing = False
        self._sent: list[Ref] = []
        self._results: list[Ref] = []
        side.cpu_seconds()
        side.stop()

    def lay(self, calls: Sequence[Sequence[Any]]) -> None:
        """Send the inputs of some calls, and prepare each call."""
        side = self.side
        with self._awake():
            self._sent, self._results = [], []
            self._cpu = self._wall = self._wall_around = 0.0
            self._events: float | None = None
            self._calls = len(calls)
            self._start = side.mark()
            if self._prepare is not None:
                self._sent.append(self._lay(calls, self._early))
                everything, begun = [0, self._calls], side.now()
                self.preparing = True
                self._sent.append(self._carry_out(self._prepare, self._before(), everything, self._limit)[0])
                self.preparing = False
                self.prepared = (side.now() - begun) / max(self._calls, 1)
                self._start = side.cpu_seconds()
            begun = side.now()
            self._sent.append(self._lay(calls, self._late))
            self._wall_around += side.now() - begun
            side.cpu_seconds()

    def go(self, first: int, last: int, seconds: float) -> None:
        """Run the calls from `first` up to and without `last`.

        Raises WorkerTimeout if they take longer than `seconds` by the wall clock, and the errors of any request.
        """
        side = self.side
        with self._awake():
            before, sent = side.mark(), side.now()
            results, events = self._carry_out(self._run, self._after(), [first, last], seconds)
            answered = side.now()
            self._cpu += max(side.cpu_seconds() - before - self.idle, 0.0)
        self._results.append(results)
        self._wall += answered - sent
        if events is not None:
            self._events = (self._events or 0.0) + events

    def look(self, at: ComparedPlaces) -> Slice:
        """Get the digests of every call's outputs, and drop the outputs."""
        side = self.side
        with self._awake():
            looking = side.now()
            digest = self._ask("digest", targets=self._results, weights=at.weights, places=at.places)
            self._wall_around += side.now() - looking
            if type(digest) is not list or len(digest) != self._calls:
                raise ProtocolError("outputs of another number of calls")
            self._ask("drop", targets=[*self._sent, *self._results])
            around = side.cpu_seconds() - self._start - self._cpu
        runs = len(self._results)
        return Slice(self._calls, runs, self._cpu, self._wall, around, self._wall_around, self._events, digest)

    def rest(self) -> float:
        """The CPU seconds of a request without a call in it: the smallest of several measurements.

        A figure that is too large by chance would be subtracted from every slice.
        """
        self.lay([])
        found = []
        for _ in range(RESTS):
            with self._awake():
                before = self.side.mark()
                self._results.append(self._carry_out(self._run, self._after(), [0, 0], self._limit)[0])
                found.append(self.side.cpu_seconds() - before)
        with self._awake():
            self._ask("drop", targets=[*self._sent, *self._results])
        return min(found)

    def slice(self, calls: Sequence[Sequence[Any]], at: ComparedPlaces, seconds: float) -> Slice:
        """Run all these calls, one after the other."""
        self.lay(calls)
        self.go(0, len(calls), seconds)
        return self.look(at)

    def close(self) -> None:
        """Let the side run again, on any core."""
        self.side.resume()
        self.side.unpin()

    def _before(self) -> list[list[int]]:
        """For each input of the prepare plan, the place of its value; [0] if the plan does not use the input."""
        places = {number: [0, index] for index, number in enumerate(self._early)}
        assert self._prepare is not None
        return [places.get(number, [0]) for number in range(self._prepare.inputs)]

    def _after(self) -> list[list[int]]:
        """For each input of the run plan, the place of its value: among those sent early, sent late, or prepared."""
        last = 0 if self._prepare is None else 2
        places = {number: [0, index] for index, number in enumerate(self._early)}
        places |= {number: [last, index] for index, number in enumerate(self._late)}
        return [places.get(number, [1]) for number in range(self._run.inputs)]

    def _lay(self, calls: Sequence[Sequence[Any]], which: Sequence[int]) -> Ref:
        values = [[call[number] for number in which] for call in calls]
        return _ref(self._ask("lay", values=values, device=self._device))

    def _carry_out(
        self, plan: Plan, chosen: list[list[int]], calls: list[int], seconds: float
    ) -> tuple[Ref, float | None]:
        where = {"inputs": list(self._sent), "chosen": chosen, "calls": calls}
        reply = self.side.request("run", {"plan": plan.content, "device": self._device, **where}, seconds)
        if type(reply) is not dict:
            raise ProtocolError("a run that was not answered as one")
        reported = reply.get("seconds")
        if reported is not None and not (type(reported) is float and math.isfinite(reported)):
            raise ProtocolError("a run whose time is no number")
        return _ref(reply.get("results")), reported

    @contextmanager
    def _awake(self) -> Iterator[None]:
        """Let the side run in this block only, so that it cannot disturb the other side."""
        self.side.resume()
        since = self.side.now()
        try:
            yield
        finally:
            self.used += self.side.now() - since
            self.side.stop()

    def _ask(self, op: str, **payload: Any) -> Any:
        return self.side.request(op, payload, self._limit)


def compare(found: Sequence[Any], wanted: Sequence[Any]) -> None:
    """Raise CheckFailed if the outputs of some calls are not those of the baseline.

    Args:
        found: digests from the submission's side; untrusted. Only as many of `wanted` are compared.
    """
    for theirs, ours in zip(found, wanted, strict=False):
        if not any(output["kind"] == "Tensor" for output in ours):
            raise GraderError("a timed call must return a tensor or a number: its outputs are what tells that it ran")
        if type(theirs) is not list or len(theirs) != len(ours):
            raise CheckFailed("the timed calls return another number of outputs than the reference's", HINT)
        for number, (output, expected) in enumerate(zip(theirs, ours, strict=True)):
            _compare(output, expected, f"output {number + 1}" if len(ours) > 1 else "the output")


def _compare(found: Any, wanted: dict[str, Any], name: str) -> None:
    if wanted["kind"] != "Tensor":
        return
    kind, shape = (found.get("kind"), found.get("shape")) if type(found) is dict else (None, None)
    if type(kind) is not str or kind != "Tensor":
        raise CheckFailed(f"{name} of the timed calls is neither a tensor nor a number", HINT)
    if type(shape) is not tuple or not all(type(length) is int for length in shape) or shape != wanted["shape"]:
        raise CheckFailed(f"{name} of the timed calls has another shape than {wanted['shape']}", HINT)
    for part in ("sums", "elements"):
        values, expected = found.get(part), wanted[part]
        if not (isinstance(values, torch.Tensor) and values.shape == expected.shape and values.dtype == expected.dtype):
            raise CheckFailed(f"{name} of the timed calls cannot be read", HINT)
        scale = float(expected.abs().max()) if expected.numel() else 0.0
        tolerance = (TOLERANCE if wanted["dtype"] not in (torch.float16, torch.bfloat16) else 20 * TOLERANCE) * scale
        if not bool(((values - expected).abs() <= tolerance + 1e-12).all()):
            raise CheckFailed(f"{name} of the timed calls differs from the reference's", HINT)


def _ref(value: Any) -> Ref:
    if not isinstance(value, Ref):
        raise ProtocolError("something that was to be kept was not")
    return value
