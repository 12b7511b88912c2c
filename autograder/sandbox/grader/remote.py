"""The grader's side of a worker: sends requests under a deadline, and finds the cause of its death."""

from __future__ import annotations

import os
import select
import signal
import socket
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from types import TracebackType
from typing import Any

import numpy as np

from autograder.course.model import Limits
from autograder.errors import (
    GraderError,
    ProtocolError,
    SandboxError,
    StudentError,
    TimeSpent,
    WorkerCrashed,
    WorkerOutOfMemory,
    WorkerTimeout,
)
from autograder.sandbox.channel import control, wire
from autograder.sandbox.channel.bundle import packed
from autograder.sandbox.channel.failures import IMPORT_TOO_LONG, Skipped
from autograder.sandbox.channel.output import read_capped
from autograder.sandbox.grader.deadline import Allowance, Deadline, waited_for_a_core
from autograder.sandbox.grader.package import Package
from autograder.sandbox.grader.places import Places
from autograder.sandbox.grader.process import Process
from autograder.sandbox.grader.replies import answer, place_of_gpu, skipped_statements
from autograder.sandbox.grader.stream import Stream

__all__ = ["Worker"]

# The limit for the zygote's start, its fork, and the worker's confinement.
START_SECONDS = 120.0
# The wait for the end of a worker whose channel is closed. A worker that still lives then has only closed it.
END_SECONDS = 0.05
# A worker that was killed from outside while it used this share of its memory was killed for its memory.
NEARLY_FULL = 0.8
# The share of the time for an import after which the worker itself reports its line, if it still can.
TOLD = 0.95
MAX_CODE = 16 << 20  # bytes


