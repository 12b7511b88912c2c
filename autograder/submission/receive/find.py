"""Finds the submissions in what the caller names: a class's folder or archive, one person's archive or folder.

Nobody vanishes: what is no submission is named, with the reason why it was passed over.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from autograder.errors import ArchiveError, UsageError
from autograder.submission.paths import is_litter
from autograder.submission.receive.archives.unpack import Unpacker, zip_names
from autograder.submission.receive.filename import ParsedName, parse_name
from autograder.submission.receive.identity import read_notebook
from autograder.submission.receive.lateness import SUBMITTED
from autograder.submission.receive.locate import is_called
from autograder.submission.receive.look import GIVEN, Kind, Look, archive_called, listed

__all__ = ["Found", "Passed", "find_submissions", "holds_module"]

RESULTS = ("grades.csv", "index.html")  # what a folder of results holds
LEFT_BEHIND = "left behind by a file manager or a tool"
MAX_DEEP = 6
MAX_COMPARED = 8
MAX_NAMED = 3
SOURCE = (".py", ".ipynb")
LOOSE = (".py", ".ipynb", ".pt", ".pth", ".npy", ".npz", ".txt")


@dataclass(frozen=True)
class Passed:
    """Something beside the submissions that is none.

    Attributes:
        name: its path, from what the caller named.
        work: it may be somebody's work, so a person has to look.
    """

    name: str
    why: str
    work: bool = False


@dataclass
class Found:
    """What there is to grade, in order of name, and what was passed over."""

    paths: list[Path] = field(default_factory=list)
    passed: list[Passed] = field(default_factory=list)
    # In which folder tables about the submissions lie.
    folder: Path = Path()
    # Archives that stand alone in a folder: the folder may say whose they are.
    alone: set[Path] = field(default_factory=set)


def find_submissions(path: Path, modules: Collection[str], unpack_into: Path | None = None) -> Found:
    """The archives and folders to grade.

    A folder that itself holds one of the modules is one submission. In any other, each archive and each folder is one;
    a folder around one archive, as learning systems make them, stands for the archive. An archive of everybody's
    archives is taken apart, and so are sections and the folder around the real one.

    Args:
        modules: the files that an assignment asks for, `two_layers.py`.
        unpack_into: where to take archives apart; without it, one that holds several people's work is refused.

    Raises:
        UsageError: there is no such path, or nothing to grade in it.
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
    """Whether one of the modules, under its own name or one that copying made of it, lies directly in the folder."""
    return any(is_called(entry.name, name) and entry.is_file() for entry in folder.iterdir() for name in modules)


def _order(path: Path) -> tuple[str, str]:
    return path.name.casefold(), path.name


class _Finder:
    def __init__(self, modules: tuple[str, ...], unpacker: Unpacker | None) -> None:
        self._modules, self._unpacker = modules, unpacker
        self.found = Found()

    def folder(self, folder: Path, place: str, depth: int) -> None:
        """Everything in a folder that holds several people's work."""
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
        """Why a loose file is no submission, and whether it may be somebody's work all the same."""
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
            self._pass(name, "the course's own folder, which every handout brings")
            return
        kind = look.kind
        if kind is Kind.UNCLEAR:
            kind = _by_notebooks(entry, look)
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
        """An archive: somebody's, or everybody's."""
        look = Look.at(path.name, zip_names(path), self._modules)
        kind = look.kind
        if kind is Kind.WORK or depth >= MAX_DEEP:
            self.found.paths.append(path)
            return
        if self._unpacker is None:
            raise UsageError(f"{path}: a zip that holds several people's work; unzip it, and name the folder")
        try:
            folder = self._unpacker.unpack(path)
        except (ArchiveError, OSError) as error:
            raise UsageError(f"{path}: cannot be taken apart: {error}") from None
        for member, why in self._unpacker.left_out:
            self._pass(f"{name}/{member}", why, work=archive_called(member) or member.lower().endswith(SOURCE))
        self._unpacker.left_out.clear()
        if kind is Kind.UNCLEAR:
            kind = _by_notebooks(folder, look)
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
        """One person's files, as a learning system gives them where they were handed in one by one."""
        names = [path.name for path, _ in files]
        if not any(path.suffix.lower() in SOURCE for path, _ in files) or self._unpacker is None:
            for name in names:
                self._pass(f"{place}{name}", "a file by itself; put it into a folder or zip of its owner's name", True)
            return
        _, parsed = files[0]
        called = names[0].removesuffix(parsed.rest) + "files" if parsed.account else Path(names[0]).stem
        given = [(path, parsed.rest if parsed.account else path.name) for path, parsed in files]
        self.found.paths.append(self._unpacker.gather(called, given))

    def _pass(self, name: str, why: str, work: bool = False) -> None:
        self.found.passed.append(Passed(name, why, work))


def _by_notebooks(folder: Path, look: Look) -> Kind:
    """Whether folders that each hold the module are several people's: by the ids in their notebooks, and by content."""
    while len(look.folders) == 1 and not look.files:
        folder, look = folder / look.folders[0], look.inside(look.folders[0])
    holders = list(look.holders())
    if any(look.inside(name).archives and not look.inside(name).modules for name in look.folders):
        return Kind.UNCLEAR
    ids = [_ids(folder / name, look.inside(name).paths) for name in holders[:MAX_COMPARED]]
    told = set().union(*ids)
    if len(told) > 1:
        return Kind.CLASS
    copies: dict[str, set[bytes]] = {}
    for name in holders[:MAX_COMPARED]:
        for module, path in look.inside(name).by_module.items():
            copies.setdefault(module, set()).add(_source(folder / name / path))
    same = all(len(sources) == 1 for sources in copies.values())
    return Kind.WORK if same or (told and all(ids)) else Kind.UNCLEAR


def _ids(folder: Path, paths: Iterable[str]) -> set[str]:
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
