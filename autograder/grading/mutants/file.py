"""Reads mutants: the reference, wrong on purpose, each with the check that must catch it.

A mutant is an entry of a TOML file in tests/mutants/<assignment>/:

    [[mutant]]
    id = "mean-leaves-out-the-last"
    why = "The last value is not counted."
    question = "mean"            # whose check catches it
    check = "mean_of_two_values" # that check: a test function without `test_`, or one case of it, `…[id]`
    find = "sum(values)"         # stands exactly once in the component; or a list of such texts
    replace = "sum(values[:-1])" # what takes its place; a list as long

`within` names the component that `find` is looked for in, where it isn't the one that answers the question.
`artifacts`, with or without `find`, maps a file that is handed in to the one whose content it gets, to "" if it is
left out, or to a table that is laid over the dict in it (`saved.laid_over`). `attempt`, at a file's top, lists the
questions whose checks are run on its mutants, with those that they depend on: that saves the time of checks which
cannot see the mistake. `point` says why a mistake misses what its question is about, so that it may cost most of the
question: any other costs 60 % at most (`cost`). `says` is for a mistake that shows in no value, a file of another
layout for example: words of the check's own message or hint that tell this mistake (`hints`).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autograder.course.layout import Course
from autograder.course.model import Assignment
from autograder.errors import ManifestError, UsageError
from autograder.grading.mutants.artifacts import Exchange
from autograder.grading.mutants.edit import Misfit, edit

__all__ = ["Check", "Mutant", "load_mutants"]

REQUIRED = ("id", "why", "question", "check")
OPTIONAL = ("find", "replace", "within", "artifacts", "point", "says")

ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@dataclass(frozen=True, order=True)
class Check:
    """A test function of the hidden checks, or with `[…]` one case of it."""

    question: str
    name: str

    def __str__(self) -> str:
        return f"{self.question} / {self.name}"

    @property
    def function(self) -> Check:
        return Check(self.question, self.name.partition("[")[0])


@dataclass(frozen=True)
class Mutant:
    """One wrong version of the reference.

    Attributes:
        why: the mistake a student makes.
        check: what must catch it.
        file: the name of the module's file that was mutated; the others are the reference's.
        source: the whole module, mutated.
        artifacts: what is handed in instead of the reference's files, by name.
        attempt: the questions whose checks are run; None for all.
        point: why the mistake misses what its question is about, so that it may cost most of it; "" where it does not.
        says: words of what the check itself says that tell this mistake; "" where only a value tells it.
    """

    id: str
    why: str
    check: Check
    file: str
    source: str
    artifacts: Mapping[str, Exchange] = field(default_factory=dict)
    attempt: tuple[str, ...] | None = None
    point: str = ""
    says: str = ""


def load_mutants(course: Course, assignment: Assignment, question: str | None = None) -> tuple[Mutant, ...]:
    """Read the mutants of an assignment, in order of file and entry.

    Args:
        question: whose mutants are read; all where it is None. Editing and compiling a mutant takes its time.

    Raises:
        ManifestError: an entry with a missing or unknown key, a repeated id, an unknown question, a text that is absent
            or not unique, or a mutant that is no Python.
        UsageError: there are none, or a file is no TOML.
    """
    folder = course.mutants(assignment)
    reference = {name: path.read_text(encoding="utf-8") for name, path in course.sources(assignment).items()}
    mutants: dict[str, Mutant] = {}
    for file in sorted(folder.glob("*.toml")):
        for entry in _read(file, assignment):
            if question is not None and entry.data.get("question") != question:
                continue
            mutant = entry.mutant(reference)
            if mutant.id in mutants:
                raise ManifestError(
                    file, f"mutant {entry.number}: id", found=mutant.id, wanted="an id that no other has"
                )
            mutants[mutant.id] = mutant
    if not mutants:
        raise UsageError(f"{folder}: no mutants here: wanted *.toml files with [[mutant]] entries")
    return tuple(mutants.values())


def _read(file: Path, assignment: Assignment) -> Iterator[_Entry]:
    try:
        data = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{file}: cannot be read: {error}") from None
    entries, attempt = data.pop("mutant", []), data.pop("attempt", list(assignment.by_id))
    for key, value in data.items():
        raise ManifestError(file, key, found=value, wanted="attempt and [[mutant]] entries only")
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ManifestError(file, "mutant", found=entries, wanted="[[mutant]] entries")
    if not isinstance(attempt, list) or not all(question in list(assignment.by_id) for question in attempt):
        raise ManifestError(file, "attempt", found=attempt, wanted=f"a list of {', '.join(assignment.by_id)}")
    for number, entry in enumerate(entries, start=1):
        yield _Entry(file, number, entry, assignment, tuple(attempt))


@dataclass(frozen=True)
class _Entry:
    """One [[mutant]] of a file, being read."""

    file: Path
    number: int
    data: Mapping[str, Any]
    assignment: Assignment
    attempt: tuple[str, ...]

    def mutant(self, reference: Mapping[str, str]) -> Mutant:
        """The entry as a mutant. `reference`: its files by name."""
        for key in REQUIRED:
            if key not in self.data:
                raise self._wrong(key, "nothing", "this key")
        for key in self.data:
            if key not in REQUIRED + OPTIONAL:
                raise self._wrong(key, key, f"one of {', '.join(REQUIRED + OPTIONAL)}")
        id, why, asked, check = (self._text(key) for key in REQUIRED)
        if asked not in self.assignment.by_id:
            raise self._wrong("question", asked, f"one of {', '.join(self.assignment.by_id)}")
        if not ID.fullmatch(id):
            raise self._wrong("id", id, "small letters, digits and hyphens")
        artifacts, question = self._artifacts(), self.assignment.by_id[asked]
        file = self.assignment.component_of(question).file
        source = reference[file]
        if "find" in self.data or not artifacts:
            within = self._text("within") if "within" in self.data else question.component
            source = self._mutated(source, within)
        point, says = (self._text(key) if key in self.data else "" for key in ("point", "says"))
        return Mutant(id, why, Check(asked, check), file, source, artifacts, self.attempt, point, says)

    def _artifacts(self) -> dict[str, Exchange]:
        value = self.data.get("artifacts", {})
        known = self.assignment.artifacts
        fits = isinstance(value, dict) and all(name in known for name in value)
        if not fits or not all(content in ("", *known) or isinstance(content, dict) for content in value.values()):
            raise self._wrong("artifacts", value, f'a table from and to {", ".join(known)}, or to "" or to a table')
        return dict(value)

    def _mutated(self, reference: str, within: str) -> str:
        try:
            source = edit(reference, within, self._texts("find"), self._texts("replace"))
            compile(source, "mutant", "exec", dont_inherit=True)
        except Misfit as misfit:
            raise self._wrong(misfit.key, misfit.found, misfit.wanted) from None
        except SyntaxError as error:
            raise self._wrong("replace", f"{error.msg}, line {error.lineno}", "a mutant that is Python") from None
        return source

    def _text(self, key: str) -> str:
        value = self.data.get(key)
        if not isinstance(value, str) or not value.strip():
            raise self._wrong(key, value, "text")
        return value

    def _texts(self, key: str) -> list[str]:
        value = self.data.get(key)
        values = value if isinstance(value, list) else [value]
        texts = [text for text in values if isinstance(text, str)]
        if not texts or len(texts) < len(values):
            raise self._wrong(key, value, "a text, or a list of texts")
        return texts

    def _wrong(self, key: str, found: object, wanted: str) -> ManifestError:
        id = self.data.get("id")
        name = f" ({id})" if isinstance(id, str) else ""
        return ManifestError(self.file, f"mutant {self.number}{name}: {key}", found=found, wanted=wanted)
