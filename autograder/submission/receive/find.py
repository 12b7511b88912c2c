"""Finds the submissions under a path: a class's folder or archive, or one person's archive or folder.

No entry is skipped silently: each one that is no submission is listed with the reason.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from autograder.errors import ArchiveError, UsageError
from autograder.submission.paths import is_litter
from autograder.submission.receive.archives.unpack import Unpacker, archive_names
from autograder.submission.receive.filename import ParsedName, parse_name
from autograder.submission.receive.identity import read_notebook
from autograder.submission.receive.lateness import SUBMITTED
from autograder.submission.receive.locate import is_called
from autograder.submission.receive.look import GIVEN, Kind, Look, archive_called, listed

__all__ = ["Found", "Passed", "find_submissions", "holds_module"]

RESULTS = ("grades.csv", "index.html")  # the files of a folder of results
LEFT_BEHIND = "left behind by a file manager or a tool"
MAX_DEEP = 6
MAX_COMPARED = 8
MAX_NAMED = 3
SOURCE = (".py", ".ipynb")
LOOSE = (".py", ".ipynb", ".pt", ".pth", ".npy", ".npz", ".txt")


@dataclass(frozen=True)
class Passed:
    """An entry beside the submissions that is no submission.

    Attributes:
        name: its path, relative to the caller's path.
        why: the reason.
        work: True if it may be somebody's work, so that a person has to look.
    """

    name: str
    why: str
    work: bool = False


@dataclass
class Found:
    """The submissions, sorted by name, and the entries that were passed over."""

    paths: list[Path] = field(default_factory=list)
    passed: list[Passed] = field(default_factory=list)
    # The folder of tables about the submissions.
    folder: Path = Path()
    # Archives that are alone in a folder. The folder's name may be the author's.
    alone: set[Path] = field(default_factory=set)


def find_submissions(path: Path, modules: Collection[str], unpack_into: Path | None = None) -> Found:
    """The archives and folders to grade.

    A folder that directly holds one of the modules is one submission. In any other folder, each archive and each folder
    is one submission. A folder around a single archive, as learning systems make it, counts as the archive. An archive
    of all students' archives is unpacked. Folders of sections, and a folder around the real one, are searched.

    Args:
        modules: the file names of the assignment's modules, `two_layers.py`.
        unpack_into: the folder to unpack archives into. Without it, an archive of several people's work is refused.

    Raises:
        UsageError: the path does not exist or cannot be read, or it holds nothing to grade.
    """
    if not path.exists():
        raise UsageError(f"{path}: no such file or folder")
    finder = _Finder(tuple(modules), Unpacker(unpack_into) if unpack_into else None)
    finder.found.folder = path if path.is_dir() else path.parent
    try:
        if not path.is_dir():
            finder.archive(path, path.name, 0)
        elif Look.at(path.name, listed(path), modules).kind is Kind.WORK and holds_module(path, modules):
            finder.found.paths.append(path)
            finder.found.folder = path.parent
        else:
            finder.folder(path, "", 0)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from None
    if not finder.found.paths:
        what = "; ".join(f"{each.name}: {each.why}" for each in finder.found.passed[:MAX_NAMED])
        wanted = f"wanted zips or folders, or a folder that holds {' or '.join(modules)}"
        raise UsageError(f"{path}: no submissions here: {wanted}" + (f"; found {what}" if what else ""))
    return finder.found


def holds_module(folder: Path, modules: Collection[str]) -> bool:
    """True if the folder directly holds one of the modules, under its name or a copy's name (`two_layers (1).py`)."""
    return any(is_called(entry.name, name) and entry.is_file() for entry in folder.iterdir() for name in modules)


def _order(path: Path) -> tuple[str, str]:
    return path.name.casefold(), path.name


