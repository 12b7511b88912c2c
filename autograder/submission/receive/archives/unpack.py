"""Unpacks archives of several people's work, and gathers the loose files of a learning system into folders.

Only this module writes submissions to disk: into a folder of the grader, under validated names.
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import stat
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from zipfile import ZipFile, ZipInfo

from autograder.errors import ArchiveError
from autograder.submission.paths import Refused, is_litter, member_path
from autograder.submission.receive.archives.packed import pieces
from autograder.submission.receive.archives.zip import DAMAGE, member_name, members, modified, opened_zip, refusal
from autograder.submission.receive.intake import ArchiveLimits

__all__ = ["Unpacker", "zip_names"]

# A class's archive holds many submissions. Each one has its own limits when it is read.
LIMITS = ArchiveLimits(entries=1_000_000)
KEPT_FREE = 1 << 30  # bytes of the disk that stay free
CHUNK = 1 << 20
DONE = ".done"  # beside a folder that is complete


def zip_names(path: Path) -> list[str]:
    """The names of a zip's files; empty if it cannot be read, which reading the submission will report."""
    try:
        with io.FileIO(path) as file, opened_zip(file, path.name, LIMITS) as archive:
            return [member_name(info).replace("\\", "/") for info in members(archive)]
    except (ArchiveError, OSError):
        return []


class Unpacker:
    """Unpacks into folders below `into`. Complete folders of an earlier run are reused.

    Attributes:
        left_out: the files that were not unpacked, with the reasons.
    """

    def __init__(self, into: Path) -> None:
        self._into = into
        self.left_out: list[tuple[str, str]] = []

    def unpack(self, path: Path) -> Path:
        """Unpack a zip. Returns the folder of its files. Raises ArchiveError."""
        facts = path.stat()
        told = f"{path}\0{facts.st_size}\0{facts.st_mtime_ns}".encode(errors="surrogateescape")
        folder = self._into / hashlib.sha256(told).hexdigest()[:16]
        done = folder.with_suffix(DONE)
        if done.exists():
            return folder
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        with io.FileIO(path) as file, opened_zip(file, path.name, LIMITS) as archive:
            for info in members(archive):
                self._member(archive, info, folder)
        done.touch()
        return folder

    def gather(self, name: str, files: Iterable[tuple[Path, str]]) -> Path:
        """Copy one person's loose files into a folder, under their owner's names. Returns the folder."""
        folder = self._into / "loose" / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for path, called in files:
            shutil.copy2(path, folder / member_path(called, depth=1, name_bytes=200), follow_symlinks=False)
        return folder

    def _member(self, archive: ZipFile, info: ZipInfo, folder: Path) -> None:
        name = member_name(info)
        if is_litter(name):
            return
        try:
            path = folder / member_path(name, LIMITS.depth, LIMITS.name_bytes)
        except Refused as reason:
            self.left_out.append((name, str(reason)))
            return
        kind = stat.S_IFMT(info.external_attr >> 16)
        why = refusal(info, LIMITS) or ("" if kind in (0, stat.S_IFREG) else "not a plain file")
        if not why and info.file_size + KEPT_FREE > shutil.disk_usage(folder).free:
            why = "the disk is too full to unpack it"
        if not why:
            why = self._write(archive, info, path)
        if why:
            self.left_out.append((name, why))

    def _write(self, archive: ZipFile, info: ZipInfo, path: Path) -> str:
        """Write one entry. Returns the reason of a failure, or ""."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            left = info.file_size
            with path.open("wb") as file:
                for piece in pieces(archive, info, CHUNK):
                    left -= len(piece)
                    if left < 0:
                        return "damaged"
                    file.write(piece)
            if at := modified(info):
                seconds = at.timestamp() if isinstance(at, datetime) else 0
                os.utime(path, (seconds, seconds))
        except DAMAGE:
            path.unlink(missing_ok=True)
            return "damaged"
        return ""
