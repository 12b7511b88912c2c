"""Collects the files of a submission within limits. The readers of archives and folders all fill an `Intake`."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from pathlib import PurePosixPath
from types import MappingProxyType

from autograder.errors import ArchiveError
from autograder.submission.paths import Refused, is_absolute, is_litter, member_path, show
from autograder.submission.receive.filename import ARCHIVE_ENDS, archive_called, is_called, may_be_archive

__all__ = ["LARGE", "NESTED_RATIO", "SOURCES", "ArchiveLimits", "Files", "InnerArchives", "Intake", "Rank"]

MIB = 1024 * 1024
MAX_NOTES = 20

LARGE = frozenset({".ipynb", ".pt", ".pth"})
SMALL = frozenset({".py", ".txt", ".md", ".json", ".csv", ".npy", ".npz"})
DATA = frozenset({".pt", ".pth", ".npy", ".npz"})
SOURCES = (".py", ".ipynb")
MAX_INNER = 16  # archives inside a submission that are opened
NESTED_RATIO = 8  # the most times the limit of all files that the tars inside a submission may unpack to
CLOSED = (".7z", ".rar", ".egg", ".alz", ".zst", ".tzst")  # the ends of archives that nothing here can read
OPENED = tuple(end for end in ARCHIVE_ENDS if not end.endswith(CLOSED))
COMPILED, PACKED = "compiled Python is not read; the source is what is graded", "an archive inside the submission"
TELLING = {
    ".pyc": COMPILED,
    ".pyo": COMPILED,
    ".so": "compiled code is not taken",
    ".pyd": "compiled code is not taken",
    **dict.fromkeys((f".{end.rpartition('.')[2]}" for end in OPENED), f"{PACKED} is not opened"),
    **dict.fromkeys(CLOSED, f"{PACKED}, of a kind that cannot be opened; wanted a zip"),
    ".url": "a link to a web page, not the file itself",
    ".webloc": "a link to a web page, not the file itself",
    ".lnk": "a link to a file of another computer, not the file itself",
}


INSTALLED = frozenset({".venv", "venv", "site-packages", "node_modules"})


class Rank(IntEnum):
    """The order in which files are read, so that the assignment's files always have room."""

    ASKED = 0  # has the name of one of the assignment's files
    OTHER = 1
    SPARE = 2  # data and checkpoints that the assignment does not ask for


@dataclass(frozen=True)
class ArchiveLimits:
    """The limits of a submission. Files beyond them are left out, and a note names them.

    Attributes:
        file_bytes: the largest notebook or checkpoint.
        small_bytes: the largest other file, source included.
        total_bytes: the sum of all files that are read.
        spare_bytes: the sum of data and checkpoints that the assignment does not ask for.
        members: the most files that are kept.
        entries: the most files and folders of any kind; more make the submission unreadable.
        ratio: the most times its packed size that an archive entry over 1 MiB may unpack to.
        depth: the most parts of a path.
        name_bytes: the longest path.
    """

    file_bytes: int = 32 * MIB
    small_bytes: int = 4 * MIB
    total_bytes: int = 96 * MIB
    spare_bytes: int = 32 * MIB
    members: int = 10_000
    entries: int = 200_000
    ratio: int = 300
    depth: int = 32
    name_bytes: int = 1024


@dataclass(frozen=True, eq=False)
class Files(Mapping[str, bytes]):
    """The files of one submission: relative POSIX path → bytes.

    Attributes:
        content: the mapping itself, read-only, sorted by path.
        modified: path → time of the last change; without a time zone if the archive has none.
        notes: remarks for a person about files that were left out or changed.
        left_out: path → reason, for the files that were left out.
    """

    content: Mapping[str, bytes]
    modified: Mapping[str, datetime] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)

    def __getitem__(self, path: str) -> bytes:
        return self.content[path]

    def __iter__(self) -> Iterator[str]:
        return iter(self.content)

    def __len__(self) -> int:
        return len(self.content)


