"""The two sides of a race: the grader sends calls to each, reads its clock, stops it and moves it to a core."""

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
        """The CPU seconds that this side has used so far."""

    def now(self) -> float:
        """The grader's clock, in seconds, less the time in which this side was ready and other processes ran."""

    def mark(self) -> float:
        """CPU time at the last reading. The next slice is charged from here, so work done in between is charged too."""

    def stop(self) -> None:
        """Stop this side, while the other one is timed."""

    def resume(self) -> None: ...

    def kill(self) -> None:
        """End this side, with all processes that it has started."""

    def pin(self, core: int) -> bool: ...

    def unpin(self) -> None: ...


class WorkerSide:
    """A worker. All its CPU time counts, also between slices.

    Args:
        on_gpu: True if it is timed on a GPU, which works on while the process waits for a core.
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
    """A session in this process, which both sides share. So CPU time between its slices is not its own."""

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
