"""Opens the two sides of a race: the submission's, and the baseline's, which is the reference or a part of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from types import ModuleType
from typing import Protocol

from autograder.checks.timing.sides import LocalSide, Side
from autograder.course.model import Budget, Question
from autograder.sandbox.local import LocalChannel
from autograder.sandbox.plan import Renamed
from autograder.sandbox.proxy import Channel

__all__ = ["LocalRivals", "Rivals", "named"]


class Rivals(Protocol):
    """Opens sides.

    Attributes:
        devices: the devices on which running times can be graded in this run, the preferred one first.
        confined: True if each side is a process of its own, which can be moved to a core.
    """

    @property
    def devices(self) -> tuple[str, ...]: ...

    @property
    def confined(self) -> bool: ...

    def sides(
        self, question: Question, budget: Budget, device: str, seed: int
    ) -> AbstractContextManager[tuple[Side, Side]]:
        """The baseline's side and the submission's, each with nothing of an earlier case."""

    def student(self, question: Question, device: str, seed: int) -> Side:
        """The submission's side alone. It stays open until the next side is opened."""

    def waiting(self) -> AbstractContextManager[None]:
        """In this block the submission waits for other submissions, and none of its time passes."""


class LocalRivals:
    """Both sides in this process: the reference under its own checks, or a student's file on the student's machine.

    Args:
        load: imports a module by name: the submission's, which is the reference itself.
    """

    confined = False
    devices = ("cpu",)

    def __init__(self, load: Callable[[str], ModuleType]) -> None:
        self._load = load

    @contextmanager
    def sides(self, question: Question, budget: Budget, device: str, seed: int) -> Iterator[tuple[Side, Side]]:
        baseline = named(LocalChannel(self._load(question.module)), question, budget)
        yield _begun(baseline, seed), _begun(LocalChannel(self._load(question.module)), seed)

    def student(self, question: Question, device: str, seed: int) -> Side:
        return _begun(LocalChannel(self._load(question.module)), seed)

    def waiting(self) -> AbstractContextManager[None]:
        return nullcontext()


def _begun(channel: Channel, seed: int) -> Side:
    channel.request("begin", {"seed": seed})
    return LocalSide(channel)


def named(channel: Channel, question: Question, budget: Budget) -> Channel:
    """A channel on which the budget's baseline replaces the question's component."""
    if budget.baseline == "reference":
        return channel
    return Renamed(channel, question.component.split("."), budget.baseline.split("."))
