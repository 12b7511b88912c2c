"""Carries a student's answers and own cells onto the clean copy of a notebook.

Each cell is handled by these rules:

- An answer cell keeps the student's text. It is a text cell of the clean copy with the tag `answer`, or a code cell of
  it that raises `NotImplementedError`.
- The identity cell, which names the author, is the clean copy's with the student's values. Other code in it counts as
  a change.
- A cell that the clean copy lacks is added after the cell that it followed.
- Any other cell is given. If it was changed, removed or moved, the clean copy's is restored in its place.

A code cell with the same text as the student's keeps the student's outputs.
"""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from autograder.submission.clean.notebook_matching import (
    WHO,
    Cell,
    begins,
    id_of,
    is_answer,
    is_same,
    out_of_order,
    places_of,
    read_cells,
    says_who,
    text_of,
)
from autograder.submission.receive.identity import NotebookSays, read_notebook
from autograder.submission.source.names import binds
from autograder.submission.source.parse import parse

__all__ = [
    "CarriedNotebook",
    "CellPart",
    "carry_cells",
    "carry_notebook",
    "cells_order",
    "notebook_bytes",
    "who_says",
]


@dataclass(frozen=True)
class CellPart:
    """A cell: its number in the student's notebook, counted from 1 (0 if it is missing), and its beginning.

    For a written answer, `begins` is the beginning of the question, in the cell above.
    """

    number: int
    begins: str

    def __str__(self) -> str:
        return f"cell {self.number} ({self.begins})" if self.number else f"({self.begins})"


@dataclass(frozen=True)
class CarriedNotebook:
    """A carried notebook as JSON data, and a report of its cells.

    Attributes:
        notebook: the clean copy with the student's answers and own cells.
        answered: answers that the student wrote.
        blank: answers that are unchanged, empty or missing.
        added: cells that the student added.
        restored: given cells that the student changed or removed. The clean copy's are used.
        moved: given cells that stood in another order.
        found: the number of the clean copy's cells that have a match in the student's notebook.
    """

    notebook: dict[str, Any]
    answered: tuple[CellPart, ...] = ()
    blank: tuple[CellPart, ...] = ()
    added: tuple[CellPart, ...] = ()
    restored: tuple[CellPart, ...] = ()
    moved: tuple[CellPart, ...] = ()
    found: int = 0

    @property
    def foreign(self) -> bool:
        """True if the student's notebook was made from another one: it has under a third of this one's cells."""
        return 3 * self.found < len(self.notebook["cells"]) - len(self.added)


def carry_notebook(clean: bytes, student: bytes | None, who: NotebookSays | None = None) -> CarriedNotebook:
    """The clean notebook with the student's answers and own cells.

    Args:
        clean: the handed-out notebook.
        student: the student's notebook, or None. Nothing in it is run.
        who: the values for the identity cell; None for the student's own.

    Raises:
        ValueError: the student's file is no notebook; the message says why.
    """
    if who is None:
        who = who_says(student) if student is not None else NotebookSays()
    return carry_cells(read_cells(clean), read_cells(student)["cells"] if student is not None else [], who)


def carry_cells(base: dict[str, Any], theirs: Sequence[Cell], who: NotebookSays) -> CarriedNotebook:
    """`carry_notebook` for notebooks that `read_cells` has read already."""
    ours = base["cells"]
    places = places_of(ours, theirs)
    carrying = _CellMerge(ours, theirs, {place: number for number, place in places.items()})
    cells = carrying.cells(_inserted(places, len(theirs)), who)
    moved = [_part(theirs, number) for number in out_of_order(places)]
    notebook = {**base, "cells": cells, "nbformat": 4, "nbformat_minor": max(5, int(base.get("nbformat_minor", 5)))}
    report = {kind: tuple(parts) for kind, parts in carrying.report.items()}
    return CarriedNotebook(notebook, moved=tuple(moved), found=len(places), **report)


def notebook_bytes(notebook: Mapping[str, Any]) -> bytes:
    """The bytes of a notebook's file. Equal notebooks give equal bytes."""
    return (json.dumps(notebook, indent=1, ensure_ascii=False) + "\n").encode("utf-8", errors="replace")


def who_says(notebook: bytes) -> NotebookSays:
    """The identity in a notebook of any size: outputs are skipped. Raises ValueError if it is no notebook."""
    cells = [{"cell_type": cell["cell_type"], "source": cell["source"]} for cell in read_cells(notebook)["cells"]]
    return read_notebook(notebook_bytes({"cells": cells}))


def cells_order(cells: Sequence[Cell]) -> tuple[int, int]:
    """The number of code cells that were not run, and the number that were not run in order from top to bottom."""
    counts = [cell.get("execution_count") for cell in cells if _is_run(cell)]
    late = sum(count is not None and count != turn for turn, count in enumerate(counts, start=1))
    return counts.count(None), late


def _is_run(cell: Cell) -> bool:
    return bool(cell["cell_type"] == "code" and cell["source"].strip())


def _part(cells: Sequence[Cell], number: int) -> CellPart:
    return CellPart(number + 1, begins(cells[number]))


