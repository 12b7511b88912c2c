"""The differences between a submission and the handout: frozen data with a JSON form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from autograder.course.plain import to_plain

__all__ = ["Integrity", "ModuleIntegrity", "NotebookIntegrity", "Place", "up_to_date"]


@dataclass(frozen=True)
class Place:
    """A piece of a module, or a cell of a notebook.

    Attributes:
        name: `Linear.forward`. For a cell and for a statement without a name: its beginning. Untrusted text.
        number: its line or cell number in the student's file, counted from 1; 0 if the file lacks it.
    """

    name: str
    number: int = 0


@dataclass(frozen=True)
class ModuleIntegrity:
    """The pieces of a module, compared with the clean copy.

    Attributes:
        carried: True if the clean copy with the student's answers was run, since something was missing or restored.
            If False, the student's own file was run.
        kept: answers that the student wrote.
        untouched: answers that are still the handed-out stubs.
        missing: answers that the file lacks.
        added: pieces that the student added.
        restored: given code that the student changed, removed or replaced. The course's own code was run.
        trouble: why the module could not be compared with the clean copy; "" if it could.
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
    """The cells of a notebook, compared with the clean copy.

    Attributes:
        answered: written answers of the student.
        blank: answer cells that still hold the handed-out text.
        added: the student's own cells.
        changed: given cells whose text was changed.
        removed: given cells that the notebook lacks.
        moved: given cells in another order.
        not_run: the number of code cells that were not run.
        out_of_turn: the number of code cells that were not run in order from top to bottom.
        foreign: True if the notebook was not made from the handed-out one. The lists above are then empty.
        trouble: why the notebook could not be read; "" if it could.
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
    """The differences of all files of a submission.

    Attributes:
        modules: the modules that were handed in, by file name.
        notebooks: the notebooks that were handed in, by file name.
        supplied: given files that were not handed in. The course's own were added.
        edited: given files that the student changed. The course's own were used.
        stand_ins: packages that a module imports and this machine lacks. Empty modules took their places.
    """

    modules: Mapping[str, ModuleIntegrity] = field(default_factory=dict)
    notebooks: Mapping[str, NotebookIntegrity] = field(default_factory=dict)
    supplied: tuple[str, ...] = ()
    edited: tuple[str, ...] = ()
    stand_ins: tuple[str, ...] = ()

    @property
    def restored(self) -> int:
        """The number of given pieces of code and given files that were put back."""
        return sum(len(module.restored) for module in self.modules.values()) + len(self.edited)

    def to_json(self) -> dict[str, Any]:
        """Plain data. A single module also appears under `module`, and its notebook (or null) under `notebook`."""
        data: dict[str, Any] = to_plain(self)
        if len(self.modules) == 1 and len(self.notebooks) < 2:
            data |= {"module": next(iter(data["modules"].values()))}
            data |= {"notebook": next(iter(data["notebooks"].values()), None)}
        return data


def up_to_date(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """Convert the older JSON form, which had one module, to the form of today."""
    if "modules" in data:
        return data
    notebook = data.get("notebook")
    return {**data, "modules": {"": data.get("module")}, "notebooks": {"": notebook} if notebook else {}}
