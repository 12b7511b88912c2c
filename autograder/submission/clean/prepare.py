"""Compares a submission with the handout: chooses the sources to run, and reports the differences.

Given code comes from the clean copy. If a submission leaves it unchanged, the student's own file is run. If not, the
clean copy with the student's answers is run. Nothing here runs or compiles student code.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from autograder.course.integrity import Integrity, ModuleIntegrity, NotebookIntegrity, Place
from autograder.course.model import Assignment
from autograder.errors import UsageError
from autograder.submission.clean.module import CleanModule, NotPython, Part, Source, carry_module
from autograder.submission.clean.notebook import CellPart, carry_cells, cells_order
from autograder.submission.clean.notebook_matching import read_cells
from autograder.submission.paths import show
from autograder.submission.receive.archive import read_submission
from autograder.submission.receive.identity import NotebookSays
from autograder.submission.receive.inbox import Submission
from autograder.submission.source.imports import absent_modules, absent_packages, library_modules, unknown_names
from autograder.submission.source.parse import parse
from autograder.submission.source.trouble import trouble

__all__ = ["CleanCopy", "Prepared", "as_handed_in", "handed_out", "prepare"]

LIBRARY = "common"
MAX_PLACES = 200  # entries of one kind
MAX_HELPERS = 50


def handed_out(folder: Path) -> Mapping[str, bytes]:
    """The files of a generated handout, by path; empty if it was not built.

    Its library may be a link to the library that all assignments share.
    """
    if not folder.is_dir():
        return {}
    library = read_submission(folder / LIBRARY) if (folder / LIBRARY).is_symlink() else {}
    return {**read_submission(folder), **{f"{LIBRARY}/{path}": data for path, data in library.items()}}


@dataclass(frozen=True)
class CleanCopy:
    """The handed-out files, parsed once for all submissions.

    Attributes:
        modules, notebooks: by file name.
        library: given modules that answers may import, by path.
    """

    modules: Mapping[str, CleanModule]
    notebooks: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    library: Mapping[str, bytes] = field(default_factory=dict)

    @classmethod
    def read(cls, files: Mapping[str, bytes], assignment: Assignment) -> CleanCopy | None:
        """Read the handout's files by path; None if there are none.

        Raises UsageError if a module is missing, or a module or notebook cannot be read.
        """
        if not files:
            return None
        modules, notebooks = {}, {}
        for component in assignment.components:
            name, notebook = component.file, component.notebook
            try:
                clean = modules[name] = CleanModule.read(files[name], assignment.questions_in(component.module))
                carry_module(clean, clean.source)  # fills the clean module's caches, which all submissions share
                if notebook in files:
                    notebooks[notebook] = read_cells(files[notebook])
            except KeyError:
                raise UsageError(f"{assignment.name}: the handout has no {name}; run `autograder build`") from None
            except NotPython as problem:
                raise UsageError(f"{assignment.name}: the handout's {name}, line {problem.line}: {problem}") from None
            except ValueError as problem:
                raise UsageError(f"{assignment.name}: the handout's {notebook}: {problem}") from None
        sources = (path for path in files if path.endswith(".py"))
        library = {path: files[path] for path in sources if path.startswith("common/") or path in assignment.given}
        return cls(modules, notebooks, library)


@dataclass(frozen=True)
class Prepared:
    """The files of a submission that are run.

    Attributes:
        files: the submission's files by path, with the modules that are run.
        trees: the parse trees of the modules by file name, without those that cannot be parsed.
        lines: for each carried module by file name, the number of each line in the student's file. A given line has
            a number below 1. A module that is run unchanged has no entry.
        sources: the student's own modules by file name, without those that cannot be parsed.
        integrity: the differences from the handout; None without a clean copy.
        notes: remarks for the instructor.
        stand_ins: the names that stand-ins supply, see `sandbox.session.importing.standins`.
    """

    files: Mapping[str, bytes]
    trees: Mapping[str, ast.Module] = field(default_factory=dict)
    lines: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    sources: Mapping[str, Source] = field(default_factory=dict)
    integrity: Integrity | None = None
    notes: tuple[str, ...] = ()
    stand_ins: frozenset[str] = field(default_factory=frozenset)

    def line(self, file: str, number: int) -> int:
        """The student's line for a line of the module that is run; 0 for a given line."""
        return max(self.lines[file][number - 1], 0) if file in self.lines else number


def as_handed_in(submission: Submission) -> Prepared:
    """A submission that is run unchanged, with its own version of the given code."""
    return Prepared(submission.files)


