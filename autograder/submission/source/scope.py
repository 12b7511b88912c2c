"""Resolves Python expressions to dotted names, by imports and plain assignments. No code is run."""

from __future__ import annotations

import ast
import builtins
import sys
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

__all__ = ["Scope"]

Function = ast.FunctionDef | ast.AsyncFunctionDef
EVASIVE_BUILTINS = frozenset({"__import__", "eval", "exec", "getattr", "__builtins__", "vars"})


@dataclass(frozen=True)
class Scope:
    """The meanings of names in a module or function.

    Attributes:
        names: name → the dotted name that it stands for, or "" for the file's own names.
        stars: the star-imported modules.
    """

    names: Mapping[str, str] = field(default_factory=dict)
    stars: tuple[str, ...] = ()

    def inside(self, body: ast.AST) -> Scope:
        """The scope of a module or function in this scope. Its own names hide those around it."""
        names, stars = dict(self.names), list(self.stars)
        bound, imports, assignments = _bound(body)
        names.update(dict.fromkeys(bound, ""))
        for node in imports:
            for name, full in _imported(node):
                if name == "*":
                    stars.append(full)
                else:
                    names[name] = full
        scope = Scope(names, tuple(stars))
        for target, value in assignments:
            if full := scope.resolve(value):
                names[target] = full
        return Scope(names, tuple(stars))

    def resolve(self, node: ast.expr) -> str:
        """The dotted name of an expression: `torch.nn.functional.conv2d` for `F.conv2d`. "" if it is unknown."""
        match node:
            case ast.Name(id=name):
                return self._name(name)
            case ast.Attribute(value=value, attr=attribute):
                base = self.resolve(value)
                return f"{base}.{attribute}" if base else ""
            case ast.Call(func=ast.Name(id="getattr"), args=[value, ast.Constant(value=str(attribute)), *_]):
                base = self.resolve(value)
                return f"{base}.{attribute}" if base and self._name("getattr") else ""
        return ""

    def _name(self, name: str) -> str:
        if name in self.names:
            return self.names[name]
        if not hasattr(builtins, name):
            for star in reversed(self.stars):
                module = sys.modules.get(star)
                if module is None or hasattr(module, name):  # a library that has no such name gave it to nobody
                    return f"{star}.{name}"
        return f"builtins.{name}" if name in EVASIVE_BUILTINS else ""


Assignments = list[tuple[str, ast.expr]]


def _bound(body: ast.AST) -> tuple[set[str], list[ast.Import | ast.ImportFrom], Assignments]:
    """The names that a module or function binds, its imports, and its assignments of an expression to a name."""
    bound: set[str] = set()
    imports: list[ast.Import | ast.ImportFrom] = []
    assignments: Assignments = []
    for node in _own(body):
        match node:
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()) | ast.arg(arg=name):
                bound.add(name)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                bound.add(name)
            case ast.Import() | ast.ImportFrom():
                imports.append(node)
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                assignments.append((name, value))
            case ast.Assign(targets=[ast.Tuple(elts=left)], value=ast.Tuple(elts=right)) if len(left) == len(right):
                assignments += [(a.id, b) for a, b in zip(left, right, strict=True) if isinstance(a, ast.Name)]
    return bound, imports, assignments


def _own(body: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a module without the bodies of its functions and classes, or all nodes inside a function."""
    into_functions = not isinstance(body, ast.Module)
    waiting = deque(ast.iter_child_nodes(body))
    while waiting:
        node = waiting.popleft()
        yield node
        if into_functions or not isinstance(node, Function | ast.ClassDef | ast.Lambda):
            waiting.extend(ast.iter_child_nodes(node))


def _imported(node: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, str]]:
    for alias in node.names:
        if isinstance(node, ast.ImportFrom):
            if node.level == 0:
                yield (
                    alias.asname or alias.name,
                    node.module or "" if alias.name == "*" else f"{node.module}.{alias.name}",
                )
        elif alias.asname:
            yield alias.asname, alias.name
        else:
            top = alias.name.split(".")[0]
            yield top, top
