"""The data model of an assignment: frozen data, which `course.manifest` reads from assignment.toml.

The types of its fields define the values that a manifest may hold, and the words of errors (`course.table`).
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType
from typing import Annotated, Any

from msgspec import Meta

__all__ = [
    "DEVICES",
    "MAX_SECONDS",
    "RACE_SECONDS",
    "Assignment",
    "Band",
    "Budget",
    "BudgetKind",
    "Component",
    "Id",
    "Limits",
    "NotebookLimits",
    "Number",
    "Option",
    "Question",
    "Ratio",
    "Text",
    "Whole",
    "number",
    "text",
]

# The devices on which running times can be graded.
DEVICES = ("cpu", "cuda")
# The submission's seconds for one race, and the most seconds for the whole submission if the manifest sets none.
RACE_SECONDS, MAX_SECONDS = 60.0, 600.0
# A ratio of running times below this cannot be told from 1 on a machine with other work.
CLOSEST = 1.5


def number(low: float = 0, high: float = sys.float_info.max) -> Meta:
    """A finite number in a range."""
    bounds = f"from {low:g} to {high:g}" if high < sys.float_info.max else f"of at least {low:g}"
    return Meta(ge=low, le=high, description=f"a number {bounds}")


def text(pattern: str, wanted: str) -> Meta:
    """A text that a regular expression matches as a whole. `wanted`: a description of it."""
    return Meta(pattern=rf"^(?:{pattern})\Z", description=wanted)


Number = Annotated[float, number()]
Share = Annotated[float, number(high=1)]
Seconds = Annotated[float, number(0.1)]
Ratio = Annotated[
    float, Meta(ge=CLOSEST, le=1000, description=f"at least {CLOSEST:g}: a busy machine cannot measure a smaller one")
]
Whole = Annotated[int, Meta(ge=1, description="a whole number of at least 1")]
Text = Annotated[str, Meta(pattern=r"\S", description="text")]
Id = Annotated[str, text(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", "lower-case words joined by hyphens")]
Digits = Annotated[str, text(r"\d+", 'digits in quotes, "1"')]
Dotted = Annotated[str, text(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", "a dotted name in the submission, Conv.forward")]
# `common` is the given library.
Module = Annotated[str, text(r"(?a:(?!common$)[A-Za-z_]\w*)", "a Python module's name without .py")]
Notebook = Annotated[str, text(r"[\w-][\w.-]*\.ipynb", "the file name of a notebook, upsampling.ipynb")]
File = Annotated[str, text(r"[\w-][\w.-]*", "a file name")]


@dataclass(frozen=True)
class Limits:
    """The limits of a worker. Sizes are MiB and KiB. `sandbox.grader.deadline` explains how seconds are counted.

    Attributes:
        submission_seconds: for everything that one submission causes; 0 to derive it from the other limits, as
            `Assignment.submission_seconds` does.
    """

    call_seconds: Seconds = 20.0
    question_seconds: Seconds = 120.0
    import_seconds: Seconds = 20.0
    submission_seconds: Number = 0.0
    memory_mb: Whole = 1024
    disk_mb: Whole = 32
    output_kb: Whole = 256


@dataclass(frozen=True)
class NotebookLimits:
    """The limits of a notebook's run; `cell_seconds` is for each cell. Units are those of `Limits`."""

    seconds: Annotated[float, number(1)] = 900.0
    cell_seconds: Annotated[float, number(1)] = 300.0
    memory_mb: Whole = 2048
    disk_mb: Whole = 128


@dataclass(frozen=True)
class Option:
    """A way to hand in. Example: option 2 is work that is not the student's own, with a smaller scale."""

    id: Digits
    title: Text
    scale: Share = 1.0
    review: bool = False  # a person has to review it


class BudgetKind(StrEnum):
    """The quantity that a budget limits."""

    RATIO = "ratio"  # the time of a call, divided by a baseline's time on the same device in the same minutes
    TRAINING = "training"  # the wall-clock seconds of a training


@dataclass(frozen=True)
class Band:
    """A time up to `ratio` times the baseline's earns `credit`, a share of the points from 0 to 1."""

    ratio: Ratio
    credit: Share


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

    module: Module
    notebook: Notebook = ""
    artifacts: tuple[File, ...] = ()
    notebook_minutes: Number = 0.0

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
        rules: names of rules in `course.rules`, which an answer must keep.
        budgets: the permitted running times.
    """

    id: Id
    title: Text
    points: Number
    component: Dotted
    module: str = ""
    depends: tuple[Annotated[str, Meta(description="the id of a question")], ...] = ()
    rules: tuple[Annotated[str, Meta(description="the name of a rule")], ...] = ()
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
        """Seconds for one submission: by default for its import, all its questions and races, at most ten minutes."""
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
