"""A worker as the grader sees it: requests under a deadline, and why it died if it did."""

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
from autograder.sandbox.channel.failures import IMPORT_TOO_LONG
from autograder.sandbox.channel.output import read_capped
from autograder.sandbox.grader.deadline import Allowance, Deadline, waited_for_a_core
from autograder.sandbox.grader.package import Package
from autograder.sandbox.grader.places import Places
from autograder.sandbox.grader.process import Process
from autograder.sandbox.grader.replies import answer, place_of_gpu
from autograder.sandbox.grader.stream import Stream

__all__ = ["Worker"]

# For the zygote to fork and the worker to confine itself, with the zygote's own start included.
START_SECONDS = 120.0
# For a worker whose channel is closed to have ended; one that then lives only closed it, and is not waited for.
END_SECONDS = 0.05
# A worker that was killed from outside with this share of its budget in use was killed for its memory.
NEARLY_FULL = 0.8
# Share of the time for an import after which the worker itself says where it is, if it still can.
TOLD = 0.95
MAX_CODE = 16 << 20  # bytes


class Worker:
    """A confined process that holds one submission. A `Channel`; also a context manager, which closes it.

    Made by `Sandbox.spawn`. Whatever ends it (a crash, a timeout, a broken frame) also kills it; afterwards every
    request raises WorkerCrashed.

    Args:
        allowance: what all of the submission may take; None where nothing bounds that.

    Attributes:
        calls_seconds: its own seconds in all exchanges, see `grader.deadline`.
        no_gpu: where, as the worker says, the submission asks for a GPU by name and the CPU took its place; None if it
            does not say so.
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
        """Whether another request makes sense."""
        return self._alive

    @property
    def process(self) -> Process:
        """The worker from outside: its clock, its core."""
        return Process(self.pid, self._pidfd)

    def compile(self) -> Package:
        """The package with its module's code, which another worker need not compile again.

        To be asked before `load`: nothing of the submission has run here by then. Raises like `request`.
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
            self.request("load", payload, seconds)
        except StudentError as error:
            if error.kind != IMPORT_TOO_LONG:
                error.importing = True
                raise
            late = WorkerTimeout(seconds, seconds)
            late.importing, late.location = True, error.location
            raise late from None
        except WorkerTimeout as error:
            error.importing = True
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
            first: operations to carry out just before, on the same way there and back, whose values nobody needs;
                what one of them raises is raised here. "begin" may bring the case's rules: those that the worker was
                spawned with and that are not among these are lifted for good.

        Raises:
            StudentError: the submission's code raised. The worker lives on.
            ForbiddenUse: it used what was ruled out, whether or not it hid that. The worker lives on.
            WorkerOutOfMemory: it reached its memory limit. The worker lives on if it could still say so.
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
        """What the submission printed so far, up to `limits.output_kb`. Untrusted text."""
        return self._printed if self._closed else read_capped(self._output)

    def close(self) -> None:
        """Kill the worker and let go of it. May be called twice."""
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
        deadline = Deadline(seconds, partial(waited_for_a_core, self.pid), self._allowance)
        computed = self.process.clock()
        try:
            self._stream.send(frame, deadline)
            return self._stream.receive(deadline)
        except TimeoutError:
            computed, starved = self.process.clock() - computed, deadline.starved
            self._kill()
            if self._allowance is not None and self._allowance.spent:
                raise TimeSpent(self._allowance.seconds, computed) from None
            raise WorkerTimeout(seconds, computed, starved=starved) from None
        except EOFError:
            pass
        except BaseException:  # a broken frame, or our own Ctrl-C: the two sides are out of step
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
        """Why the channel was closed from the other side: asked of the zygote, which reaps."""
        poll = select.poll()
        poll.register(self._pidfd, select.POLLIN)
        closed = not poll.poll(END_SECONDS * 1000)
        self._kill()  # alive still, if it only closed its descriptor; how it ended by itself is settled before that
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
        """The zygote's next word on this worker, or None where there is none in time."""
        poll = select.poll()
        poll.register(self._reports, select.POLLIN)
        return control.receive(self._reports, descriptors) if poll.poll(seconds * 1000) else None


def _pid_of(pidfd: int) -> int:
    """A process's id, in this process's own numbers."""
    with open(f"/proc/self/fdinfo/{pidfd}") as file:
        return int(next(line for line in file if line.startswith("Pid:")).split()[1])


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
