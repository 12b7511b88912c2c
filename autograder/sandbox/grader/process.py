"""A worker's process from outside: its CPU clock, its core, whether it may run at all. Linux only."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from autograder.sandbox.grader.deadline import waited_for_a_core

__all__ = ["Process", "a_core", "claimed"]

# A worker that has answered still has a few steps to go before it sleeps, and the kernel accounts for a process that
# runs only at a tick.
SETTLE_SECONDS = 0.0005
WAIT_SECONDS, POLL_SECONDS = 120.0, 0.02


class Process:
    """A process that this one may watch, stop and move.

    Args:
        pid: in this process's own numbers.
        pidfd: refers to the same process, whatever becomes of its number.
    """

    def __init__(self, pid: int, pidfd: int) -> None:
        self.pid, self._pidfd = pid, pidfd
        self._clock = (~pid << 3) | 2  # clock_getcpuclockid(3): CPU time of all its threads
        self._cores: set[int] | None = None

    def cpu_seconds(self) -> float:
        """CPU time that all its threads, those that have ended too, took so far. 0 for one that is gone."""
        time.sleep(SETTLE_SECONDS)
        return self.clock()

    def clock(self) -> float:
        """The same at once, whatever the kernel has yet to account for."""
        try:
            return time.clock_gettime(self._clock)
        except OSError:
            return 0.0

    def waited(self) -> float:
        """Seconds that its first thread was ready to run, while the machine was busy with others."""
        return waited_for_a_core(self.pid)

    def stop(self) -> None:
        """Let none of its threads run until `resume`."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        self._signal(signal.SIGKILL)

    def pin(self, core: int) -> bool:
        """Keep all its threads, and those that they start, on one core. False where this process may not do that."""
        try:
            self._cores = self._cores or os.sched_getaffinity(self.pid)
            self._move({core})
        except (PermissionError, ProcessLookupError):
            return False
        return True

    def unpin(self) -> None:
        """Give it back the cores that it had before `pin`."""
        if self._cores is not None:
            with suppress(PermissionError, ProcessLookupError):
                self._move(self._cores)

    def _move(self, cores: set[int]) -> None:
        """Threads may start threads meanwhile, which begin where their starter is: until no new ones show."""
        moved: set[int] = set()
        while threads := {int(name) for name in self._threads()} - moved:
            for thread in threads:
                with suppress(ProcessLookupError):  # has ended
                    os.sched_setaffinity(thread, cores)
            moved |= threads

    def _threads(self) -> list[str]:
        try:
            return os.listdir(f"/proc/{self.pid}/task")
        except FileNotFoundError:
            raise ProcessLookupError(self.pid) from None

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):  # gone, or another user's where we have no say over it
            signal.pidfd_send_signal(self._pidfd, number)


@contextmanager
def a_core() -> Iterator[int | None]:
    """A core of this machine while the block lasts, for nobody else who asks; None where none gets free."""
    cores = sorted(os.sched_getaffinity(0), reverse=True)
    with claimed([f"core-{core}" for core in cores], WAIT_SECONDS) as place:
        yield None if place is None else cores[place]


@contextmanager
def claimed(names: Sequence[str], seconds: float) -> Iterator[int | None]:
    """The place among `names` of one that nobody else on this machine holds meanwhile; None where none gets free.

    The claim is a socket's abstract name: nothing is left behind by whoever dies, and no submission can take it.

    Args:
        seconds: how long to wait.
    """
    deadline = time.monotonic() + seconds
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as claim:
        while (place := _bound(claim, names)) is None and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
        yield place


def _bound(claim: socket.socket, names: Sequence[str]) -> int | None:
    for place, name in enumerate(names):
        with suppress(OSError):
            claim.bind(f"\0autograder-{name}")
            return place
    return None
