"""What is taken of a submission, within bounds; the readers of zips and folders both fill one of these."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import PurePosixPath
from types import MappingProxyType

from autograder.errors import ArchiveError
from autograder.submission.names import Refused, is_litter, member_path, show

__all__ = ["ArchiveLimits", "Files", "Intake"]

MIB = 1024 * 1024
MOST_NOTES = 20

LARGE = frozenset({".ipynb", ".pt", ".pth"})
SMALL = frozenset({".py", ".txt", ".md", ".json", ".csv", ".npy", ".npz"})
TELLING = {
    ".pyc": "compiled Python is not read; the source is what is graded",
    ".pyo": "compiled Python is not read; the source is what is graded",
    ".so": "compiled code is not taken",
    ".pyd": "compiled code is not taken",
    ".zip": "an archive inside the submission is not opened",
    ".7z": "an archive inside the submission is not opened",
    ".rar": "an archive inside the submission is not opened",
    ".tar": "an archive inside the submission is not opened",
    ".gz": "an archive inside the submission is not opened",
}


@dataclass(frozen=True)
class ArchiveLimits:
    """How much of a submission is taken.

    Attributes:
        file_bytes: the largest notebook or checkpoint.
        small_bytes: the largest of everything else, source included.
        total_bytes: all that is read, together; more makes the submission unreadable.
        members: entries, wanted or not; more makes the submission unreadable.
        ratio: how many times its packed size a member over 1 MiB may unpack to.
        depth: the most parts of a path.
        name_bytes: the longest path.
    """

    file_bytes: int = 32 * MIB
    small_bytes: int = 4 * MIB
    total_bytes: int = 96 * MIB
    members: int = 10_000
    ratio: int = 300
    depth: int = 12
    name_bytes: int = 240


@dataclass(frozen=True, eq=False)
class Files(Mapping[str, bytes]):
    """The files of one submission: relative POSIX path → bytes.

    Attributes:
        content: the mapping itself, read-only, in order of path.
        modified: path → when it was last changed; without a time zone where the archive tells none.
        notes: what a person should know about what was left out.
    """

    content: Mapping[str, bytes]
    modified: Mapping[str, datetime] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __getitem__(self, path: str) -> bytes:
        return self.content[path]

    def __iter__(self) -> Iterator[str]:
        return iter(self.content)

    def __len__(self) -> int:
        return len(self.content)


class Intake:
    """Collects files, and the reasons why others were left out.

    Args:
        where: the submission's file name, for errors.
        limits: how much is taken.
    """

    def __init__(self, where: str, limits: ArchiveLimits) -> None:
        self.where, self.limits = where, limits
        self._content: dict[str, bytes] = {}
        self._modified: dict[str, datetime] = {}
        self._spelling: dict[str, str] = {}  # caseless path → the path taken
        self._notes: list[str] = []
        self._unused: list[str] = []
        self._entries = 0
        self._read = 0

    def note(self, name: str, why: str) -> None:
        self._notes.append(f"{show(name)}: {why}")

    def count(self) -> None:
        """Count one more entry, wanted or not. Raises ArchiveError on too many."""
        self._entries += 1
        if self._entries > self.limits.members:
            raise ArchiveError(f"{self.where}: holds more than {self.limits.members} files")

    def admit(self, raw: str) -> str | None:
        """The path under which an entry called `raw` is taken; None, with a note where one helps, if it is not."""
        if is_litter(raw):
            return None
        try:
            path = member_path(raw, self.limits.depth, self.limits.name_bytes)
        except Refused as reason:
            self.note(raw, f"left out: {reason}")
            return None
        suffix = PurePosixPath(path).suffix.lower()
        if suffix in TELLING:
            self.note(path, TELLING[suffix])
            return None
        if suffix not in LARGE | SMALL:
            self._unused.append(path)
            return None
        if "\\" in raw:
            self.note(path, "its name was written with backslashes")
        return path

    def most(self, path: str) -> int:
        """The most bytes that a file at this path may have."""
        large = PurePosixPath(path).suffix.lower() in LARGE
        return self.limits.file_bytes if large else self.limits.small_bytes

    def too_large(self, path: str) -> None:
        self.note(path, f"left out: larger than {self.most(path) / MIB:g} MiB")

    def spend(self, size: int) -> None:
        """Count bytes as they are read. Raises ArchiveError on too many."""
        self._read += size
        if self._read > self.limits.total_bytes:
            raise ArchiveError(f"{self.where}: holds more than {self.limits.total_bytes / MIB:g} MiB")

    def add(self, path: str, data: bytes, modified: datetime | None) -> None:
        """Take a file. Of two with one name the later counts, as it does when an archive is unpacked."""
        earlier = self._spelling.get(path.casefold())
        if earlier is not None:
            alike = (
                "is there twice" if earlier == path else f"differs from {show(earlier)} only in upper and lower case"
            )
            self.note(path, f"{alike}; the later one is taken")
            del self._content[earlier]
            self._modified.pop(earlier, None)
        self._spelling[path.casefold()] = path
        self._content[path] = data
        if modified is not None:
            self._modified[path] = modified

    def files(self) -> Files:
        """Everything taken so far."""
        for path in list(self._content):
            above = PurePosixPath(path).parents
            if any(str(folder).casefold() in self._spelling for folder in above):
                self.note(path, "left out: a file stands where its folder should be")
                del self._content[path]
        return Files(
            content=MappingProxyType(dict(sorted(self._content.items()))),
            modified=MappingProxyType({path: self._modified[path] for path in self._content if path in self._modified}),
            notes=self._summary(),
        )

    def _summary(self) -> tuple[str, ...]:
        notes = list(dict.fromkeys(self._notes))
        if self._unused:
            first, more = sorted(self._unused)[:3], len(self._unused) - 3
            rest = f" and {more} more" if more > 0 else ""
            notes.append(f"not used in grading: {', '.join(map(show, first))}{rest}")
        if len(notes) > MOST_NOTES:
            notes[MOST_NOTES:] = [f"and {len(notes) - MOST_NOTES} notes more of this kind"]
        return tuple(notes)
