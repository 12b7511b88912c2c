"""Takes Python source apart into its statements, each with the comments that belong to it; no code is run."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import zip_longest
from typing import TypeAlias, TypeVar

from autograder.submission.source.names import binds, loads
from autograder.submission.source.parse import MAX_BYTES, decode, too_large

__all__ = ["Definition", "Imported", "Line", "NotPython", "Piece", "Source", "alike"]

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
T = TypeVar("T")
Line: TypeAlias = tuple[str, int]  # what it says, and its number in the file that it is from, counted from 1
SILENT = ("ctx", "kind", "type_comment", "type_ignores")  # fields of syntax that say nothing, or nothing new
NEXT = re.compile(rb"[\s;]*\\")  # what stands behind a statement that another one on the next line belongs to


class NotPython(ValueError):
    """A file that is not Python.

    Attributes:
        line: where, counted from 1.
    """

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(reason)
        self.line = line


@dataclass(frozen=True)
class Imported:
    """What an import statement makes one name stand for."""

    name: str
    module: str
    attribute: str


@dataclass(frozen=True)
class Piece:
    """Statements that share their lines: nearly always one.

    Attributes:
        nodes: the statements.
        first, last: their lines, counted from 1, with decorators, and with comments at the end of a body.
        lead: the first of the comment lines right above; `first` where there are none.
        indent: what stands before the first statement on its line.
        text: all its lines, without what cannot be seen at their ends.
    """

    nodes: tuple[ast.stmt, ...]
    first: int
    last: int
    lead: int
    indent: str
    text: str = field(repr=False)

    @property
    def node(self) -> ast.stmt:
        return self.nodes[0]

    @property
    def line(self) -> int:
        """Where a person looks for it: the `def`, not its decorators."""
        return self.node.lineno

    @cached_property
    def definition(self) -> Definition | None:
        """The function or class that this is, if it is one and nothing else."""
        return self.node if len(self.nodes) == 1 and isinstance(self.node, Definition) else None

    @cached_property
    def shape(self) -> tuple[object, ...]:
        """The same for the same code, however it is laid out and commented."""
        return tuple(_parts(list(self.nodes)))

    def says(self, other: Piece) -> bool:
        """Whether it is the same code as another piece, however they are laid out and commented."""
        same_text = self.text == other.text and self.indent == other.indent
        return same_text or alike(list(self.nodes), list(other.nodes))

    @cached_property
    def imports(self) -> tuple[Imported, ...] | None:
        """What each alias stands for, if this is an import statement."""
        if len(self.nodes) == 1 and isinstance(self.node, ast.Import):
            return tuple(Imported(a.asname or a.name.split(".")[0], a.name, "") for a in self.node.names)
        if len(self.nodes) == 1 and isinstance(self.node, ast.ImportFrom):
            module = "." * self.node.level + (self.node.module or "")
            return tuple(Imported(a.asname or a.name, module, a.name) for a in self.node.names)
        return None

    @cached_property
    def binds(self) -> frozenset[str]:
        """Names that this gives a value to where it stands, and dotted names it changes: `Conv.forward = ...`."""
        return frozenset(name for node in self.nodes for name in binds(node))

    @cached_property
    def loads(self) -> frozenset[str]:
        """Names that this needs where it stands."""
        return frozenset(name for node in self.nodes for name in loads(node))


class Source:
    """A module's text, taken apart.

    It is parsed, and neither compiled nor run.

    Args:
        text: lines may end in any way; a form feed or other separators inside a line end none.

    Raises:
        NotPython: it cannot be parsed, or is far longer than any assignment.
    """

    def __init__(self, text: str) -> None:
        text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
        self.tree = _parsed(text)
        self.lines = text.split("\n")
        self._members: dict[int, list[Piece] | None] = {}

    @classmethod
    def decode(cls, data: bytes) -> Source:
        """From a file's bytes, in the encoding that its first lines declare, or UTF-8."""
        try:
            text = decode(data)
        except ValueError as problem:
            raise NotPython(1, str(problem)) from None
        return cls(text)

    def compile(self) -> None:
        """Raise NotPython for what can be parsed and not compiled, as a stray `return`. Not for a grader to do."""
        _told(lambda: compile("\n".join(self.lines), "<module>", "exec", dont_inherit=True))

    @cached_property
    def module(self) -> list[Piece]:
        """The statements of the module, in order."""
        return list(self._pieces(self.tree.body, 0))

    @cached_property
    def known_lines(self) -> frozenset[str]:
        """What any line says, without its indentation."""
        return frozenset(line.strip() for line in self.lines if line.strip())

    @cached_property
    def _inside_strings(self) -> frozenset[int]:
        return frozenset(_inside_strings(self.tree))

    def members(self, node: ast.ClassDef) -> list[Piece] | None:
        """The statements of a class, in order; None where its body stands on the line of its header."""
        if id(node) not in self._members:
            header = self.header_end(node)
            inside = self._starts(node.body[0]) > header
            self._members[id(node)] = list(self._pieces(node.body, header)) if inside else None
        return self._members[id(node)]

    def header_end(self, node: ast.ClassDef) -> int:
        """The last line of `class ...:`, which may be long."""
        values = [*node.bases, *(keyword.value for keyword in node.keywords)]
        end = max([node.lineno, *(value.end_lineno or 0 for value in values)])
        while not self.lines[end - 1].partition("#")[0].rstrip().endswith(":") and end < self._starts(node.body[0]) - 1:
            end += 1
        return end

    def text(self, first: int, last: int) -> list[Line]:
        return list(zip(self.lines[first - 1 : last], range(first, last + 1), strict=False))

    def moved(self, first: int, last: int, old: str, new: str) -> list[Line]:
        """Lines with another indentation, deeper ones by spaces. Strings that span lines keep what they say."""
        lines = self.text(first, last)
        if old != new:
            for place, (line, number) in enumerate(lines):
                said = line.lstrip(" \t\f")
                deeper = _width(line.removesuffix(said)) - _width(old)
                if said and deeper >= 0 and number not in self._inside_strings:
                    lines[place] = (new + " " * deeper + said, number)
        return lines

    def _pieces(self, body: Sequence[ast.stmt], before: int) -> Iterator[Piece]:
        group: list[ast.stmt] = []
        for node in body:
            if group and self._starts(node) > (group[-1].end_lineno or 0) and not self._goes_on(group[-1]):
                piece = self._piece(group, before)
                yield piece
                before, group = piece.last, []
            group.append(node)
        if group:
            yield self._piece(group, before)

    def _starts(self, node: ast.stmt) -> int:
        """Its first line, with decorators. Of `@(...)`, the syntax tells only where what is in the brackets stands."""
        decorators = node.decorator_list if isinstance(node, Definition) else []
        first = min([node.lineno, *(decorator.lineno for decorator in decorators)])
        while decorators and first > 1 and not self.lines[first - 1].lstrip().startswith("@"):
            first -= 1
        return first

    def _goes_on(self, node: ast.stmt) -> bool:
        """Whether the line on which a statement ends goes on with another one, by a backslash."""
        line = self.lines[(node.end_lineno or node.lineno) - 1].encode()
        return bool(NEXT.fullmatch(line[node.end_col_offset :]))

    def _piece(self, nodes: Sequence[ast.stmt], before: int) -> Piece:
        first, last = min(map(self._starts, nodes)), max(node.end_lineno or node.lineno for node in nodes)
        line = self.lines[first - 1]
        indent = line[: len(line) - len(line.lstrip())]
        lead = first
        while lead - 1 > before and self._comment(lead - 1) == indent:
            lead -= 1
        if isinstance(nodes[-1], Definition):
            last = self._with_tail(last, indent)
        text = "\n".join(map(str.rstrip, self.lines[first - 1 : last]))
        return Piece(tuple(nodes), first, last, lead, indent, text)

    def _comment(self, number: int) -> str | None:
        """The indentation of a line that holds a comment alone."""
        line = self.lines[number - 1]
        return line[: len(line) - len(line.lstrip())] if line.lstrip().startswith("#") else None

    def _with_tail(self, last: int, indent: str) -> int:
        """The last line of a body with the comments that still stand in it."""
        for number in range(last + 1, len(self.lines) + 1):
            deeper = self._comment(number)
            if deeper is not None and len(deeper) > len(indent):
                last = number
            elif self.lines[number - 1].strip():
                break
        return last


