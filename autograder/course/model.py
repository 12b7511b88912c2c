"""The data model of an assignment: frozen data, which `course.manifest` reads from assignment.toml."""

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

# The devices on which running times can be graded.
DEVICES = ("cpu", "cuda")
# The submission's seconds for one race, and its most seconds for all calls unless the manifest sets them.
RACE_SECONDS, MAX_SECONDS = 60.0, 600.0


class Visibility(StrEnum):
    """The part of a question's result that the student sees."""

    HINTS = "hints"  # each case with outcome, cause and hint
    OUTCOMES = "outcomes"  # each case with its outcome only
    SCORE = "score"  # the question's score only


@dataclass(frozen=True)
class Limits:
    """The limits of a worker. Sizes are MiB and KiB. `sandbox.grader.deadline` says how seconds are counted.

    Attributes:
        submission_seconds: for all calls of one submission; 0 to derive it from the questions, as
            `Assignment.submission_seconds` does.
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
    """The limits of a notebook's run; `cell_seconds` is for each cell. Seconds and sizes are those of `Limits`."""

    seconds: float = 900.0
    cell_seconds: float = 300.0
    memory_mb: int = 2048
    disk_mb: int = 128


@dataclass(frozen=True)
class Option:
    """A way to hand in. Example: option 2 is work that is not the student's own, with a smaller scale."""

    id: str
    title: str
    scale: float = 1.0
    review: bool = False  # a person has to review it


class BudgetKind(StrEnum):
    """The quantity that a budget limits."""

    RATIO = "ratio"  # the time of a call, divided by a baseline's time on the same device in the same minutes
    TRAINING = "training"  # the wall-clock seconds of a training


@dataclass(frozen=True)
class Band:
    """A time up to `ratio` times the baseline's earns `credit`, a share of the points from 0 to 1."""

    ratio: float
    credit: float


@dataclass(frozen=True)
class Budget:
    """The running time that an answer may take.

    Attributes:
        baseline: "reference", or a dotted name in the reference's module that is timed in place of the component.
        bands: from the fastest to the slowest. The first has full credit, each later one less. Empty for a training.
        seconds: for a training on CUDA.
        sizes: for each device that is graded, the keyword arguments of the check's draw function.
        parts: for some of these devices, the same arguments for a part of the work, with which a race begins.
    """

    id: str
    kind: BudgetKind = BudgetKind.RATIO
    baseline: str = "reference"
    bands: tuple[Band, ...] = ()
    seconds: float | None = None
    sizes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    parts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Component:
    """A part of an assignment: a Python file that students write, and the notebook that goes with it.

    Attributes:
        module: the file's name without `.py`.
        notebook: the notebook's file name, or "" if there is none.
        artifacts: files that the notebook writes and students hand in.
        notebook_minutes: the notebook's measured minutes on one core without a GPU; 0 if nobody measured.
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
        id: the stable name for scripts, `conv-forward`.
        component: the dotted name in the module that answers the question, `Conv.forward`.
        module: the module that holds the answer, without `.py`.
        depends: ids of questions whose failure blocks this one.
        rules: names of rules in `course.rules`; they say what an answer may not use.
        budgets: the permitted running times.
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
        number: the number in file names, 6 in `…-A6-O1.zip`.
        due: the deadline, with its time zone.
        components: the parts that students write, in their order; at least one.
        given: the names of Python files that students get and do not write.
        lent: the given files that come from another assignment's reference, with the name of its folder.
        late: the manifest's `[late]` table as raw data; `gradebook.late` reads it.
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
        """Seconds for all calls of one submission. By default the sum over its questions, up to ten minutes."""
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
        """The file names of the notebooks."""
        return tuple(component.notebook for component in self.components if component.notebook)

    @property
    def artifacts(self) -> tuple[str, ...]:
        """The files that the notebooks write."""
        return tuple(name for component in self.components for name in component.artifacts)

    @property
    def pages(self) -> Mapping[str, str]:
        """For each notebook, the name of the page about its run. A single notebook has `notebook.html`."""
        if len(self.notebooks) == 1:
            return {self.notebooks[0]: "notebook.html"}
        paired = (component for component in self.components if component.notebook)
        return {component.notebook: f"notebook-{component.module.lower()}.html" for component in paired}

    def component_of(self, question: Question) -> Component:
        """The component that a question belongs to."""
        return next(component for component in self.components if component.module == question.module)

    def questions_in(self, module: str) -> tuple[Question, ...]:
        """The questions whose answers are in a module."""
        return tuple(question for question in self.questions if question.module == module)

    @cached_property
    def by_id(self) -> Mapping[str, Question]:
        return MappingProxyType({question.id: question for question in self.questions})

    def option(self, id: str) -> Option:
        """The option with this id, or the first option if there is no such id."""
        return next((option for option in self.options if option.id == id), self.options[0])
