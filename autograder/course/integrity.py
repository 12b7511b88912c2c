"""How what was handed in differs from what was handed out: frozen data with a JSON form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from autograder.course.plain import to_plain

__all__ = ["Integrity", "ModuleIntegrity", "NotebookIntegrity", "Place", "up_to_date"]


@dataclass(frozen=True)
class Place:
    """A piece of a file.

    Attributes:
        name: `Linear.forward`; of what has no name, and of a cell, how it begins. Untrusted text.
        number: its line, or the number of the cell, counted from 1 in the student's file; 0 for what is not there.
    """

    name: str
    number: int = 0


@dataclass(frozen=True)
class ModuleIntegrity:
    """A module, piece by piece.

    Attributes:
        carried: whether the clean copy with the student's answers was run, since something was missing or restored.
            If not, the student's own file was run as it is.
        kept: answers that the student wrote.
        untouched: answers that are still as they were handed out.
        missing: answers that are not there at all.
        added: what the student added.
        restored: given code that the student changed, removed or replaced; the course's own was run.
        trouble: why it could not be held against the clean copy, "" if it could.
    """

    carried: bool = False
    kept: tuple[Place, ...] = ()
    untouched: tuple[Place, ...] = ()
    missing: tuple[Place, ...] = ()
    added: tuple[Place, ...] = ()
    restored: tuple[Place, ...] = ()
    trouble: str = ""


@dataclass(frozen=True)
class NotebookIntegrity:
    """A notebook, cell by cell.

    Attributes:
        answered, blank: written answers, and those still as they were handed out.
        added: the student's own cells.
        changed: given cells that say something else now.
        removed: given cells that are not there.
        moved: given cells that stand in another order.
        not_run: how many code cells were not run.
        out_of_turn: how many were not run in their turn of one run from top to bottom.
        foreign: it was not made from the notebook that was handed out; the lists above are empty then.
        trouble: why it could not be read, "" if it could.
    """

    answered: tuple[Place, ...] = ()
    blank: tuple[Place, ...] = ()
    added: tuple[Place, ...] = ()
    changed: tuple[Place, ...] = ()
    removed: tuple[Place, ...] = ()
    moved: tuple[Place, ...] = ()
    not_run: int = 0
    out_of_turn: int = 0
    foreign: bool = False
    trouble: str = ""


@dataclass(frozen=True)
class Integrity:
    """All of a submission.

    Attributes:
        modules: by file name, those that were handed in.
        notebooks: likewise.
        supplied: given files that were not handed in, and that the modules can import all the same.
        edited: given files that were handed in otherwise than they were handed out; the course's own were used.
        stand_ins: packages that are not here and that a module imports: empty ones took their places.
    """

    modules: Mapping[str, ModuleIntegrity] = field(default_factory=dict)
    notebooks: Mapping[str, NotebookIntegrity] = field(default_factory=dict)
    supplied: tuple[str, ...] = ()
    edited: tuple[str, ...] = ()
    stand_ins: tuple[str, ...] = ()

    @property
    def restored(self) -> int:
        """How many given things were put back, in code."""
        return sum(len(module.restored) for module in self.modules.values()) + len(self.edited)

    def to_json(self) -> dict[str, Any]:
        """Plain data. Where one module was handed in, it is there as `module` too, with its `notebook` or null."""
        data: dict[str, Any] = to_plain(self)
        if len(self.modules) == 1 and len(self.notebooks) < 2:
            data |= {"module": next(iter(data["modules"].values()))}
            data |= {"notebook": next(iter(data["notebooks"].values()), None)}
        return data


def up_to_date(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """What `Integrity.to_json` wrote when there was one module, in the form of today."""
    if "modules" in data:
        return data
    notebook = data.get("notebook")
    return {**data, "modules": {"": data.get("module")}, "notebooks": {"": notebook} if notebook else {}}
