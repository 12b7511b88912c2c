"""Where a course keeps its things: the fixed top level, found from any folder below it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from autograder.course.manifest import load_assignment
from autograder.course.model import Assignment, Component
from autograder.course.rule import Rule
from autograder.course.rules import load_rules
from autograder.errors import UsageError

__all__ = ["Course"]

MANIFEST = "assignment.toml"


@dataclass(frozen=True)
class Course:
    """A course's folder. Paths are made here and nowhere else."""

    root: Path

    @classmethod
    def find(cls, start: Path) -> Course:
        """The course that `start` lies in: the nearest folder upwards that holds `solutions/*/assignment.toml`."""
        start = start.resolve()
        for folder in (start, *start.parents):
            if any((folder / "solutions").glob(f"*/{MANIFEST}")):
                return cls(folder)
        raise UsageError(f"{start}: no course here: no folder upwards holds solutions/*/{MANIFEST}")

    def names(self) -> list[str]:
        """Folder names of all assignments, in order of name."""
        return sorted(path.parent.name for path in (self.root / "solutions").glob(f"*/{MANIFEST}"))

    def assignment(self, which: str) -> Assignment:
        """The assignment with this id (`a6`) or folder name. Raises UsageError, naming those that exist."""
        if which in self.names():
            return load_assignment(self.root / "solutions" / which / MANIFEST, self.rules)
        for name in self.names():
            if name.split("_")[0] == which:
                return load_assignment(self.root / "solutions" / name / MANIFEST, self.rules)
        raise UsageError(f"unknown assignment {which!r}; this course has: {', '.join(self.names()) or 'none'}")

    @cached_property
    def rules(self) -> Mapping[str, Rule]:
        """What questions of this course may rule out, by name. Raises UsageError where rules.toml is wrong."""
        return load_rules(self.rules_file)

    @property
    def rules_file(self) -> Path:
        return self.root / "solutions" / "rules.toml"

    def rules_of(self, assignment: Assignment) -> list[Rule]:
        """The rules that some question of an assignment names, in the order of rules.toml."""
        named = {name for question in assignment.questions for name in question.rules}
        return [rule for name, rule in self.rules.items() if name in named]

    def solution(self, assignment: Assignment) -> Path:
        """The private folder with reference, notebook source and manifest."""
        return self.root / "solutions" / assignment.name

    def notebook_source(self, assignment: Assignment, component: Component) -> Path:
        """The private source of a component's notebook, `upsampling.nb.py`."""
        return self.solution(assignment) / f"{Path(component.notebook).stem}.nb.py"

    def artifacts(self, assignment: Assignment) -> dict[str, bytes]:
        """What the reference hands in besides code, by name: those of the assignment's artifacts that are there."""
        paths = (self.solution(assignment) / name for name in assignment.artifacts)
        return {path.name: path.read_bytes() for path in paths if path.is_file()}

    def sources(self, assignment: Assignment) -> dict[str, Path]:
        """Where the reference's Python files are, by name: those that students write, and those that they are given."""
        return {name: self.solution(assignment) / name for name in (*assignment.files, *assignment.given)}

    def lenders(self, assignment: Assignment) -> dict[str, Path]:
        """Given files that are made from another assignment's reference, by name, with the reference's own file."""
        return {name: self.root / "solutions" / folder / name for name, folder in assignment.lent.items()}

    @property
    def common(self) -> Path:
        """The given library, importable as `common` by reference and submissions."""
        return self.root / "solutions" / "common"

    def handout(self, assignment: Assignment) -> Path:
        """The generated folder that students get."""
        return self.root / "assignments" / assignment.name

    @property
    def template(self) -> Path:
        """What surrounds every assignment in a student's hands."""
        return self.root / "student_template"

    @property
    def constraints(self) -> Path:
        """The exact versions that the course is made, graded and worked on with."""
        return self.root / "constraints.txt"

    def hidden(self, assignment: Assignment) -> Path:
        return self.root / "tests" / "hidden" / assignment.name

    def public(self, assignment: Assignment) -> Path:
        return self.root / "tests" / "public" / assignment.name

    def mutants(self, assignment: Assignment) -> Path:
        return self.root / "tests" / "mutants" / assignment.name
