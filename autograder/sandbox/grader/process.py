"""Controls a worker's process from outside: reads its CPU clock, pins it to a core, stops it. Linux only."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from autograder.sandbox.grader.deadline import waited_for_a_core

__all__ = ["Process", "a_core", "claimed"]

# After its reply, a worker runs a few more steps before it sleeps. While it runs, the kernel updates its CPU time only
# at ticks.
SETTLE_SECONDS = 0.0005
WAIT_SECONDS, POLL_SECONDS = 120.0, 0.02


class Process:
    """A process that this one may observe, stop and move.

    Args:
        pid: its process id in this process's pid namespace.
        pidfd: a descriptor of the same process, valid even if the id is reused.
    """

    def __init__(self, pid: int, pidfd: int) -> None:
        self.pid, self._pidfd = pid, pidfd
        self._clock = (~pid << 3) | 2  # clock_getcpuclockid(3): CPU time of all its threads
        self._cores: set[int] | None = None

    def cpu_seconds(self) -> float:
        """The CPU seconds of all its threads so far, including ended ones. 0 if the process has ended."""
        time.sleep(SETTLE_SECONDS)
        return self.clock()

    def clock(self) -> float:
        """`cpu_seconds` at once, without waiting for the kernel to update it."""
        try:
            return time.clock_gettime(self._clock)
        except OSError:
            return 0.0

    def waited(self) -> float:
        """The seconds for which its first thread was ready to run while the machine was busy with others."""
        return waited_for_a_core(self.pid)

    def stop(self) -> None:
        """Stop all its threads until `resume`."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        self._signal(signal.SIGKILL)

    def pin(self, core: int) -> bool:
        """Pin all its threads, and threads that they start, to one core. Returns False without the permission."""
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
        """Move all threads. Repeat it until no new thread appears, since threads may start threads meanwhile."""
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
        with suppress(ProcessLookupError, PermissionError):  # gone, or another user's, which we may not move
            signal.pidfd_send_signal(self._pidfd, number)


@contextmanager
def a_core() -> Iterator[int | None]:
    """Claim a core of this machine for this block, exclusively among graders; None if none becomes free."""
    cores = sorted(os.sched_getaffinity(0), reverse=True)
    with claimed([f"core-{core}" for core in cores], WAIT_SECONDS) as place:
        yield None if place is None else cores[place]


@contextmanager
def claimed(names: Sequence[str], seconds: float) -> Iterator[int | None]:
    """Claim one of `names` on this machine for this block. Yields its index; None if none becomes free.

    The claim is an abstract socket name. It vanishes with a process that dies, and no submission can bind it.

    Args:
        seconds: the longest wait.
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
