"""A submission under grading, in one confined worker at a time. A new worker takes its place when it dies, for another
module, and for further rules."""

from __future__ import annotations

import marshal
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any

from autograder.checks.sides.reference import copied
from autograder.course.layout import Course
from autograder.course.model import Assignment, Limits, Question
from autograder.errors import QuestionTimeSpent, SandboxError, TimeSpent, WorkerTimeout
from autograder.phases import phase
from autograder.sandbox import Package, Sandbox, Worker
from autograder.sandbox.channel.failures import Skipped
from autograder.sandbox.channel.refs import PLACED, Ref
from autograder.sandbox.grader.deadline import Allowance
from autograder.sandbox.grader.process import Process
from autograder.sandbox.isolation.paths import WORK
from autograder.submission.clean.prepare import Prepared
from autograder.submission.source.imports import broken_imports

__all__ = ["Library", "Subject"]


class Library:
    """The course's given library, compiled once for all workers.

    Args:
        common: its folder; workers import it under the folder's name.
        given: files that lie beside the modules, by name.
    """

    def __init__(self, common: Path, given: Mapping[str, bytes] | None = None) -> None:
        paths = {f"{common.name}/{path.relative_to(common).as_posix()}": path for path in common.rglob("*.py")}
        self._files = {name: path.read_bytes() for name, path in paths.items()} | dict(given or {})
        self._code = {
            name: marshal.dumps(compile(content, f"{WORK}/{name}", "exec")) for name, content in self._files.items()
        }

    @classmethod
    def of(cls, course: Course, assignment: Assignment) -> Library:
        """The library that an assignment's modules may import."""
        sources = course.sources(assignment)
        return cls(course.common, {name: sources[name].read_bytes() for name in assignment.given})

    def package(self, prepared: Prepared, artifacts: Mapping[str, bytes]) -> Package:
        """The files for a submission's workers: its own and this library, which replaces a handed-in copy."""
        own = {name: data for name, data in prepared.files.items() if name not in self._files}
        files = {**own, **artifacts, **self._files}
        return Package(files, "", frozenset(own), self._code, prepared.stand_ins, prepared.lines)

    def reference(self, folder: Path, files: Collection[str]) -> Package:
        """The files for workers that run the reference as the baseline of running times: these files of a folder."""
        own = {name: (folder / name).read_bytes() for name in files}
        return Package({**own, **self._files}, "", frozenset(own), self._code)


