"""Reads a tar, plain or packed with gzip, bzip2 or xz, within the limits of a zip."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zlib
from collections.abc import Callable, Generator
from datetime import UTC, datetime
from typing import IO, cast

from autograder.errors import ArchiveError
from autograder.submission.paths import decode_name, is_litter, show
from autograder.submission.receive.intake import InnerArchives, Intake, Rank

__all__ = ["DAMAGE", "is_tar", "read_tar", "tar_files"]

DAMAGE = (tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, OSError, ValueError, OverflowError, RuntimeError)
MAX_BYTES = 1 << 30  # bytes that any tar may unpack to
MAX_RATIO = 20  # the most times its own size that a larger tar may unpack to
TOO_MUCH = "unpacks to far too much"
USTAR = slice(257, 262)
PACKED: dict[bytes, Callable[[IO[bytes]], IO[bytes]]] = {
    b"\x1f\x8b": lambda file: cast("IO[bytes]", gzip.GzipFile(fileobj=file)),
    b"BZh": lambda file: cast("IO[bytes]", bz2.BZ2File(file)),
    b"\xfd7zXZ": lambda file: cast("IO[bytes]", lzma.LZMAFile(file)),  # noqa: SIM115
}


def is_tar(file: io.FileIO | io.BytesIO) -> bool:
    """True if a file is a tar, packed or not."""
    file.seek(0)
    if (file.read(512) or b"")[USTAR] == b"ustar":
        return True
    try:
        with _opened(file) as archive:
            return archive.next() is not None
    except DAMAGE:
        return False


def read_tar(file: io.FileIO | io.BytesIO, name: str, intake: Intake) -> dict[str, bytes]:
    """Read a tar into `intake`: the assignment's files first, spare data last.

    It is read from beginning to end once for each rank, and never unpacked as a whole.

    Returns:
        The inner archives by path. The caller opens them if no source lies beside them.

    Raises:
        ArchiveError: it is cut off or damaged, has too many entries, or unpacks to far too much.
    """
    most, end = min(intake.tar_bytes, _most(file)), 0
    try:
        for rank in Rank:
            with _opened(file) as archive:
                _take_all(archive, rank, name, intake, most)
                _refuse_cut(archive, file)
                end = archive.offset
        intake.tar_bytes -= end
        if intake.open_zips or not intake.holds_source:
            with _opened(file) as archive:
                return _zips(archive, intake)
    except DAMAGE as error:
        raise ArchiveError(f"{name}: a damaged or cut-off tar: {show(str(error))}") from None
    return {}


def tar_files(
    file: io.FileIO | io.BytesIO, name: str
) -> Generator[tuple[str, tarfile.TarInfo, IO[bytes] | None], None, None]:
    """Each entry of a tar other than folders: its name, its facts, and its content if it is a plain file.

    The content can be read until the next entry is taken.

    Raises:
        ArchiveError: it unpacks to far too much.
        DAMAGE: one of these, if the tar is cut off or damaged.
    """
    most = _most(file)
    with _opened(file) as archive:
        for info in archive:
            if info.offset_data + info.size > most:
                raise ArchiveError(f"{name}: {TOO_MUCH}")
            archive.members.clear()  # type: ignore[attr-defined]  # it would keep them all
            if not info.isdir():
                yield _spelled(info), info, archive.extractfile(info)
        _refuse_cut(archive, file)


def _most(file: io.FileIO | io.BytesIO) -> int:
    """The most bytes that a tar may unpack to. A class's tar may be large, but then it is large when packed, too."""
    return max(MAX_BYTES, MAX_RATIO * file.seek(0, io.SEEK_END))


def _refuse_cut(archive: tarfile.TarFile, file: io.FileIO | io.BytesIO) -> None:
    """Raise ReadError if a plain tar ends in a header or behind an entry's last bytes, which `tarfile` tolerates."""
    end: int = archive.offset
    size = file.seek(0, io.SEEK_END)
    if not _packing(file) and (end > size or 0 < size - end < tarfile.BLOCKSIZE):
        raise tarfile.ReadError("it ends in the middle of an entry")


def _opened(file: io.FileIO | io.BytesIO) -> tarfile.TarFile:
    """Open a tar through a reader that detects a cut-off packed file, which `tarfile` alone does not."""
    opener = _packing(file)
    file.seek(0)
    plain = cast("IO[bytes]", file)
    return tarfile.open(fileobj=opener(plain) if opener else plain, mode="r|")


def _packing(file: io.FileIO | io.BytesIO) -> Callable[[IO[bytes]], IO[bytes]] | None:
    """The reader for a packed tar; None for a plain one."""
    file.seek(0)
    start = file.read(6) or b""
    return next((opener for magic, opener in PACKED.items() if start.startswith(magic)), None)


def _take_all(archive: tarfile.TarFile, rank: Rank, name: str, intake: Intake, most: int) -> None:
    first = rank is Rank.ASKED
    for info in archive:
        if first:
            intake.count()
        if info.offset_data + info.size > most:  # a packed stream can only skip bytes by unpacking them
            raise ArchiveError(f"{name}: {TOO_MUCH}")
        archive.members.clear()  # type: ignore[attr-defined]  # it would keep them all
        spelled = _spelled(info)
        if info.isdir() or is_litter(spelled):
            continue
        if not info.isreg():
            if first:
                intake.leave_out(spelled, "a link" if info.issym() or info.islnk() else "not a plain file")
            continue
        if first and (path := intake.admit(spelled)) is not None:
            intake.waiting[spelled] = path
        path = intake.waiting.get(spelled)
        if path is None or intake.rank(path) is not rank or not intake.has_room(path, info.size):
            continue
        member = archive.extractfile(info)
        data = member.read() if member else b""
        intake.spend(path, len(data))
        intake.add(path, data, datetime.fromtimestamp(info.mtime, UTC))


def _zips(archive: tarfile.TarFile, intake: Intake) -> dict[str, bytes]:
    """The inner archives that fit within the limits."""
    zips = InnerArchives(intake)
    for info in archive:
        archive.members.clear()  # type: ignore[attr-defined]
        name = _spelled(info)
        if info.isreg() and zips.wants(name) and info.size <= zips.left:
            member = archive.extractfile(info)
            zips.add(name, member.read() if member else b"")
    return zips.found


def _spelled(info: tarfile.TarInfo) -> str:
    """An entry's name, decoded from any encoding of file names."""
    return decode_name(info.name.encode("utf-8", "surrogateescape"))
