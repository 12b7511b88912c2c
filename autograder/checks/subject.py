"""A submission under grading: one confined worker at a time, replaced when it dies or the rules change."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any

from autograder.course.model import Assignment, Limits, Question, Rule
from autograder.errors import SandboxError, WorkerTimeout
from autograder.sandbox import Package, Sandbox, Worker
from autograder.submission.inbox import Submission

__all__ = ["Subject", "package"]


def package(submission: Submission, assignment: Assignment, common: Path) -> Package:
    """What a worker gets: the submission's files, and the given library as the course has it.

    Args:
        common: folder of the given library; its copy in the submission, if any, was dropped on receipt.
    """
    given = {f"{common.name}/{path.relative_to(common).as_posix()}": path.read_bytes() for path in common.rglob("*.py")}
    own = {name: data for name, data in submission.files.items() if name not in given}
    return Package({**own, **submission.artifacts, **given}, assignment.module, frozenset(own))


class Subject:
    """Gives each question's cases a channel to the submission.

    A submission that cannot be imported under a question's rules fails every such case with the same error and is not
    imported again. A question
    whose calls have used up its budget of seconds gets no further call.
    """

    def __init__(self, sandbox: Sandbox, package: Package, limits: Limits) -> None:
        self._sandbox, self._package, self._limits = sandbox, package, limits
        self._worker: Worker | None = None
        self._question: Question | None = None
        self._broken: dict[tuple[Rule, ...], SandboxError] = {}
        self._spent = 0.0
        self.call_seconds = 0.0

    def __enter__(self) -> Subject:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def channel(self, question: Question) -> Subject:
        """This subject, ready for a case of `question`. Raises what importing the submission raised."""
        if question.rules in self._broken:
            raise self._broken[question.rules]
        if self._question is None or self._question.id != question.id:
            self._spent = 0.0
        if self._question is None or self._question.rules != question.rules:
            self._close()
        self._question = question
        return self

    def request(self, op: str, payload: dict[str, Any], timeout: float | None = None) -> Any:
        """Carry an operation to the worker within the call's deadline and what is left of the question's budget."""
        left = self._limits.question_seconds - self._spent
        if left <= 0:
            raise WorkerTimeout(self._limits.question_seconds)
        worker = self._ready()
        before = worker.calls_seconds
        try:
            return worker.request(op, payload, min(timeout or self._limits.call_seconds, left))
        finally:
            self._spent += worker.calls_seconds - before
            self.call_seconds += worker.calls_seconds - before

    def output(self) -> str:
        """The end of what the submission printed; untrusted."""
        return self._worker.output() if self._worker else ""

    def _ready(self) -> Worker:
        if self._worker is not None and self._worker.alive:
            return self._worker
        self._close()
        assert self._question is not None
        worker = self._worker = self._sandbox.spawn(self._package, self._limits, self._question.rules)
        try:
            worker.load()
        except SandboxError as error:
            self._broken[self._question.rules] = error
            self._close()
            raise
        finally:
            # Else a submission that dies at every call could take its time to be imported before each.
            self._spent += worker.calls_seconds
        return worker

    def _close(self) -> None:
        if self._worker is not None:
            self._worker.close()
            self._worker = None
