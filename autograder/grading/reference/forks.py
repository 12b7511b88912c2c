"""Grades the reference by the hidden checks, and gathers its answers for later submissions.

Each question is graded in a fork, several at once, since the grading process itself has to be free to fork gradings. A
fork sends back the answers of the reference and of the oracles. Gradings that are forked later find these answers in
memory; those that are forked earlier compute the answers that they need.
"""

from __future__ import annotations

import importlib
import os
import pickle
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Mapping, MutableMapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO, Any, Protocol

from autograder.course.model import Assignment
from autograder.errors import GraderError, UsageError
from autograder.sandbox.isolation.raw_syscalls import die_with_parent

__all__ = ["ReferenceGrading"]

LATER = 10  # added to the niceness of work that nobody waits for


class Grades(Protocol):
    """Grades the reference by the checks of a question: an `Examiner`."""

    @property
    def assignment(self) -> Assignment: ...

    @property
    def answers(self) -> MutableMapping[bytes, Any]: ...

    def grade_reference(self, question: str) -> None: ...


@dataclass(frozen=True)
class _Found:
    """The message that a fork sends back.

    Attributes:
        broken: the fault of the reference; "" if it has full marks.
        failed: the fault of the grader; "" if there was none.
        answers: the answers, pickled one by one.
        modules: the modules that were imported on the way.
    """

    broken: str
    failed: str
    answers: Mapping[bytes, bytes]
    modules: Sequence[str]
    seconds: float


@dataclass
class ReferenceGrading:
    """The grading of the reference, question by question.

    Args:
        examiner: gets the answers.
        expected: seconds that each question took in an earlier run, by id. The longest come first if a caller waits.
        jobs: the number of questions at once.
        later: True if submissions are graded meanwhile. The questions with answers for them come first then, and races
            have low priority.

    Attributes:
        seconds: the time of each graded question, by id.
    """

    examiner: Grades
    expected: Mapping[str, float] = field(default_factory=dict)
    jobs: int = 1
    later: bool = False
    seconds: dict[str, float] = field(default_factory=dict, init=False)
    _races: set[str] = field(init=False)  # the questions with budgets
    _waiting: list[str] = field(init=False)
    _expected: dict[str, float] = field(init=False)
    _running: dict[int, _Fork] = field(default_factory=dict, init=False)  # by the pipe that shows its end

    def __post_init__(self) -> None:
        self._races = {question.id for question in self.examiner.assignment.questions if question.budgets}
        self._waiting = list(self.examiner.assignment.by_id)
        self._expected = {id: self.expected.get(id, float(id in self._races)) for id in self._waiting}
        self._begin()

    @property
    def pipes(self) -> Sequence[int]:
        """File descriptors that become readable when a question is graded. Then call `finish`."""
        return tuple(self._running)

    @property
    def done(self) -> bool:
        """True if every question is graded."""
        return not (self._waiting or self._running)

    def hurry(self, jobs: int) -> None:
        """Grade `jobs` questions at once from now on, with normal priority: a caller waits for the end."""
        self.jobs, self.later = jobs, False
        self._begin()

    def finish(self, pipe: int) -> None:
        """Take over the findings of a fork, and begin the next one.

        Raises:
            UsageError: the reference does not have full marks; the message names the first check at fault.
            GraderError: workers can no longer be started, or a fork died.
        """
        fork = self._running.pop(pipe)
        os.close(pipe)
        os.waitpid(fork.pid, 0)
        found = fork.found()
        if found.broken:
            raise UsageError(found.broken)
        if found.failed:
            raise GraderError(found.failed)
        self.seconds[fork.question] = found.seconds
        for key, answer in found.answers.items():
            self.examiner.answers[key] = pickle.loads(answer)
        for name in found.modules:  # so that later forks find them imported
            with suppress(Exception):
                importlib.import_module(name)
        self._begin()

    def close(self) -> None:
        """End the forks."""
        for pipe, fork in self._running.items():
            os.kill(fork.pid, signal.SIGKILL)
            os.waitpid(fork.pid, 0)
            os.close(pipe)
        self._running.clear()

    def _begin(self) -> None:
        if self.later:  # submissions need the answers, which come from the questions without races
            self._waiting.sort(key=lambda id: (id in self._races, self._expected[id]))
        else:
            self._waiting.sort(key=lambda id: -self._expected[id])
        while self._waiting and len(self._running) < self.jobs:
            fork, pipe = self._fork(self._waiting.pop(0))
            self._running[pipe] = fork

    def _fork(self, question: str) -> tuple[_Fork, int]:
        file = tempfile.TemporaryFile()  # noqa: SIM115 - both sides hold it
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            self._become_fork(question, file)  # `writer` closes with it
        os.close(writer)
        return _Fork(question, child, file), reader

    def _become_fork(self, question: str, file: IO[bytes]) -> None:
        """Grades one question. Never returns."""
        try:
            die_with_parent(signal.SIGKILL)
            if self.later and question in self._races:  # no submission waits for its answers
                os.nice(LATER)
            pickle.dump(self._found(question), file)
            file.flush()
        finally:
            os._exit(0)

    def _found(self, question: str) -> _Found:
        modules, known, began = set(sys.modules), set(self.examiner.answers), time.perf_counter()
        broken = failed = ""
        try:
            self.examiner.grade_reference(question)
        except UsageError as error:
            broken = str(error)
        except GraderError as error:
            failed = str(error)
        except Exception as error:
            failed = f"the reference could not be graded by {question}: {error!r}\n{traceback.format_exc()}"
        answers = {}
        for key, answer in self.examiner.answers.items():
            if key not in known:
                with suppress(Exception):  # an answer that cannot be sent is computed again
                    answers[key] = pickle.dumps(answer)
        return _Found(broken, failed, answers, _libraries(sys.modules.keys() - modules), time.perf_counter() - began)


@dataclass(frozen=True)
class _Fork:
    question: str
    pid: int
    written: IO[bytes]

    def found(self) -> _Found:
        with self.written as file:
            file.seek(0)
            try:
                found = pickle.load(file)
            except (EOFError, pickle.UnpicklingError):  # nothing, or a part
                raise GraderError(f"the process that graded the reference by {self.question} died") from None
        assert isinstance(found, _Found)
        return found


def _libraries(names: set[str]) -> list[str]:
    """The imported modules that any process of this environment can import, without the course's own files."""
    files = {name: getattr(sys.modules[name], "__file__", None) for name in names}
    return sorted(name for name, file in files.items() if isinstance(file, str) and file.startswith(sys.prefix))
