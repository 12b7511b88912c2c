"""Puts together what a student hands in: answers on clean files, in a folder of their own, and the zip made of them.

Nothing of the student's is overwritten without being kept: what would be goes to `kept/<time>/` first.
"""

from __future__ import annotations

import ast
import os
import re
import shutil
import tempfile
import unicodedata
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path, PurePosixPath

from autograder.course.model import Assignment
from autograder.errors import AutograderError, UsageError
from autograder.submission.carry import CarriedModule, CleanModule, NotPython, Source, carry_module
from autograder.submission.cells import CarriedNotebook, carry_notebook, notebook_bytes, who_says
from autograder.submission.identity import NotebookSays
from autograder.submission.names import is_litter
from autograder.submission.packing import zip_bytes
from autograder.submission.source import parse

__all__ = ["GROUP", "STAGE", "Gathered", "Keeper", "gather", "own_words", "set_up", "write_zip", "zip_name"]

STAGE, KEPT, DATA = "submission", "kept", "data"
GROUP = "group.txt"
IMPORT = re.compile(r"^\s*(?:from|import)\s+([A-Za-z_]\w*)", re.MULTILINE)


@dataclass(frozen=True)
class Gathered:
    """Everything that is handed in, but for what the notebook writes.

    Attributes:
        module: the student's answers in the clean module.
        notebook: the student's answers in the clean notebook; None where the assignment has none.
        own: the student's own modules that the answers import, by path.
        group: `group.txt`, None where nobody else is in the group.
        edited: given files that the student edited, and that are the clean copy's again.
    """

    assignment: Assignment
    module: CarriedModule
    notebook: CarriedNotebook | None
    own: Mapping[str, bytes]
    group: bytes | None
    edited: tuple[str, ...]

    @property
    def files(self) -> dict[str, bytes]:
        """By path inside the zip."""
        files = {**self.own, f"{self.assignment.module}.py": self.module.source.encode()}
        if self.notebook:
            files[self.assignment.notebook] = notebook_bytes(self.notebook.notebook)
        if self.group is not None:
            files[GROUP] = self.group
        return files


def own_words(folder: Path, clean: Mapping[str, bytes], assignment: Assignment) -> NotebookSays:
    """Who hands in, by the notebook; "" where it says what the clean one says. Raises UsageError where it is none."""
    path = folder / assignment.notebook
    if not assignment.notebook or not path.is_file():
        return NotebookSays()
    try:
        says, blank = who_says(path.read_bytes()), who_says(clean[assignment.notebook])
    except ValueError as problem:
        raise UsageError(f"{path.name}: cannot be read as a notebook: {problem}") from None
    return replace(
        says,
        name=says.name if says.name != blank.name else "",
        idnum=says.idnum if says.idnum != blank.idnum else "",
        group=says.group if says.group != blank.group else (),
    )


def gather(folder: Path, clean: Mapping[str, bytes], assignment: Assignment, who: NotebookSays) -> Gathered:
    """Carry what a student wrote onto the clean files. Nothing is run, and nothing written.

    Raises:
        UsageError: the student's module is not in the folder, or the notebook is none.
        AutograderError: the student's module is not Python.
    """
    name = f"{assignment.module}.py"
    try:
        module = _carried(clean[name], (folder / name).read_bytes(), assignment)
    except FileNotFoundError:
        raise UsageError(f"{folder / name}: no such file: your answers belong there") from None
    except NotPython as problem:
        raise AutograderError(f"{name}, line {problem.line}: {problem}. Nothing was written.") from None
    notebook = None
    if assignment.notebook:
        path = folder / assignment.notebook
        try:
            theirs = path.read_bytes() if path.is_file() else None
            notebook = carry_notebook(clean[assignment.notebook], theirs, who)
        except ValueError as problem:
            raise UsageError(f"{path.name}: cannot be read as a notebook: {problem}") from None
    group = "".join(f"{id} {member}\n" for id, member in who.group).encode() if who.group else None
    written = (name, assignment.notebook)
    there = {path: folder / path for path in clean if path not in written and (folder / path).is_file()}
    return Gathered(
        assignment,
        module,
        notebook,
        own=_own_modules(folder, clean, assignment, module, notebook),
        group=group,
        edited=tuple(path for path, file in there.items() if _lines(file.read_bytes()) != _lines(clean[path])),
    )


def _carried(clean: bytes, student: bytes, assignment: Assignment) -> CarriedModule:
    """The clean module with the student's answers. Raises NotPython where they do not compile."""
    theirs = Source.decode(student)
    theirs.compile()
    module = carry_module(CleanModule.read(clean, assignment), theirs)
    module.parsed()
    return module


def _lines(data: bytes) -> list[bytes]:
    return [line.rstrip() for line in data.splitlines()]


def _own_modules(
    folder: Path,
    clean: Mapping[str, bytes],
    assignment: Assignment,
    module: CarriedModule,
    notebook: CarriedNotebook | None,
) -> dict[str, bytes]:
    """The student's own modules that the answers import, and those that these import, by path."""
    given = {PurePosixPath(path).parts[0].removesuffix(".py") for path in clean} | {assignment.module}
    waiting = _imported(module.source)
    for cell in notebook.notebook["cells"] if notebook else ():
        if cell["cell_type"] == "code":
            waiting |= set(IMPORT.findall(cell["source"]))
    own: dict[str, bytes] = {}
    seen = set(given)
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        for path in _files_of(folder, name):
            own[path.relative_to(folder).as_posix()] = path.read_bytes()
            waiting |= _imported(path.read_bytes())
    return dict(sorted(own.items()))


