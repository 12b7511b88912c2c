"""A clean module, and the result of carrying a student's answers onto it: frozen data."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from autograder.course.model import Question
from autograder.submission.clean.module_pieces import Definition, NotPython, Source
from autograder.submission.source.names import too_early

__all__ = ["CarriedModule", "CleanModule", "Part"]


@dataclass(frozen=True)
class Part:
    """A piece of the student's file.

    Attributes:
        name: `Linear.forward`, or the first line of a statement without a name.
        line: its line in the student's file; 0 if the file lacks it.
    """

    name: str
    line: int

    def __str__(self) -> str:
        return f"{self.name}, line {self.line}" if self.line else self.name


@dataclass(frozen=True)
class CleanModule:
    """A module as it was handed out. It is read once for all submissions.

    Attributes:
        answers: dotted names of the functions that students write, each with the ids that its stub raises.
    """

    source: Source
    answers: Mapping[str, frozenset[str]]

    @classmethod
    def read(cls, data: bytes, questions: Collection[Question]) -> CleanModule:
        """Make it from the handed-out file and the questions whose answers are in it. Raises NotPython."""
        source = Source.decode(data)
        functions = dict(_functions(source.tree.body, ""))
        asked = {
            name: frozenset(_asks(node) & {question.id for question in questions}) for name, node in functions.items()
        }
        named = {question.component for question in questions}
        return cls(source, {name: ids for name, ids in asked.items() if ids or name in named})


@dataclass(frozen=True)
class CarriedModule:
    """A carried module, and a report of its pieces.

    Attributes:
        source: the clean copy with the student's answers and additions.
        lines: for each line, its number in the student's file. A negative number counts in the clean copy.
        kept: answers that the student wrote.
        untouched: answers that are still the clean copy's stubs.
        missing: answers that the student's file lacks. The stub is kept.
        added: pieces that the student added.
        restored: given code that the student changed, removed or replaced. The clean copy's is used.
        early: names that the student's own file reads before it binds them.
    """

    source: str
    lines: tuple[int, ...]
    kept: tuple[Part, ...] = ()
    untouched: tuple[Part, ...] = ()
    missing: tuple[Part, ...] = ()
    added: tuple[Part, ...] = ()
    restored: tuple[Part, ...] = ()
    early: frozenset[str] = frozenset()

    def parsed(self) -> ast.Module:
        """The parse tree. Raises NotPython if the answers do not fit into the clean copy."""
        try:
            tree = Source(self.source).tree
        except NotPython as problem:
            raise self._misfit(problem.line, str(problem)) from None
        for name, line in too_early(tree).items():
            if name not in self.early:
                raise self._misfit(line, f"{name} would be used before its definition: keep the order of the file")
        return tree

    def _misfit(self, number: int, why: str) -> NotPython:
        line = self.lines[number - 1] if number <= len(self.lines) else 1
        return NotPython(max(line, 1), f"its answers do not fit into the clean copy: {why}")


def _functions(body: Sequence[ast.stmt], prefix: str) -> Iterator[tuple[str, ast.AST]]:
    for node in body:
        if isinstance(node, ast.ClassDef):
            yield from _functions(node.body, f"{prefix}{node.name}.")
        elif isinstance(node, Definition):
            yield prefix + node.name, node


def _asks(function: ast.AST) -> set[str]:
    """The ids of the questions that a stub raises."""
    asked = set()
    for node in ast.walk(function):
        match node:
            case ast.Raise(exc=ast.Call(func=ast.Name(id="NotImplementedError"), args=[ast.Constant(value=str(id))])):
                asked.add(id)
    return asked
