"""Where a course keeps its things: the fixed top level, found from any folder below it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from autograder.course.manifest import load_assignment
from autograder.course.model import Assignment
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
            return load_assignment(self.root / "solutions" / which / MANIFEST)
        for name in self.names():
            if name.split("_")[0] == which:
                return load_assignment(self.root / "solutions" / name / MANIFEST)
        raise UsageError(f"unknown assignment {which!r}; this course has: {', '.join(self.names()) or 'none'}")

    def solution(self, assignment: Assignment) -> Path:
        """The private folder with reference, notebook source and manifest."""
        return self.root / "solutions" / assignment.name

    def artifacts(self, assignment: Assignment) -> dict[str, bytes]:
        """What the reference hands in besides code, by name: those of the assignment's artifacts that are there."""
        paths = (self.solution(assignment) / name for name in assignment.artifacts)
        return {path.name: path.read_bytes() for path in paths if path.is_file()}

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