def _imported(source: str | bytes) -> set[str]:
    """First names of all modules that a source imports."""
    names = set[str]()
    for node in ast.walk(tree) if (tree := parse(source)) else ():
        match node:
            case ast.Import(names=aliases):
                names |= {alias.name.split(".")[0] for alias in aliases}
            case ast.ImportFrom(module=str(module), level=0):
                names.add(module.split(".")[0])
    return names


def _files_of(folder: Path, name: str) -> Iterator[Path]:
    if (folder / f"{name}.py").is_file():
        yield folder / f"{name}.py"
    elif (folder / name).is_dir() and name not in (STAGE, KEPT, DATA):
        paths = (folder / name).rglob("*.py")
        yield from (path for path in sorted(paths) if not is_litter(path.relative_to(folder).as_posix()))


def zip_name(name: str, id: str, assignment: Assignment, option: str) -> str:
    """The course's name for a zip: `kim_minsu-2022123456-A6-O1.zip`.

    Raises:
        UsageError: nothing is left of the name, the id has no digit, or the assignment has no such option.
    """
    short = _word(name)
    number = "".join(char for char in unicodedata.normalize("NFC", id) if char.isalnum())
    known = [known.id for known in assignment.options]
    if not short:
        raise UsageError(f"name: found {name!r}, wanted letters")
    if not any(char.isdigit() for char in number):
        raise UsageError(f"id: found {id!r}, wanted your student number")
    if option not in known:
        raise UsageError(f"option: found {option!r}, wanted one of {', '.join(known)}")
    return f"{short}-{number}-A{assignment.number}-O{option}.zip"


def _word(name: str) -> str:
    """In lower case, words joined by underscores, letters of any language composed."""
    return re.sub(r"[\W_]+", "_", unicodedata.normalize("NFC", name).lower()).strip("_")


class Keeper:
    """Moves away what would be overwritten, into one folder for the whole run, made when it is needed."""

    def __init__(self, folder: Path, now: datetime) -> None:
        self._folder, self._stamp = folder, now.strftime("%Y%m%d-%H%M%S")
        self._into: Path | None = None

    @property
    def into(self) -> Path | None:
        """The folder that holds what was kept; None while nothing had to be."""
        return self._into

    def keep(self, path: Path) -> None:
        """Move a file or folder away, if it is there."""
        if path.exists():
            if self._into is None:
                self._into = _fresh(self._folder / KEPT / self._stamp)
            os.replace(path, self._into / path.name)

    def write(self, path: Path, data: bytes) -> bool:
        """Write a file whole; what was there, if it says something else, is kept. Returns whether it was written."""
        if path.is_file() and path.read_bytes() == data:
            return False
        descriptor, name = tempfile.mkstemp(prefix=".writing-", dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
            os.chmod(name, 0o644)
            self.keep(path)
            os.replace(name, path)
        except BaseException:
            os.unlink(name)
            raise
        return True


def _fresh(folder: Path) -> Path:
    """A new folder called like this, or with a number after it."""
    for number in range(1, 1000):
        path = folder if number == 1 else folder.with_name(f"{folder.name}-{number}")
        try:
            path.mkdir(parents=True)
        except FileExistsError:
            continue
        return path
    raise UsageError(f"{folder}: too many folders of this name")


def set_up(folder: Path, clean: Mapping[str, bytes], gathered: Gathered, keeper: Keeper) -> Path:
    """Make the folder that the notebook and the checks run in: clean files, answers, checks, and the data at hand."""
    stage = folder / STAGE
    keeper.keep(stage)
    stage.mkdir()
    for path, data in {**clean, **gathered.files}.items():
        (stage / path).parent.mkdir(parents=True, exist_ok=True)
        (stage / path).write_bytes(data)
    for name in ("assignment.toml", "public_checks", "tests"):
        if (folder / name).is_dir():
            shutil.copytree(folder / name, stage / name, ignore=shutil.ignore_patterns("__pycache__"))
        elif (folder / name).is_file():
            shutil.copy(folder / name, stage / name)
    if (folder / DATA).is_dir():
        _lend(folder / DATA, stage / DATA)
    return stage


def _lend(data: Path, place: Path) -> None:
    """Data sets are large: a link to them, else links to their files, else copies."""
    try:
        place.symlink_to(data.resolve(), target_is_directory=True)
    except OSError:
        try:
            shutil.copytree(data, place, copy_function=os.link)
        except OSError:
            shutil.copytree(data, place, dirs_exist_ok=True)


def write_zip(path: Path, files: Mapping[str, bytes], keeper: Keeper) -> bool:
    """Write the zip: files at its root, the same bytes for the same files. Returns whether it was written anew."""
    return keeper.write(path, zip_bytes(dict(sorted(files.items())), compression=zipfile.ZIP_DEFLATED))
