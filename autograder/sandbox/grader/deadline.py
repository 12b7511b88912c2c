"""Deadlines in a submission's own seconds: time in which the machine is busy with other processes does not count.

A worker that sleeps spends its time. A worker that is ready to run and waits for a core does not. The kernel counts
that wait (`/proc/PID/schedstat`, see sched-stats.rst in its documentation). If the whole machine stalls, the grader
itself wakes late, and that time does not count either. The deduction is limited in two ways. CPU seconds of every
thread of the worker count, since its first thread may wait for the others. A deadline ends after at most `STRETCH`
times its seconds, and an allowance after at most `MAX_STRETCH` times.
"""

from __future__ import annotations

import math
import select
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from autograder.errors import TimeSpent

__all__ = ["MAX_STRETCH", "STRETCH", "Allowance", "Deadline", "waited_for_a_core"]

STRETCH, MAX_STRETCH = 10.0, 3.0
TICK, SHORTEST = 0.05, 0.001  # seconds between two measurements of this process's delay
PUNCTUAL = 0.002  # seconds of delay that are normal on an idle machine


def waited_for_a_core(pid: int | None = None) -> float:
    """The seconds for which a process's first thread was ready and did not run; 0 if the kernel does not count them.

    Args:
        pid: the process id; None for this process.
    """
    try:
        with open(f"/proc/{'self' if pid is None else pid}/schedstat", "rb") as file:
            return int(file.read().split()[1]) / 1e9
    except (OSError, ValueError, IndexError):
        return 0.0


class Allowance:
    """The time that one submission may take, from now on, for all its calls together.

    Args:
        seconds: the submission's own seconds.
        until: the time, of `time.monotonic`, at which the whole run ends. Deductions do not move it.
    """

    def __init__(self, seconds: float = math.inf, until: float = math.inf) -> None:
        self.seconds, self.until = seconds, until
        self._began, self._forgiven = time.monotonic(), 0.0
        self._waited = waited_for_a_core()

    def forgive(self, seconds: float) -> None:
        """Deduct seconds in which the machine was busy with other processes."""
        self._forgiven += seconds

    def left(self, forgiven: float = 0.0) -> float:
        """The seconds that are left, at least 0.

        Args:
            forgiven: seconds of other processes that `forgive` has not deducted yet.
        """
        rest = max(0.0, self.until - time.monotonic())
        if math.isinf(self.seconds):
            return rest
        passed = time.monotonic() - self._began
        own = passed - self._forgiven - forgiven - (waited_for_a_core() - self._waited)
        return min(rest, max(0.0, self.seconds - max(own, passed / MAX_STRETCH)))

    @property
    def spent(self) -> bool:
        return self.left() <= 0.0

    @property
    def over(self) -> bool:
        """True if the whole run has ended."""
        return time.monotonic() >= self.until

    @contextmanager
    def paused(self) -> Iterator[None]:
        """The time in this block does not count: the submission waits for other submissions."""
        since, armed = time.monotonic(), signal.getitimer(signal.ITIMER_REAL)[0]
        if armed:
            signal.setitimer(signal.ITIMER_REAL, 0.0)
        try:
            yield
        finally:
            self._began += time.monotonic() - since
            if armed:
                signal.setitimer(signal.ITIMER_REAL, armed)

    @contextmanager
    def alarm(self) -> Iterator[None]:
        """Raise TimeSpent in this block when the longest possible time is over, whatever runs then.

        It limits the grader's own work on a submission. Only the first thread of a process can be interrupted.
        """
        end = min(self._began + MAX_STRETCH * self.seconds, self.until)
        if math.isinf(end) or threading.current_thread() is not threading.main_thread():
            yield
            return

        def ring(number: int, frame: FrameType | None) -> None:
            raise TimeSpent(self.seconds)

        rest = end - time.monotonic()
        before = signal.signal(signal.SIGALRM, ring)
        try:
            signal.setitimer(signal.ITIMER_REAL, max(rest, 0.001))
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0.0)
            signal.signal(signal.SIGALRM, before)


class Deadline:
    """The deadline of one exchange with a worker, which begins now.

    Args:
        seconds: the worker's own seconds.
        waited: `waited_for_a_core` of the worker.
        allowance: the time limit of the whole submission.
        computed: the CPU seconds of all threads of the worker.
    """

    def __init__(
        self,
        seconds: float,
        waited: Callable[[], float] | None = None,
        allowance: Allowance | None = None,
        computed: Callable[[], float] | None = None,
    ) -> None:
        self.seconds = seconds
        self._waited, self._allowance, self._computed = waited, allowance, computed
        self.computed_before = computed() if computed else 0.0
        self._began, self._late = time.monotonic(), 0.0
        self._before: float | None = None  # read at the first tick: most exchanges end before

    def wait(self, poll: select.poll) -> None:
        """Wait for an event. Raises TimeoutError at the deadline."""
        while (left := self.left()) > 0.0:
            asked, since = max(min(left, TICK), SHORTEST), time.monotonic()
            if poll.poll(asked * 1000):
                return
            self._late += max(0.0, time.monotonic() - since - asked - PUNCTUAL)
            if self._before is None:
                self._before = self._waited() if self._waited else 0.0
        raise TimeoutError

    def left(self) -> float:
        """The seconds that are left."""
        lost = self.lost()
        left = self.seconds - (time.monotonic() - self._began - lost)
        return left if self._allowance is None else min(left, self._allowance.left(lost))

    def lost(self) -> float:
        """The deducted seconds of other processes so far."""
        if self._before is None:
            return 0.0
        passed = time.monotonic() - self._began
        waited = self._waited() - self._before if self._waited else 0.0
        computed = self._computed() - self.computed_before if self._computed else 0.0
        return min(max(self._late, waited), passed * (1 - 1 / STRETCH), max(0.0, passed - computed))

    def spent(self) -> float:
        """The worker's own seconds so far."""
        return time.monotonic() - self._began - self.lost()

    @property
    def starved(self) -> bool:
        """True if other processes took so much time that a timeout says nothing about the worker."""
        return self.lost() >= 0.99 * (time.monotonic() - self._began) * (1 - 1 / STRETCH)