class Subject:
    """Gives each question's cases a channel to the submission.

    The worker for a question imports that question's module. A module that cannot be imported under a question's rules
    fails every such case with the same error and is not imported again; other modules lose nothing. A module that
    imports a broken module at its top gets a stand-in for it, and fails only if it uses the stand-in. A question
    whose calls have used up its seconds gets no further call.

    Args:
        allowance: the seconds that all questions have together; None for no bound.

    Attributes:
        no_gpu: the line at which the submission asks for a GPU by name and gets the CPU; "" if unknown, None if none.
        skipped: the statements that raised when a module was imported, and were skipped.
    """

    def __init__(self, sandbox: Sandbox, package: Package, limits: Limits, allowance: Allowance | None = None) -> None:
        self._sandbox, self._package, self._limits = sandbox, package, limits
        self._allowance = Allowance() if allowance is None else allowance
        self._worker: Worker | None = None
        self._question: Question | None = None
        self._rules: tuple[str, ...] = ()  # the rules in force in the worker
        self._errors: dict[tuple[str, tuple[str, ...]], SandboxError] = {}
        self._endless: dict[tuple[str, str], WorkerTimeout] = {}  # by module and function
        self._imports: dict[str, bool] = {}  # for each module that was tried, whether it can be imported
        self._stand_ins: dict[str, frozenset[str]] = {}  # by module, the broken ones that it imports
        self._posted: list[tuple[str, dict[str, Any]]] = []  # goes along with the next request
        self._placed = PLACED
        self._spent = 0.0
        self.call_seconds = 0.0
        self.no_gpu: str | None = None
        self.skipped: tuple[Skipped, ...] = ()

    def __enter__(self) -> Subject:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def channel(self, question: Question) -> Subject:
        """This subject, ready for a case of `question`. Raises the error of the submission's import, if any."""
        if error := self._errors.get((question.module, question.rules)):
            vars(error).pop("__notes__", None)  # notes of another case
            raise error
        if self._question is None or self._question.id != question.id:
            self._spent = 0.0
        # A worker may drop a rule but never add one: code that ran earlier may have saved a forbidden function.
        if question.module != self._package.module or not set(question.rules) <= set(self._rules):
            self._close()
            self._package = self.package(question.module)
        self._question = question
        return self

    def package(self, module: str) -> Package:
        """The files for a worker that imports this module."""
        return self._package.importing(module, self._stand_ins.get(module, frozenset()))

    def request(self, op: str, payload: dict[str, Any], timeout: float | None = None) -> Any:
        """Carry an operation to the worker, within the call's deadline and the question's remaining seconds.

        `begin` is sent together with the next operation.
        """
        if op == "begin":
            assert self._question is not None
            self._rules = self._question.rules
            self._posted = [("begin", {**payload, "rules": list(self._rules)})]
            return None
        self._left()
        wanted = timeout or self._limits.call_seconds
        function = self._called_alone(op, payload)
        if function in self._endless and min(wanted, self._left()) <= (known := self._endless[function]).seconds:
            raise WorkerTimeout(known.seconds, known.computed)
        worker = self._ready()
        seconds = min(wanted, self._left())
        before = worker.calls_seconds
        try:
            first, self._posted = self._posted, []
            with phase("calls"):
                return worker.request(op, payload, seconds, first)
        except WorkerTimeout as error:
            if function is not None and type(error) is WorkerTimeout and not error.starved:
                self._endless[function] = error
            raise
        finally:
            self._spent += worker.calls_seconds - before
            self.call_seconds += worker.calls_seconds - before

    def process(self) -> Process:
        """The process that the next operation will go to, with the submission imported."""
        self._left()
        return self._ready().process

    @contextmanager
    def measured(self, seconds: float) -> Iterator[None]:
        """Requests in this block use these seconds and none of the question's. So a measurement can be repeated."""
        spent, self._spent = self._spent, self._limits.question_seconds - seconds
        try:
            yield
        finally:
            self._spent = spent

    def post(self, op: str, payload: dict[str, Any], timeout: float | None = None) -> Ref | None:
        """Send an operation together with the next request. For `place`, returns the ref to the later object."""
        payload = copied(payload)  # a check may write to its tensors meanwhile
        self._posted.append((op, payload))
        if op != "place":
            return None
        self._placed += 1
        payload["handle"] = self._placed
        return Ref(self._placed)

    def settle(self) -> None:
        """Carry out the operations that waited for another request. Raises like `request`."""
        if any(op != "begin" for op, _ in self._posted):
            self.request("nothing", {})

    def output(self) -> str:
        """The end of the submission's prints; untrusted."""
        return self._worker.output() if self._worker else ""

    def _called_alone(self, op: str, payload: Mapping[str, Any]) -> tuple[str, str] | None:
        """The module and the function, if a case begins with a call of a function without arguments; else None.

        Such a call is taken to do the same in each case. If it once did not end in time, it is not made again.
        """
        begins = [name for name, _ in self._posted] == ["begin"]  # no request has taken it along yet
        if not begins or op != "call" or payload["args"] or payload["kwargs"]:
            return None
        assert self._question is not None
        return self._question.module, str(payload["target"])

    def _left(self) -> float:
        """The seconds that another request may take. Raises QuestionTimeSpent or TimeSpent if none are left."""
        if self._allowance.spent:
            raise TimeSpent(self._allowance.seconds)
        left = self._limits.question_seconds - self._spent
        if left <= 0:
            raise QuestionTimeSpent(self._limits.question_seconds)
        return left

    def _ready(self) -> Worker:
        if self._worker is not None and self._worker.alive:
            return self._worker
        self._close()
        assert self._question is not None
        self._rules = self._question.rules
        module = self._question.module
        try:
            try:
                self._worker = self._loaded(self._package)
            except SandboxError as error:
                if _says_nothing(error) or module in self._stand_ins:
                    raise
                self._stand_ins[module] = self._broken_ones(module)
                if not self._stand_ins[module]:
                    raise
                self._package = self.package(module)
                self._worker = self._loaded(self._package)
        except SandboxError as error:
            if not _says_nothing(error):
                self._errors[module, self._rules] = error
            raise
        self.skipped = tuple(dict.fromkeys((*self.skipped, *self._worker.skipped)))
        # Otherwise a submission that dies at every call could spend any time on the import before each call.
        self._spent += self._worker.calls_seconds
        return self._worker

    def _loaded(self, package: Package) -> Worker:
        """A worker that has imported the package's module. Raises the errors of the import."""
        with phase("start"):
            worker = self._sandbox.spawn(package, self._limits, self._rules, allowance=self._allowance)
        try:
            with phase("import"):
                compiled = worker.compile()
                self._package = replace(self._package, code=compiled.code)
                worker.load()
        except BaseException:
            worker.close()
            raise
        return worker

    def _broken_ones(self, module: str) -> frozenset[str]:
        """The student's modules that a module imports at its top and that cannot be imported."""
        own = {name: data for name, data in self._package.files.items() if name in self._package.own}
        return broken_imports(module, own, self._can_be_imported)

    def _can_be_imported(self, module: str) -> bool:
        if module not in self._imports:
            try:
                self._loaded(self._package.importing(module)).close()
            except SandboxError as error:
                if _says_nothing(error):
                    return True
                self._imports[module] = False
            else:
                self._imports[module] = True
        return self._imports[module]

    def _close(self) -> None:
        if self._worker is not None:
            self.no_gpu = self.no_gpu or self._worker.no_gpu
            self._worker.close()
            self._worker = None


def _says_nothing(error: SandboxError) -> bool:
    """True if an import failed because no core or no time was left. It may succeed another time."""
    return isinstance(error, TimeSpent) or (isinstance(error, WorkerTimeout) and error.starved)
