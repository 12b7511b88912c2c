"""Whether what lies in a folder or an archive is one person's work or several people's; by names, nothing is opened."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from pathlib import Path, PurePosixPath

from autograder.submission.paths import is_litter
from autograder.submission.receive.filename import ARCHIVE_ENDS, WRAPPERS, parse_name, without_archive_end
from autograder.submission.receive.locate import is_called, plain_name

__all__ = ["Kind", "Look", "archive_called", "listed"]

MAX_LISTED = 50_000
# Folders that a handout brings: where they lie beside a student's folder they are nobody's work.
GIVEN = frozenset({"common", "public_checks", "tests", "data"})


class Kind(Enum):
    WORK = "one person's or group's work"
    CLASS = "several people's work"
    UNCLEAR = "either"


def archive_called(name: str) -> bool:
    """Whether a file has the name of an archive."""
    return name.lower().endswith(ARCHIVE_ENDS)


def listed(folder: Path) -> list[str]:
    """Relative paths of the files in a folder; litter, hidden files and links left out."""
    paths: list[str] = []
    waiting = [folder]
    while waiting and len(paths) < MAX_LISTED:
        here = waiting.pop()
        try:
            entries = sorted(here.iterdir())
        except OSError:
            continue  # reading it will tell
        for entry in entries:
            if is_litter(entry.name) or entry.name.startswith(".") or entry.is_symlink():
                continue
            if entry.is_dir():
                waiting.append(entry)
            else:
                paths.append(entry.relative_to(folder).as_posix())
    return paths


@dataclass(frozen=True)
class Look:
    """The files somewhere, by relative path.

    Args:
        name: of the folder or archive.
        wanted: the modules that an assignment asks for, `two_layers.py`.
    """

    name: str
    paths: tuple[str, ...]
    wanted: tuple[str, ...]

    @classmethod
    def at(cls, name: str, paths: Iterable[str], wanted: Iterable[str]) -> Look:
        return cls(name, tuple(path for path in paths if not is_litter(path)), tuple(wanted))

    @cached_property
    def modules(self) -> tuple[str, ...]:
        """Files that pass for one of the modules."""
        return tuple(path for path in self.paths if any(is_called(path, name) for name in self.wanted))

    @property
    def by_module(self) -> dict[str, str]:
        """The first file that passes for each of the modules that are there."""
        first = {name: next((path for path in self.modules if is_called(path, name)), "") for name in self.wanted}
        return {name: path for name, path in first.items() if path}

    @cached_property
    def archives(self) -> tuple[str, ...]:
        return tuple(path for path in self.paths if archive_called(path))

    @property
    def holds_source(self) -> bool:
        return any(path.lower().endswith((".py", ".ipynb")) for path in self.paths)

    @cached_property
    def folders(self) -> tuple[str, ...]:
        """The first folders of the paths."""
        return tuple(dict.fromkeys(path.split("/")[0] for path in self.paths if "/" in path))

    @cached_property
    def files(self) -> tuple[str, ...]:
        """The files that lie in no folder."""
        return tuple(path for path in self.paths if "/" not in path)

    def inside(self, folder: str) -> Look:
        start = f"{folder}/"
        return Look(folder, tuple(path[len(start) :] for path in self.paths if path.startswith(start)), self.wanted)

    @property
    def has_module(self) -> bool:
        """Whether a module lies here directly."""
        return any(path in self.files for path in self.modules)

    @property
    def kind(self) -> Kind:
        """What it is, as far as names tell.

        Two people are told apart by ids and by names of accounts in names of folders and archives. Of several folders
        that hold the same module and bear nobody's name, only their notebooks can tell.
        """
        own = parse_name(self.name).person
        # A loose file with a name belongs to its owner's work beside others: it makes no class of a student's folder.
        tops = [*self.folders, *(file for file in self.files if archive_called(file) or _is_loose_work(file))]
        people = {person for top in tops if (person := parse_name(PurePosixPath(top).name).person)}
        if len(people) > 1:
            return Kind.CLASS
        if own or self.has_module:
            return Kind.WORK
        if people:
            return Kind.CLASS
        archives = [file for file in self.files if archive_called(file)]
        if len({_plain(file) for file in archives}) > 1 and not self._source_here():
            return Kind.CLASS
        if len(self.folders) == 1 and not archives and not self._source_here() and self.folders[0] not in WRAPPERS:
            return self.inside(self.folders[0]).kind
        inside = [look for folder in self.folders if (look := self.inside(folder)).modules or look.archives]
        if not any(look.archives for look in inside) and self._is_spread(inside):
            return Kind.WORK
        return Kind.UNCLEAR if len(inside) > 1 else Kind.WORK

    @staticmethod
    def _is_spread(folders: Iterable[Look]) -> bool:
        """Whether each module lies in one folder at most: then a student keeps them apart."""
        held = [name for look in folders for name in look.by_module]
        return len(held) == len(set(held))

    def _source_here(self) -> bool:
        return any(file.lower().endswith((".py", ".ipynb")) for file in self.files)

    def holders(self) -> Iterator[str]:
        """First folders that hold a module somewhere."""
        return (folder for folder in self.folders if self.inside(folder).modules)


def _is_loose_work(file: str) -> bool:
    return bool(parse_name(file).person) and file.lower().endswith((".py", ".ipynb"))


def _plain(archive: str) -> str:
    """What versions of one archive have in common: `work.zip` and `work (1).zip`."""
    return plain_name(f"{without_archive_end(archive)}.zip")[0]
