"""Holds what was handed in against what was handed out: which source is run, and a report of all that differs.

Given code comes from the clean copy. Where a submission leaves it as it is, the student's own file is run, unchanged;
where not, the clean copy with the student's answers is. Nothing here runs or compiles what a student wrote.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from autograder.course.integrity import Integrity, ModuleIntegrity, NotebookIntegrity, Place
from autograder.course.model import Assignment
from autograder.errors import UsageError
from autograder.submission.archive import read_submission
from autograder.submission.carry import CleanModule, NotPython, Part, Source, carry_module
from autograder.submission.cellplaces import read_cells
from autograder.submission.cells import CellPart, carry_cells, cells_order
from autograder.submission.identity import NotebookSays
from autograder.submission.inbox import Submission
from autograder.submission.names import show
from autograder.submission.needs import not_here, stand_ins, unknown_names

__all__ = ["CleanCopy", "Prepared", "as_handed_in", "handed_out", "prepare"]

MOST = 200  # entries of one kind


def handed_out(folder: Path) -> Mapping[str, bytes]:
    """The files of a generated handout, by path; none where it was not made."""
    return read_submission(folder) if folder.is_dir() else {}


@dataclass(frozen=True)
class CleanCopy:
    """What was handed out, taken apart once for all submissions.

    Attributes:
        notebook: None where there is none.
        library: given modules that answers may import, by path.
    """

    module: CleanModule
    notebook: dict[str, Any] | None = None
    library: Mapping[str, bytes] = field(default_factory=dict)

    @classmethod
    def read(cls, files: Mapping[str, bytes], assignment: Assignment) -> CleanCopy | None:
        """From the handout's files by path; None where there are none.

        Raises UsageError where one of them is not what it should be.
        """
        if not files:
            return None
        name, notebook = f"{assignment.module}.py", assignment.notebook
        try:
            module = CleanModule.read(files[name], assignment)
            carry_module(module, module.source)  # what it finds out about the clean module is kept for all who follow
            library = {
                path: data for path, data in files.items() if path.startswith("common/") and path.endswith(".py")
            }
            return cls(module, read_cells(files[notebook]) if notebook in files else None, library)
        except KeyError:
            raise UsageError(f"{assignment.name}: the handout has no {name}; run `autograder build`") from None
        except NotPython as problem:
            raise UsageError(f"{assignment.name}: the handout's {name}, line {problem.line}: {problem}") from None
        except ValueError as problem:
            raise UsageError(f"{assignment.name}: the handout's {notebook}: {problem}") from None


@dataclass(frozen=True)
class Prepared:
    """What of a submission is run.

    Attributes:
        files: the submission's own, by path, with the module as it is run.
        tree: the module's syntax; None where it has none.
        lines: for each line of a module that was put together, its number in the student's file, 0 or less for a
            given one; empty where the student's own file is run.
        source: the student's own module; None where it cannot be parsed.
        integrity: None where there is no clean copy.
        notes: what a person should know about it.
    """

    files: Mapping[str, bytes]
    tree: ast.Module | None = None
    lines: tuple[int, ...] = ()
    source: Source | None = None
    integrity: Integrity | None = None
    notes: tuple[str, ...] = ()
    stand_ins: frozenset[str] = field(default_factory=frozenset)

    def line(self, number: int) -> int:
        """The student's line that stands in a line of the module as it is run; 0 for none."""
        return max(self.lines[number - 1], 0) if self.lines else number


def as_handed_in(submission: Submission) -> Prepared:
    """A submission that is run as it is, given code and all."""
    return Prepared(submission.files)


def prepare(submission: Submission, clean: CleanCopy | None, assignment: Assignment) -> Prepared:
    """Decide what of a submission is run, and say how it differs from what was handed out.

    A module that cannot be parsed, or not be carried onto the clean copy, is run as it is.
    """
    name = f"{assignment.module}.py"
    prepared, found = _module(submission.files, name, clean)
    notes = [f"{name} was run as it is, given code and all: {found.trouble}"] if found.trouble else []
    absent: tuple[str, ...] = ()
    if prepared.tree:
        absent = stand_ins(prepared.tree, submission.files)
        notes += [f"{each} is imported and is not here; an empty stand-in took its place" for each in absent]
        missing = not_here(prepared.tree, submission.files, assignment)
        notes += [f"{show(each)} is imported, and was not handed in" for each in missing]
        unknown = unknown_names(prepared.tree, clean.library) if clean else ()
        notes += [f"{show(name)} is imported from {show(module)}, which has no such name" for module, name in unknown]
    integrity = None
    if clean is not None:
        integrity = Integrity(
            found,
            _notebook(submission.notebook, clean.notebook),
            supplied=submission.lacking[:MOST],
            edited=submission.edited[:MOST],
            stand_ins=absent,
        )
    return replace(prepared, integrity=integrity, notes=tuple(notes), stand_ins=frozenset(absent))


def _module(files: Mapping[str, bytes], name: str, clean: CleanCopy | None) -> tuple[Prepared, ModuleIntegrity]:
    """What is run of a module, and how it differs from the clean one."""
    prepared = Prepared(files)
    try:
        source = Source.decode(files[name])
        prepared = replace(prepared, source=source, tree=source.tree)
        if clean is None:
            return prepared, ModuleIntegrity()
        carried = carry_module(clean.module, source)
        if carried.restored or carried.missing:
            together = {**files, name: carried.source.encode()}
            prepared = replace(prepared, files=together, tree=carried.parsed(), lines=carried.lines)
    except NotPython as problem:
        return prepared, ModuleIntegrity(trouble=f"line {problem.line}: {show(str(problem), 200)}")
    report = ModuleIntegrity(
        carried=bool(prepared.lines),
        kept=_places(carried.kept),
        untouched=_places(carried.untouched),
        missing=_places(carried.missing),
        added=_places(carried.added),
        restored=_places(carried.restored),
    )
    return prepared, report


def _notebook(theirs: bytes | None, clean: dict[str, Any] | None) -> NotebookIntegrity | None:
    if theirs is None or clean is None:
        return None
    try:
        cells = read_cells(theirs)["cells"]
    except ValueError as problem:
        return NotebookIntegrity(trouble=str(problem))
    not_run, out_of_turn = cells_order(cells)
    carried = carry_cells(clean, cells, NotebookSays())
    if carried.foreign:
        return NotebookIntegrity(not_run=not_run, out_of_turn=out_of_turn, foreign=True)
    return NotebookIntegrity(
        answered=_places(carried.answered),
        blank=_places(carried.blank),
        added=_places(carried.added),
        changed=_places([part for part in carried.restored if part.number]),
        removed=_places([part for part in carried.restored if not part.number]),
        moved=_places(carried.moved),
        not_run=not_run,
        out_of_turn=out_of_turn,
    )


def _places(parts: Sequence[Part | CellPart]) -> tuple[Place, ...]:
    """At most MOST of them; where there are more, the last one says how many."""
    shown = parts if len(parts) <= MOST else parts[: MOST - 1]
    places = [
        Place(show(part.name), part.line) if isinstance(part, Part) else Place(part.begins, part.number)
        for part in shown
    ]
    rest = len(parts) - len(shown)
    return (*places, Place(f"and {rest} more")) if rest else tuple(places)
