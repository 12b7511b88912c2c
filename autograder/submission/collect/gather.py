"""Gathers a student's answers on clean files in the stage, a folder of their own, and packs the zip to hand in.

A file of the student's that would be overwritten is moved to `kept/<time>/` first.
"""

from __future__ import annotations

import ast
import os
import re
import shutil
import unicodedata
import zipfile
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path, PurePosixPath

from autograder.course.model import Assignment, Question
from autograder.errors import AutograderError, UsageError
from autograder.files import whole
from autograder.submission.clean.module import CarriedModule, CleanModule, NotPython, Source, carry_module
from autograder.submission.clean.notebook import CarriedNotebook, carry_notebook, notebook_bytes, who_says
from autograder.submission.collect.zip import zip_bytes
from autograder.submission.paths import is_litter
from autograder.submission.receive.identity import NotebookSays, agreed
from autograder.submission.source.parse import parse
from autograder.submission.source.same import same_text

__all__ = ["GROUP", "STAGE", "Gathered", "Keeper", "gather", "own_words", "set_up", "write_zip", "zip_name"]

STAGE, KEPT, DATA = "submission", "kept", "data"
GROUP = "group.txt"
IMPORT = re.compile(r"^\s*(?:from|import)\s+([A-Za-z_]\w*)", re.MULTILINE)


@dataclass(frozen=True)
class Gathered:
    """The files that are handed in, without the notebooks' artifacts.

    Attributes:
        modules: the clean modules with the student's answers, by file name.
        unreadable: the student's modules that are no Python, by file name: the unchanged bytes, and the error.
        absent: names of missing modules. The clean ones are handed in.
        notebooks: the clean notebooks with the student's answers, by file name.
        own: the student's own modules that the answers import, by path.
        group: the content of `group.txt`; None if the student works alone.
        edited: given files that the student edited. The clean copy's are used.
    """

    assignment: Assignment
    modules: Mapping[str, CarriedModule]
    unreadable: Mapping[str, tuple[bytes, NotPython]]
    absent: tuple[str, ...]
    notebooks: Mapping[str, CarriedNotebook]
    own: Mapping[str, bytes]
    group: bytes | None
    edited: tuple[str, ...]

    @property
    def files(self) -> dict[str, bytes]:
        """The files by their paths in the zip."""
        files = {**self.own, **{name: data for name, (data, _) in self.unreadable.items()}}
        files |= {name: module.source.encode() for name, module in self.modules.items()}
        files |= {name: notebook_bytes(notebook.notebook) for name, notebook in self.notebooks.items()}
        if self.group is not None:
            files[GROUP] = self.group
        return files


def own_words(folder: Path, clean: Mapping[str, bytes], assignment: Assignment) -> NotebookSays:
    """The identity in the student's notebooks; "" for values that are unchanged placeholders.

    Raises UsageError if a file is no notebook.
    """
    paths = (folder / name for name in assignment.notebooks)
    return agreed({path.name: _says(path, clean[path.name]) for path in paths if path.is_file()}, [])


def _says(path: Path, clean: bytes) -> NotebookSays:
    try:
        says, blank = who_says(path.read_bytes()), who_says(clean)
    except ValueError as problem:
        raise UsageError(f"{path.name}: cannot be read as a notebook: {problem}") from None
    return replace(
        says,
        name=says.name if says.name != blank.name else "",
        idnum=says.idnum if says.idnum != blank.idnum else "",
        group=says.group if says.group != blank.group else (),
    )


def gather(folder: Path, clean: Mapping[str, bytes], assignment: Assignment, who: NotebookSays) -> Gathered:
    """Carry a student's answers onto the clean files. Nothing is run or written.

    Raises:
        UsageError: the folder has none of the student's modules, or a file is no notebook.
        AutograderError: none of the student's modules is Python.
    """
    modules, unreadable, absent = _modules(folder, clean, assignment)
    notebooks = {name: _notebook(folder / name, clean[name], who) for name in assignment.notebooks}
    group = "".join(f"{id} {member}\n" for id, member in who.group).encode() if who.group else None
    written = (*assignment.files, *assignment.notebooks)
    there = {path: folder / path for path in clean if path not in written and (folder / path).is_file()}
    return Gathered(
        assignment,
        modules,
        unreadable,
        absent,
        notebooks,
        own=_own_modules(folder, clean, assignment, modules.values(), notebooks.values()),
        group=group,
        edited=tuple(path for path, file in there.items() if not same_text(file.read_bytes(), clean[path])),
    )


