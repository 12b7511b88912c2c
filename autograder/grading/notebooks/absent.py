"""Finds imports of notebook cells that are not installed. A stand-in replaces each; only its use raises."""

from __future__ import annotations

import ast
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from autograder.course.model import Assignment
from autograder.submission.source.imports import absent_modules, absent_packages
from autograder.submission.source.parse import parse

__all__ = ["absent_in_cells"]

MAX_CELLS = 500
NO_PYTHON = ("%", "!", "?")  # the beginnings of IPython's own lines, which are no Python


def absent_in_cells(
    cells: Sequence[Mapping[str, Any]], files: Collection[str], assignment: Assignment
) -> frozenset[str]:
    """Names for `StandInFinder`: packages, and modules that the student did not hand in.

    Args:
        cells: a notebook's cells; code cells that cannot be parsed are ignored.
        files: all files beside the notebook, by relative path, the course's library too.
    """
    sources = {f"cell {number}": _python(cell["source"]) for number, cell in enumerate(cells) if _is_code(cell)}
    found = {name: parse(source) for name, source in [*sources.items()][:MAX_CELLS]}
    trees: dict[str, ast.Module] = {name: tree for name, tree in found.items() if tree}
    modules = absent_modules(trees, files, [path for path in files if path.startswith("common/")], assignment)
    return frozenset((*absent_packages(trees, files), *(f"./{name}" for name in modules)))


def _is_code(cell: Mapping[str, Any]) -> bool:
    return cell["cell_type"] == "code" and not cell["source"].lstrip().startswith("%%")


def _python(source: str) -> str:
    """A cell's source, with `pass` in place of IPython's own lines."""
    return "\n".join(
        line[: len(line) - len(line.lstrip())] + "pass" if line.lstrip().startswith(NO_PYTHON) else line
        for line in source.splitlines()
    )
