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
    "MAX_SECONDS",
    "RACE_SECONDS",
    "Assignment",
    "Band",
    "Budget",
    "BudgetKind",
    "Component",
    "Limits",
    "NotebookLimits",
    "Option",
    "Question",
    "Visibility",
]

# Where running times can be graded.
DEVICES = ("cpu", "cuda")
# Of the submission's own, for the requests of one race; for everything, where the manifest does not say.
RACE_SECONDS, MAX_SECONDS = 60.0, 600.0


class Visibility(StrEnum):
    """How much of a question's result its student sees."""

    HINTS = "hints"  # every case with outcome, cause and hint
    OUTCOMES = "outcomes"  # every case with its outcome only
    SCORE = "score"  # the question's score only


@dataclass(frozen=True)
class Limits:
    """What a worker may use. Sizes are MiB; seconds are the worker's own, see `sandbox.grader.deadline`.

    Attributes:
        submission_seconds: for everything that one submission causes; 0 for what follows from its questions, which is
            `Assignment.submission_seconds`.
    """

    call_seconds: float = 20.0
    question_seconds: float = 120.0
    import_seconds: float = 20.0
    submission_seconds: float = 0.0
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
        seconds: of a training on CUDA.
        sizes: for each device that is graded, what the check is told.
    """

    id: str
    kind: BudgetKind = BudgetKind.RATIO
    baseline: str = "reference"
    bands: tuple[Band, ...] = ()
    seconds: float | None = None
    sizes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Component:
    """A part of an assignment: a Python file that students write, and the notebook that goes with it.

    Attributes:
        module: the file's name without `.py`.
        notebook: the notebook's file name, or "" if there is none.
        artifacts: files that the notebook writes and that are handed in with it.
        notebook_minutes: how long the notebook runs on one core without a GPU, as measured; 0 where nobody has.
    """

    module: str
    notebook: str = ""
    artifacts: tuple[str, ...] = ()
    notebook_minutes: float = 0.0

    @property
    def file(self) -> str:
        """The Python file's name, `upsampling.py`."""
        return f"{self.module}.py"


@dataclass(frozen=True)
class Question:
    """One gradable question.

    Attributes:
        id: what scripts rely on, `conv-forward`.
        component: the dotted name in its module that answers it, `Conv.forward`.
        module: the module that it is answered in, without `.py`.
        depends: ids of questions whose failure blocks this one.
        rules: what an answer may not use: names of `course.rules`.
        budgets: how long it may take.
    """

    id: str
    title: str
    points: float
    component: str
    module: str
    depends: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    visibility: Visibility = Visibility.HINTS
    budgets: tuple[Budget, ...] = ()


@dataclass(frozen=True)
class Assignment:
    """One assignment.

    Attributes:
        id: short name, `a6`.
        name: the folder's name under solutions/, assignments/ and tests/hidden/.
        number: what file names carry, 6 in `…-A6-O1.zip`.
        due: the deadline, with its time zone.
        components: what students write, in the order in which they do it; at least one.
        given: Python files that students get beside their own and do not write, by name.
        lent: of those, the ones made from another assignment's reference, with the name of its folder.
        late: the manifest's own `[late]`, as it stands there; `gradebook.late` reads it.
    """

    id: str
    name: str
    number: int
    title: str
    due: datetime
    components: tuple[Component, ...]
    questions: tuple[Question, ...]
    options: tuple[Option, ...]
    limits: Limits
    notebook_limits: NotebookLimits = NotebookLimits()
    given: tuple[str, ...] = ()
    lent: Mapping[str, str] = field(default_factory=dict)
    late: Mapping[str, Any] = field(default_factory=dict)

    @property
    def max_score(self) -> float:
        return sum(question.points for question in self.questions)

    @property
    def submission_seconds(self) -> float:
        """Seconds for everything that one submission causes: all questions' together, up to ten minutes."""
        if self.limits.submission_seconds:
            return self.limits.submission_seconds
        races = RACE_SECONDS * sum(len(question.budgets) for question in self.questions)
        calls = self.limits.question_seconds * len(self.questions)
        return min(MAX_SECONDS, self.limits.import_seconds + calls + races)

    @property
    def modules(self) -> tuple[str, ...]:
        """The modules that students write, without `.py`."""
        return tuple(component.module for component in self.components)

    @property
    def files(self) -> tuple[str, ...]:
        """The Python files that students write, `upsampling.py`."""
        return tuple(component.file for component in self.components)

    @property
    def notebooks(self) -> tuple[str, ...]:
        """The notebooks' file names."""
        return tuple(component.notebook for component in self.components if component.notebook)

    @property
    def artifacts(self) -> tuple[str, ...]:
        """The files that all notebooks write."""
        return tuple(name for component in self.components for name in component.artifacts)

    @property
    def pages(self) -> Mapping[str, str]:
        """Notebook → the name of the page that shows how it ran: `notebook.html` where there is only one notebook."""
        if len(self.notebooks) == 1:
            return {self.notebooks[0]: "notebook.html"}
        paired = (component for component in self.components if component.notebook)
        return {component.notebook: f"notebook-{component.module.lower()}.html" for component in paired}

    def component_of(self, question: Question) -> Component:
        """The component that a question belongs to."""
        return next(component for component in self.components if component.module == question.module)

    def questions_in(self, module: str) -> tuple[Question, ...]:
        """The questions that are answered in a module."""
        return tuple(question for question in self.questions if question.module == module)

    @cached_property
    def by_id(self) -> Mapping[str, Question]:
        return MappingProxyType({question.id: question for question in self.questions})

    def option(self, id: str) -> Option:
        """The option with this id; the first one where a submission names none that exists."""
        return next((option for option in self.options if option.id == id), self.options[0])
