"""Finds the submissions under a path: a class's folder or archive, or one person's archive or folder.

No entry is skipped silently: each one that is no submission is listed with the reason.
"""

from __future__ import annotations

import os.path
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from autograder.errors import ArchiveError, UsageError
from autograder.submission.paths import decode_name, is_litter
from autograder.submission.receive.archives.unpack import Unpacker, archive_names
from autograder.submission.receive.filename import (
    ParsedName,
    archive_called,
    is_called,
    may_be_archive,
    name_of,
    parse_name,
)
from autograder.submission.receive.identity import read_notebook
from autograder.submission.receive.intake import SOURCES
from autograder.submission.receive.lateness import SUBMITTED
from autograder.submission.receive.look import GIVEN, ContentKind, Look, listed
from autograder.submission.receive.loose import Beside, gathered, reason, whose
from autograder.submission.receive.signed import LOOSE, is_asked

__all__ = ["Found", "Passed", "find_submissions", "holds_module"]

RESULTS = ("grades.csv", "index.html")  # the files of a folder of results
LEFT_BEHIND = "left behind by a file manager or a tool"
MAX_DEEP = 6
MAX_COMPARED = 8
MAX_NAMED = 3
MAX_ID_BYTES = 96 << 20  # bytes of an archive that are unpacked to find an id
MAX_NOTEBOOK_BYTES = 32 << 20
MAX_COMPARED_BYTES = 1 << 20
TEXT, FILES = "_assignsubmission_onlinetext", "_assignsubmission_file"  # Moodle's two folders of one person
SAME_NAME = (
    "the files with this person's name hold notebooks of several students; "
    "put each student's files into a folder or zip of the owner's name"
)
OTHER_ID = ", but its notebook says another student's id"
OTHER_TABLE = f"not read: only the {SUBMITTED} of all submissions together is"


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
            finder.archive(path, path.name, 0, root=True)
        elif Look.at(path.name, listed(path), modules).kind is ContentKind.WORK and holds_module(path, modules):
            finder.found.paths.append(path)
            finder.found.folder = path.parent
        else:
            finder.folder(path, "", 0)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from None
    finder.choose_table()
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
        self._tables: list[tuple[Path, str]] = []  # the folders with a table other than the top one, and its name
        self._places: list[Path] = []  # the original place of each submission
        self._names: dict[Path, list[str]] = {}  # the names of the files in each archive that was listed
        self.found = Found()

    def folder(self, folder: Path, place: str, depth: int) -> None:
        """Handle all entries of a folder with several people's work. An entry that fails does not affect the others."""
        loose: dict[str, list[tuple[Path, ParsedName]]] = {}
        entries = sorted(folder.iterdir(), key=_order)
        names = {entry.name for entry in entries}
        beside = Beside.at(entries, self._modules)
        for entry in entries:
            name = f"{place}{entry.name}"
            try:
                if _is_text_beside(entry, names):
                    self._pass(name, "a text typed into Moodle, beside the files of the same person")
                elif loose_of := self._one(entry, name, depth, beside):
                    loose.setdefault(whose(loose_of), []).append((entry, loose_of))
            except (ArchiveError, OSError, ValueError, RecursionError) as error:
                self._pass(name, f"cannot be read: {_error_text(error)}", work=True)
        for files in loose.values():
            try:
                self._loose(files, place)
            except (OSError, ValueError) as error:
                for path, _ in files:
                    self._pass(f"{place}{path.name}", f"cannot be gathered: {_error_text(error)}", work=True)

    def _one(self, entry: Path, name: str, depth: int, beside: Beside) -> ParsedName | None:
        """Handle one entry. A person's loose file is not handled here: its parsed name is returned."""
        parsed = beside.signed.get(entry.name) or name_of(entry)
        if entry.is_symlink():
            self._pass(name, "a link; links are not followed", work=bool(parsed.person))
        elif is_litter(entry.name):
            self._pass(name, LEFT_BEHIND)
        elif entry.name.startswith("."):
            bare = entry.name.lstrip(".")
            work = archive_called(bare) or bool(parse_name(bare).person)
            self._pass(name, "hidden: its name begins with a dot" if work else LEFT_BEHIND, work)
        elif entry.is_dir():
            self._entry(entry, name, depth)
        elif not entry.is_file():
            self._pass(name, "not a plain file", work=bool(parsed.person))
        elif may_be_archive(entry.name):
            self.archive(entry, name, depth)
        elif parsed.person and not parsed.receipt and entry.suffix.lower() in LOOSE:
            return parsed
        elif entry.name != SUBMITTED:
            self._pass(name, *reason(entry, parsed, self._modules, beside))
        elif entry.parent != self.found.folder:
            self._tables.append((entry.parent, name))
        return None

    def choose_table(self) -> None:
        """Use the table in the archive that holds all submissions, if none lies beside it. List the other tables."""
        for folder, name in self._tables:
            whole = all(place.is_relative_to(folder) for place in self._places)
            if whole and not (self.found.folder / SUBMITTED).is_file():
                self.found.folder = folder
            else:
                self._pass(name, OTHER_TABLE)

    def _entry(self, entry: Path, name: str, depth: int) -> None:
        if all(os.path.isfile(entry / part) for part in RESULTS):
            self._pass(name, "a folder of results")
            return
        look = Look.at(entry.name, listed(entry), self._modules)
        if entry.name.casefold() in GIVEN and not look.modules and not look.archives:
            self._pass(name, "a folder of the handout")
            return
        kind = look.kind
        if kind is ContentKind.UNCLEAR:
            kind = self._by_notebooks(entry, look)
        if kind is ContentKind.CLASS and depth < MAX_DEEP:
            self.folder(entry, f"{name}/", depth + 1)
        elif kind is not ContentKind.WORK:
            self._pass(name, _doubt(kind, look), work=True)
        elif len(look.archives) == 1 and not look.holds_source:
            self.found.alone.add(entry / look.archives[0])
            owner = entry.name if name_of(entry).sure else ""
            self.archive(entry / look.archives[0], f"{name}/{look.archives[0]}", depth + 1, owner)
        else:
            self._add(entry)

    def archive(self, path: Path, name: str, depth: int, owner: str = "", root: bool = False) -> None:
        """Handle an archive of one person's or of several people's work.

        Args:
            owner: the name of a person's folder around it, or "".
            root: True if this is the path to grade. Then a name in Canvas's form names no person.
        """
        own = name_of(path)
        called = owner if owner and not own.person else path.name
        look = Look.at(called, self._names_in(path), self._modules)
        kind = look.kind
        if kind is ContentKind.MIXED and root and not (own.sure or look.has_module):
            kind = ContentKind.CLASS
        if kind is ContentKind.WORK and (folder := self._class_within(path, look, depth)):
            self._pass_left_out(f"{name}/")
            self.folder(folder, f"{name}/", depth + 1)
        elif kind is ContentKind.WORK:
            self._add(path)
        elif kind is ContentKind.MIXED or depth >= MAX_DEEP:
            self._pass(name, _doubt(kind, look), work=True)
        elif self._unpacker is None:
            self._pass(name, "an archive of several people's work; unpack it, and name the folder", work=True)
        else:
            self._take_apart(path, name, depth, look, kind)

    def _class_within(self, path: Path, look: Look, depth: int) -> Path | None:
        """The folder of an unpacked archive that names no person and holds only an archive of several people's work."""
        alone = len(look.archives) == 1 and not look.holds_source and not _has_person(look.name)
        if self._unpacker is None or not alone or depth >= MAX_DEEP:
            return None
        kept = len(self._unpacker.left_out)
        try:
            folder = self._unpacker.unpack(path)
            inner = next(folder / each for each in listed(folder) if may_be_archive(each))
            within = Look.at(inner.name, self._names_in(inner), self._modules)
            kind = within.kind
            if kind is ContentKind.UNCLEAR:
                kind = self._by_notebooks(self._unpacker.unpack(inner), within)
            found = kind is not ContentKind.WORK or self._class_within(inner, within, depth + 1) is not None
        except (ArchiveError, OSError, StopIteration):  # reading the archive will report it
            found = False
        if found:
            return folder
        del self._unpacker.left_out[kept:]
        return None

    def _take_apart(self, path: Path, name: str, depth: int, look: Look, kind: ContentKind) -> None:
        assert self._unpacker is not None
        try:
            folder = self._unpacker.unpack(path)
        except (ArchiveError, OSError) as error:
            self._pass(name, f"cannot be taken apart: {_error_text(error)}", work=True)
            return
        self._pass_left_out(f"{name}/")
        if kind is ContentKind.UNCLEAR:
            kind = self._by_notebooks(folder, look)
        if kind is ContentKind.WORK:
            self._add(path)
        elif kind is ContentKind.CLASS:
            self.folder(folder, f"{name}/", depth + 1)
        else:
            self._pass(name, _doubt(kind, look), work=True)

    def _loose(self, files: list[tuple[Path, ParsedName]], place: str) -> None:
        """Handle loose files: a learning system lists one person's files so if they were handed in one by one."""
        names = [path.name for path, _ in files]
        if not any(path.suffix.lower() in SOURCES for path, _ in files) or self._unpacker is None:
            for name in names:
                self._pass(f"{place}{name}", "a file by itself; put it into a folder or zip of its owner's name", True)
            return
        ids = {path: id for path, _ in files if (id := _id_in(path))}
        _, parsed = files[0]
        if len(set(ids.values())) > 1 and not (parsed.key or parsed.in_form):
            for name in names:
                self._pass(f"{place}{name}", SAME_NAME, work=True)
            return
        person = gathered(files, self._modules)
        self._add(self._unpacker.gather(person.name, person.files), files[0][0])
        self._pass_left_out(place)
        for old, new in person.replaced:
            other = OTHER_ID if len({ids[path] for path in (old, new) if path in ids}) > 1 else ""
            why = f"handed in again under the same name; {new.name} is used{other}"
            self._pass(f"{place}{old.name}", why, work=True)
        asked_first = sorted(person.files, key=lambda file: not is_asked(file[1], self._modules))
        notebooks = [path for path, _ in asked_first if path in ids]
        for path in notebooks:
            if ids[path] != ids[notebooks[0]]:
                why = f"in one row with {notebooks[0].name}, of the same account{OTHER_ID}"
                self._pass(f"{place}{path.name}", why, work=True)

    def _add(self, path: Path, place: Path | None = None) -> None:
        self.found.paths.append(path)
        self._places.append(place or path)

    def _pass_left_out(self, place: str) -> None:
        """List the files that were not unpacked or copied."""
        if self._unpacker is None:
            return
        for member, why in self._unpacker.left_out:
            work = may_be_archive(member) or member.lower().endswith(SOURCES)
            self._pass(f"{place}{member}", why, work)
        self._unpacker.left_out.clear()

    def _by_notebooks(self, folder: Path, look: Look) -> ContentKind:
        """Decide if the folders and archives in a folder are several people's, from notebook ids and contents."""
        while len(look.folders) == 1 and not look.files:
            folder, look = folder / look.folders[0], look.inside(look.folders[0])
        holders = list(look.holders())[:MAX_COMPARED]
        archives = [folder / name for name in holders if (folder / name).is_file()]
        if any(Look.at(path.name, self._names_in(path), self._modules).kind is ContentKind.CLASS for path in archives):
            return ContentKind.CLASS
        ids = [self._ids_in(folder / name) for name in holders]
        people = set().union(*ids)
        if len(people) > 1:
            return ContentKind.CLASS
        if people and all(ids):
            return ContentKind.WORK
        if archives or not all(look.inside(name).modules for name in holders):
            return ContentKind.UNCLEAR
        copies: dict[str, set[bytes]] = {}
        for name in holders:
            for module, path in look.inside(name).by_module.items():
                copies.setdefault(module, set()).add(_start(folder / name / path, MAX_COMPARED_BYTES))
        return ContentKind.WORK if all(len(sources) == 1 for sources in copies.values()) else ContentKind.UNCLEAR

    def _names_in(self, path: Path) -> list[str]:
        """The names of the files in an archive, which is listed once. A packed tar is read to its end for them."""
        if path not in self._names:
            self._names[path] = archive_names(path)
        return self._names[path]

    def _ids_in(self, place: Path) -> set[str]:
        """The ids in the notebooks of a folder or an archive, and of the archives in a folder."""
        if place.is_dir():
            paths = listed(place)
            inside = [place / path for path in paths if may_be_archive(path)][:MAX_COMPARED]
            return _ids(place, paths).union(*map(self._ids_in, inside))
        if self._unpacker is None or not self._names_in(place):
            return set()
        kept = len(self._unpacker.left_out)
        try:
            folder = self._unpacker.unpack(place, MAX_ID_BYTES)
        except (ArchiveError, OSError):
            return set()
        del self._unpacker.left_out[kept:]  # reading the archive will report them
        return _ids(folder, listed(folder))

    def _pass(self, name: str, why: str, work: bool = False) -> None:
        shown = "/".join(decode_name(part.encode(errors="surrogateescape")) for part in name.split("/"))
        self.found.passed.append(Passed(shown, why, work))


