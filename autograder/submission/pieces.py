"""Takes Python source apart into its statements, each with the comments that belong to it; no code is run."""

from __future__ import annotations

import ast
import io
import tokenize
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

__all__ = ["Definition", "Imported", "NotPython", "Piece", "Source", "shape"]

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
MOST_BYTES = 512 * 1024
# Whose insides have names of their own.
APART = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda, ast.GeneratorExp, ast.ListComp, ast.SetComp)


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
    """

    nodes: tuple[ast.stmt, ...]
    first: int
    last: int
    lead: int
    indent: str

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
    def shape(self) -> str:
        """The same for the same code, however it is laid out and commented."""
        return "\n".join(map(shape, self.nodes))

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
        return frozenset(name for node in self.nodes for name in _binds(node))


class Source:
    """A module's text, taken apart.

    Args:
        text: lines may end in any way; a form feed or other separators inside a line end none.

    Raises:
        NotPython: it does not compile, or is far longer than any assignment.
    """

    def __init__(self, text: str) -> None:
        text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
        self.tree = _parsed(text)
        self.lines = text.split("\n")
        self._inside_strings = frozenset(_inside_strings(self.tree))

    @classmethod
    def decode(cls, data: bytes) -> Source:
        """From a file's bytes, in the encoding that its first lines declare, or UTF-8."""
        try:
            encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
            return cls(data.decode(encoding))
        except (SyntaxError, UnicodeDecodeError, LookupError) as error:
            raise NotPython(1, f"its characters cannot be read: {error}") from None

    def module(self) -> list[Piece]:
        """The statements of the module, in order."""
        return list(self._pieces(self.tree.body, 0))

    def members(self, node: ast.ClassDef) -> list[Piece] | None:
        """The statements of a class, in order; None where its body stands on the line of its header."""
        header = self.header_end(node)
        return list(self._pieces(node.body, header)) if _starts(node.body[0]) > header else None

    def header_end(self, node: ast.ClassDef) -> int:
        """The last line of `class ...:`, which may be long."""
        values = [*node.bases, *(keyword.value for keyword in node.keywords)]
        end = max([node.lineno, *(value.end_lineno or 0 for value in values)])
        while not self.lines[end - 1].partition("#")[0].rstrip().endswith(":") and end < _starts(node.body[0]) - 1:
            end += 1
        return end

    def text(self, first: int, last: int) -> list[str]:
        return self.lines[first - 1 : last]

    def moved(self, first: int, last: int, old: str, new: str) -> list[str]:
        """Lines with another indentation. Strings that span lines keep what they say."""
        if old == new:
            return self.text(first, last)
        return [
            new + line.removeprefix(old) if line.startswith(old) and number not in self._inside_strings else line
            for number, line in enumerate(self.text(first, last), start=first)
        ]

    def _pieces(self, body: Sequence[ast.stmt], before: int) -> Iterator[Piece]:
        group: list[ast.stmt] = []
        for node in body:
            if group and _starts(node) > (group[-1].end_lineno or 0):
                piece = self._piece(group, before)
                yield piece
                before, group = piece.last, []
            group.append(node)
        if group:
            yield self._piece(group, before)

    def _piece(self, nodes: Sequence[ast.stmt], before: int) -> Piece:
        first, last = min(map(_starts, nodes)), max(node.end_lineno or node.lineno for node in nodes)
        line = self.lines[first - 1]
        indent = line[: len(line) - len(line.lstrip())]
        lead = first
        while lead - 1 > before and self._comment(lead - 1) == indent:
            lead -= 1
        if isinstance(nodes[-1], Definition):
            last = self._with_tail(last, indent)
        return Piece(tuple(nodes), first, last, lead, indent)

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


def shape(node: ast.AST) -> str:
    """What a statement does, as text: no places, no comments, no docstrings."""
    bare = ast.parse(ast.unparse(node))
    for inner in ast.walk(bare):
        if isinstance(inner, Definition) and ast.get_docstring(inner, clean=False) is not None:
            inner.body = inner.body[1:] or [ast.Pass()]
    return ast.dump(bare)


def _parsed(text: str) -> ast.Module:
    if len(text) > MOST_BYTES:
        raise NotPython(1, "far longer than any answer")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(text, "<module>", "exec", dont_inherit=True)  # refuses more than parsing does: a stray `return`
            return ast.parse(text)
    except SyntaxError as error:
        raise NotPython(error.lineno or 1, error.msg) from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise NotPython(1, str(error) or "too deep to be read") from None


def _starts(node: ast.stmt) -> int:
    decorators = node.decorator_list if isinstance(node, Definition) else []
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])


def _inside_strings(tree: ast.Module) -> Iterator[int]:
    """Lines that begin inside a string, whose indentation is part of what the string says."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.Constant, ast.JoinedStr)):
            yield from range(node.lineno + 1, (node.end_lineno or node.lineno) + 1)


def _binds(top: ast.AST) -> Iterator[str]:
    waiting = [top]
    while waiting:
        node = waiting.pop()
        match node:
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                yield name
            case ast.Attribute(ctx=ast.Store() | ast.Del()):
                yield ast.unparse(node)
            case ast.Call(func=ast.Name(id="setattr" | "delattr"), args=[owner, ast.Constant(value=str(name)), *_]):
                yield f"{ast.unparse(owner)}.{name}"
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.name
            case ast.Import() | ast.ImportFrom():
                yield from (alias.asname or alias.name.split(".")[0] for alias in node.names)
        if not isinstance(node, APART):
            waiting.extend(ast.iter_child_nodes(node))