def _inserted(places: Mapping[int, int], count: int) -> dict[int, list[int]]:
    """Number of a clean cell (-1: before the first) → numbers of the student's own cells that follow it."""
    inserted: dict[int, list[int]] = {}
    anchor = -1
    for number in range(count):
        anchor = places.get(number, anchor)
        if number not in places:
            inserted.setdefault(anchor, []).append(number)
    return inserted


@dataclass
class _CellMerge:
    """Assembles the cells. `found` maps the number of a clean cell to the number of its match in the student's."""

    ours: Sequence[Cell]
    theirs: Sequence[Cell]
    found: Mapping[int, int]
    report: dict[str, list[CellPart]] = field(
        default_factory=lambda: {kind: [] for kind in ("answered", "blank", "added", "restored")}
    )

    def cells(self, inserted: Mapping[int, Sequence[int]], who: NotebookSays) -> list[Cell]:
        cells = list(self._own(inserted.get(-1, ())))
        for place in range(len(self.ours)):
            cells += [self._given_or_answer(place, who), *self._own(inserted.get(place, ()))]
        return list(_with_unique_ids(cells))

    def _given_or_answer(self, place: int, who: NotebookSays) -> Cell:
        ours, number = self.ours[place], self.found.get(place)
        theirs = self.theirs[number] if number is not None else None
        part = _part(self.theirs, number) if number is not None else CellPart(0, begins(ours))
        source, extra = ours["source"], {}
        if says_who(ours):
            source = _with_values(source, who)
            if theirs is not None and _besides(theirs) - _besides(ours):
                self.report["restored"].append(part)
        elif is_answer(ours):
            wrote = theirs is not None and text_of(theirs) not in ("", text_of(ours))
            asked = self.ours[place - 1] if place and ours["cell_type"] == "markdown" else ours
            self.report["answered" if wrote else "blank"].append(replace(part, begins=_question(asked)))
            if theirs is not None and wrote:
                source, extra = theirs["source"], _attached(theirs)
        elif theirs is None or not is_same(ours, theirs):
            self.report["restored"].append(part)
        cell = {**ours, "source": source, **extra}
        return {**cell, **_outputs(theirs if theirs is not None and is_same(cell, theirs) else None, cell)}

    def _own(self, numbers: Sequence[int]) -> Iterator[Cell]:
        for number in numbers:
            cell = self.theirs[number]
            if not text_of(cell) and not cell.get("attachments"):
                continue
            self.report["added"].append(_part(self.theirs, number))
            plain = {"cell_type": cell["cell_type"], "id": id_of(cell), "metadata": {}, "source": cell["source"]}
            yield {**plain, **_attached(cell), **_outputs(cell, cell)}


def _question(cell: Cell) -> str:
    """The beginning of a cell's last paragraph, which holds the question."""
    paragraphs = [part for part in cell["source"].split("\n\n") if part.strip()]
    asks = cell["cell_type"] == "markdown" and paragraphs
    return begins({"source": paragraphs[-1]} if asks else cell)


def _attached(cell: Cell) -> Cell:
    """The images inside a text cell."""
    attachments = cell.get("attachments")
    return {"attachments": attachments} if isinstance(attachments, dict) and cell["cell_type"] != "code" else {}


def _outputs(source: Cell | None, cell: Cell) -> Cell:
    if cell["cell_type"] != "code":
        return {}
    outputs, count = (source.get("outputs"), source.get("execution_count")) if source else (None, None)
    return {
        "outputs": outputs if isinstance(outputs, list) else [],
        "execution_count": count if type(count) is int else None,
    }


def _with_unique_ids(cells: Sequence[Cell]) -> Iterator[Cell]:
    seen = set[str]()
    for number, cell in enumerate(cells):
        id = id_of(cell)
        while not id or id in seen:
            id = hashlib.sha256(f"{number} {id} {cell['source']}".encode(errors="replace")).hexdigest()[:12]
        seen.add(id)
        yield {**cell, "id": id}


def _besides(cell: Cell) -> set[str]:
    """The statements of an identity cell other than its assignments of identity values."""
    lines = ["" if line.lstrip().startswith(("%", "!")) else line for line in cell["source"].split("\n")]
    tree = parse("\n".join(lines))
    found = {line for line in cell["source"].split("\n") if line not in lines}
    for node in tree.body if tree else ():
        bound = set(binds(node))
        if not bound or not bound <= set(WHO):
            found.add("\n".join(lines[node.lineno - 1 : node.end_lineno]).strip())
    return found


def _with_values(source: str, who: NotebookSays) -> str:
    """The clean identity cell with the student's values."""
    values: dict[str, object] = {
        "name": who.name,
        "idnum": who.idnum,
        "option": int(who.option) if who.option.isdecimal() else who.option,
        "group": [f"{id} {name}" for id, name in who.group],
    }
    lines = source.split("\n")
    for node in reversed(ast.parse(source).body):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)]) if values.get(name):
                new = f"{name} = {json.dumps(values[name], ensure_ascii=False)}"
                lines[node.lineno - 1 : node.end_lineno] = [new]
    return "\n".join(lines)
