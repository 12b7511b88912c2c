"""Grades on a Dask cluster: each of its workers keeps a grading process, and takes submissions from the scheduler.

The course and the submissions lie under the same paths on every machine, on a file system that all share or as copies.
Both are compared by fingerprint before grading: a machine with another course, or without a submission, is a fault of
the grader, not of a student. A worker whose grading process does not start ends a run that begins; one that joins later
takes no submission of the run.

Running times on a GPU are graded by workers with a GPU, which are started so: `dask worker … --resources GPU=1`. Such
addresses as tls://HOST:8786 need certificates, which Dask's own configuration names (`distributed.comm.tls`).
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError, Executor, Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, ParamSpec, TypeVar
from weakref import WeakSet

from distributed import Client, Worker, WorkerPlugin, get_worker
from distributed.comm.addressing import get_address_host_port

from autograder.course.result import SubmissionResult
from autograder.errors import AutograderError, GraderError, IsolationUnavailable, UsageError
from autograder.grading import fingerprint
from autograder.grading.batch import Graders
from autograder.grading.client import GradingProcess
from autograder.grading.libraries import require_notebooks
from autograder.grading.order import Order

__all__ = ["Expected", "graders"]

Given = ParamSpec("Given")
Answer = TypeVar("Answer")

CONNECT_SECONDS = 10
WORKER_SECONDS = 60
START_TRIES = 3  # of a start that ends because a worker died
LOOK_SECONDS = 30.0  # between two looks whether the workers that a submission waits for are still there
PREFIX = "autograder-"  # of the names of plugins; the client's id follows
GPU = "GPU"  # the resource that a worker with a GPU has, one for each submission that it grades at once


@dataclass(frozen=True)
class Expected:
    """What every machine must have, so that a result does not depend on the machine.

    Attributes:
        submissions: the fingerprint of each submission, by name.
        packages: the versions of the packages that compute.
        data: the names in the course's folder `data/`, which hidden checks may need.
    """

    submissions: Mapping[str, str] = field(repr=False)
    packages: Mapping[str, str]
    data: frozenset[str]

    @classmethod
    def on_this_machine(cls, order: Order, submissions: Mapping[str, str]) -> Expected:
        """The same facts as this machine finds them."""
        packages = {name: version(name) for name in ("torch", "numpy")}
        data = order.root / "data"
        return cls(submissions, packages, frozenset(os.listdir(data) if data.is_dir() else ()))

    def missing_in(self, found: Expected) -> str:
        """The first difference of another machine, or "" if it has everything."""
        for name, wanted in self.packages.items():
            if found.packages[name] != wanted:
                return f"{name} {found.packages[name]}, and this run needs {wanted}"
        if lacking := sorted(self.data - found.data):
            return f"no {lacking[0]} in the course's folder data/"
        return ""


@contextmanager
def graders(address: str, order: Order, expected: Expected) -> Iterator[Graders]:
    """The graders on a cluster: as many submissions at once as it has threads.

    Args:
        address: the scheduler's, `tcp://10.0.0.1:8786`.

    Raises:
        UsageError: the scheduler does not answer, no worker comes, none has the requested GPU, certificates are
            missing, or a worker has a different or broken course.
        GraderError, IsolationUnavailable: a worker's grading process did not start, or workers died again and again.
    """
    try:
        get_address_host_port(address)
    except ValueError:  # the client would raise this error too, and again when it drops it
        raise UsageError(f"--cluster: found {address!r}, wanted an address like tcp://HOST:8786") from None
    try:
        client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)  # type: ignore[no-untyped-call]
    except (OSError, TimeoutError) as error:
        raise UsageError(f"--cluster: no Dask scheduler answers at {address} ({type(error).__name__})") from None
    except TypeError:  # Dask's error if an address needs certificates and its configuration has none
        wanted = "set ca-file and client.cert under distributed.comm.tls in Dask's configuration"
        raise UsageError(f"--cluster: {address} needs certificates: {wanted}") from None
    resources = {GPU: 1} if order.device == "cuda" else {}
    with client:
        _remove_left_over(client)
        plugin = _Grader(f"{PREFIX}{client.id}", order, expected)
        pool = _Pool(client, resources)
        try:
            _start(client, address, plugin, resources)
            known = client.scheduler_info(n_workers=-1)
            threads = sum(known["workers"][worker]["nthreads"] for worker in _able(known, resources))
            confirm = partial(_confirm_all, client, plugin.name)
            yield Graders(partial(_grade, plugin.name), pool, confirm, lambda: False, threads)
        finally:
            pool.shutdown()
            _remove(client, plugin.name)  # ends the processes


def _wait_for_worker(client: Client, address: str, resources: Mapping[str, float]) -> None:
    try:
        client.wait_for_workers(1, timeout=WORKER_SECONDS)
    except TimeoutError:
        raise UsageError(f"--cluster: the scheduler at {address} has no worker") from None
    if not _able(client.scheduler_info(n_workers=-1), resources):
        raise UsageError(f"--cluster: no worker has a GPU; start one with `dask worker {address} --resources GPU=1`")


def _start(client: Client, address: str, plugin: _Grader, resources: Mapping[str, float]) -> None:
    """Start a grading process on every worker. If a worker dies meanwhile, start again on those that are left."""
    for _ in range(START_TRIES):
        try:
            _wait_for_worker(client, address, resources)
            client.register_plugin(plugin, plugin.name)
        except OSError as error:
            died = error
        except AutograderError:
            raise
        except Exception as error:  # Dask's own, if a worker cannot read the plugin: the engine is not installed there
            raise GraderError(f"--cluster: a worker cannot load the engine: {type(error).__name__}: {error}") from None
        else:
            return
    raise GraderError(
        f"--cluster: workers or the scheduler were lost while grading started ({type(died).__name__}: {died})"
    )


def _remove(client: Client, name: str) -> None:
    """Remove a plugin from all workers. A failure does no harm: a later run removes it."""
    with suppress(Exception):
        client.unregister_worker_plugin(name)  # type: ignore[no-untyped-call]


def _remove_left_over(client: Client) -> None:
    """Remove the plugins of runs whose command is gone, for example because it was killed."""
    with suppress(Exception):  # a scheduler may be configured to run no code
        # A lambda travels by value, so that a scheduler need not have this package.
        plugins, clients = client.run_on_scheduler(  # type: ignore[no-untyped-call]
            lambda dask_scheduler: (list(dask_scheduler.worker_plugins), list(dask_scheduler.clients))
        )
        for name in plugins:
            if name.startswith(PREFIX) and name.removeprefix(PREFIX) not in clients:
                _remove(client, name)


def _able(known: Mapping[str, Any], resources: Mapping[str, float]) -> set[str]:
    """The addresses of the workers that have these resources.

    Args:
        known: the scheduler's description of itself, as Dask gives it.
    """
    return {
        address
        for address, worker in known["workers"].items()
        if all(worker["resources"].get(name, 0) >= wanted for name, wanted in resources.items())
    }


class _Refused(Exception):
    """A worker takes no part in this run. Its arguments: the worker's address, and the reason, an AutograderError."""


