"""The grading process: starts the zygote, collects the hidden checks once, forks a child per submission.

Run as `python -m autograder.grading.server FD ORDER` by `grading.client`. FD is a SEQPACKET socket. The first
message out says that it is ready, or names the fault. Each message in is a job, with a stream socket on which the
forked child writes the result. When FD closes, everything ends.
"""

from __future__ import annotations

import array
import gc
import json
import os
import platform
import select
import signal
import socket
import sys
import time
import traceback
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest

from autograder import __version__
from autograder.errors import AutograderError, GraderError, UsageError
from autograder.grading import fingerprint
from autograder.grading.client import MAX_MESSAGE
from autograder.grading.order import Order, available_cores
from autograder.grading.reference.forks import ReferenceGrading
from autograder.grading.reference.verdict import ReferenceVerdict
from autograder.sandbox import Sandbox
from autograder.sandbox.grader.gpu import hide, require_gpu
from autograder.sandbox.isolation.limits import limit_memory
from autograder.submission.clean.prepare import handed_out
from autograder.submission.receive.inbox import submitted_in

if TYPE_CHECKING:
    from autograder.grading.examiner import Examiner

__all__ = ["main"]

# Plugins of pytest that grading does not need; their work before and after each check adds up.
UNUSED = (
    *("terminal", "cacheprovider", "logging", "faulthandler", "warnings", "unraisableexception", "threadexception"),
    *("stepwise", "junitxml", "doctest", "setuponly", "setupplan", "debugging", "pastebin", "skipping"),
)


# Objects between two collections in a child, which lives for one submission and makes little that is cyclic.
RARELY = 50_000
MAX_MEMORY = 4 << 30  # bytes of address space that grading one submission may add


class Server:
    """A pytest plugin whose test loop serves jobs.

    Args:
        control: the socket on which jobs arrive.
    """

    def __init__(self, control: socket.socket, sandbox: Sandbox, order: Order) -> None:
        self.control, self.sandbox, self.order = control, sandbox, order
        self.course, self.assignment = order.read()
        self.gpu = require_gpu() if order.device == "cuda" else None
        self.jobs = order.jobs or available_cores()
        hide()  # this process forks
        self.children: set[int] = set()
        self.reference: ReferenceGrading | None = None
        self.confirmed = False  # the reference had full marks under this seed, in this run or in an earlier one
        self.waiting: list[int] = []  # sockets of callers that wait for it
        self.unimportable: list[str] = []
        self.failure: AutograderError | None = None

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.unimportable.append(f"{report.nodeid}: {report.longreprtext.strip().splitlines()[-1]}")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        try:
            with TemporaryDirectory(prefix="autograder-") as scratch:
                self._serve(self._examiner(session, Path(scratch)))
        except AutograderError as error:  # pytest would report it as an internal error of its own
            self.failure = error
        finally:
            if self.reference:
                self.reference.close()
        return True

    def _examiner(self, session: pytest.Session, scratch: Path) -> Examiner:
        """An examiner whose reference has full marks, in this run or in an earlier one."""
        from autograder.grading.examiner import Examiner
        from autograder.grading.mutants.ends import Ends

        if self.unimportable:
            raise UsageError(f"a hidden check cannot be imported: {self.unimportable[0]}")
        isolation = {"level": self.sandbox.level, "layers": dict(self.sandbox.layers)}
        examiner = Examiner(
            course=self.course,
            assignment=self.assignment,
            sandbox=self.sandbox,
            items=[item for item in session.items if isinstance(item, pytest.Function)],
            seed=self.order.seed,
            environment={**environment(), **(self.gpu.facts() if self.gpu else {})},
            isolation=isolation,
            clean=handed_out(self.course.handout(self.assignment)),
            submitted=submitted_in(self.order.submissions, self.assignment) if self.order.submissions else {},
            gpu=self.gpu,
            ends=Ends(scratch),
        )
        self._grade_reference(examiner)
        if self.order.until is not None:
            examiner.until = time.monotonic() + self.order.until - time.time()
        if self.order.notebooks:
            from autograder.grading.notebooks.run import Notebooks

            examiner.notebooks = Notebooks.open(self.course, self.assignment, self.sandbox, examiner.until)
        gc.collect()
        gc.freeze()  # a collection in a child would touch, and so copy, every page
        tell(self.control, {"ready": True})
        return examiner

    def _grade_reference(self, examiner: Examiner) -> None:
        """Wait until the reference is graded; if an earlier run did this, grade it beside the first submissions."""
        suite = fingerprint.of_suite(self.course, self.assignment)
        if self.order.suite and suite != self.order.suite:
            raise UsageError("the course or the engine was changed while grading started: run again")
        self.verdict = ReferenceVerdict.of(suite, examiner.environment, examiner.isolation)
        before = self.verdict.read()
        if before is None:
            self.reference = ReferenceGrading(examiner, jobs=self.jobs)
            self._wait_for(self.reference)
            self._note_full_marks(self.reference)
        else:
            self.confirmed = self.order.seed in before.seeds
            self.reference = ReferenceGrading(examiner, before.seconds, later=True)

    def _wait_for(self, reference: ReferenceGrading) -> None:
        """Wait until the reference is graded. Raises GraderError if the command ends meanwhile: it sends no job yet."""
        control = self.control.fileno()
        while not reference.done:
            ready, _, _ = select.select([control, *reference.pipes], [], [])
            if control in ready:
                raise GraderError("the command ended before the reference was graded")
            for pipe in ready:
                reference.finish(pipe)

    def _note_full_marks(self, reference: ReferenceGrading) -> None:
        self.confirmed = True
        self.verdict.keep(self.assignment.id, reference.seconds, self.order.seed)

    def _serve(self, examiner: Examiner) -> None:
        assert self.reference
        try:
            while self._served(examiner, self.reference):
                self._reap()
                if self.reference.done and not self.confirmed:
                    self._note_full_marks(self.reference)
                while self.confirmed and self.waiting:
                    answer(self.waiting.pop(), {"confirmed": True})
        except AutograderError as error:
            self.verdict.forget()
            tell(self.control, broken(error))  # before the gradings under way end without a result
            raise
        finally:
            self._end_children()

    def _served(self, examiner: Examiner, reference: ReferenceGrading) -> bool:
        """Wait a moment for a job or for a part of the reference's grading. Returns False if no job will come."""
        control = self.control.fileno()
        ready, _, _ = select.select([control, *reference.pipes], [], [], 1.0)
        for pipe in set(ready) - {control}:
            reference.finish(pipe)
        if control in ready:
            data, ancillary, _, _ = self.control.recvmsg(MAX_MESSAGE, socket.CMSG_SPACE(4))
            if not data:
                return False
            job, reply = json.loads(data), _descriptor(ancillary)
            if "path" in job:
                self._fork(examiner, job, reply)
            elif "now" in job:
                answer(reply, {"confirmed": self.confirmed})
            else:  # a caller asks for the end of the reference's grading
                self.waiting.append(reply)
                if not self.confirmed:
                    reference.hurry(self.jobs)
        return True

    def _end_children(self) -> None:
        for child in self.children:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)

    def _fork(self, examiner: Examiner, job: dict[str, Any], reply: int) -> None:
        child = os.fork()
        if child:
            os.close(reply)
            self.children.add(child)
            return
        try:
            self.control.close()
            gc.set_threshold(RARELY)
            limit_memory(MAX_MEMORY)
            asked = {key: job[key] for key in ("as_it_is", "questions", "named", "without")}
            result = examiner.grade(Path(job["path"]), job["name"], **asked)
            message: dict[str, Any] = {"result": result.to_json()}
        except BaseException as error:
            message = {"error": f"{error!r}\n{traceback.format_exc()}"}
        try:
            answer(reply, message)
        finally:
            os._exit(0)

    def _reap(self) -> None:
        self.children = {child for child in self.children if os.waitpid(child, os.WNOHANG) == (0, 0)}