class InnerArchives:
    """The archives inside a submission at one depth, as many as fit within the limits of the submission.

    Attributes:
        found: their bytes, by path.
    """

    def __init__(self, intake: Intake) -> None:
        self.found: dict[str, bytes] = {}
        self._intake = intake

    @property
    def left(self) -> int:
        """The number of bytes that another one may have."""
        return self._intake.inner_bytes

    def wants(self, name: str) -> bool:
        """True if a file with this name is to be read."""
        wanted = name.lower().endswith(OPENED) or (may_be_archive(name) and not archive_called(name))
        return wanted and not is_litter(name) and self._intake.inner_count > 0

    def add(self, name: str, data: bytes) -> None:
        """Keep an archive, if it has no more bytes than are left."""
        if len(data) <= self.left:
            self.found[name] = data
            self._intake.inner_bytes -= len(data)
            self._intake.inner_count -= 1


class Intake:
    """Collects files, and the reasons why others were left out.

    Args:
        where: the submission's file name, for errors.
        limits: the limits of size and number.
        asked: names of the files that the assignment asks for.
        open_zips: True to open inner archives also if source lies beside them.

    Attributes:
        inside: the folder below which all further files are put, "" for none.
        waiting: original name → path, for inner archives that are not read yet.
        inner_bytes, inner_count: the bytes and the number of further inner archives that are opened.
        tar_bytes: the bytes that further tars inside the submission may unpack to.
    """

    def __init__(self, where: str, limits: ArchiveLimits, asked: Collection[str] = (), open_zips: bool = False) -> None:
        self.where, self.limits, self.open_zips, self.inside = where, limits, open_zips, ""
        self.waiting: dict[str, str] = {}
        self.inner_bytes, self.inner_count = limits.total_bytes, MAX_INNER
        self.tar_bytes = limits.total_bytes * limits.ratio
        self._asked = asked
        self._content: dict[str, bytes] = {}
        self._modified: dict[str, datetime] = {}
        self._spelling: dict[str, str] = {}  # case-folded path → the path that is kept
        self._notes: list[str] = []
        self._left_out: dict[str, str] = {}
        self._unused: list[str] = []
        self._crowded: dict[str, list[str]] = {}  # the limit that was reached → the files beyond it
        self._entries = 0
        self._read = dict.fromkeys(Rank, 0)

    def note(self, name: str, why: str) -> None:
        self._notes.append(f"{show(name)}: {why}")

    def leave_out(self, path: str, why: str) -> None:
        """Leave a file out, with a note of the reason."""
        self._left_out[path] = why
        self.note(path, f"left out: {why}")

    def count(self) -> None:
        """Count one more entry of any kind. Raises ArchiveError if there are too many."""
        self._entries += 1
        if self._entries > self.limits.entries:
            raise ArchiveError(f"{self.where}: holds more than {self.limits.entries} files and folders")

    def admit(self, raw: str) -> str | None:
        """The path of an entry with the name `raw`, or None if it is left out, in most cases with a note."""
        if is_litter(raw):
            self.installed(raw)
            return None
        try:
            path = member_path(f"{self.inside}/{raw}".lstrip("/") if self.inside else raw, *self._longest())
        except Refused as reason:
            self.leave_out(raw, str(reason))
            return None
        suffix = PurePosixPath(path).suffix.lower()
        if suffix not in TELLING and may_be_archive(path):
            suffix = ".zip"
        if suffix in TELLING:
            self._left_out[path] = TELLING[suffix]
            self.note(path, TELLING[suffix])
            return None
        if suffix not in LARGE | SMALL:
            self._unused.append(path)
            return None
        if is_absolute(raw):
            self.note(path, "its name was absolute, from the root of a disk")
        elif "\\" in raw:
            self.note(path, "its name was written with backslashes")
        return path

    def installed(self, raw: str) -> None:
        """Note once that a folder of installed packages is left out."""
        parts = raw.replace("\\", "/").split("/")
        place = next((place for place, part in enumerate(parts) if part.casefold() in INSTALLED), None)
        if place is not None:
            folder = f"{'/'.join(parts[: place + 1])}: left out: installed packages"
            if folder not in self._notes:
                self._notes.append(show(folder, 160))

    def opened(self, name: str) -> None:
        """Remove the note that an inner archive is not opened, since it is opened now."""
        try:
            path = member_path(name, *self._longest())
        except Refused:  # it has another note then
            return
        self._left_out.pop(path, None)
        left_out = f"{show(path)}: {TELLING['.zip']}"
        self._notes = [note for note in self._notes if note != left_out]

    def _is_asked(self, path: str) -> bool:
        return PurePosixPath(path).name in self._asked

    def _longest(self) -> tuple[int, int]:
        return self.limits.depth, self.limits.name_bytes

    def rank(self, path: str) -> Rank:
        """The order of a file. Only its name counts, not the depth of its folder."""
        if any(is_called(path, name) for name in self._asked):
            return Rank.ASKED
        return Rank.SPARE if PurePosixPath(path).suffix.lower() in DATA else Rank.OTHER

    def most(self, path: str) -> int:
        """The most bytes that a file at this path may have."""
        large = PurePosixPath(path).suffix.lower() in LARGE
        return self.limits.file_bytes if large else self.limits.small_bytes

    def left(self, path: str) -> int:
        """The number of bytes that are left for a file at this path; -1 if no further file is kept."""
        if len(self._content) >= self.limits.members:
            return -1
        left = self.limits.total_bytes - sum(self._read.values())
        if self.rank(path) is Rank.SPARE:
            left = min(left, self.limits.spare_bytes - self._read[Rank.SPARE])
        return left

    def has_room(self, path: str, size: int) -> bool:
        """True if a file of `size` bytes fits within the limits. If not, a note says why."""
        if size > self.most(path):
            self.leave_out(path, f"larger than {self.most(path) / MIB:g} MiB")
        elif len(self._content) >= self.limits.members:
            self._crowd(path, f"beyond {self.limits.members} files")
        elif size > self.left(path):
            spare = self.rank(path) is Rank.SPARE
            most = self.limits.spare_bytes if spare else self.limits.total_bytes
            kind = "data that the assignment does not ask for" if spare else "files"
            self._crowd(path, f"beyond {most / MIB:g} MiB of {kind}")
        else:
            return True
        return False

    def _crowd(self, path: str, why: str) -> None:
        self._left_out[path] = why
        self._crowded.setdefault(why, []).append(path)

    def spend(self, path: str, size: int) -> None:
        """Count bytes as they are read."""
        self._read[self.rank(path)] += size

    @property
    def holds_source(self) -> bool:
        """True if a kept file is Python or a notebook."""
        return any(PurePosixPath(path).suffix.lower() in SOURCES for path in self._content)

    def add(self, path: str, data: bytes, modified: datetime | None) -> None:
        """Keep a file. Of two with one name, the later one counts, as when an archive is unpacked.

        Of two names that differ only in case, the one with the assignment's spelling counts.
        """
        earlier = self._spelling.get(path.casefold())
        if earlier is not None:
            if earlier == path:
                self.note(path, "appears twice; the later one is used")
            elif self._is_asked(earlier) and not self._is_asked(path):
                self.leave_out(path, f"differs from {show(earlier)} only in upper and lower case")
                return
            else:
                taken = path if self._is_asked(path) else "the later one"
                self.note(path, f"differs from {show(earlier)} only in upper and lower case; {taken} is used")
            del self._content[earlier]
            self._modified.pop(earlier, None)
        self._spelling[path.casefold()] = path
        self._content[path] = data
        if modified is not None:
            self._modified[path] = modified

    def files(self) -> Files:
        """The files kept so far."""
        for path in list(self._content):
            above = PurePosixPath(path).parents
            if any(str(folder).casefold() in self._spelling for folder in above):
                self.leave_out(path, "a file has the name of its folder")
                del self._content[path]
        return Files(
            content=MappingProxyType(dict(sorted(self._content.items()))),
            modified=MappingProxyType({path: self._modified[path] for path in self._content if path in self._modified}),
            notes=self._summary(),
            left_out=MappingProxyType(dict(self._left_out)),
        )

    def _summary(self) -> tuple[str, ...]:
        notes = list(dict.fromkeys(self._notes))
        notes += [f"left out, {why}: {_some(paths)}" for why, paths in self._crowded.items()]
        if self._unused:
            notes.append(f"not used in grading: {_some(self._unused)}")
        if len(notes) > MAX_NOTES:
            notes[MAX_NOTES:] = [f"and {len(notes) - MAX_NOTES} more notes of this kind"]
        return tuple(notes)


def _some(paths: Collection[str]) -> str:
    first, more = sorted(paths)[:3], len(paths) - 3
    return ", ".join(map(show, first)) + (f" and {more} more" if more > 0 else "")
