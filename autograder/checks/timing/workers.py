"""Both sides of a race in workers: the submission's own, and one more for the baseline.

The baseline's worker holds the reference. It is another user's process under equal limits, and no part of the reference
enters the submission's worker. On the CPU the submission races in the worker that its other checks use. On a GPU both
sides get workers of their own, which end with the race. Before and after, the GPU is checked to be clean.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from types import TracebackType
from typing import Any

from autograder.checks.sides.student import Subject
from autograder.checks.timing.rivals import named
from autograder.checks.timing.sides import Side, WorkerSide
from autograder.course.model import RACE_SECONDS, Budget, Limits, Question
from autograder.errors import GraderError, SandboxError, TimeSpent
from autograder.phases import phase
from autograder.sandbox import Package, Sandbox, Worker
from autograder.sandbox.grader.deadline import Allowance
from autograder.sandbox.grader.gpu import Gpu
from autograder.sandbox.grader.process import claimed

__all__ = ["WorkerRivals"]

# Seconds to wait until other gradings on this machine, trainings too, release the GPU.
GPU_SECONDS = 1200.0
# Seconds for a worker to make its context and load libraries, the first time from the disk.
WAKE_SECONDS = 120.0


class WorkerRivals:
    """Workers on both sides. A context manager, which closes those that it opened.

    Args:
        subject: the submission, begun with the case.
        reference: the files of the baseline's workers.
        gpu: the GPU on which running times are graded, too; None if there is none.
        allowance: the seconds of the whole submission; None for no limit.
    """

    confined = True

    def __init__(
        self,
        sandbox: Sandbox,
        subject: Subject,
        reference: Package,
        limits: Limits,
        gpu: Gpu | None = None,
        allowance: Allowance | None = None,
    ) -> None:
        self._sandbox, self._subject, self._reference = sandbox, subject, reference
        self._limits, self._gpu = limits, gpu
        self._allowance = Allowance() if allowance is None else allowance
        self.devices = ("cpu",) if gpu is None else ("cuda", "cpu")
        self._trained = ExitStack()  # keeps the worker of a training open: the check uses it afterwards
        self._baselines: dict[tuple[str, tuple[str, ...]], Worker] = {}

    def __enter__(self) -> WorkerRivals:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self._baselines.values():
            worker.close()
        self._trained.close()

    @contextmanager
    def sides(self, question: Question, budget: Budget, device: str, seed: int) -> Iterator[tuple[Side, Side]]:
        self._trained.close()
        rules = question.rules if budget.baseline == "reference" else ()
        with ExitStack() as stack:
            if device == "cpu":
                ours = self._baseline(question.module, rules)
                student: Side = WorkerSide(self._subject, self._subject.process())
                stack.enter_context(self._subject.measured(RACE_SECONDS))
            else:
                reference = self._reference.importing(question.module), rules
                ours, theirs = stack.enter_context(self._on_gpu([reference, self._theirs(question)]))
                student = self._side(theirs, theirs, seed)
            yield self._side(ours, named(_Trusted(ours), question, budget), seed), student

    def waiting(self) -> AbstractContextManager[None]:
        return self._allowance.paused()

    def student(self, question: Question, device: str, seed: int) -> Side:
        if device == "cpu":
            return WorkerSide(self._subject, self._subject.process())
        self._trained.close()
        (worker,) = self._trained.enter_context(self._on_gpu([self._theirs(question)]))
        return self._side(worker, worker, seed)

    def _baseline(self, module: str, rules: tuple[str, ...]) -> Worker:
        """The baseline's worker on the CPU, which serves all races of a module under these rules."""
        key = module, rules
        if key not in self._baselines or not self._baselines[key].alive:
            package = self._reference.importing(module)
            spawned = self._sandbox.spawn(package, self._limits, rules, allowance=self._allowance)
            worker = self._baselines[key] = spawned
            _Trusted(worker).load()
        return self._baselines[key]

    def _theirs(self, question: Question) -> tuple[Package, tuple[str, ...]]:
        return self._subject.package(question.module), question.rules

    @contextmanager
    def _on_gpu(self, wanted: list[tuple[Package, tuple[str, ...]]]) -> Iterator[list[Worker]]:
        assert self._gpu is not None
        with ExitStack() as stack:
            with phase("wait"), self.waiting():
                place = stack.enter_context(claimed(["gpu"], GPU_SECONDS))
            if place is None:
                raise GraderError("the GPU was never free")
            workers = []
            for package, rules in wanted:
                worker = stack.enter_context(self._spawn(package, rules))
                side = _Trusted(worker) if package.files is self._reference.files else worker
                side.load()
                side.request("lay", {"values": [], "device": "cuda"}, WAKE_SECONDS)
                workers.append(worker)
            pids = [worker.pid for worker in workers]
            try:
                yield workers
            finally:
                for worker in workers:
                    worker.close()
                clean = self._gpu.cleaned(pids)
            if not clean:
                raise GraderError("the GPU still holds memory of a worker that was ended")

    def _spawn(self, package: Package, rules: tuple[str, ...]) -> Worker:
        return self._sandbox.spawn(package, self._limits, rules, "cuda", self._allowance)

    def _side(self, worker: Worker, channel: Any, seed: int) -> Side:
        channel.request("begin", {"seed": seed})
        return WorkerSide(channel, worker.process, on_gpu=self._gpu is not None)


class _Trusted:
    """The baseline's worker: any error there is a fault of the grader."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    def load(self) -> None:
        self._ours(self._worker.load)

    def request(self, op: str, payload: dict[str, Any], timeout: float | None = None) -> Any:
        return self._ours(self._worker.request, op, payload, timeout)

    def _ours(self, action: Any, *arguments: Any) -> Any:
        try:
            return action(*arguments)
        except TimeSpent:
            raise  # the submission has no time left: no fault of the grader
        except SandboxError as error:
            raise GraderError(f"the baseline: {error}\n{getattr(error, 'trace', '')}") from error
