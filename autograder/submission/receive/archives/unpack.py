"""Takes apart what holds several people's work: a class's archive, and the loose files that a learning system gives.

This is the only place where anything is written to disk, into a folder of ours and under names that were looked at.
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

# A class's archive holds many people's; each is bounded again when it is read.
LIMITS = ArchiveLimits(entries=1_000_000)
KEPT_FREE = 1 << 30  # bytes of the disk
CHUNK = 1 << 20
DONE = ".done"  # beside a folder that is complete


def zip_names(path: Path) -> list[str]:
    """Names of a zip's files; none where it is no zip or cannot be read, which reading it will tell."""
    try:
        with io.FileIO(path) as file, opened_zip(file, path.name, LIMITS) as archive:
            return [member_name(info).replace("\\", "/") for info in members(archive)]
    except (ArchiveError, OSError):
        return []


class Unpacker:
    """Unpacks into folders below `into`, which may be there from an earlier run.

    Attributes:
        left_out: what was not unpacked, and why.
    """

    def __init__(self, into: Path) -> None:
        self._into = into
        self.left_out: list[tuple[str, str]] = []

    def unpack(self, path: Path) -> Path:
        """The folder with what a zip holds. Raises ArchiveError."""
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
        """A folder of one person's loose files, each under the name that its owner gave it."""
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
        """Why it could not be written, or ""."""
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
