"""course.toml: the address of the term's book, and the late policy. Keys and the file itself are optional."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from autograder.course.layout import Course
from autograder.course.model import Assignment, text
from autograder.course.table import read_table, read_toml
from autograder.errors import UsageError
from autograder.gradebook.facts import Terms
from autograder.gradebook.late import Policy, read_late
from autograder.gradebook.opening import FILE

__all__ = ["Settings"]

VARIABLE = "AUTOGRADER_BOOK"


@dataclass(frozen=True)
class _Book:
    url: Annotated[str, text(r"\s*\S.*", "sqlite:///PATH, or postgresql+psycopg://USER@HOST/NAME")] = ""


@dataclass(frozen=True)
class _Table:
    """The file."""

    gradebook: _Book = _Book()
    late: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Settings:
    """The content of course.toml. `url` is the book's address; "" means a book in each output folder."""

    course: Course
    url: str = ""
    policy: Policy = field(default_factory=Policy)

    @classmethod
    def read(cls, course: Course) -> Settings:
        """Raises UsageError for a wrong course.toml, with file, key, found and wanted value."""
        path = course.root / "course.toml"
        if not path.exists():
            return cls(course)
        table = read_table(path, read_toml(path), _Table)
        return cls(course, table.gradebook.url, read_late(path, table.late, of_course=True))

    def book(self, given: str, out: Path | None) -> str | Path:
        """The place of the book: `--book`, else the variable AUTOGRADER_BOOK, else course.toml, else the output folder.

        Raises:
            UsageError: the place is unknown; or there are free days, and no book of the term is named.
        """
        address = given or os.environ.get(VARIABLE, "") or self.url
        if address.startswith("sqlite:///") and not address.startswith(("sqlite:////", "sqlite:///~")):
            return self.course.root / address.removeprefix("sqlite:///")
        if address:
            return address
        if self.policy.free_days:
            raise UsageError(
                f"{self.course.root / 'course.toml'}: free days are counted over the term: say in course.toml where "
                'its book is: [gradebook] url = "sqlite:///PATH"'
            )
        if out is None:
            raise UsageError("nothing says where the book is: --out DIR, --book URL, or [gradebook] url in course.toml")
        return out / FILE

    def terms(self, assignment: Assignment) -> Terms:
        """The facts about an assignment that grades need. Raises ManifestError for a wrong `[late]` of its own."""
        path = self.course.solution(assignment) / "assignment.toml"
        return Terms.of(assignment, read_late(path, assignment.late, self.policy))

    def all_terms(self) -> tuple[Terms, ...]:
        """The terms of every assignment of the course."""
        return tuple(self.terms(self.course.assignment(name)) for name in self.course.names())
