"""What an assignment is: frozen data, read from assignment.toml by `course.manifest`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType
from typing import Any

__all__ = [
    "DEVICES",
    "Assignment",
    "Band",
    "Budget",
    "BudgetKind",
    "Limits",
    "NotebookLimits",
    "Option",
    "Question",
    "Rule",
    "Visibility",
]

# Where running times can be graded.
DEVICES = ("cpu", "cuda")


class Visibility(StrEnum):
    """How much of a question's result its student sees."""

    HINTS = "hints"  # every case with outcome, cause and hint
    OUTCOMES = "outcomes"  # every case with its outcome only
    SCORE = "score"  # the question's score only


class Rule(StrEnum):
    """What a question may rule out; `sandbox.worker.guards` and `submission.scan` say what each covers."""

    CONVOLUTION = "convolution"  # torch's convolution and unfold kernels
    POOLING = "pooling"  # torch's pooling kernels
    AUTOGRAD = "autograd"  # torch's autograd engine


@dataclass(frozen=True)
class Limits:
    """What a worker may use. Seconds are wall-clock seconds, sizes are MiB."""

    call_seconds: float = 20.0
    question_seconds: float = 120.0
    import_seconds: float = 20.0
    memory_mb: int = 1024
    disk_mb: int = 32
    output_kb: int = 256


@dataclass(frozen=True)
class NotebookLimits:
    """What running a notebook may use, `cell_seconds` for each cell. Seconds and sizes as in `Limits`."""

    seconds: float = 900.0
    cell_seconds: float = 300.0
    memory_mb: int = 2048
    disk_mb: int = 128


@dataclass(frozen=True)
class Option:
    """A way to hand in. Option 2 is not the student's own work, and scored on a scale of its own."""

    id: str
    title: str
    scale: float = 1.0
    review: bool = False  # goes to a person's queue


class BudgetKind(StrEnum):
    """What a budget bounds."""

    RATIO = "ratio"  # a call's time, against a baseline's on the same device in the same minutes
    TRAINING = "training"  # a training's wall-clock seconds


@dataclass(frozen=True)
class Band:
    """Up to `ratio` times the baseline's time earns `credit`, a share of the points from 0 to 1."""

    ratio: float
    credit: float


@dataclass(frozen=True)
class Budget:
    """How long an answer may take.

    Attributes:
        baseline: "reference", or a dotted name in the reference's module that stands where the component does.
        bands: from the fastest on, each with less credit; the first has all of it. Empty for a training.
        memory_ratio: on CUDA only, how much more memory than the baseline it may use at its peak.
        seconds: of a training on CUDA.
        sizes: for each device that is graded, what the check is told.
    """

    id: str
    kind: BudgetKind = BudgetKind.RATIO
    baseline: str = "reference"
    bands: tuple[Band, ...] = ()
    memory_ratio: float | None = None
    seconds: float | None = None
    sizes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Question:
    """One gradable question.

    Attributes:
        id: what scripts rely on, `conv-forward`.
        component: the dotted name in the submission that answers it, `Conv.forward`.
        depends: ids of questions whose failure blocks this one.
        rules: what an answer may not use.
        budgets: how long it may take.
    """

    id: str
    title: str
    points: float
    component: str
    depends: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()
    visibility: Visibility = Visibility.HINTS
    budgets: tuple[Budget, ...] = ()


@dataclass(frozen=True)
class Assignment:
    """One assignment.

    Attributes:
        id: short name, `a6`.
        name: the folder's name under solutions/, assignments/ and tests/hidden/.
        number: what file names carry, 6 in `…-A6-O1.zip`.
        module: the Python file that students hand in, without `.py`.
        notebook: the paired notebook's file name, or "" if there is none.
        artifacts: files that the notebook writes and that are handed in with it.
        due: the deadline, with its time zone.
    """

    id: str
    name: str
    number: int
    title: str
    due: datetime
    module: str
    notebook: str
    artifacts: tuple[str, ...]
    questions: tuple[Question, ...]
    options: tuple[Option, ...]
    limits: Limits
    notebook_limits: NotebookLimits = NotebookLimits()

    @property
    def max_score(self) -> float:
        return sum(question.points for question in self.questions)

    @cached_property
    def by_id(self) -> Mapping[str, Question]:
        return MappingProxyType({question.id: question for question in self.questions})

    def option(self, id: str) -> Option:
        """The option with this id; the first one where a submission names none that exists."""
        return next((option for option in self.options if option.id == id), self.options[0])
