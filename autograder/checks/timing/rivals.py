"""Who runs against whom: opens the submission's side of a race and its baseline's, the reference's or what it names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from types import ModuleType
from typing import Protocol

from autograder.checks.timing.sides import LocalSide, Side
from autograder.course.model import Budget, Question
from autograder.errors import DeviceNeeded
from autograder.sandbox.local import LocalChannel
from autograder.sandbox.plan import Renamed
from autograder.sandbox.proxy import Channel

__all__ = ["LocalRivals", "Rivals", "named"]


class Rivals(Protocol):
    """Opens sides.

    Attributes:
        devices: where running times can be graded in this run, the preferred one first.
        confined: whether each side is a process of its own, which can be moved to a core.
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
        """The submission's side alone, until another one is asked for."""

    def waiting(self) -> AbstractContextManager[None]:
        """Around what waits for other submissions: no time of this one passes."""


class LocalRivals:
    """Both sides in this very process: the reference under its own checks, or a student's file on their machine.

    Args:
        load: imports a module of the submission by name.
        reference: likewise of the reference, or None where it is not there: then only what the file itself holds is a
            baseline.
    """

    confined = False
    devices = ("cpu",)

    def __init__(self, load: Callable[[str], ModuleType], reference: Callable[[str], ModuleType] | None) -> None:
        self._load, self._reference = load, reference

    @contextmanager
    def sides(self, question: Question, budget: Budget, device: str, seed: int) -> Iterator[tuple[Side, Side]]:
        if self._reference is None and budget.baseline == "reference":
            raise DeviceNeeded("its running time is compared with the reference's when it is graded")
        baseline = named(LocalChannel((self._reference or self._load)(question.module)), question, budget)
        yield _begun(baseline, seed), _begun(LocalChannel(self._load(question.module)), seed)

    def student(self, question: Question, device: str, seed: int) -> Side:
        return _begun(LocalChannel(self._load(question.module)), seed)

    def waiting(self) -> AbstractContextManager[None]:
        return nullcontext()


def _begun(channel: Channel, seed: int) -> Side:
    channel.request("begin", {"seed": seed})
    return LocalSide(channel)


def named(channel: Channel, question: Question, budget: Budget) -> Channel:
    """A channel on which the budget's baseline stands where the question's component does."""
    if budget.baseline == "reference":
        return channel
    return Renamed(channel, question.component.split("."), budget.baseline.split("."))
