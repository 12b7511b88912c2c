"""The objects behind the fixtures of one grading: a submission, the reference, a seed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from autograder.checks.draw import Draw
from autograder.checks.sides.reference import Answers, copied, digest
from autograder.checks.timing.rivals import Rivals
from autograder.course.model import Assignment, Question
from autograder.phases import phase
from autograder.sandbox.proxy import Channel

__all__ = ["Desk", "Memo"]

T = TypeVar("T")


class Graded(Protocol):
    """The subject of a grading."""

    call_seconds: float

    def channel(self, question: Question) -> Channel: ...

    def settle(self) -> None: ...


class Memo(Protocol):
    """The fixture `memo`: `memo(function, *args)` is the value of a pure function of plain data, computed once in a run
    for equal arguments."""

    def __call__(self, function: Callable[..., T], *args: Any) -> T: ...


@dataclass
class Desk:
    """One grading of one subject.

    Attributes:
        reference: opens a channel to the reference, for a question and the key of one of its cases.
        answers: the answers of the reference and of oracles in this run.
        rivals: opens the sides of a race; None if running times are not measured.
        seed: the run's; every case derives its own from it.
        asides: notes of mistakes that checks set aside, by question (`checks.compare.asides`); None sets nothing aside.
    """

    assignment: Assignment
    subject: Graded
    reference: Callable[[Question, str], Channel]
    seed: int
    answers: Answers = field(default_factory=dict)
    rivals: Rivals | None = None
    asides: MutableMapping[str, str] | None = None

    def case_seed(self, case: str) -> int:
        return int.from_bytes(hashlib.blake2b(f"{self.seed}:{case}".encode(), digest_size=7).digest(), "big")

    def generator_seed(self, case: str) -> int:
        """The seed of both sides' random generators. The worker knows this seed, so nothing else may depend on it. With
        the seed of the inputs, the worker could draw held-out labels."""
        return self.case_seed(f"generators of {case}")

    def draw(self, case: str) -> Draw:
        return Draw(self.case_seed(case), self.answers)

    def remember(self, function: Callable[..., T], *args: Any) -> T:
        """The `Memo` of this run."""
        with phase("reference"):
            key = digest((function.__module__, function.__qualname__, args))
            if key not in self.answers:
                self.answers[key] = function(*args)
            remembered: T = copied(self.answers[key])
        return remembered
