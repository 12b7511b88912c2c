"""Splits Python source into its statements, each with the comments that belong to it. No code is run."""

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
Line: TypeAlias = tuple[str, int]  # the text, and its number in the file of its origin, counted from 1
SILENT = ("ctx", "kind", "type_comment", "type_ignores")  # fields of a parse tree that a comparison ignores
NEXT = re.compile(rb"[\s;]*\\")  # the end of a line if a backslash joins the next statement to it


class NotPython(ValueError):
    """A file that is not Python.

    Attributes:
        line: the line of the error, counted from 1.
    """

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(reason)
        self.line = line


@dataclass(frozen=True)
class Imported:
    """The object that an import statement binds to a name."""

    name: str
    module: str
    attribute: str


@dataclass(frozen=True)
class Piece:
    """One statement, or several that share their lines.

    Attributes:
        nodes: the statements.
        first, last: their lines, counted from 1, with decorators, and with comments at the end of a body.
        lead: the first of the comment lines right above; `first` if there are none.
        indent: the indentation of the first statement.
        text: all its lines, without trailing white space.
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
        """The line of its `def` or `class`, not of the decorators."""
        return self.node.lineno

    @cached_property
    def definition(self) -> Definition | None:
        """The function or class, if the piece is one definition; else None."""
        return self.node if len(self.nodes) == 1 and isinstance(self.node, Definition) else None

    @cached_property
    def shape(self) -> tuple[object, ...]:
        """A key that is equal for equal code, whatever its layout and comments."""
        return tuple(_parts(list(self.nodes)))

    def says(self, other: Piece) -> bool:
        """True if it is the same code as another piece, whatever their layout and comments."""
        same_text = self.text == other.text and self.indent == other.indent
        return same_text or alike(list(self.nodes), list(other.nodes))

    @cached_property
    def imports(self) -> tuple[Imported, ...] | None:
        """The imported object of each alias, or None if this is no import statement."""
        if len(self.nodes) == 1 and isinstance(self.node, ast.Import):
            return tuple(Imported(a.asname or a.name.split(".")[0], a.name, "") for a in self.node.names)
        if len(self.nodes) == 1 and isinstance(self.node, ast.ImportFrom):
            module = "." * self.node.level + (self.node.module or "")
            return tuple(Imported(a.asname or a.name, module, a.name) for a in self.node.names)
        return None

    @cached_property
    def binds(self) -> frozenset[str]:
        """The names that this piece binds, and the dotted names that it assigns: `Conv.forward = ...`."""
        return frozenset(name for node in self.nodes for name in binds(node))

    @cached_property
    def loads(self) -> frozenset[str]:
        """The names that this piece reads when it is executed."""
        return frozenset(name for node in self.nodes for name in loads(node))


class Source:
    """A module's text, split into pieces. It is parsed, but neither compiled nor run.

    Args:
        text: with any line endings. Form feeds and other separators inside a line end no line.

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
        """Decode a file's bytes, in the encoding that its first lines declare, or UTF-8."""
        try:
            text = decode(data)
        except ValueError as problem:
            raise NotPython(1, str(problem)) from None
        return cls(text)

    def compile(self) -> None:
        """Raise NotPython for code that parses but does not compile, such as a stray `return`.

        The grader must not call this: compiling a hostile source may crash the process.
        """
        _or_not_python(lambda: compile("\n".join(self.lines), "<module>", "exec", dont_inherit=True))

    @cached_property
    def module(self) -> list[Piece]:
        """The statements of the module, in order."""
        return list(self._pieces(self.tree.body, 0))

    @cached_property
    def known_lines(self) -> frozenset[str]:
        """The texts of all lines, without indentation."""
        return frozenset(line.strip() for line in self.lines if line.strip())

    @cached_property
    def _inside_strings(self) -> frozenset[int]:
        return frozenset(_inside_strings(self.tree))

    def members(self, node: ast.ClassDef) -> list[Piece] | None:
        """The statements of a class, in order; None if its body is on the line of its header."""
        if id(node) not in self._members:
            header = self.header_end(node)
            inside = self._starts(node.body[0]) > header
            self._members[id(node)] = list(self._pieces(node.body, header)) if inside else None
        return self._members[id(node)]

    def header_end(self, node: ast.ClassDef) -> int:
        """The last line of the header `class ...:`, which may span lines."""
        values = [*node.bases, *(keyword.value for keyword in node.keywords)]
        end = max([node.lineno, *(value.end_lineno or 0 for value in values)])
        while not self.lines[end - 1].partition("#")[0].rstrip().endswith(":") and end < self._starts(node.body[0]) - 1:
            end += 1
        return end

    def text(self, first: int, last: int) -> list[Line]:
        return list(zip(self.lines[first - 1 : last], range(first, last + 1), strict=False))

    def moved(self, first: int, last: int, old: str, new: str) -> list[Line]:
        """The lines with another indentation; deeper lines get spaces. Lines inside a string stay unchanged."""
        lines = self.text(first, last)
        if old != new:
            for place, (line, number) in enumerate(lines):
                code = line.lstrip(" \t\f")
                deeper = _width(line.removesuffix(code)) - _width(old)
                if code and deeper >= 0 and number not in self._inside_strings:
                    lines[place] = (new + " " * deeper + code, number)
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
        """The first line of a statement, with decorators. The parse tree lacks the line of the `@` in `@(...)`."""
        decorators = node.decorator_list if isinstance(node, Definition) else []
        first = min([node.lineno, *(decorator.lineno for decorator in decorators)])
        while decorators and first > 1 and not self.lines[first - 1].lstrip().startswith("@"):
            first -= 1
        return first

    def _goes_on(self, node: ast.stmt) -> bool:
        """True if a backslash joins the next statement to the last line of this one."""
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
        """The indentation of a line with only a comment; None for any other line."""
        line = self.lines[number - 1]
        return line[: len(line) - len(line.lstrip())] if line.lstrip().startswith("#") else None

    def _with_tail(self, last: int, indent: str) -> int:
        """The last line of a body, including the comments at its end."""
        for number in range(last + 1, len(self.lines) + 1):
            deeper = self._comment(number)
            if deeper is not None and len(deeper) > len(indent):
                last = number
            elif self.lines[number - 1].strip():
                break
        return last


