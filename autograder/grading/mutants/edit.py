"""Edits a module's text inside one of its classes, functions or methods; an edit that does not fit is refused."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from functools import lru_cache

from autograder.course.table import Wrong

__all__ = ["edit"]


def edit(source: str, within: str, find: Sequence[str], replace: Sequence[str]) -> str:
    """The module with each text of `find` replaced by its partner in `replace`.

    Args:
        within: the class, function or `Class.method` that each text must stand in exactly once.

    Raises:
        Wrong: a text does not occur there exactly once, or the edit changes nothing. `key` is the argument at fault.
    """
    lines = source.splitlines(keepends=True)
    span = _span(_tree(source), within)
    if span is None:
        raise Wrong("within", within, "a class or function of the module, Class.method for a method")
    if len(find) != len(replace):
        raise Wrong("replace", f"{len(replace)} texts", f"{len(find)}, as many as in find")
    text = "".join(lines[span])
    for old, new in zip(find, replace, strict=True):
        if (times := text.count(old)) != 1:
            raise Wrong("find", old, f"a text that stands once in {within}; it stands {times} times")
        if old == new:
            raise Wrong("replace", new, "another text than find")
        text = text.replace(old, new)
    return "".join(lines[: span.start]) + text + "".join(lines[span.stop :])


@lru_cache(maxsize=4)  # a reference is edited many times
def _tree(source: str) -> ast.Module:
    return ast.parse(source)


def _span(tree: ast.Module, component: str) -> slice | None:
    """The lines of a class, function or method, counted from 0; None if there is no such thing."""
    body: Sequence[ast.stmt] = tree.body
    found: slice | None = None
    for name in component.split("."):
        kinds = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
        node = next((node for node in body if isinstance(node, kinds) and node.name == name), None)
        if node is None or node.end_lineno is None:
            return None
        found, body = slice(node.lineno - 1, node.end_lineno), node.body
    return found
