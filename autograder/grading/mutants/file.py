"""Reads mutants: the reference, wrong on purpose, each with the check that must catch it.

A mutant is an entry of a TOML file in tests/mutants/<assignment>/:

    [[mutant]]
    id = "mean-leaves-out-the-last"
    why = "The last value is not counted."
    question = "mean"            # whose check catches it
    check = "mean_of_two_values" # that check: a test function without `test_`, or one case of it, `…[id]`
    find = "sum(values)"         # stands exactly once in the component; or a list of such texts
    replace = "sum(values[:-1])" # what takes its place; a list as long

`within` names the component to search for `find`, if it isn't the one that answers the question. `artifacts`, with or
without `find`, maps a handed-in file to the file whose content it gets, to "" if it is left out, or to a table that
overrides parts of its dict (`artifacts.with_changes`). `attempt`, at a file's top, lists the questions whose checks are
run on its mutants, with the questions that they depend on. This saves the time of checks that cannot see the mistake.
`point` gives the reason why a mistake misses the point of its question, so that it may cost most of the question. Any
other mistake costs 60 % at most (`cost`). `says` is for a mistake that no value shows, a file of another layout for
example: words of the check's own message or hint that name this mistake (`hints`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from msgspec import Meta

from autograder.course.layout import Course
from autograder.course.model import Assignment, Text, text
from autograder.course.table import Wrong, read_table, read_toml
from autograder.errors import ManifestError, UsageError
from autograder.grading.mutants.artifacts import Exchange
from autograder.grading.mutants.edit import edit

__all__ = ["Check", "Mutant", "MutantTable", "load_mutants"]

Texts = Annotated[str | tuple[str, ...], Meta(description="a text, or a list of texts")]


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
        why: the mistake, as a student makes it.
        check: the check that must catch it.
        file: the name of the module's file that was mutated; the others are the reference's.
        source: the whole module, mutated.
        artifacts: the files that replace the reference's files, by name.
        attempt: the questions whose checks are run; None for all.
        point: the reason why the mistake misses the point of its question, and may cost most of it; "" if it does not.
        says: words of the check's own message or hint that name this mistake; "" if only a value shows it.
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
        question: the question whose mutants are read; None for all. Editing and compiling a mutant takes time.

    Raises:
        ManifestError: an entry with a missing or unknown key, a repeated id, an unknown question, a text that is absent
            or not unique, or a mutant that is no Python.
        UsageError: there are none, or a file is no TOML.
    """
    folder = course.mutants(assignment)
    reference = {name: path.read_text(encoding="utf-8") for name, path in course.sources(assignment).items()}
    mutants: dict[str, Mutant] = {}
    for file in sorted(folder.glob("*.toml")):
        whole = read_table(file, read_toml(file), _File)
        for id in whole.attempt or ():
            if id not in assignment.by_id:
                raise ManifestError(file, "attempt", found=id, wanted=f"one of {', '.join(assignment.by_id)}")
        attempt = whole.attempt or tuple(assignment.by_id)
        for number, entry in enumerate(whole.mutant, start=1):
            if question is not None and entry.get("question") != question:
                continue
            place = f"mutant {number} ({entry.get('id')}): "
            try:
                mutant = read_table(file, entry, MutantTable, place).mutant(assignment, reference, attempt)
                if mutant.id in mutants:
                    raise Wrong("id", mutant.id, "an id that no other has")
            except Wrong as wrong:
                raise wrong.at(file, place) from None
            mutants[mutant.id] = mutant
    if not mutants:
        raise UsageError(f"{folder}: no mutants here: wanted *.toml files with [[mutant]] entries")
    return tuple(mutants.values())


@dataclass(frozen=True)
class _File:
    attempt: tuple[str, ...] | None = None
    mutant: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True)
class MutantTable:
    """A [[mutant]] of a file."""

    id: Annotated[str, text(r"[a-z0-9]+(-[a-z0-9]+)*", "small letters, digits and hyphens")]
    why: Text
    question: Text
    check: Text
    find: Texts = ()
    replace: Texts = ()
    within: Text = ""
    artifacts: dict[str, Any] = field(default_factory=dict)
    point: Text = ""
    says: Text = ""

    def mutant(self, assignment: Assignment, reference: Mapping[str, str], attempt: tuple[str, ...]) -> Mutant:
        """The entry as a mutant. `reference`: its files by name. Raises Wrong."""
        if self.question not in assignment.by_id:
            raise Wrong("question", self.question, f"one of {', '.join(assignment.by_id)}")
        known, question = assignment.artifacts, assignment.by_id[self.question]
        for name, content in self.artifacts.items():
            if name not in known or not (isinstance(content, dict) or content in ("", *known)):
                wanted = f'a table from and to {", ".join(known)}, or to "" or to a table'
                raise Wrong("artifacts", self.artifacts, wanted)
        file = assignment.component_of(question).file
        source = reference[file]
        if self.find or not self.artifacts:
            source = self._mutated(source, self.within or question.component)
        check = Check(self.question, self.check)
        return Mutant(self.id, self.why, check, file, source, self.artifacts, attempt, self.point, self.says)

    def _mutated(self, reference: str, within: str) -> str:
        find, replace = ((texts,) if isinstance(texts, str) else texts for texts in (self.find, self.replace))
        for key, texts in (("find", find), ("replace", replace)):
            if not texts:
                raise Wrong(key, "nothing", "a text, or a list of texts")
        source = edit(reference, within, find, replace)
        try:
            compile(source, "mutant", "exec", dont_inherit=True)
        except SyntaxError as error:
            raise Wrong("replace", f"{error.msg}, line {error.lineno}", "a mutant that is Python") from None
        return source