def alike(one: ast.AST | list[ast.stmt], other: ast.AST | list[ast.stmt]) -> bool:
    """True if two parse trees are equal, ignoring positions, comments and docstrings."""
    nothing = object()
    return all(a == b for a, b in zip_longest(_parts(one), _parts(other), fillvalue=nothing))


def _parts(top: ast.AST | list[ast.stmt]) -> Iterator[object]:
    """The parts of a parse tree in depth-first order. Trees are alike if their parts are equal.

    It uses no recursion, since a tree may be deeper than Python's recursion limit.
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
    tree = _or_not_python(lambda: ast.parse(text))
    if too_large(tree):
        raise NotPython(1, "far more statements than any answer")
    return tree


def _or_not_python(work: Callable[[], T]) -> T:
    """The result of `work` on a source. Errors of Python's parser or compiler become NotPython."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return work()
    except SyntaxError as error:
        raise NotPython(error.lineno or 1, error.msg) from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise NotPython(1, str(error) or "nested too deeply") from None


def _width(indent: str) -> int:
    """The width of an indentation as Python counts it: a tab goes to the next multiple of 8, a form feed to 0."""
    return len(indent.rpartition("\f")[2].expandtabs(8))


def _inside_strings(tree: ast.Module) -> Iterator[int]:
    """The lines that begin inside a string. Their indentation is part of the string."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.Constant, ast.JoinedStr)):
            yield from range(node.lineno + 1, (node.end_lineno or node.lineno) + 1)
