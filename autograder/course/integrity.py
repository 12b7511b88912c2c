"""How what was handed in differs from what was handed out: frozen data with a JSON form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["Integrity", "ModuleIntegrity", "NotebookIntegrity", "Place"]


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
    """The module, piece by piece.

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
    """The notebook, cell by cell.

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
        notebook: None where none was handed in, or the assignment has none.
        supplied: given files that were not handed in, and that the module can import all the same.
        edited: given files that were handed in otherwise than they were handed out; the course's own were used.
        stand_ins: packages that are not here and that the module imports: empty ones took their places.
    """

    module: ModuleIntegrity = ModuleIntegrity()
    notebook: NotebookIntegrity | None = None
    supplied: tuple[str, ...] = ()
    edited: tuple[str, ...] = ()
    stand_ins: tuple[str, ...] = ()

    @property
    def restored(self) -> int:
        """How many given things were put back, in code."""
        return len(self.module.restored) + len(self.edited)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Integrity:
        """Read what `to_json` wrote. Raises KeyError or TypeError on damage."""
        notebook = data["notebook"]
        return cls(
            ModuleIntegrity(**_parts(data["module"])),
            NotebookIntegrity(**_parts(notebook)) if notebook is not None else None,
            *(tuple(map(str, data[key])) for key in ("supplied", "edited", "stand_ins")),
        )


def _parts(data: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: tuple(Place(**each) for each in value) if isinstance(value, list | tuple) else value
        for key, value in data.items()
    }
