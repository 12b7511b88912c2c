"""A submission under grading: one confined worker at a time, replaced when it dies or further rules apply."""

from __future__ import annotations

import marshal
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

from autograder.checks.transcript import copied
from autograder.course.model import Limits, Question, Rule
from autograder.errors import SandboxError, WorkerTimeout
from autograder.sandbox import Package, Sandbox, Worker
from autograder.sandbox.channel.refs import PLACED, Ref
from autograder.sandbox.grader.process import Process
from autograder.sandbox.isolation.paths import WORK
from autograder.submission.integrity import Prepared

__all__ = ["Library", "Subject"]


class Library:
    """The given library as the course has it, compiled once for all workers.

    Args:
        common: its folder; workers import it under the folder's name.
    """

    def __init__(self, common: Path) -> None:
        paths = {f"{common.name}/{path.relative_to(common).as_posix()}": path for path in common.rglob("*.py")}
        self._files = {name: path.read_bytes() for name, path in paths.items()}
        self._code = {
            name: marshal.dumps(compile(content, f"{WORK}/{name}", "exec")) for name, content in self._files.items()
        }

    def package(self, prepared: Prepared, artifacts: Mapping[str, bytes], module: str) -> Package:
        """What a worker gets: the submission's files and this library, which comes before a copy handed in."""
        own = {name: data for name, data in prepared.files.items() if name not in self._files}
        files = {**own, **artifacts, **self._files}
        lines = {f"{module}.py": prepared.lines} if prepared.lines else {}
        return Package(files, module, frozenset(own), self._code, prepared.stand_ins, lines)

    def reference(self, folder: Path, module: str) -> Package:
        """What a worker gets that runs the reference: a baseline of running times."""
        source = (folder / f"{module}.py").read_bytes()
        return Package({f"{module}.py": source, **self._files}, module, frozenset({f"{module}.py"}), self._code)


class Subject:
    """Gives each question's cases a channel to the submission.

    A submission that cannot be imported under a question's rules fails every such case with the same error and is not
    imported again. A question whose calls have used up its budget of seconds gets no further call.
    """

    def __init__(self, sandbox: Sandbox, package: Package, limits: Limits) -> None:
        self._sandbox, self._package, self._limits = sandbox, package, limits
        self._worker: Worker | None = None
        self._question: Question | None = None
        self._rules: tuple[Rule, ...] = ()  # those in force in the worker
        self._broken: dict[tuple[Rule, ...], SandboxError] = {}
        self._posted: list[tuple[str, dict[str, Any]]] = []  # goes along with the next request
        self._placed = PLACED
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
            vars(self._broken[question.rules]).pop("__notes__", None)  # what another case had to say of it
            raise self._broken[question.rules]
        if self._question is None or self._question.id != question.id:
            self._spent = 0.0
        # Rules may be lifted in a worker, and never laid on: what ran without them may have kept a way round them.
        if not set(question.rules) <= set(self._rules):
            self._close()
        self._question = question
        return self

    def request(self, op: str, payload: dict[str, Any], timeout: float | None = None) -> Any:
        """Carry an operation to the worker within the call's deadline and what is left of the question's budget.

        To begin a case is left to the next operation, which takes it along.
        """
        if op == "begin":
            assert self._question is not None
            self._rules = self._question.rules
            self._posted = [("begin", {**payload, "rules": [rule.value for rule in self._rules]})]
            return None
        self._left()
        worker = self._ready()
        seconds = min(timeout or self._limits.call_seconds, self._left())
        before = worker.calls_seconds
        try:
            first, self._posted = self._posted, []
            return worker.request(op, payload, seconds, first)
        finally:
            self._spent += worker.calls_seconds - before
            self.call_seconds += worker.calls_seconds - before

    def process(self) -> Process:
        """The process that the next operation will go to, with the submission imported."""
        self._left()
        return self._ready().process

    @contextmanager
    def by_their_own_deadlines(self) -> Iterator[None]:
        """Requests inside use up nothing of the question's budget: on a busy machine a measurement is repeated often,
        which is none of the submission's doing. Whoever measures bounds that."""
        spent, self._spent = self._spent, -math.inf
        try:
            yield
        finally:
            self._spent = spent

    def post(self, op: str, payload: dict[str, Any], timeout: float | None = None) -> Ref | None:
        """Leave an operation to the next request, which takes it along; the ref to what it will place, if it does."""
        payload = copied(payload)  # a check may write to its tensors meanwhile
        self._posted.append((op, payload))
        if op != "place":
            return None
        self._placed += 1
        payload["handle"] = self._placed
        return Ref(self._placed)

    def settle(self) -> None:
        """Carry out what was left to a request that never came. Raises like `request`."""
        if any(op != "begin" for op, _ in self._posted):
            self.request("nothing", {})

    def output(self) -> str:
        """The end of what the submission printed; untrusted."""
        return self._worker.output() if self._worker else ""

    def _left(self) -> float:
        """Seconds of the question's budget. Raises WorkerTimeout where none are left."""
        left = self._limits.question_seconds - self._spent
        if left <= 0:
            raise WorkerTimeout(self._limits.question_seconds)
        return left

    def _ready(self) -> Worker:
        if self._worker is not None and self._worker.alive:
            return self._worker
        self._close()
        assert self._question is not None
        self._rules = self._question.rules
        worker = self._worker = self._sandbox.spawn(self._package, self._limits, self._rules)
        try:
            self._package = worker.compile()
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