def alike(one: ast.AST | list[ast.stmt], other: ast.AST | list[ast.stmt]) -> bool:
    """Whether two pieces of syntax do the same, told by their form: places, comments and docstrings say nothing."""
    nothing = object()
    return all(a == b for a, b in zip_longest(_parts(one), _parts(other), fillvalue=nothing))


def _parts(top: ast.AST | list[ast.stmt]) -> Iterator[object]:
    """What a tree is made of, from the top, one after the other: trees are alike if these are.

    A tree may be deeper than calls may be nested.
    """
    waiting: list[object] = [top]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.AST):
            yield type(node)
            names = [name for name in node._fields if name not in SILENT]
            values = {name: getattr(node, name, None) for name in names}
            if isinstance(node, Definition) and _is_text(node.body[0]):
                values["body"] = node.body[1:] or [ast.Pass()]
            waiting.extend(reversed(values.values()))
        elif isinstance(node, list):
            yield len(node)
            waiting.extend(reversed(node))
        else:
            yield type(node), node


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _parsed(text: str) -> ast.Module:
    if len(text) > MAX_BYTES:
        raise NotPython(1, "far longer than any answer")
    tree = _told(lambda: ast.parse(text))
    if too_large(tree):
        raise NotPython(1, "far more statements than any answer")
    return tree


def _told(work: Callable[[], T]) -> T:
    """Work on a source; what Python has against it is said as NotPython."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return work()
    except SyntaxError as error:
        raise NotPython(error.lineno or 1, error.msg) from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise NotPython(1, str(error) or "too deep to be read") from None


def _width(indent: str) -> int:
    """How far in a line stands, as Python counts: a tab leads to the next column of eight, a form feed to the first."""
    return len(indent.rpartition("\f")[2].expandtabs(8))


def _inside_strings(tree: ast.Module) -> Iterator[int]:
    """Lines that begin inside a string, whose indentation is part of what the string says."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.Constant, ast.JoinedStr)):
            yield from range(node.lineno + 1, (node.end_lineno or node.lineno) + 1)
