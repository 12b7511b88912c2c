"""Grades on a Dask cluster: each of its workers keeps a grading process, and takes submissions from the scheduler.

The course and the submissions lie under the same paths on every machine, on a file system that all share or as copies.
Both are compared by fingerprint before grading: a machine with another course, or without a submission, is a fault of
the grader, not of a student.

Running times on a GPU are graded by workers with a GPU, which are started so: `dask worker … --resources GPU=1`. Such
addresses as tls://HOST:8786 need certificates, which Dask's own configuration names (`distributed.comm.tls`).
"""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from distributed import Client, Worker, WorkerPlugin, get_worker
from distributed.comm.addressing import get_address_host_port

from autograder.course.result import SubmissionResult
from autograder.errors import AutograderError, GraderError, UsageError
from autograder.grading import fingerprint
from autograder.grading.batch import Graders
from autograder.grading.client import GradingProcess
from autograder.grading.libraries import require_notebooks
from autograder.grading.order import Order

__all__ = ["Expected", "graders"]

CONNECT_SECONDS = 10
WORKER_SECONDS = 60
GPU = "GPU"  # the resource that a worker with a GPU has, one for each submission that it grades at once


@dataclass(frozen=True)
class Expected:
    """The fingerprints that every machine must find under the paths of an order: of the course, and of each submission
    by name."""

    suite: str
    submissions: Mapping[str, str] = field(repr=False)


@contextmanager
def graders(address: str, order: Order, expected: Expected) -> Iterator[Graders]:
    """The graders on a cluster: as many submissions at once as it has threads.

    Args:
        address: the scheduler's, `tcp://10.0.0.1:8786`.

    Raises:
        UsageError: the scheduler does not answer, no worker comes, none has the requested GPU, certificates are
            missing, or a worker has a different or broken course.
        GraderError, IsolationUnavailable: a worker's grading process did not start.
    """
    try:
        get_address_host_port(address)
    except ValueError:  # the client would raise this error too, and again when it drops it
        raise UsageError(f"--cluster: found {address!r}, wanted an address like tcp://HOST:8786") from None
    try:
        client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)  # type: ignore[no-untyped-call]
    except (OSError, TimeoutError) as error:
        raise UsageError(f"--cluster: no Dask scheduler answers at {address} ({type(error).__name__})") from None
    except TypeError:  # Dask's word for an address that needs certificates, and a configuration without
        wanted = "set ca-file and client.cert under distributed.comm.tls in Dask's configuration"
        raise UsageError(f"--cluster: {address} needs certificates: {wanted}") from None
    resources = {GPU: 1} if order.device == "cuda" else {}
    plugin = _Grader(order, expected)
    with client:
        try:
            client.wait_for_workers(1, timeout=WORKER_SECONDS)
        except TimeoutError:
            raise UsageError(f"--cluster: the scheduler at {address} has no worker") from None
        if resources and not _with_gpu(client):
            raise UsageError(
                f"--cluster: no worker has a GPU; start one with `dask worker {address} --resources GPU=1`"
            )
        try:
            client.register_plugin(plugin, plugin.name)
            with client.get_executor(pure=False, resources=resources) as executor:  # type: ignore[no-untyped-call]
                try:
                    yield Graders(partial(_grade, plugin.name), executor, partial(_confirm_all, client, plugin.name))
                except BaseException:
                    executor.shutdown(wait=False)  # cancels gradings that have not begun
                    raise
        finally:
            client.unregister_worker_plugin(plugin.name)  # type: ignore[no-untyped-call]  # ends the processes


def _with_gpu(client: Client) -> bool:
    workers = client.scheduler_info(n_workers=-1)["workers"].values()
    return any(worker["resources"].get(GPU, 0) >= 1 for worker in workers)


class _Grader(WorkerPlugin):
    """A grading process that lives as long as the run, on one worker."""

    def __init__(self, order: Order, expected: Expected) -> None:
        self.name = f"autograder-{secrets.token_hex(8)}"
        self._order, self._expected = order, expected
        self._process: GradingProcess | None = None

    async def setup(self, worker: Worker) -> None:
        if self._order.device == "cuda" and GPU not in worker.state.total_resources:
            return  # it gets no submission of this run
        self._process = await asyncio.to_thread(self._open)  # which takes seconds: the worker must stay responsive

    async def teardown(self, worker: Worker) -> None:
        if self._process is not None:
            await asyncio.to_thread(self._process.close)

    def grade(self, path: Path, name: str, questions: Sequence[str] | None) -> SubmissionResult:
        assert self._process is not None
        if fingerprint.of_submission(path) != self._expected.submissions[name]:
            raise GraderError(f"{name}: {path} is missing on {socket.gethostname()}, or not the same there")
        return self._process.grade(path, name, questions)

    async def confirm(self) -> None:
        if self._process is not None:
            await asyncio.to_thread(self._process.confirm)

    def _open(self) -> GradingProcess:
        course, assignment = self._order.read()
        if fingerprint.of_suite(course, assignment) != self._expected.suite:
            raise UsageError(
                f"{self._order.root} on {socket.gethostname()} is not the course of this run, or its engine is not"
            )
        if self._order.notebooks:
            require_notebooks(course, assignment)
        return GradingProcess(self._order).__enter__()


def _grade(plugin: str, path: Path, name: str, questions: Sequence[str] | None = None) -> SubmissionResult:
    """On a worker: grade with the process that its plugin keeps."""
    grader = get_worker().plugins[plugin]
    assert isinstance(grader, _Grader)
    return grader.grade(path, name, questions)


def _confirm_all(client: Client, plugin: str) -> None:
    """Wait until the reference is graded on every worker. One that has ended is left out.

    Raises:
        AutograderError: the reference failed on a worker, or the worker could not be asked.
    """
    found = client.run(_confirm, plugin, on_error="return")
    for address, error in found.items():
        if isinstance(error, AutograderError):
            raise error
        if isinstance(error, BaseException) and not isinstance(error, OSError):  # OSError: it has ended
            raise GraderError(f"the reference was not graded on {address}: {type(error).__name__}: {error}")


async def _confirm(plugin: str, dask_worker: Worker) -> None:
    """On a worker, which Dask hands in: wait until the reference is graded there."""
    grader = dask_worker.plugins.get(plugin)
    if isinstance(grader, _Grader):
        await grader.confirm()
