"""Describes the differences between the submission and the handout."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from autograder.course.integrity import Integrity, ModuleIntegrity, NotebookIntegrity, Place
from autograder.reports.text import line

__all__ = ["Change", "changes"]

MAX_SHOWN = 8  # of one kind, on a page
EMPHASIS = re.compile(r"\*\*|(?<!\S)\*(?=\S[^*]*\*)|(?<=\S)\*(?!\S)")  # as in **bold** and in *italic* text
TEX = re.compile(r"\\[^a-zA-Z]|[\\{}]")  # signs of a formula's source that a reader need not see


@dataclass(frozen=True)
class Change:
    """One kind of difference. For example "Given cells of the notebook that were changed:" with three cells.

    Attributes:
        what: the kind, as a sentence.
        where: the places that are shown.
        more: the number of further places.
        file: the file, if the submission has several of its kind; else "".
    """

    what: str
    where: tuple[str, ...] = ()
    more: int = 0
    file: str = ""


def changes(integrity: Integrity | None) -> tuple[Change, ...]:
    """The changes that a person should know, most important first. Usual changes are left out. Inert text."""
    return tuple(_changes(integrity)) if integrity else ()


def _changes(integrity: Integrity) -> Iterator[Change]:
    for name, module in integrity.modules.items():
        yield from _in(name, integrity.modules, _module(module))
    if integrity.edited:
        shown = tuple(line(path, 80) for path in integrity.edited[:MAX_SHOWN])
        what = "Given files that were changed; the course's own were used:"
        yield Change(what, shown, len(integrity.edited) - len(shown))
    for name, notebook in integrity.notebooks.items():
        yield from _in(name, integrity.notebooks, _notebook(notebook))


def _in(file: str, files: Collection[str], found: Iterable[Change]) -> Iterator[Change]:
    """The changes, with the file's name if there are several files."""
    name = line(file, 80) if len(files) > 1 else ""
    return (replace(change, file=name) for change in found)


def _module(module: ModuleIntegrity) -> Iterator[Change]:
    yield from _lines("Given code that was changed or removed; the course's own was run:", module.restored)
    yield from _lines("Answers that are missing in the file:", module.missing)


def _notebook(notebook: NotebookIntegrity) -> Iterator[Change]:
    if notebook.trouble:
        yield Change(f"The notebook cannot be read: {line(notebook.trouble)}.")
        return
    if notebook.foreign:
        yield Change("The notebook was not made from the one that was handed out.")
    yield from _cells("Given cells of the notebook that were changed:", notebook.changed)
    yield from _cells("Given cells that are missing:", notebook.removed)
    yield from _cells("Given cells in a different order:", notebook.moved)
    yield from _cells("Questions in the notebook that have no answer:", notebook.blank)
    if notebook.not_run or notebook.out_of_turn:
        turns = f"cells not run: {notebook.not_run}, cells run out of turn: {notebook.out_of_turn}"
        yield Change(f"The notebook was not run once from top to bottom ({turns}).")


def _lines(what: str, places: Sequence[Place]) -> Iterator[Change]:
    yield from _listed(what, places, "line")


def _cells(what: str, places: Sequence[Place]) -> Iterator[Change]:
    yield from _listed(what, places, "cell")


def _listed(what: str, places: Sequence[Place], unit: str) -> Iterator[Change]:
    if places:
        shown = places[:MAX_SHOWN]
        names = (line(_without_signs(place.name), 80) for place in shown)
        where = (
            f"{name}, {unit} {place.number}" if place.number else name for name, place in zip(names, shown, strict=True)
        )
        yield Change(what, tuple(where), len(places) - len(shown))


def _without_signs(name: str) -> str:
    """A cell's beginning without Markdown's signs of headings and emphasis, its formulas without TeX's.

    >>> _without_signs("**Question 1.** Is $X^T$ *above* ${2}$?")
    'Question 1. Is X^T above 2?'
    """
    parts = EMPHASIS.sub("", name).lstrip("# ").split("$")  # every other part is a formula; the last may be cut
    parts[1::2] = [TEX.sub("", part) for part in parts[1::2]]
    return "".join(parts)