def _descriptor(ancillary: list[tuple[int, int, bytes]]) -> int:
    descriptors = array.array("i")
    descriptors.frombytes(ancillary[0][2][:4])
    return descriptors[0]


def answer(reply: int, message: dict[str, Any]) -> None:
    """Send the whole answer to one job, and close its socket. A caller that has gone is no error."""
    with socket.socket(fileno=reply) as stream, suppress(BrokenPipeError, ConnectionResetError):
        stream.sendall(json.dumps(message).encode())


def tell(control: socket.socket, message: dict[str, Any]) -> None:
    """Send one message, which the other side receives whole."""
    control.sendall(json.dumps(message).encode())


def broken(error: AutograderError) -> dict[str, Any]:
    """The message that nothing can be graded, with the reason."""
    return {"broken": str(error)[: MAX_MESSAGE // 8], "kind": type(error).__name__}


def environment() -> dict[str, Any]:
    """The facts on which a score may depend."""
    import numpy
    import torch

    return {
        "autograder": __version__,
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "numpy": numpy.__version__,
        "platform": platform.platform(),
        "machine": platform.machine(),
        "device": "cpu",
        "threads": torch.get_num_threads(),
    }


def main() -> None:
    control = socket.socket(fileno=int(sys.argv[1]))
    order = Order.from_json(sys.argv[2])
    try:
        # The sandbox must start before this process reads hidden files.
        hidden = [order.root / folder for folder in ("solutions", "tests")]
        course, assignment = order.read()
        opened = Sandbox(
            unsafe=order.unsafe,
            hidden=hidden,
            preload=order.preload,
            device=order.device,
            rules=course.rules_of(assignment),
        )
        with opened as sandbox:
            import torch

            torch.set_num_threads(1)
            # A check may train here with a submission's values; denormal numbers would take a hundred times as long.
            torch.set_flush_denormal(True)
            server = Server(control, sandbox, order)
            checks = server.course.hidden(server.assignment)
            collect = [str(checks), "-c", os.devnull, f"--rootdir={server.course.root}", "-s"]
            # pytest would explain the difference of two values, which takes minutes if a submission makes them long.
            collect.append("--assert=plain")
            plugins = ["autograder.checks.harness.plugin", *(f"no:{plugin}" for plugin in UNUSED)]
            options = ["--import-mode=importlib", *(part for plugin in plugins for part in ("-p", plugin))]
            status = pytest.main([*collect, *options], plugins=[server])
            if server.failure:
                raise server.failure
            if status not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED):
                raise UsageError(f"pytest ended with {status!r} while collecting {checks}")
    except AutograderError as error:
        with suppress(OSError):  # nobody may be waiting any more
            tell(control, broken(error))


if __name__ == "__main__":
    main()
    os._exit(0)  # unloading torch takes time, and nothing is left to save
