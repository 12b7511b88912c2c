"""Turns a notebook's source (py:percent, `.nb.py`) into the `.ipynb` that students open.

Equal sources give equal bytes: cell ids are hashes of the cells' content, there are no outputs, and the metadata names
only the kernel.
"""

from __future__ import annotations

import ast
import hashlib
import re
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import jupytext
import nbformat
from IPython.core.inputtransformer2 import TransformerManager
from nbformat import NotebookNode

from autograder.authoring.regions import find_regions, read_source, strip_regions
from autograder.errors import AuthoringError

__all__ = ["build_notebook", "notebook_text"]

MARKER = re.compile(r"# ?%%+(?:\s(?P<title>.*))?")
KIND = re.compile(r"\[(?P<kind>[^\]]*)\]")
KINDS = ("markdown", "md", "raw")
HEADER = re.compile(r"# ?---")
KEPT_METADATA = ("tags", "slideshow", "editable", "deletable")
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


@dataclass(frozen=True)
class _Cell:
    """A cell of the source: the line at which its text starts, counted from 1, and True for a code cell."""

    line: int
    code: bool


def notebook_text(source: Path, questions: Collection[str]) -> str:
    """The text of the `.ipynb`. Arguments and errors are those of `build_notebook`."""
    text = nbformat.writes(build_notebook(source, questions))  # type: ignore[no-untyped-call]
    return f"{text}".rstrip("\n") + "\n"


def build_notebook(source: Path, questions: Collection[str], *, solved: bool = False) -> NotebookNode:
    """Read a notebook's source.

    Args:
        source: a py:percent file. Solution regions in its code cells are stripped: a region with a question's id
            becomes a raise, a region without an id disappears.
        questions: the ids that regions may name.
        solved: True to keep the code of the regions, for a run on the solution.

    Raises:
        AuthoringError: the source has text before its first cell, an unknown kind of cell, text without `#` in a
            markdown cell, a code cell that is not Python, or a wrong solution marker; or nbformat finds the notebook
            invalid.
    """
    text = read_source(source)
    cells = _scan(text, source)
    # The header is left out: it could change how jupytext reads the rest, and its metadata is replaced below.
    body = "\n".join(text.split("\n")[cells[0].line - 2 :])
    notebook: NotebookNode = jupytext.reads(body, fmt="py:percent")
    if len(notebook.cells) != len(cells):
        problem = f"jupytext reads {len(notebook.cells)} cells where {len(cells)} are marked"
        raise AuthoringError(source, cells[0].line, problem)
    for cell, written in zip(notebook.cells, cells, strict=True):
        if written.code != (cell.cell_type == "code"):
            raise AuthoringError(source, written.line - 1, f"jupytext takes this for a {cell.cell_type} cell")
        if written.code:
            _finish_code(cell, source, written.line, questions, solved)
        elif regions := find_regions(cell.source, source, questions, written.line):
            line = written.line + regions[0].first - 1
            raise AuthoringError(source, line, "a solution region in a text cell, which students get unchanged")
        cell.metadata = {key: cell.metadata[key] for key in KEPT_METADATA if key in cell.metadata}
    _name_cells(notebook)
    notebook.metadata = nbformat.from_dict(METADATA)  # type: ignore[no-untyped-call]
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    try:
        nbformat.validate(notebook)
    except nbformat.ValidationError as error:
        raise AuthoringError(source, 1, f"not a valid notebook: {str(error).splitlines()[0]}") from None
    return notebook


def _scan(text: str, source: Path) -> list[_Cell]:
    """The cells by their markers. Raises AuthoringError for text that jupytext would silently misread."""
    lines = text.split("\n")
    starts = [number for number, line in enumerate(lines) if MARKER.fullmatch(line)]
    if not starts:
        raise AuthoringError(source, 1, "no cell here: a notebook's source has lines that start with '# %%'")
    _check_preamble(lines[: starts[0]], source)
    cells = []
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        marker = MARKER.fullmatch(lines[start])
        assert marker is not None
        kind = KIND.search(re.sub(r'"[^"]*"|\w+=\[.*\]', "", marker["title"] or ""))
        if kind and kind["kind"] not in KINDS:
            raise AuthoringError(
                source, start + 1, f"a cell of kind {kind['kind']!r}, wanted one of {', '.join(KINDS)}"
            )
        if kind:
            for number in range(start + 1, end):
                if lines[number] and not lines[number].startswith("#"):
                    raise AuthoringError(source, number + 1, "a line in a text cell must start with '# '")
        cells.append(_Cell(start + 2, kind is None))
    return cells


def _check_preamble(lines: list[str], source: Path) -> None:
    """Raise AuthoringError for text before the first cell, other than jupytext's header."""
    within = False
    for number, line in enumerate(lines, start=1):
        if HEADER.fullmatch(line):
            within = not within
        elif line.strip() and not within:
            raise AuthoringError(
                source, number, "text before the first cell: start it with '# %%' or '# %% [markdown]'"
            )


def _finish_code(cell: NotebookNode, source: Path, first_line: int, questions: Collection[str], solved: bool) -> None:
    """Check a code cell, strip its regions, and leave it without outputs."""
    _check_code(cell.source, source, first_line)
    regions = find_regions(cell.source, source, questions, first_line)
    if not solved:
        cell.source = strip_regions(cell.source, regions)
        _check_code(cell.source, source, first_line)
    cell.source = cell.source.strip("\n")
    cell.outputs, cell.execution_count = [], None


def _check_code(code: str, source: Path, first_line: int) -> None:
    """Raise AuthoringError if the cell does not compile. IPython's magics and top-level `await` are allowed."""
    plain = TransformerManager().transform_cell(code)  # type: ignore[no-untyped-call]
    try:
        compile(plain, str(source), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        line = first_line + (getattr(error, "lineno", 1) or 1) - 1
        raise AuthoringError(source, line, f"a code cell is not Python: {getattr(error, 'msg', error)}") from None


def _name_cells(notebook: NotebookNode) -> None:
    """Set each cell's id to a hash of its content. An edit of one cell then leaves the ids of the others alone."""
    seen: Counter[str] = Counter()
    for cell in notebook.cells:
        content = f"{cell.cell_type}\n{cell.source}"
        seen[content] += 1
        cell.id = hashlib.sha256(f"{content}\n{seen[content]}".encode()).hexdigest()[:12]
