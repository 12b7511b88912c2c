"""The two sides of a race: whose code runs, and how the grader reads what it took, stops it and moves it."""

from __future__ import annotations

import time
from typing import Any, Protocol

from autograder.sandbox.grader.deadline import waited_for_a_core
from autograder.sandbox.grader.process import Process
from autograder.sandbox.proxy import Channel

__all__ = ["LocalSide", "Side", "WorkerSide"]


class Side(Channel, Protocol):
    """One side of a race: a channel to a session, and its process from outside."""

    def cpu_seconds(self) -> float:
        """CPU time that it took so far."""

    def now(self) -> float:
        """The grader's own clock, in seconds, less what the machine was busy with others while this side was ready."""

    def mark(self) -> float:
        """The reading from which what it takes counts: its last one, since it may have gone on by itself after that."""

    def stop(self) -> None:
        """It shall not run while the other side is timed."""

    def resume(self) -> None: ...

    def kill(self) -> None:
        """End it, with all that it left running."""

    def pin(self, core: int) -> bool: ...

    def unpin(self) -> None: ...


class WorkerSide:
    """A worker. Everything that it does counts, whenever it does it.

    Args:
        on_gpu: whether it is timed on a GPU, where work goes on while its process waits for a core.
    """

    def __init__(self, channel: Channel, process: Process, *, on_gpu: bool = False) -> None:
        self._channel, self._process = channel, process
        self._on_gpu = on_gpu
        self._last = process.cpu_seconds()
        self.stop, self.resume, self.kill = process.stop, process.resume, process.kill
        self.pin, self.unpin = process.pin, process.unpin

    def request(self, op: str, payload: dict[str, Any], timeout: float | None = None) -> Any:
        return self._channel.request(op, payload, timeout)

    def cpu_seconds(self) -> float:
        self._last = max(self._last, self._process.cpu_seconds())
        return self._last

    def now(self) -> float:
        return time.perf_counter() - (0.0 if self._on_gpu else self._process.waited())

    def mark(self) -> float:
        return self._last


class LocalSide:
    """A session in this very process, which both sides share: what happens between its slices is not its own."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def request(self, op: str, payload: dict[str, Any], timeout: float | None = None) -> Any:
        return self._channel.request(op, payload, timeout)

    def cpu_seconds(self) -> float:
        return time.process_time()

    def now(self) -> float:
        return time.perf_counter() - waited_for_a_core()

    def mark(self) -> float:
        return time.process_time()

    def stop(self) -> None: ...

    def resume(self) -> None: ...

    def kill(self) -> None: ...

    def pin(self, core: int) -> bool:
        return False

    def unpin(self) -> None: ...
