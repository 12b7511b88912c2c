"""Both sides of a race in workers: the submission's own, and one more for the baseline.

The baseline's worker holds the reference: it is another user's process under equal limits, and nothing of it enters
the submission's.
"""

from __future__ import annotations

from types import TracebackType
from typing import Any

from autograder.checks.rivals import named
from autograder.checks.sides import Side, WorkerSide
from autograder.checks.subject import Subject
from autograder.course.model import Budget, Limits, Question, Rule
from autograder.errors import GraderError, SandboxError
from autograder.sandbox import Package, Sandbox, Worker

__all__ = ["WorkerRivals"]


class WorkerRivals:
    """Workers on both sides. A context manager, which closes the baseline's.

    Args:
        subject: the submission, begun with the case.
        reference: what the baseline's worker is given.
        device: of this run, "cpu" or "cuda"; the CPU is there in any case.
    """

    confined = True

    def __init__(
        self, sandbox: Sandbox, subject: Subject, reference: Package, limits: Limits, device: str = "cpu"
    ) -> None:
        self._sandbox, self._subject, self._reference, self._limits = sandbox, subject, reference, limits
        self.devices = ("cpu",) if device == "cpu" else (device, "cpu")
        self._workers: dict[tuple[object, ...], Worker] = {}

    def __enter__(self) -> WorkerRivals:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self._workers.values():
            worker.close()

    def sides(self, question: Question, budget: Budget, device: str, seed: int) -> tuple[Side, Side]:
        rules = question.rules if budget.baseline == "reference" else ()
        worker = self._baseline(rules, device, seed)
        baseline: Side = WorkerSide(_Trusted(worker), worker.process)
        return named(baseline, question, budget), self.student(question, device, seed)

    def student(self, question: Question, device: str, seed: int) -> Side:
        return WorkerSide(self._subject, self._subject.process())

    def _baseline(self, rules: tuple[Rule, ...], device: str, seed: int) -> Worker:
        key = (rules, device)
        if key not in self._workers or not self._workers[key].alive:
            worker = self._workers[key] = self._sandbox.spawn(self._reference, self._limits, rules)
            worker.load()
        worker = self._workers[key]
        worker.request("begin", {"seed": seed})
        return worker


class _Trusted:
    """The baseline's worker: whatever goes wrong there is our own fault."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    def request(self, op: str, payload: dict[str, Any], timeout: float | None = None) -> Any:
        try:
            return self._worker.request(op, payload, timeout)
        except SandboxError as error:
            raise GraderError(f"the baseline: {error}\n{getattr(error, 'trace', '')}") from error
