"""Starts a grading process and hands it submissions; safe to use from several threads."""

from __future__ import annotations

import array
import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from autograder.course.result import SubmissionResult
from autograder.errors import GraderError, IsolationUnavailable, UsageError
from autograder.grading.order import Order
from autograder.sandbox.grader.deadline import MAX_STRETCH

__all__ = ["MAX_MESSAGE", "GradingProcess"]

MAX_MESSAGE = 1 << 16
# Added to the seconds of a submission for each budget: other gradings may use the core or the GPU.
RACE_SECONDS, GPU_SECONDS = 120.0, 1500.0
SLACK_SECONDS = 300.0  # for the grader's own part of a grading


class GradingProcess:
    """A warm grading process. Entering it waits until the reference has been graded, in this run or an earlier one.

    Raises:
        UsageError: the assignment is broken; the message names the check or file at fault.
        IsolationUnavailable: this host cannot confine student code.
        GraderError: the process died.
    """

    def __init__(self, order: Order) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        order_text = order.on_this_machine().to_json()
        command = [sys.executable, "-m", "autograder.grading.server", str(theirs.fileno()), order_text]
        # One thread each: parallelism is over submissions, and a fork after a parallel region may hang.
        own = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        kept = {key: value for key, value in os.environ.items() if key not in ("PYTEST_ADDOPTS", "PYTEST_PLUGINS")}
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process
        self._process = subprocess.Popen(
            command,
            env={**kept, **own},
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,  # Ctrl-C reaches this process only, which ends the other one
        )
        theirs.close()
        self._control = ours
        self._lock, self._end = threading.Lock(), dict[str, Any]()
        _, assignment = order.read()
        self._patience = MAX_STRETCH * assignment.submission_seconds + SLACK_SECONDS
        budgets = sum(len(question.budgets) for question in assignment.questions)
        self._patience += budgets * (RACE_SECONDS if order.device == "cpu" else GPU_SECONDS)
        ran = MAX_STRETCH * assignment.notebook_limits.seconds * len(assignment.notebooks)
        self._patience += ran if order.notebooks else 0.0

    def __enter__(self) -> GradingProcess:
        try:
            message = json.loads(self._control.recv(MAX_MESSAGE) or "{}")
        except BaseException:
            self.close()
            raise
        if "ready" in message:
            return self
        self.close()
        self._raise_broken(message)
        raise GraderError(f"the grading process died before it was ready:\n{self._last_words()}")

    def _raise_broken(self, message: dict[str, Any]) -> None:
        """Raise the fault that the process reports, if it reports one."""
        if "broken" not in message:
            return
        kinds = {"IsolationUnavailable": IsolationUnavailable, "GraderError": GraderError}
        raise kinds.get(message["kind"], UsageError)(message["broken"])

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def grade(
        self, path: Path, name: str, questions: Sequence[str] | None = None, *, named: bool = True
    ) -> SubmissionResult:
        """Grade one zip or folder. Raises GraderError if that fails because of a fault of the grader.

        Args:
            questions: the questions whose checks are run; other questions count as not attempted. None for all.
            named: True if known mistakes get their names as hints. Scores do not depend on it.
        """
        return self._grade(path, name, questions=questions, named=named)

    def grade_as_it_is(self, path: Path, name: str, questions: Sequence[str] | None = None) -> SubmissionResult:
        """Like `grade`, with the given code of the submission: a mutant may change that too. Mistakes get no names.

        Args:
            questions: the questions whose checks are run; other questions count as passed. None for all.
        """
        return self._grade(path, name, as_it_is=True, questions=questions, named=False)

    def grade_mutant(
        self, path: Path, name: str, questions: Sequence[str] | None = None, *, without: str = ""
    ) -> SubmissionResult:
        """Like `grade_as_it_is`, but with the names of mistakes as hints, as in `grade`.

        Args:
            without: the id of a mutant whose mistake is not named.
        """
        return self._grade(path, name, as_it_is=True, questions=questions, without=without)

    def _grade(
        self,
        path: Path,
        name: str,
        *,
        as_it_is: bool = False,
        questions: Sequence[str] | None = None,
        named: bool = True,
        without: str | None = None,
    ) -> SubmissionResult:
        asked = None if questions is None else list(questions)
        job = {"path": str(path.resolve()), "name": name, "as_it_is": as_it_is, "questions": asked}
        answer = self._ask({**job, "named": named, "without": without}, name)
        if "result" not in answer:
            raise GraderError(f"{name}: {answer.get('error', 'no result')}")
        return SubmissionResult.from_json(answer["result"])

    def confirm(self) -> None:
        """Wait until the reference has full marks under this run's seed, here or in an earlier run.

        Raises:
            UsageError: it does not. Then no result of this run is valid.
        """
        self._ask({}, "the reference")

    def is_confirmed(self) -> bool:
        """True if the reference already has full marks under this run's seed. Raises like `confirm`."""
        return self._ask({"now": True}, "the reference").get("confirmed") is True

    def _ask(self, job: dict[str, Any], what: str) -> dict[str, Any]:
        """Send a job, and wait for its answer."""
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:
                rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [theirs.fileno()]))]
                try:
                    self._control.sendmsg([json.dumps(job).encode()], rights)
                except OSError as error:
                    self._raise_broken(self._last_message())
                    raise GraderError(f"the grading process is gone: {error}\n{self._last_words()}") from None
            ours.settimeout(self._patience)
            return self._answer(ours, what)

    def _answer(self, stream: socket.socket, what: str) -> dict[str, Any]:
        try:
            chunks = list(iter(lambda: stream.recv(1 << 20), b""))
            answer: dict[str, Any] = json.loads(b"".join(chunks))
        except (OSError, ValueError) as error:
            self._raise_broken(self._last_message())
            raise GraderError(
                f"{what}: the grading child ended without a result: {error!r}\n{self._last_words()}"
            ) from None
        return answer

    def _last_message(self) -> dict[str, Any]:
        """The message that the process sent when it ended; {} if it still runs, or ended without one.

        If the process left a job unread, the first read only finds a reset connection, and the second the message.
        """
        with self._lock:
            for _ in range(2):
                with contextlib.suppress(OSError, ValueError):
                    if message := self._control.recv(MAX_MESSAGE, socket.MSG_DONTWAIT):
                        self._end = json.loads(message)
        return self._end

    def _last_words(self) -> str:
        size = os.fstat(self._log.fileno()).st_size
        return os.pread(self._log.fileno(), 4000, max(0, size - 4000)).decode(errors="replace")

    def close(self) -> None:
        """End the process and everything below it."""
        with contextlib.suppress(OSError):
            self._control.shutdown(socket.SHUT_RDWR)
        self._control.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