def prepare(submission: Submission, clean: CleanCopy | None, assignment: Assignment) -> Prepared:
    """Choose the sources of a submission to run, and report its differences from the handout.

    A module that cannot be parsed or carried onto the clean copy is run unchanged.
    """
    prepared, found = Prepared(submission.files), {}
    notes: list[str] = []
    for name in assignment.files:
        if name not in submission.files:
            continue
        prepared, found[name] = _module(prepared, name, clean.modules[name] if clean else None)
        if found[name].trouble:
            notes.append(f"{name} was run as it is, given code and all: {found[name].trouble}")
    absent, stand_ins, more = _absent(submission, prepared, clean, assignment)
    notes += more
    integrity = None
    if clean is not None:
        pairs = {name: (data, clean.notebooks.get(name)) for name, data in submission.notebooks.items()}
        integrity = Integrity(
            found,
            {name: _notebook(theirs, ours) for name, (theirs, ours) in pairs.items() if ours is not None},
            supplied=submission.lacking[:MAX_PLACES],
            edited=submission.edited[:MAX_PLACES],
            stand_ins=tuple(absent),
        )
    return replace(prepared, integrity=integrity, notes=tuple(dict.fromkeys(notes)), stand_ins=frozenset(stand_ins))


def _absent(
    submission: Submission, prepared: Prepared, clean: CleanCopy | None, assignment: Assignment
) -> tuple[tuple[str, ...], list[str], list[str]]:
    """The missing imports: packages, all names that need a stand-in, and notes for the instructor."""

    def place(path: str, line: int) -> str:
        return f"({show(path)}, line {prepared.line(path, line) if path in prepared.trees else line})"

    library = clean.library if clean else {}
    trees = {**prepared.trees, **_helpers(submission.files, assignment.files)}
    packages = absent_packages(trees, submission.files)
    modules = absent_modules(trees, submission.files, library, assignment)
    unknown = [(path, *each) for path, tree in trees.items() for each in unknown_names(tree, library)]
    notes = [f"{each} is imported and is not here; an empty stand-in took its place" for each in packages]
    lacking = [(module, each) for _, module, each, _ in unknown]
    own = []
    for each, (path, line) in modules.items():
        parent, _, last = each.rpartition(".")
        if each.startswith("common."):
            notes.append(f"{show(last)} is imported from {show(parent)}, which has no such name {place(path, line)}")
            lacking.append((parent, last))
        else:
            notes.append(f"{show(each)} is imported, and was not handed in {place(path, line)}")
            own.append(f"./{each}")
    for path, module, each, line in unknown:
        notes.append(f"{show(each)} is imported from {show(module)}, which has no such name {place(path, line)}")
    doubtful = [f"?{each}" for each in library_modules(trees, submission.files)]
    return packages, [*packages, *own, *(f"{module}:{each}" for module, each in lacking), *doubtful], notes


def _helpers(files: Mapping[str, bytes], modules: Collection[str]) -> dict[str, ast.Module]:
    """The parse trees of the student's other modules, without those that cannot be parsed."""
    paths = [path for path in files if path.endswith(".py") and path not in modules][:MAX_HELPERS]
    trees = {path: parse(files[path]) for path in paths}
    return {path: tree for path, tree in trees.items() if tree}


def _module(prepared: Prepared, name: str, clean: CleanModule | None) -> tuple[Prepared, ModuleIntegrity]:
    """`prepared` with the sources of one more module, and the module's differences from the clean one."""
    try:
        source = Source.decode(prepared.files[name])
        prepared = replace(
            prepared,
            sources={**prepared.sources, name: source},
            trees={**prepared.trees, name: source.tree},
        )
        if clean is None:
            return prepared, ModuleIntegrity()
        carried = carry_module(clean, source)
        if carried.restored or carried.missing:
            prepared = replace(
                prepared,
                trees={**prepared.trees, name: carried.parsed()},
                files={**prepared.files, name: carried.source.encode()},
                lines={**prepared.lines, name: carried.lines},
            )
    except NotPython as problem:
        found = trouble(prepared.files[name])
        line, what = (found.line, found.what) if found else (problem.line, str(problem))
        return prepared, ModuleIntegrity(trouble=f"line {line}: {show(what, 200)}")
    report = ModuleIntegrity(
        carried=name in prepared.lines,
        kept=_places(carried.kept),
        untouched=_places(carried.untouched),
        missing=_places(carried.missing),
        added=_places(carried.added),
        restored=_places(carried.restored),
    )
    return prepared, report


def _notebook(theirs: bytes, clean: dict[str, Any]) -> NotebookIntegrity:
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
    """The first places. If there are more, the last entry says how many."""
    shown = parts if len(parts) <= MAX_PLACES else parts[: MAX_PLACES - 1]
    places = [
        Place(show(part.name), part.line) if isinstance(part, Part) else Place(part.begins, part.number)
        for part in shown
    ]
    rest = len(parts) - len(shown)
    return (*places, Place(f"and {rest} more")) if rest else tuple(places)