def _doubt(kind: ContentKind, look: Look) -> str:
    """The reason not to grade a folder or archive."""
    inside = ", ".join(sorted(look.holders()))[:200]
    if kind is ContentKind.CLASS:
        return f"several people's work, more than {MAX_DEEP} folders or archives deep"
    if kind is ContentKind.MIXED:
        return f"one person's work by its name or its module, but it holds that of others: {inside}"
    return f"one person's work or several people's? It holds {inside}; nothing says whose"


def _is_text_beside(entry: Path, names: Collection[str]) -> bool:
    """True for Moodle's folder of a person's typed text if a folder of the person's files lies beside it."""
    before, text, _ = entry.name.partition(TEXT)
    if not text or not any(name.startswith(f"{before}{FILES}") for name in names) or not entry.is_dir():
        return False
    return not any(may_be_archive(path) or path.lower().endswith(SOURCES) for path in listed(entry))


def _has_person(name: str) -> bool:
    parsed = parse_name(name)
    return bool(parsed.person) and not parsed.unsure


def _error_text(error: Exception) -> str:
    return (isinstance(error, OSError) and error.strerror) or str(error) or type(error).__name__


def _ids(folder: Path, paths: Iterable[str]) -> set[str]:
    """The ids in the notebooks among a folder's files."""
    ids = set()
    for path in [path for path in paths if path.lower().endswith(".ipynb")][:MAX_COMPARED]:
        try:
            ids.add(read_notebook(_start(folder / path, MAX_NOTEBOOK_BYTES)).idnum)
        except ValueError:
            continue
    return {id.replace("-", "") for id in ids if id.strip("0") not in ("", "your id")}


def _id_in(path: Path) -> str:
    """The id in a loose notebook; "" if it says none, or is none."""
    return next(iter(_ids(path.parent, [path.name])), "")


def _start(path: Path, most: int) -> bytes:
    """The first bytes of a plain file; none if it cannot be read."""
    try:
        if not path.is_file():
            return b""
        with path.open("rb") as file:
            return file.read(most)
    except OSError:
        return b""
