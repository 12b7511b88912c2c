"""Sides of a race whose time is made up: real sessions in this process, on clocks that a script moves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from types import ModuleType, SimpleNamespace
from typing import Any

import torch

from autograder.sandbox.local import LocalChannel

MS = 0.001
SCRATCH = 2048  # bytes that an accelerator flushes this device's cache with, which are its own


@dataclass
class Machine:
    """What both sides share: the grader's clock, and who is awake."""

    wall: float = 0.0
    awake: set[str] = field(default_factory=set)
    slowdown: float = 1.0  # of the baseline, while the submission lives


@dataclass
class FakeSide:
    """One side.

    Attributes:
        cost: milliseconds of CPU that a call takes, given how many ran before.
        asleep: milliseconds of wall clock that a call takes besides.
        anyway: milliseconds of wall clock that a request takes besides.
        around: milliseconds of CPU that looking at outputs takes.
        without: milliseconds of CPU that each request without a call takes, as long as there are some.
        events: what the device's clock tells of a run, given what it really took; None on the CPU.
    """

    machine: Machine
    name: str
    channel: LocalChannel
    cost: Callable[[int], float]
    asleep: float = 0.0
    anyway: float = 0.0
    around: float = 0.1
    without: list[float] = field(default_factory=list)
    events: Callable[[float], float] | None = None
    cpu: float = 0.0
    calls: int = 0
    killed: bool = False
    asked: list[str] = field(default_factory=list)

    def request(self, op: str, payload: dict[str, Any], timeout: float | None = None) -> Any:
        timed = op in ("lay", "run", "digest")
        assert not timed or self.machine.awake == {self.name}, "only who is asked shall be awake"
        self.asked.append(op)
        answer = self.channel.request(op, payload, timeout)
        if op == "run":
            took = 0.0
            for _ in range(*payload["calls"]):
                took += self.cost(self.calls) * MS
                self.calls += 1
            if self.name == "baseline":
                took *= self.machine.slowdown
            calls = payload["calls"][1] - payload["calls"][0]
            if not calls and self.without:
                took += self.without.pop() * MS
            self._spend(took, took + (self.asleep * calls + self.anyway) * MS)
            if self.events is not None:
                answer["seconds"] = self.events(took)
        elif op == "digest":
            self._spend(self.around * MS, self.around * MS)
        return answer

    def _spend(self, cpu: float, wall: float) -> None:
        self.cpu += cpu
        self.machine.wall += wall

    def cpu_seconds(self) -> float:
        return self.cpu

    def now(self) -> float:
        return self.machine.wall

    def mark(self) -> float:
        return self.cpu

    def stop(self) -> None:
        self.machine.awake.discard(self.name)

    def resume(self) -> None:
        self.machine.awake.add(self.name)

    def kill(self) -> None:
        self.killed = True
        self.machine.slowdown = 1.0

    def pin(self, core: int) -> bool:
        return True

    def unpin(self) -> None: ...


class FakeCuda(SimpleNamespace):
    """What a worker's `torch.cuda` would be: it keeps a log."""

    def __init__(self) -> None:
        super().__init__(log=[])

    def init(self) -> None:
        self.log.append("init")

    def get_device_properties(self, index: int) -> SimpleNamespace:
        return SimpleNamespace(L2_cache_size=SCRATCH // 2)

    def synchronize(self) -> None:
        self.log.append("synchronize")

    def Event(self, enable_timing: bool) -> SimpleNamespace:
        assert enable_timing
        return SimpleNamespace(record=lambda: self.log.append("record"), elapsed_time=lambda other: 5.0)


def module(**functions: Callable[..., Any]) -> ModuleType:
    made = ModuleType("toy")
    made.__file__ = __file__
    vars(made).update(functions)
    return made


def double(x: torch.Tensor) -> tuple[torch.Tensor, str]:
    return 2 * x, "cache"
