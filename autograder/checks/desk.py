"""What the fixtures of one grading draw on: a submission, the reference, a seed."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, Protocol

from autograder.checks.draw import Draw
from autograder.checks.timing.rivals import Rivals
from autograder.checks.transcript import Answers, Requests, TranscriptChannel, copied, digest
from autograder.course.layout import Course
from autograder.course.model import Assignment, Question
from autograder.errors import UsageError
from autograder.sandbox.local import LocalChannel
from autograder.sandbox.proxy import Channel

__all__ = ["Desk", "LocalSubject", "importable", "load_module", "reference_channels", "reference_loader"]


class Graded(Protocol):
    """Whoever is being graded."""

    call_seconds: float

    def channel(self, question: Question) -> Channel: ...

    def settle(self) -> None: ...

    def output(self) -> str: ...


@dataclass
class Desk:
    """One grading of one subject.

    Attributes:
        reference: opens a channel to the reference for the case with this key.
        answers: what the reference and oracles answered in this run.
        rivals: opens the sides of a race; None where running times are not measured.
        seed: the run's; every case derives its own from it.
    """

    assignment: Assignment
    subject: Graded
    reference: Callable[[str], Channel]
    seed: int
    answers: Answers = field(default_factory=dict)
    rivals: Rivals | None = None

    def case_seed(self, case: str) -> int:
        return int.from_bytes(hashlib.blake2b(f"{self.seed}:{case}".encode(), digest_size=7).digest(), "big")

    def generator_seed(self, case: str) -> int:
        """Where both sides' random generators start. The worker learns it, so nothing else may follow from it: with
        the seed that inputs are drawn from it could draw held-out labels for itself."""
        return self.case_seed(f"generators of {case}")

    def draw(self, case: str) -> Draw:
        return Draw(self.case_seed(case))

    def remember(self, function: Callable[..., Any], *args: Any) -> Any:
        """`function(*args)`, computed once in a run for equal arguments. It must be pure, of plain data."""
        key = digest((function.__module__, function.__qualname__, args))
        if key not in self.answers:
            self.answers[key] = function(*args)
        return copied(self.answers[key])


class LocalSubject:
    """A module in this very process, afresh for every case: the reference under its own checks, or a student's
    file on the student's machine. Confines nothing."""

    def __init__(self, load: Callable[[], ModuleType], files: dict[str, bytes] | None = None) -> None:
        self._load, self._files = load, files
        self.call_seconds = 0.0

    def channel(self, question: Question) -> Channel:
        return LocalChannel(self._load(), files=self._files)

    def settle(self) -> None:
        pass  # nothing is ever left to later

    def output(self) -> str:
        return ""


def reference_channels(load: Callable[[], ModuleType], answers: Answers) -> Callable[[str], Channel]:
    """Opens the reference behind the memo, per case."""
    requests: Requests = {}
    return lambda case: TranscriptChannel(case, lambda: LocalChannel(load()), answers, requests)


def reference_loader(course: Course, assignment: Assignment) -> Callable[[], ModuleType]:
    """Imports an assignment's reference, afresh at every call."""
    return partial(load_module, course.solution(assignment) / f"{assignment.module}.py", course.common.parent)


def load_module(path: Path, beside: Path | None = None) -> ModuleType:
    """Import one file under its own name, whatever else is imported under that name.

    Args:
        path: the file.
        beside: a folder whose packages it may import, put first on `sys.path`.
    """
    if not path.is_file():
        raise UsageError(f"{path}: no such file")
    module = ModuleType(path.stem)
    module.__file__ = str(path)
    with importable(beside) if beside else nullcontext():
        exec(_compiled(path, path.stat().st_mtime_ns), module.__dict__)
    return module


@lru_cache(maxsize=4)
def _compiled(path: Path, modified: int) -> CodeType:
    """A case gets a module of its own, but its code only once."""
    return compile(path.read_bytes(), path, "exec")


@contextmanager
def importable(folder: Path) -> Iterator[None]:
    """Let imports find what lies in `folder`, first of all."""
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
