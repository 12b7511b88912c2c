"""Unpacks archives of several people's work, and gathers the loose files of a learning system into folders.

Only this module writes submissions to disk: into a folder of the grader, under validated names.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import stat
from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import IO
from zipfile import ZipFile, ZipInfo

from autograder.errors import ArchiveError
from autograder.files import private, whole
from autograder.submission.paths import Refused, is_litter, member_path, plain_text, show
from autograder.submission.receive.archives.packed import pieces
from autograder.submission.receive.archives.tar import DAMAGE as TAR_DAMAGE
from autograder.submission.receive.archives.tar import is_tar, tar_files
from autograder.submission.receive.archives.zip import DAMAGE, member_name, members, modified, opened_zip, refusal
from autograder.submission.receive.intake import LARGE, MIB, ArchiveLimits

__all__ = ["Unpacker", "archive_names"]

# A class's archive holds many submissions. Each one has its own limits when it is read.
LIMITS = ArchiveLimits(entries=1_000_000)
KEPT_FREE = 1 << 30  # bytes of the disk that stay free
CHUNK = 1 << 20
DONE = ".done"  # the file beside a folder that is complete; it lists the files that were left out
MAX_UNPACKED = 32 << 30  # bytes that all archives of a class may unpack to
MAX_NAME_BYTES = 200
GIB = 1 << 30


def archive_names(path: Path) -> list[str]:
    """The names of the files in a zip or tar; empty if it cannot be read, which reading the submission will report."""
    try:
        with io.FileIO(path) as file:
            if _is_tar(file):
                with closing(tar_files(file, path.name)) as files:
                    return [name for name, _, _ in islice(files, LIMITS.entries)]
            with opened_zip(file, path.name, LIMITS) as archive:
                return [member_name(info).replace("\\", "/") for info in members(archive)]
    except (ArchiveError, *TAR_DAMAGE):
        return []


def _is_tar(file: io.FileIO) -> bool:
    file.seek(0)
    return file.read(2) != b"PK" and is_tar(file)


class Unpacker:
    """Unpacks into folders below `into`. Complete folders of an earlier run are reused.

    Attributes:
        left_out: the files that were not unpacked, with the reasons.
    """

    def __init__(self, into: Path) -> None:
        self._into = into
        self.left_out: list[tuple[str, str]] = []
        self._left = MAX_UNPACKED
        self._most = MAX_UNPACKED
        self._gathered: set[str] = set()

    def unpack(self, path: Path, most: int = MAX_UNPACKED) -> Path:
        """Unpack a zip or tar. Returns the folder of its files.

        Args:
            most: the most bytes to unpack. Files beyond them are left out.

        Raises:
            ArchiveError: it cannot be read.
            OSError: the folder cannot be written.
        """
        facts = path.stat()
        key = f"{path}\0{facts.st_size}\0{facts.st_mtime_ns}\0{most}".encode(errors="surrogateescape")
        folder = self._into / hashlib.sha256(key).hexdigest()[:16]
        done = folder.with_suffix(DONE)
        if done.exists():
            self.left_out += [(name, why) for name, why in json.loads(done.read_text() or "[]")]
            return folder
        shutil.rmtree(folder, ignore_errors=True)
        private(folder)
        before = len(self.left_out)
        self._most = min(most, self._left)
        with io.FileIO(path) as packed:
            if _is_tar(packed):
                self._unpack_tar(packed, path.name, folder)
            else:
                with opened_zip(packed, path.name, LIMITS) as archive:
                    for info in members(archive):
                        self._member(archive, info, folder)
        with whole(done) as file:
            file.write(json.dumps(self.left_out[before:]).encode())
        return folder

    def gather(self, name: str, files: Iterable[tuple[Path, str]]) -> Path:
        """Copy one person's loose files into a folder, under their owner's names. Returns the folder.

        Of a file that is too large, one byte more than the limit is copied, so that reading it reports the excess.
        A file that cannot be copied is left out.
        """
        files = list(files)
        around = {str(path.parent).encode(errors="surrogateescape") for path, _ in files}
        apart = hashlib.sha256(b"\0".join(sorted(around))).hexdigest()[:16]
        folder = self._into / "loose" / apart / _folder_name(name)
        while str(folder).casefold() in self._gathered:  # two long names, or names that differ in case
            folder = folder.with_name(f"{folder.name}~")
        self._gathered.add(str(folder).casefold())
        shutil.rmtree(folder, ignore_errors=True)
        private(folder)
        left = LIMITS.total_bytes
        for path, called in files:
            try:
                into = folder / member_path(called, depth=1, name_bytes=MAX_NAME_BYTES)
                most = LIMITS.file_bytes if into.suffix.lower() in LARGE else LIMITS.small_bytes
                size = min(path.stat().st_size, most + 1)
                if size <= left:
                    left -= _copy(path, into, size)
                else:
                    self.left_out.append((path.name, f"beyond {LIMITS.total_bytes / MIB:g} MiB of one person's files"))
            except Refused as reason:
                self.left_out.append((path.name, str(reason)))
            except OSError as error:
                self.left_out.append((path.name, f"cannot be copied: {error.strerror}"))
        return folder

    def _unpack_tar(self, file: io.FileIO, name: str, folder: Path) -> None:
        try:
            for member, info, content in tar_files(file, name):
                why = "" if info.isreg() and content else "not a plain file"
                self._entry(member, why, info.size, _read(content), info.mtime, folder)
        except TAR_DAMAGE as error:
            raise ArchiveError(f"{name}: a damaged or cut-off tar: {show(str(error))}") from None

    def _member(self, archive: ZipFile, info: ZipInfo, folder: Path) -> None:
        kind = stat.S_IFMT(info.external_attr >> 16)
        why = refusal(info, LIMITS) or ("" if kind in (0, stat.S_IFREG) else "not a plain file")
        at = modified(info)
        seconds = at.timestamp() if at else None
        self._entry(member_name(info), why, info.file_size, pieces(archive, info, CHUNK), seconds, folder)

    def _entry(
        self, name: str, why: str, size: int, content: Iterator[bytes], modified: float | None, folder: Path
    ) -> None:
        """Write one entry of an archive into the folder, or note the reason why it is left out.

        Args:
            why: a reason to leave it out, or "".
            size: its size, as the archive states it.
            modified: the time of its last change, in seconds since 1970; None if the archive has none.
        """
        if is_litter(name):
            return
        try:
            path = folder / member_path(name, LIMITS.depth, LIMITS.name_bytes)
        except Refused as reason:
            self.left_out.append((name, str(reason)))
            return
        if not why and size > self._most:
            why = f"beyond {MAX_UNPACKED / GIB:g} GiB that the grader unpacks in all"
        if not why and size + KEPT_FREE > shutil.disk_usage(folder).free:
            why = "the disk is too full to unpack it"
        twice = path.is_file()
        if not why:
            self._most -= size
            self._left -= size
            why = _write(content, size, modified, path)
        if twice and not why:
            why = "appears twice; the later one is used"
        if why:
            self.left_out.append((name, why))


def _read(content: IO[bytes] | None) -> Iterator[bytes]:
    while content and (piece := content.read(CHUNK)):
        yield piece


def _write(content: Iterator[bytes], size: int, modified: float | None, path: Path) -> str:
    """Write one entry. Returns the reason of a failure, or ""."""
    if path.is_dir():
        return "a folder has its name"
    if any(above.is_file() for above in path.parents):
        return "a file has the name of its folder"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        left = size
        with path.open("wb") as file:
            for piece in content:
                left -= len(piece)
                if left < 0:
                    raise ValueError("more bytes than the archive states")
                file.write(piece)
        if modified is not None:
            os.utime(path, (modified, modified))
    except DAMAGE as error:
        path.unlink(missing_ok=True)
        reason = error.strerror if isinstance(error, OSError) else None
        return f"cannot be written: {reason}" if reason else "damaged"
    return ""


def _folder_name(name: str) -> str:
    """A valid name of a folder for any text."""
    shown = "".join(char if char.isprintable() else "_" for char in plain_text(name).replace("/", "_"))
    return shown.encode()[:MAX_NAME_BYTES].decode(errors="ignore").strip(". ") or "files"


def _copy(path: Path, into: Path, most: int) -> int:
    """Copy the first `most` bytes of a file, and its times. Returns the number of bytes."""
    with path.open("rb") as file:
        data = file.read(most)
    into.write_bytes(data)
    shutil.copystat(path, into)
    return len(data)
