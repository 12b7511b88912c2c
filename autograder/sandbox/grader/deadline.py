"""Time that is a submission's own: what passes while the machine is busy with others does not count, within bounds.

A worker that sleeps spends its time; one that is ready to run and waits for a core does not. The kernel counts that
wait (`/proc/PID/schedstat`, see sched-stats.rst in its documentation). Where all of this machine stands still, the
grader itself wakes too late, and that does not count either. What is taken off is bounded: a deadline ends at the
latest after `STRETCH` times its seconds, and an allowance after `MAX_STRETCH` times.
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
TICK, SHORTEST = 0.05, 0.001  # seconds between two looks at how late this process wakes
PUNCTUAL = 0.002  # so late it may wake on an idle machine


def waited_for_a_core(pid: int | None = None) -> float:
    """Seconds that a process's first thread, or this process's, was ready to run and did not; 0 where nobody counts."""
    try:
        with open(f"/proc/{'self' if pid is None else pid}/schedstat", "rb") as file:
            return int(file.read().split()[1]) / 1e9
    except (OSError, ValueError, IndexError):
        return 0.0


class Allowance:
    """All the time that one submission may take, from now on: everything that it causes counts.

    Args:
        seconds: its own ones.
        until: the instant, of `time.monotonic`, at which the whole run ends; whose seconds passed does not count then.
    """

    def __init__(self, seconds: float = math.inf, until: float = math.inf) -> None:
        self.seconds, self.until = seconds, until
        self._began, self._forgiven = time.monotonic(), 0.0
        self._waited = waited_for_a_core()

    def forgive(self, seconds: float) -> None:
        """Seconds that were others'."""
        self._forgiven += seconds

    def left(self, forgiven: float = 0.0) -> float:
        """Seconds that are left, at least 0.

        Args:
            forgiven: others' seconds that nobody told yet.
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
        """Whether the whole run has ended."""
        return time.monotonic() >= self.until

    @contextmanager
    def paused(self) -> Iterator[None]:
        """What passes inside is not the submission's: it waits for other submissions."""
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
        """Raise TimeSpent inside the block once the longest that this may last is over, whatever runs then.

        For work of the grader's own that a submission made long. Only a process's first thread can be interrupted.
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
    """An end to one exchange with a worker, which begins now.

    Args:
        seconds: the worker's own ones.
        waited: `waited_for_a_core` of the worker.
        allowance: what the submission has left for everything.
    """

    def __init__(
        self, seconds: float, waited: Callable[[], float] | None = None, allowance: Allowance | None = None
    ) -> None:
        self.seconds = seconds
        self._waited, self._allowance = waited, allowance
        self._began, self._late = time.monotonic(), 0.0
        self._before: float | None = None  # read at the first tick only: most exchanges are over by then

    def wait(self, poll: select.poll) -> None:
        """Wait for an event. Raises TimeoutError where the time is over."""
        while (left := self.left()) > 0.0:
            asked, since = max(min(left, TICK), SHORTEST), time.monotonic()
            if poll.poll(asked * 1000):
                return
            self._late += max(0.0, time.monotonic() - since - asked - PUNCTUAL)
            if self._before is None:
                self._before = self._waited() if self._waited else 0.0
        raise TimeoutError

    def left(self) -> float:
        """Seconds that are left."""
        lost = self.lost()
        left = self.seconds - (time.monotonic() - self._began - lost)
        return left if self._allowance is None else min(left, self._allowance.left(lost))

    def lost(self) -> float:
        """Seconds until now that were others', as far as they are taken off."""
        if self._before is None:
            return 0.0
        passed = time.monotonic() - self._began
        waited = self._waited() - self._before if self._waited else 0.0
        return min(max(self._late, waited), passed * (1 - 1 / STRETCH))

    def spent(self) -> float:
        """The worker's own seconds until now."""
        return time.monotonic() - self._began - self.lost()

    @property
    def starved(self) -> bool:
        """Whether the machine took so much that what was left says nothing."""
        return self.lost() >= 0.99 * (time.monotonic() - self._began) * (1 - 1 / STRETCH)