class Worker:
    """A confined process that holds one submission. It is a `Channel`, and a context manager that closes it.

    `Sandbox.spawn` makes it. A crash, a timeout or a broken frame kills it. Afterwards each request raises
    WorkerCrashed.

    Args:
        allowance: the time limit for all of the submission; None for no limit.

    Attributes:
        calls_seconds: its own seconds in all exchanges, see `grader.deadline`.
        no_gpu: the line at which the submission asks for a GPU by name and the CPU replaced it, as the worker reports;
            None if it reports none.
        skipped: the statements that raised in `load` and were skipped, as the worker reports.
    """

    def __init__(
        self,
        package: Package,
        limits: Limits,
        channel: socket.socket,
        reports: socket.socket,
        output: int,
        rules: Mapping[str, str],
        allowance: Allowance | None = None,
    ) -> None:
        self._package, self._limits, self._rules, self._allowance = package, limits, rules, allowance
        own = {name: content for name, content in package.files.items() if name in package.own}
        self._places = Places(own, package.lines)
        self._stream, self._reports, self._output = Stream(channel), reports, output
        self._pidfd, self.pid = -1, 0
        self._requests = 0
        self._alive, self._closed = True, False
        self._printed = ""
        self.calls_seconds = 0.0
        self.no_gpu: str | None = None
        self.skipped: tuple[Skipped, ...] = ()
        try:
            self._start()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *exception: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()

    @property
    def alive(self) -> bool:
        """True if the worker can take another request."""
        return self._alive

    @property
    def process(self) -> Process:
        """The worker's process, with its clock and core."""
        return Process(self.pid, self._pidfd)

    def compile(self) -> Package:
        """The package with its module's compiled code, for use in other workers.

        Call it before `load`, while no code of the submission has run here. Raises like `request`.
        """
        name = f"{self._package.module}.py"
        if name not in self._package.files or name in self._package.code:
            return self._package
        source = np.frombuffer(self._package.files[name], np.uint8)
        code = self.request("compile", {"name": name, "source": source}, self._limits.import_seconds)
        if type(code) is np.ndarray and code.dtype == np.uint8 and code.ndim == 1 and code.nbytes <= MAX_CODE:
            self._package = replace(self._package, code={**self._package.code, name: code.tobytes()})
        return self._package

    def load(self) -> None:
        """Import the module, within `limits.import_seconds`. Raises like `request`."""
        package = self._package
        payload = {
            "files": packed(package.files),
            "module": package.module,
            "own": np.array([name in package.own for name in package.files], bool),
            "code": packed(package.code),
            "stand_ins": sorted(package.stand_ins),
            "broken": sorted(package.broken),
            "seconds": self._limits.import_seconds * TOLD,
        }
        seconds = self._limits.import_seconds
        try:
            self.skipped = skipped_statements(self.request("load", payload, seconds), self._places)
        except StudentError as error:
            if error.kind != IMPORT_TOO_LONG:
                error.importing = True
                raise
            late = WorkerTimeout(seconds, seconds)
            late.importing, late.location = True, error.location
            raise late from None
        except WorkerTimeout as error:
            error.importing, error.location = True, self._places.printed(self.output())
            raise

    def request(
        self,
        op: str,
        payload: dict[str, Any],
        timeout: float | None = None,
        first: Sequence[tuple[str, dict[str, Any]]] = (),
    ) -> Any:
        """Carry out one operation of `session.operations.Session` and return plain data and refs.

        Args:
            timeout: seconds for the whole exchange; `limits.call_seconds` if None.
            first: operations to carry out just before, in the same exchange. Their values are dropped, and their
                errors are raised here. "begin" may hold the case's rules: the worker's other rules are then lifted for
                good.

        Raises:
            StudentError: the submission's code raised. The worker lives on.
            ForbiddenUse: it used something forbidden, even if it caught the error. The worker lives on.
            WorkerOutOfMemory: it reached its memory limit. The worker lives on if it could still reply.
            WorkerTimeout, TimeSpent, WorkerCrashed, ProtocolError: the worker is dead.
        """
        seconds = self._limits.call_seconds if timeout is None else timeout
        self._requests += 1
        message = {"id": self._requests, "op": op, "payload": payload, "first": list(first)}
        reply = self._exchange(wire.encode(message), seconds)
        self.no_gpu = self.no_gpu or place_of_gpu(reply, self._places)
        try:
            return answer(reply, self._requests, self._places, self._limits.memory_mb, self._rules)
        except ProtocolError:
            self._kill()
            raise

    def output(self) -> str:
        """The submission's prints so far, up to `limits.output_kb`. Untrusted text."""
        return self._printed if self._closed else read_capped(self._output)

    def close(self) -> None:
        """Kill the worker and release its resources. May be called twice."""
        if self._closed:
            return
        self._kill()
        self._printed = self.output()
        self._closed = True
        self._stream.close()
        self._reports.close()  # the zygote reaps
        os.close(self._output)
        if self._pidfd >= 0:
            os.close(self._pidfd)

    def _start(self) -> None:
        deadline = Deadline(START_SECONDS)
        forked = self._report(START_SECONDS, descriptors=1)
        if forked is None:
            raise GraderError("the zygote ended before it could fork a worker")
        if not forked[1]:
            raise GraderError(f"the zygote cannot fork a worker: {forked[0].get('failed')}")
        (self._pidfd,) = forked[1]
        self.pid = _pid_of(self._pidfd)
        try:
            if self._stream.receive(deadline) == "ready":
                return
        except (TimeoutError, EOFError, ProtocolError):
            pass
        raise GraderError(f"a worker could not be confined: {self.output()[-2000:] or 'it did not say why'}")

    def _exchange(self, frame: list[bytes | memoryview], seconds: float) -> Any:
        if not self._alive:
            raise WorkerCrashed("the worker is gone")
        deadline = Deadline(seconds, partial(waited_for_a_core, self.pid), self._allowance, self.process.clock)
        try:
            self._stream.send(frame, deadline)
            return self._stream.receive(deadline)
        except TimeoutError:
            computed, starved = self.process.clock() - deadline.computed_before, deadline.starved
            self._kill()
            if self._allowance is not None and self._allowance.spent:
                raise TimeSpent(self._allowance.seconds, computed) from None
            raise WorkerTimeout(seconds, computed, starved=starved) from None
        except EOFError:
            pass
        except BaseException:  # a broken frame or Ctrl-C: the two sides are out of step
            self._kill()
            raise
        finally:
            self.calls_seconds += deadline.spent()
            if self._allowance is not None:
                self._allowance.forgive(deadline.lost())
        raise self._cause_of_death()

    def _kill(self) -> None:
        self._alive = False
        if self._pidfd >= 0:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)

    def _cause_of_death(self) -> SandboxError:
        """The reason why the worker's side closed the channel, from the zygote's report of its end."""
        poll = select.poll()
        poll.register(self._pidfd, select.POLLIN)
        closed = not poll.poll(END_SECONDS * 1000)
        self._kill()  # it may live if it only closed its descriptor; `closed` is known before
        # The zygote may be busy: with other workers, or with imports, which take seconds.
        report = self._report(START_SECONDS)
        if report is None or "status" not in report[0]:
            return WorkerCrashed("the worker closed its channel")
        code = os.waitstatus_to_exitcode(report[0]["status"])
        if closed and code == -signal.SIGKILL:
            return WorkerCrashed("the worker closed its channel")
        full = report[0]["used_kb"] >= NEARLY_FULL * (self._limits.memory_mb << 10)
        if code == control.OUT_OF_MEMORY or (code == -signal.SIGKILL and full):
            return WorkerOutOfMemory(f"the memory limit of {self._limits.memory_mb} MiB was reached")
        if code < 0:
            return WorkerCrashed(f"the process ended by {_signal_name(-code)}")
        return WorkerCrashed(f"the process ended itself with status {code}")

    def _report(self, seconds: float, descriptors: int = 0) -> tuple[dict[str, Any], list[int]] | None:
        """The zygote's next report on this worker, or None if none arrives in time."""
        poll = select.poll()
        poll.register(self._reports, select.POLLIN)
        return control.receive(self._reports, descriptors) if poll.poll(seconds * 1000) else None


def _pid_of(pidfd: int) -> int:
    """A process's id in this process's pid namespace."""
    with open(f"/proc/self/fdinfo/{pidfd}") as file:
        return int(next(line for line in file if line.startswith("Pid:")).split()[1])


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
