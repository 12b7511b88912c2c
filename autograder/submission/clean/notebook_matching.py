"""Reads untrusted notebooks, and matches a student's cells with the cells of the clean copy.

Cells match by id. Cells without a known id match by text. An answer cell matches by the cell above it.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Any

from autograder.submission.paths import show
from autograder.submission.source.ipynb import load_notebook

__all__ = [
    "WHO",
    "Cell",
    "begins",
    "id_of",
    "is_answer",
    "is_same",
    "out_of_order",
    "places_of",
    "read_cells",
    "says_who",
    "text_of",
]

MAX_CELLS = 5_000
STUB = re.compile(r"raise NotImplementedError\(\"[a-z0-9-]+\"\)")
WHO = ("name", "idnum", "option", "group")
WHO_LINE = re.compile(rf"^(?:{'|'.join(WHO)})\s*=", re.MULTILINE)
ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
KINDS = ("code", "markdown", "raw")

Cell = dict[str, Any]


def read_cells(data: bytes) -> dict[str, Any]:
    """A notebook in which each cell has a type, metadata and a source text. Raises ValueError if it is none."""
    notebook = load_notebook(data)
    if len(notebook["cells"]) > MAX_CELLS:
        raise ValueError(f"more than {MAX_CELLS} cells")
    return {**notebook, "cells": [_sound(cell) for cell in notebook["cells"] if isinstance(cell, dict)]}


def _sound(cell: Cell) -> Cell:
    kind, source, metadata = cell.get("cell_type"), cell.get("source"), cell.get("metadata")
    text = "".join(filter(lambda line: isinstance(line, str), source)) if isinstance(source, list) else source
    return {
        **cell,
        "cell_type": kind if kind in KINDS else "raw",
        "metadata": metadata if isinstance(metadata, dict) else {},
        "source": text if isinstance(text, str) else "",
    }


def id_of(cell: Cell) -> str:
    """A cell's id; Colab keeps it among the metadata."""
    for value in (cell.get("id"), cell["metadata"].get("id")):
        if isinstance(value, str) and ID.fullmatch(value):
            return value
    return ""


def is_answer(cell: Cell) -> bool:
    tags = cell["metadata"].get("tags")
    tagged = isinstance(tags, list) and "answer" in tags
    return tagged or bool(cell["cell_type"] == "code" and STUB.search(cell["source"]))


def says_who(cell: Cell) -> bool:
    return bool(cell["cell_type"] == "code" and len(set(WHO_LINE.findall(cell["source"]))) > 1)


def is_same(one: Cell, other: Cell) -> bool:
    return text_of(one) == text_of(other) and one["cell_type"] == other["cell_type"]


def text_of(cell: Cell) -> str:
    return "\n".join(line.rstrip() for line in cell["source"].strip().splitlines())


def begins(cell: Cell, most: int = 60) -> str:
    """The first line of a cell that is not blank, cut to a length."""
    line = next((line.strip() for line in cell["source"].splitlines() if line.strip()), "empty")
    return show(line if len(line) <= most else f"{line[: most - 1]}…")


def places_of(ours: Sequence[Cell], theirs: Sequence[Cell]) -> dict[int, int]:
    """Number of a student's cell → number of the matching cell of the clean copy."""
    matching = _Matching(ours, theirs)
    matching.by_id()
    matching.by_text(answers=False)
    # Unwritten answers all have the same text, so they are matched after the cells above them.
    matching.by_neighbour()
    matching.by_text(answers=True)
    return matching.places


class _Matching:
    """Matches each of the student's cells with at most one cell of the clean copy, and the reverse."""

    def __init__(self, ours: Sequence[Cell], theirs: Sequence[Cell]) -> None:
        self.places: dict[int, int] = {}
        self._ours, self._theirs = ours, theirs
        self._free = dict.fromkeys(range(len(ours)))

    def by_id(self) -> None:
        """Match cells by id. Of several cells with one id, one with the clean cell's text wins, else the first."""
        ids = {id_of(cell): place for place, cell in enumerate(self._ours)}
        known = [(number, ids[id_of(cell)]) for number, cell in enumerate(self._theirs) if id_of(cell) in ids]
        for number, place in sorted(known, key=lambda pair: not is_same(self._ours[pair[1]], self._theirs[pair[0]])):
            self._take(number, [place])

    def by_text(self, *, answers: bool) -> None:
        """Match cells with equal text. Of several places, the next one further down wins."""
        known: dict[str, list[int]] = {}
        for place in self._free:
            known.setdefault(text_of(self._ours[place]), []).append(place)
        last = -1
        for number, cell in enumerate(self._theirs):
            same = known.get(text_of(cell), []) if text_of(cell) and number not in self.places else []
            wanted = [place for place in same if is_answer(self._ours[place]) == answers]
            self._take(number, sorted(wanted, key=lambda place: (place < last, place)))
            last = self.places.get(number, last)

    def by_neighbour(self) -> None:
        """Match the identity cell, and answers right below the same cell as in the clean copy."""
        for number, cell in enumerate(self._theirs):
            above = self.places.get(number - 1, -2) + 1
            who = [place for place in self._free if says_who(self._ours[place])] if says_who(cell) else []
            self._take(number, [*who, above] if above in self._free and is_answer(self._ours[above]) else who)

    def _take(self, number: int, places: Sequence[int]) -> None:
        """Take the first of these places that is free and holds a cell of the same type."""
        kind = self._theirs[number]["cell_type"]
        if number in self.places:
            return
        for place in places:
            if place in self._free and self._ours[place]["cell_type"] == kind:
                self.places[number] = place
                del self._free[place]
                return


def out_of_order(places: Mapping[int, int]) -> list[int]:
    """The smallest set of the student's cells whose removal leaves the others in the clean copy's order.

    Example: places {0: 0, 1: 3, 2: 1, 3: 2} give [1].
    """
    numbers = sorted(places)
    ends: list[int] = []  # ends[n]: the smallest last place of an increasing subsequence of n + 1 cells
    length: dict[int, int] = {}
    for number in numbers:
        at = bisect_left(ends, places[number])
        ends[at : at + 1] = [places[number]]
        length[number] = at + 1
    wanted, kept = len(ends), set[int]()
    last = len(places) + max(places.values(), default=0) + 1
    for number in reversed(numbers):
        if length[number] == wanted and places[number] < last:
            kept.add(number)
            wanted, last = wanted - 1, places[number]
    return [number for number in numbers if number not in kept]
