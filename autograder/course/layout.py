"""The paths of a course: its folders and files, found from any folder inside it."""

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
    """A course's folder. Only this class makes paths in it."""

    root: Path

    @classmethod
    def find(cls, start: Path) -> Course:
        """The course around `start`: the nearest folder upwards that holds `solutions/*/assignment.toml`.

        Raises UsageError if there is none.
        """
        start = start.resolve()
        for folder in (start, *start.parents):
            if any((folder / "solutions").glob(f"*/{MANIFEST}")):
                return cls(folder)
        raise UsageError(f"{start}: no course here: no folder upwards holds solutions/*/{MANIFEST}")

    def names(self) -> list[str]:
        """The folder names of all assignments, sorted."""
        return sorted(path.parent.name for path in (self.root / "solutions").glob(f"*/{MANIFEST}"))

    def assignment(self, which: str) -> Assignment:
        """The assignment with this id (`a6`) or folder name. Raises UsageError, which lists the existing ones."""
        if which in self.names():
            return load_assignment(self.root / "solutions" / which / MANIFEST, self.rules)
        for name in self.names():
            if name.split("_")[0] == which:
                return load_assignment(self.root / "solutions" / name / MANIFEST, self.rules)
        raise UsageError(f"unknown assignment {which!r}; this course has: {', '.join(self.names()) or 'none'}")

    @cached_property
    def rules(self) -> Mapping[str, Rule]:
        """The rules that questions of this course may name, by name. Raises UsageError if rules.toml is wrong."""
        return load_rules(self.rules_file)

    @property
    def rules_file(self) -> Path:
        return self.root / "solutions" / "rules.toml"

    def rules_of(self, assignment: Assignment) -> list[Rule]:
        """The rules that the questions of an assignment name, in the order of rules.toml."""
        named = {name for question in assignment.questions for name in question.rules}
        return [rule for name, rule in self.rules.items() if name in named]

    def solution(self, assignment: Assignment) -> Path:
        """The private folder with reference, notebook source and manifest."""
        return self.root / "solutions" / assignment.name

    def notebook_source(self, assignment: Assignment, component: Component) -> Path:
        """The private source of a component's notebook, `upsampling.nb.py`."""
        return self.solution(assignment) / f"{Path(component.notebook).stem}.nb.py"

    def artifacts(self, assignment: Assignment) -> dict[str, bytes]:
        """The existing artifacts of the reference, by file name."""
        paths = (self.solution(assignment) / name for name in assignment.artifacts)
        return {path.name: path.read_bytes() for path in paths if path.is_file()}

    def sources(self, assignment: Assignment) -> dict[str, Path]:
        """The paths of the reference's Python files, by file name: those that students write and the given ones."""
        return {name: self.solution(assignment) / name for name in (*assignment.files, *assignment.given)}

    def lenders(self, assignment: Assignment) -> dict[str, Path]:
        """For each given file that comes from another assignment: the path of its source there, by file name."""
        return {name: self.root / "solutions" / folder / name for name, folder in assignment.lent.items()}

    @property
    def common(self) -> Path:
        """The given library, which reference and submissions import as `common`."""
        return self.root / "solutions" / "common"

    def handout(self, assignment: Assignment) -> Path:
        """The generated folder that students get."""
        return self.root / "assignments" / assignment.name

    @property
    def template(self) -> Path:
        """The template of the files that every handout contains beside the assignment."""
        return self.root / "student_template"

    @property
    def constraints(self) -> Path:
        """The file of exact package versions, for building, grading and students."""
        return self.root / "constraints.txt"

    def hidden(self, assignment: Assignment) -> Path:
        return self.root / "tests" / "hidden" / assignment.name

    def public(self, assignment: Assignment) -> Path:
        return self.root / "tests" / "public" / assignment.name

    def mutants(self, assignment: Assignment) -> Path:
        return self.root / "tests" / "mutants" / assignment.name
