"""Reads a folder into memory without following a link or waiting for a pipe."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from autograder.errors import ArchiveError
from autograder.submission.paths import decode_name, is_litter
from autograder.submission.receive.intake import InnerArchives, Intake, Rank

__all__ = ["read_folder"]

# A file may become a link or a pipe between stat and open. The flags neither follow the link nor wait for the pipe.
OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def read_folder(path: Path, intake: Intake) -> dict[str, bytes]:
    """Read the folder at `path` into `intake`: the assignment's files first, spare data last.

    Returns:
        The inner archives by path. The caller opens them if no source lies beside them.

    Raises:
        ArchiveError: the folder cannot be listed, or holds too many entries.
    """
    inner: dict[str, bytes] = {}
    try:
        # An unreadable inner folder is left out; if this one is unreadable, so is the submission.
        os.scandir(path.resolve()).close()
        for rank in Rank:
            _Reading(path.resolve(), intake, rank).all()
        if intake.open_zips or not intake.holds_source:
            inner = _Reading(path.resolve(), intake, None).zips()
    except OSError as error:
        raise ArchiveError(f"{path.name}: cannot be read: {error.strerror}") from None
    return inner


@dataclass(frozen=True)
class _Reading:
    """One walk through a folder, for the files of one rank. The first walk also notes the files that are left out."""

    root: Path
    intake: Intake
    rank: Rank | None

    def all(self) -> None:
        for name, inside, descriptor in self._files():
            self._take(name, inside, descriptor)

    def zips(self) -> dict[str, bytes]:
        zips = InnerArchives(self.intake)
        for name, inside, descriptor in self._files():
            spelled = _spelled(name, inside)
            if zips.wants(spelled) and (opened := _opened(name, descriptor, zips.left)):
                zips.add(spelled, opened[0])
        return zips.found

    @property
    def _first(self) -> bool:
        return self.rank is Rank.ASKED

    def _note(self, name: str, why: str) -> None:
        if self._first:
            self.intake.leave_out(name, why)

    def _files(self) -> Iterator[tuple[str, Path, int]]:
        """Each plain file: its name, its folder, and a file descriptor of the folder."""

        def shut(error: OSError) -> None:
            name = decode_name(os.fsencode(Path(error.filename).name)) if error.filename else "a folder"
            self._note(name, f"cannot be opened: {error.strerror}")

        for here, folders, files, descriptor in os.fwalk(self.root, onerror=shut):
            inside = Path(here).relative_to(self.root)
            deep = len(inside.parts) + 1 >= self.intake.limits.depth
            folders[:] = [name for name in sorted(folders) if self._enter(name, inside, deep, descriptor)]
            for name in sorted(files):
                if self._first:
                    self.intake.count()
                yield name, inside, descriptor

    def _enter(self, name: str, inside: Path, deep: bool, parent: int) -> bool:
        spelled = _spelled(name, inside)
        if is_litter(spelled):
            self.intake.installed(spelled)
            return False
        if self._first:
            self.intake.count()
        if not stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode):
            self._note(spelled, "a link")
            return False
        if deep:
            self._note(spelled, "lies too deep in folders")
        return not deep

    def _take(self, name: str, inside: Path, parent: int) -> None:
        spelled = _spelled(name, inside)
        if is_litter(spelled):
            return
        mode = os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode
        if not stat.S_ISREG(mode):
            self._note(spelled, "a link" if stat.S_ISLNK(mode) else "not a plain file")
            return
        if self._first:  # the first walk notes refused names, once
            path = self.intake.admit(spelled)
            if path is not None:
                self.intake.waiting[spelled] = path
        path = self.intake.waiting.get(spelled)
        if path is None or self.intake.rank(path) is not self.rank:
            return
        most = min(self.intake.most(path), self.intake.left(path))
        try:
            data, modified = _opened(name, parent, most) or (b"", None)
        except OSError as error:
            self.intake.leave_out(path, f"cannot be opened: {error.strerror}")
            return
        if modified is None:
            self.intake.leave_out(path, "not a plain file")
        elif self.intake.has_room(path, len(data)):
            self.intake.spend(path, len(data))
            self.intake.add(path, data, modified)


def _opened(name: str, parent: int, most: int) -> tuple[bytes, datetime] | None:
    """The first `most` + 1 bytes of a file and the time of its last change; None if it is no plain file."""
    with open(os.open(name, OPEN, dir_fd=parent), "rb") as file:
        facts = os.fstat(file.fileno())
        if not stat.S_ISREG(facts.st_mode):
            return None
        return file.read(max(most, 0) + 1), datetime.fromtimestamp(facts.st_mtime, UTC)


def _spelled(name: str, inside: Path) -> str:
    """The path as text, decoded from any encoding of file names."""
    return decode_name(os.fsencode(inside / name))