class _Ended(Exception):
    """The workers that could take a task have ended."""


class _Pool(Executor):
    """Gives tasks to workers with these resources. A task that a worker refuses goes to the others.

    If all workers refuse, the task fails with the reason.
    """

    def __init__(self, client: Client, resources: Mapping[str, float]) -> None:
        assert client.loop is not None
        self._client, self._resources = client, resources
        self._loop = client.loop.asyncio_loop  # type: ignore[attr-defined]
        self._refusing: dict[str, AutograderError] = {}  # workers, with their reasons
        self._futures = WeakSet[Future[Any]]()  # results of a large class would fill the memory

    def submit(self, fn: Callable[Given, Answer], /, *args: Given.args, **kwargs: Given.kwargs) -> Future[Answer]:
        answer = self._answer(partial(fn, *args, **kwargs))
        future = asyncio.run_coroutine_threadsafe(answer, self._loop)
        self._futures.add(future)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Cancel what has not begun, and wait for nothing."""
        for future in list(self._futures):
            future.cancel()

    async def _answer(self, task: Callable[[], Answer]) -> Answer:
        chosen: set[str] = set()  # workers that may take it; empty for all
        while True:
            try:
                return await self._tried(task, chosen)
            except _Refused as refused:
                worker, why = refused.args
                self._refusing[worker] = why
            except _Ended:
                pass
            left = await self._left()
            chosen = left - self._refusing.keys()
            if left and not chosen:
                raise self._refusing[left.pop()]

    async def _tried(self, task: Callable[[], Answer], chosen: set[str]) -> Answer:
        """Raises _Refused, or _Ended if all chosen workers have ended."""
        sent = self._client.submit(task, pure=False, resources=self._resources, workers=sorted(chosen) or None)
        answer: asyncio.Task[Answer] = asyncio.ensure_future(sent)
        try:
            while not (await asyncio.wait([answer], timeout=LOOK_SECONDS if chosen else None))[0]:
                if not chosen & await self._left():
                    raise _Ended
            return answer.result()
        except CancelledError:  # Dask's, which is not asyncio's
            raise GraderError("the connection to the cluster's scheduler was lost") from None
        finally:
            answer.cancel()

    async def _left(self) -> set[str]:
        assert self._client.scheduler is not None
        return _able(await self._client.scheduler.identity(), self._resources)


class _Grader(WorkerPlugin):
    """A grading process that lives as long as the run, on one worker."""

    def __init__(self, name: str, order: Order, expected: Expected) -> None:
        self.name = name
        self._order, self._expected = order, expected
        self._process: GradingProcess | None = None
        self._ended = False
        self.fault: AutograderError | None = None  # why it did not start

    async def setup(self, worker: Worker) -> None:
        if self._order.device == "cuda" and GPU not in worker.state.total_resources:
            return  # this worker gets no submission of this run
        try:
            await asyncio.to_thread(self._open, worker.state.nthreads)  # takes seconds: the worker must stay responsive
        except Exception as error:
            self.fault = _plain(error)
            # Dask follows the causes of an error, for ever if an error is its own cause.
            raise self.fault from None

    async def teardown(self, worker: Worker) -> None:
        self._ended = True
        await asyncio.to_thread(self._close)

    def grade(self, path: Path, name: str, questions: Sequence[str] | None) -> SubmissionResult:
        assert self._process is not None
        if fingerprint.of_submission(path) != self._expected.submissions[name]:
            raise GraderError(f"{name}: {path} is missing on {socket.gethostname()}, or not the same there")
        return self._process.grade(path, name, questions)

    async def confirm(self) -> bool:
        """Wait until the reference is graded here. False if this worker takes no part in the run."""
        if self._process is None or self.fault is not None:
            return False
        await asyncio.to_thread(self._process.confirm)
        return True

    def _open(self, threads: int) -> None:
        course, assignment = self._order.read()
        host = socket.gethostname()
        if fingerprint.of_suite(course, assignment) != self._order.suite:
            raise UsageError(f"{self._order.root} on {host} is not the course of this run, or its engine is not")
        found = Expected.on_this_machine(self._order, {})
        if missing := self._expected.missing_in(found):
            raise UsageError(f"{host} has {missing}")
        if self._order.notebooks:
            require_notebooks(course, assignment)
        self._process = GradingProcess(replace(self._order, jobs=threads))
        if self._ended:
            self._close()
        self._process.__enter__()

    def _close(self) -> None:
        if self._process is not None:
            self._process.close()


def _plain(error: Exception) -> AutograderError:
    """The error, of a kind that travels to another machine."""
    if isinstance(error, UsageError):
        return UsageError(str(error))
    if isinstance(error, (GraderError, IsolationUnavailable)):
        return error
    return GraderError(f"grading did not start on {socket.gethostname()}: {type(error).__name__}: {error}")


def _grade(plugin: str, path: Path, name: str, questions: Sequence[str] | None = None) -> SubmissionResult:
    """On a worker: grade with the process that its plugin keeps."""
    worker = get_worker()
    grader = worker.plugins.get(plugin)
    if not isinstance(grader, _Grader):
        raise _Refused(worker.address, GraderError(f"{worker.address} takes no part in this run"))
    if grader.fault:
        raise _Refused(worker.address, grader.fault)
    return grader.grade(path, name, questions)


def _confirm_all(client: Client, plugin: str) -> None:
    """Wait until the reference is graded on every worker. One that has ended is left out.

    Raises:
        AutograderError: the reference failed on a worker, the worker could not be asked, or no worker has graded it.
    """
    found = client.run(_confirm, plugin, on_error="return")
    for address, answer in found.items():
        if isinstance(answer, AutograderError):
            raise answer
        if isinstance(answer, BaseException) and not isinstance(answer, OSError):  # OSError: the worker has ended
            raise GraderError(f"the reference was not graded on {address}: {type(answer).__name__}: {answer}")
    if True not in found.values():
        raise GraderError("the workers ended before the reference was graded; run again")


async def _confirm(plugin: str, dask_worker: Worker) -> bool:
    """On a worker, which Dask hands in: wait until the reference is graded there. False if the worker takes no part."""
    grader = dask_worker.plugins.get(plugin)
    return isinstance(grader, _Grader) and await grader.confirm()