class _Finder:
    def __init__(self, modules: tuple[str, ...], unpacker: Unpacker | None) -> None:
        self._modules, self._unpacker = modules, unpacker
        self.found = Found()

    def folder(self, folder: Path, place: str, depth: int) -> None:
        """Handle all entries of a folder with several people's work."""
        loose: dict[str, list[tuple[Path, ParsedName]]] = {}
        for entry in sorted(folder.iterdir(), key=_order):
            name = f"{place}{entry.name}"
            if entry.is_symlink():
                self._pass(name, "a link; links are not followed")
            elif is_litter(entry.name) or entry.name.startswith("."):
                self._pass(name, LEFT_BEHIND)
            elif entry.is_dir():
                self._entry(entry, name, depth)
            elif not entry.is_file():
                self._pass(name, "not a plain file")
            elif archive_called(entry.name):
                self.archive(entry, name, depth)
            elif (parsed := parse_name(entry.name)).person and not parsed.receipt and entry.suffix.lower() in LOOSE:
                loose.setdefault(parsed.person, []).append((entry, parsed))
            elif entry.name != SUBMITTED:
                self._pass(name, *self._why(entry, parsed))
        for files in loose.values():
            self._loose(files, place)

    def _why(self, entry: Path, parsed: ParsedName) -> tuple[str, bool]:
        """The reason why a loose file is no submission, and True if it may still be somebody's work."""
        if parsed.receipt:
            return "a learning system's receipt", False
        if parsed.account:
            return "a file of a kind that grading does not use, by itself", False
        if any(is_called(entry.name, name) for name in self._modules) or entry.suffix.lower() == ".ipynb":
            return "a file by itself, and no name says whose; put it into a folder or zip of its owner's name", True
        return "neither a zip nor a folder", False

    def _entry(self, entry: Path, name: str, depth: int) -> None:
        if all((entry / part).is_file() for part in RESULTS):
            self._pass(name, "a folder of results")
            return
        look = Look.at(entry.name, listed(entry), self._modules)
        if entry.name.casefold() in GIVEN and not look.modules and not look.archives:
            self._pass(name, "a folder of the handout")
            return
        kind = look.kind
        if kind is Kind.UNCLEAR:
            kind = self._by_notebooks(entry, look)
        if kind is Kind.CLASS and depth < MAX_DEEP:
            self.folder(entry, f"{name}/", depth + 1)
        elif kind is Kind.UNCLEAR:
            inside = ", ".join(sorted(look.holders()))[:200]
            self._pass(name, f"one person's work or several people's? It holds {inside}; nothing says whose", work=True)
        elif len(look.archives) == 1 and not look.holds_source:
            self.found.alone.add(entry / look.archives[0])
            self.archive(entry / look.archives[0], f"{name}/{look.archives[0]}", depth + 1)
        else:
            self.found.paths.append(entry)

    def archive(self, path: Path, name: str, depth: int) -> None:
        """Handle an archive of one person's or of several people's work."""
        look = Look.at(path.name, archive_names(path), self._modules)
        kind = look.kind
        if kind is Kind.WORK or depth >= MAX_DEEP:
            self.found.paths.append(path)
            return
        if self._unpacker is None:
            raise UsageError(f"{path}: an archive of several people's work; unpack it, and name the folder")
        try:
            folder = self._unpacker.unpack(path)
        except (ArchiveError, OSError) as error:
            raise UsageError(f"{path}: cannot be taken apart: {error}") from None
        for member, why in self._unpacker.left_out:
            self._pass(f"{name}/{member}", why, work=archive_called(member) or member.lower().endswith(SOURCE))
        self._unpacker.left_out.clear()
        if kind is Kind.UNCLEAR:
            kind = self._by_notebooks(folder, look)
        if kind is Kind.WORK:
            self.found.paths.append(path)
        elif kind is Kind.UNCLEAR:
            inside = ", ".join(sorted(look.holders()))[:200]
            self._pass(name, f"one person's work or several people's? It holds {inside}; nothing says whose", work=True)
        else:
            self.folder(folder, f"{name}/", depth + 1)
            if (folder / SUBMITTED).is_file():
                self.found.folder = folder

    def _loose(self, files: list[tuple[Path, ParsedName]], place: str) -> None:
        """Handle loose files: a learning system lists one person's files so if they were handed in one by one."""
        names = [path.name for path, _ in files]
        if not any(path.suffix.lower() in SOURCE for path, _ in files) or self._unpacker is None:
            for name in names:
                self._pass(f"{place}{name}", "a file by itself; put it into a folder or zip of its owner's name", True)
            return
        _, parsed = files[0]
        called = names[0].removesuffix(parsed.rest) + "files" if parsed.account else Path(names[0]).stem
        given = [(path, parsed.rest if parsed.account else path.name) for path, parsed in files]
        self.found.paths.append(self._unpacker.gather(called, given))

    def _by_notebooks(self, folder: Path, look: Look) -> Kind:
        """Decide if the folders and archives in a folder are several people's, from notebook ids and contents."""
        while len(look.folders) == 1 and not look.files:
            folder, look = folder / look.folders[0], look.inside(look.folders[0])
        holders = list(look.holders())[:MAX_COMPARED]
        archives = [folder / name for name in holders if archive_called(name)]
        if any(Look.at(path.name, archive_names(path), self._modules).kind is Kind.CLASS for path in archives):
            return Kind.CLASS
        ids = [self._ids_in(folder / name) for name in holders]
        people = set().union(*ids)
        if len(people) > 1:
            return Kind.CLASS
        if people and all(ids):
            return Kind.WORK
        if archives or not all(look.inside(name).modules for name in holders):
            return Kind.UNCLEAR
        copies: dict[str, set[bytes]] = {}
        for name in holders:
            for module, path in look.inside(name).by_module.items():
                copies.setdefault(module, set()).add(_source(folder / name / path))
        return Kind.WORK if all(len(sources) == 1 for sources in copies.values()) else Kind.UNCLEAR

    def _ids_in(self, place: Path) -> set[str]:
        """The ids in the notebooks of a folder or an archive, and of the archives in a folder."""
        if place.is_dir():
            paths = listed(place)
            inside = [place / path for path in paths if archive_called(path)][:MAX_COMPARED]
            return _ids(place, paths).union(*map(self._ids_in, inside))
        if self._unpacker is None:
            return set()
        kept = len(self._unpacker.left_out)
        try:
            folder = self._unpacker.unpack(place)
        except (ArchiveError, OSError):
            return set()
        del self._unpacker.left_out[kept:]  # reading the archive will report them
        return _ids(folder, listed(folder))

    def _pass(self, name: str, why: str, work: bool = False) -> None:
        self.found.passed.append(Passed(name, why, work))


def _ids(folder: Path, paths: Iterable[str]) -> set[str]:
    """The ids in the notebooks among a folder's files."""
    ids = set()
    for path in [path for path in paths if path.lower().endswith(".ipynb")][:MAX_COMPARED]:
        try:
            ids.add(read_notebook((folder / path).read_bytes()).idnum)
        except (OSError, ValueError):
            continue
    return {id.replace("-", "") for id in ids if id.strip("0") not in ("", "your id")}


def _source(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(1 << 20)
    except OSError:
        return b""
