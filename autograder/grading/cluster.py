"""Grades on a Dask cluster: each of its workers keeps a grading process, and takes submissions from the scheduler.

The course and the submissions lie under the same paths on every machine, on a file system that all share or as copies.
Both are compared by fingerprint before anything is graded with them: a machine with another course, or without a
submission, is our own fault and no student's.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from distributed import Client, Worker, WorkerPlugin, get_worker
from distributed.comm.addressing import get_address_host_port

from autograder.course.layout import Course
from autograder.course.result import SubmissionResult
from autograder.errors import GraderError, UsageError
from autograder.grading import fingerprint
from autograder.grading.batch import Grade
from autograder.grading.client import GradingProcess
from autograder.grading.libraries import require_notebooks

__all__ = ["Order", "graders"]

CONNECT_SECONDS = 10
WORKER_SECONDS = 60


@dataclass(frozen=True)
class Order:
    """What every machine is asked to grade with.

    Attributes:
        root: the course's folder.
        assignment: its folder name.
        suite: fingerprint that the course must have there.
        seed: the run's.
        submissions: the folder they come from.
        digests: fingerprint of each submission, by name.
        unsafe: grade even where a machine cannot confine student code.
        notebooks: run each submission's notebook too.
        device: where running times are graded besides the CPU.
    """

    root: Path
    assignment: str
    suite: str
    seed: int
    submissions: Path
    digests: Mapping[str, str] = field(repr=False)
    unsafe: bool = False
    notebooks: bool = False
    device: str = "cpu"


@contextmanager
def graders(address: str, order: Order) -> Iterator[tuple[Grade, Executor]]:
    """What grades one submission, and the executor to run it with: as many at once as the cluster has threads.

    Args:
        address: the scheduler's, `tcp://10.0.0.1:8786`.

    Raises:
        UsageError: nobody answers there, no worker comes, or a worker's course is another or broken.
        GraderError, IsolationUnavailable: a worker's grading process did not start.
    """
    try:
        get_address_host_port(address)
    except ValueError:  # a client would raise it too, and again when it is forgotten
        raise UsageError(f"--cluster: found {address!r}, wanted an address like tcp://HOST:8786") from None
    try:
        client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)  # type: ignore[no-untyped-call]
    except (OSError, TimeoutError) as error:
        raise UsageError(f"--cluster: no Dask scheduler answers at {address} ({type(error).__name__})") from None
    plugin = _Grader(order)
    with client:
        try:
            client.wait_for_workers(1, timeout=WORKER_SECONDS)
        except TimeoutError:
            raise UsageError(f"--cluster: the scheduler at {address} has no worker") from None
        try:
            client.register_plugin(plugin, plugin.name)
            with client.get_executor(pure=False) as executor:  # type: ignore[no-untyped-call]
                try:
                    yield partial(_grade, plugin.name), executor
                except BaseException:
                    executor.shutdown(wait=False)  # cancels what has not begun
                    raise
        finally:
            client.unregister_worker_plugin(plugin.name)  # type: ignore[no-untyped-call]  # ends the processes


class _Grader(WorkerPlugin):
    """A grading process that lives as long as the run, on one worker."""

    def __init__(self, order: Order) -> None:
        self.name = f"autograder-{secrets.token_hex(8)}"
        self._order = order
        self._process: GradingProcess | None = None

    async def setup(self, worker: Worker) -> None:
        self._process = await asyncio.to_thread(self._open)  # which takes seconds: the worker must stay responsive

    async def teardown(self, worker: Worker) -> None:
        if self._process is not None:
            await asyncio.to_thread(self._process.close)

    def grade(self, path: Path, name: str, questions: Sequence[str] | None) -> SubmissionResult:
        assert self._process is not None
        if fingerprint.of_submission(path) != self._order.digests[name]:
            raise GraderError(f"{name}: {path} is missing on {socket.gethostname()}, or not the same there")
        return self._process.grade(path, name, questions)

    def _open(self) -> GradingProcess:
        order = self._order
        course = Course.find(order.root)
        assignment = course.assignment(order.assignment)
        if fingerprint.of_suite(course, assignment) != order.suite:
            raise UsageError(
                f"{order.root} on {socket.gethostname()} is not the course of this run, or its engine is not"
            )
        if order.notebooks:
            require_notebooks(course, assignment)
        process = GradingProcess(
            course,
            assignment,
            order.seed,
            submissions=order.submissions,
            unsafe=order.unsafe,
            notebooks=order.notebooks,
            device=order.device,
        )
        return process.__enter__()


def _grade(plugin: str, path: Path, name: str, questions: Sequence[str] | None = None) -> SubmissionResult:
    """On a worker: grade with the process that its plugin keeps."""
    grader = get_worker().plugins[plugin]
    assert isinstance(grader, _Grader)
    return grader.grade(path, name, questions)