def _modules(
    folder: Path, clean: Mapping[str, bytes], assignment: Assignment
) -> tuple[dict[str, CarriedModule], dict[str, tuple[bytes, NotPython]], tuple[str, ...]]:
    """The modules with the student's answers, the modules that are no Python, and the names of missing ones."""
    modules: dict[str, CarriedModule] = {}
    unreadable: dict[str, tuple[bytes, NotPython]] = {}
    absent = [name for name in assignment.files if not (folder / name).is_file()]
    if len(absent) == len(assignment.files):
        raise UsageError(f"{folder / absent[0]}: no such file: your answers belong there")
    for component in assignment.components:
        name, questions = component.file, assignment.questions_in(component.module)
        data = clean[name] if name in absent else (folder / name).read_bytes()
        try:
            modules[name] = _carried(clean[name], data, questions)
        except NotPython as misfit:
            unreadable[name] = data, misfit
    if len(absent) + len(unreadable) == len(assignment.files):
        name, (_, problem) = next(iter(unreadable.items()))
        raise AutograderError(f"{name}, line {problem.line}: {problem}. Nothing was written.")
    return modules, unreadable, tuple(absent)


def _notebook(path: Path, clean: bytes, who: NotebookSays) -> CarriedNotebook:
    """The clean notebook with the student's answers."""
    try:
        return carry_notebook(clean, path.read_bytes() if path.is_file() else None, who)
    except ValueError as problem:
        raise UsageError(f"{path.name}: cannot be read as a notebook: {problem}") from None


def _carried(clean: bytes, student: bytes, questions: Collection[Question]) -> CarriedModule:
    """The clean module with the student's answers. Raises NotPython if they do not compile."""
    theirs = Source.decode(student)
    theirs.compile()
    module = carry_module(CleanModule.read(clean, questions), theirs)
    module.parsed()
    return module


def _own_modules(
    folder: Path,
    clean: Mapping[str, bytes],
    assignment: Assignment,
    modules: Iterable[CarriedModule],
    notebooks: Iterable[CarriedNotebook],
) -> dict[str, bytes]:
    """The student's own modules that the answers import, directly or through other modules, by path."""
    given = {PurePosixPath(path).parts[0].removesuffix(".py") for path in clean} | set(assignment.modules)
    waiting = set[str]().union(*(_imported(module.source) for module in modules))
    for notebook in notebooks:
        for cell in notebook.notebook["cells"]:
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
    """The top-level names of all modules that a source imports."""
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
        UsageError: the name has no letter, the id has no digit, or the assignment has no such option.
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
    """The name in lower case, composed (NFC), with words joined by underscores."""
    return re.sub(r"[\W_]+", "_", unicodedata.normalize("NFC", name).lower()).strip("_")


class Keeper:
    """Moves files that would be overwritten into one folder per run, which is made when it is needed."""

    def __init__(self, folder: Path, now: datetime) -> None:
        self._folder, self._stamp = folder, now.strftime("%Y%m%d-%H%M%S")
        self._into: Path | None = None

    @property
    def into(self) -> Path | None:
        """The folder of the kept files; None if there are none."""
        return self._into

    def keep(self, path: Path) -> None:
        """Move a file or folder away, if it exists."""
        if path.exists():
            if self._into is None:
                self._into = _fresh(self._folder / KEPT / self._stamp)
            os.replace(path, self._into / path.name)

    def write(self, path: Path, data: bytes) -> bool:
        """Write a file atomically. An existing file with other content is kept first. Returns True if it changed."""
        if path.is_file() and path.read_bytes() == data:
            return False
        with whole(path) as file:
            file.write(data)
            self.keep(path)
        return True


def _fresh(folder: Path) -> Path:
    """Make a new folder of this name, or with a number behind it."""
    for number in range(1, 1000):
        path = folder if number == 1 else folder.with_name(f"{folder.name}-{number}")
        try:
            path.mkdir(parents=True)
        except FileExistsError:
            continue
        return path
    raise UsageError(f"{folder}: too many folders of this name")


def set_up(folder: Path, clean: Mapping[str, bytes], gathered: Gathered, keeper: Keeper) -> Path:
    """Make the stage, in which notebooks and checks run: clean files, answers, checks, and the student's data."""
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
    """Link the folder of data sets, which are large, else link its files, else copy them."""
    try:
        place.symlink_to(data.resolve(), target_is_directory=True)
    except OSError:
        try:
            shutil.copytree(data, place, copy_function=os.link)
        except OSError:
            shutil.copytree(data, place, dirs_exist_ok=True)


def write_zip(path: Path, files: Mapping[str, bytes], keeper: Keeper) -> bool:
    """Write the zip, with the files at its root. Equal files give equal bytes. Returns True if the zip has changed."""
    return keeper.write(path, zip_bytes(dict(sorted(files.items())), compression=zipfile.ZIP_DEFLATED))
