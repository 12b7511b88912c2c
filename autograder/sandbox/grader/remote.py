"""A worker as the grader sees it: requests under a deadline, and why it died if it did."""

from __future__ import annotations

import os
import select
import signal
import socket
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from types import TracebackType
from typing import Any

import numpy as np

from autograder.course.model import Limits
from autograder.errors import (
    GraderError,
    ProtocolError,
    SandboxError,
    WorkerCrashed,
    WorkerOutOfMemory,
    WorkerTimeout,
)
from autograder.sandbox.channel import control, wire
from autograder.sandbox.channel.bundle import packed
from autograder.sandbox.channel.output import read_capped
from autograder.sandbox.grader.package import Package
from autograder.sandbox.grader.places import Places
from autograder.sandbox.grader.process import Process
from autograder.sandbox.grader.replies import answer
from autograder.sandbox.grader.stream import Stream

__all__ = ["Worker"]

# For the zygote to fork and the worker to confine itself, with the zygote's own start included.
START_SECONDS = 120.0
# For a worker whose channel is closed to have ended; one that then lives only closed it.
END_SECONDS = 5.0
# A worker that was killed from outside with this share of its budget in use was killed for its memory.
NEARLY_FULL = 0.8
MAX_CODE = 16 << 20  # bytes


class Worker:
    """A confined process that holds one submission. A `Channel`; also a context manager, which closes it.

    Made by `Sandbox.spawn`. Whatever ends it (a crash, a timeout, a broken frame) also kills it; afterwards every
    request raises WorkerCrashed.
    """

    def __init__(
        self, package: Package, limits: Limits, channel: socket.socket, reports: socket.socket, output: int
    ) -> None:
        self._package, self._limits = package, limits
        own = {name: content for name, content in package.files.items() if name in package.own}
        self._places = Places(own, package.lines)
        self._stream, self._reports, self._output = Stream(channel), reports, output
        self._pidfd = -1
        self._requests = 0
        self._alive, self._closed = True, False
        self._printed = ""
        self.calls_seconds = 0.0
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
    def pid(self) -> int:
        """The worker's process id, in the grader's own numbers."""
        with open(f"/proc/self/fdinfo/{self._pidfd}") as file:
            return int(next(line for line in file if line.startswith("Pid:")).split()[1])

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
        }
        self.request("load", payload, self._limits.import_seconds)

    def request(
        self,
        op: str,
        payload: dict[str, Any],
        timeout: float | None = None,
        first: Sequence[tuple[str, dict[str, Any]]] = (),
    ) -> Any:
        """Carry out one operation of `session.operations.Session` and return plain data and refs.

        Args:
            timeout: wall-clock seconds for the whole exchange; `limits.call_seconds` if None.
            first: operations to carry out just before, on the same way there and back, whose values nobody needs;
                what one of them raises is raised here. "begin" may bring the case's rules: those that the worker was
                spawned with and that are not among these are lifted for good.

        Raises:
            StudentError: the submission's code raised. The worker lives on.
            ForbiddenUse: it used what was ruled out, whether or not it hid that. The worker lives on.
            WorkerOutOfMemory: it reached its memory limit. The worker lives on if it could still say so.
            WorkerTimeout, WorkerCrashed, ProtocolError: the worker is dead.
        """
        seconds = self._limits.call_seconds if timeout is None else timeout
        self._requests += 1
        message = {"id": self._requests, "op": op, "payload": payload, "first": list(first)}
        reply = self._exchange(wire.encode(message), seconds)
        try:
            return answer(reply, self._requests, self._places, self._limits.memory_mb)
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
        deadline = time.monotonic() + START_SECONDS
        forked = self._report(START_SECONDS, descriptors=1)
        if forked is None:
            raise GraderError("the zygote ended before it could fork a worker")
        if not forked[1]:
            raise GraderError(f"the zygote cannot fork a worker: {forked[0].get('failed')}")
        (self._pidfd,) = forked[1]
        try:
            if self._stream.receive(deadline) == "ready":
                return
        except (TimeoutError, EOFError, ProtocolError):
            pass
        raise GraderError(f"a worker could not be confined: {self.output()[-2000:] or 'it did not say why'}")

    def _exchange(self, frame: list[bytes | memoryview], seconds: float) -> Any:
        if not self._alive:
            raise WorkerCrashed("the worker is gone")
        started = time.monotonic()
        try:
            self._stream.send(frame, started + seconds)
            return self._stream.receive(started + seconds)
        except TimeoutError:
            self._kill()
            raise WorkerTimeout(seconds) from None
        except EOFError:
            pass
        except BaseException:  # a broken frame, or our own Ctrl-C: the two sides are out of step
            self._kill()
            raise
        finally:
            self.calls_seconds += time.monotonic() - started
        raise self._cause_of_death()  # which may take a while, at nobody's cost

    def _kill(self) -> None:
        self._alive = False
        if self._pidfd >= 0:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)

    def _cause_of_death(self) -> SandboxError:
        """Why the channel was closed from the other side: asked of the zygote, which reaps."""
        poll = select.poll()
        poll.register(self._pidfd, select.POLLIN)
        ended = poll.poll(END_SECONDS * 1000)
        self._kill()  # alive still, if it only closed its descriptor
        # The zygote may be busy: with other workers, or with imports, which take seconds.
        report = self._report(START_SECONDS) if ended else None
        if report is None or "status" not in report[0]:
            return WorkerCrashed("the worker closed its channel")
        code = os.waitstatus_to_exitcode(report[0]["status"])
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


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
