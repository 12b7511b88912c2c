"""Reads a zip into memory, member by member, within bounds that the zip cannot talk us out of."""

from __future__ import annotations

import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import IO, cast
from zipfile import ZipFile, ZipInfo

from autograder.errors import ArchiveError
from autograder.submission.intake import MIB, Intake
from autograder.submission.names import decode_name, is_litter, show

__all__ = ["read_zip"]

CHUNK = MIB // 4
ENTRY_BYTES = 256  # what one member takes in the directory: 46 bytes, its name, and room for extra fields
LOCAL_HEADER_BYTES = 30
UTF8_NAME, ENCRYPTED = 0x800, 0x1
# The standard library bounds what these two unpack to at a time, not what bzip2 and LZMA do.
COMPRESSION = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
DAMAGE = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, ValueError, OverflowError, RuntimeError)
UNIX_TIME = 0x5455  # the "UT" extra field: seconds since 1970, where a zip's own times have no time zone
OTHERS = {b"Rar!": "a RAR archive", b"7z\xbc\xaf": "a 7z archive", b"\x1f\x8b": "a gzip archive", b"%PDF": "a PDF"}


def read_zip(path: Path, intake: Intake) -> None:
    """Take what is wanted of the zip at `path`. A zip around nothing but another zip stands for that one.

    Raises:
        ArchiveError: not a zip, cut off, or a bomb. A single damaged member is left out with a note.
    """
    try:
        opened = io.FileIO(path)
    except OSError as error:
        raise ArchiveError(f"{path.name}: cannot be read: {error.strerror}") from None
    with opened as file:
        inner = _read(file, path.name, intake)
    if inner is not None:
        _read(io.BytesIO(inner), f"{path.name}, the zip inside", intake, around=True)


def _read(file: io.FileIO | io.BytesIO, name: str, intake: Intake, *, around: bool = False) -> bytes | None:
    """Take what is wanted; or, where there is another `around` it or not, return the one zip that is all it holds."""
    try:
        _expect_zip(file, name)
        with ZipFile(cast("IO[bytes]", _Bounded(file, name, ENTRY_BYTES * intake.limits.members))) as archive:
            _refuse_overlaps(archive, name)
            if not around and (inner := _only_zip(archive, intake)) is not None:
                return inner
            for info in archive.infolist():
                intake.count()
                _take(archive, info, intake)
    except DAMAGE as error:
        raise ArchiveError(f"{name}: a damaged or cut-off zip: {show(str(error))}") from None
    return None


def _only_zip(archive: ZipFile, intake: Intake) -> bytes | None:
    """The bytes of a zip inside, where it is the only one and no source or notebook lies beside it."""
    named = [info for info in archive.infolist() if info.filename and not info.filename.endswith("/")]
    members = [info for info in named if not is_litter(info.filename)]
    names = {info.filename: PurePosixPath(info.filename).suffix.lower() for info in members[: intake.limits.members]}
    zips = [info for info in members if names.get(info.filename) == ".zip"]
    if len(zips) != 1 or not {".py", ".ipynb"}.isdisjoint(names.values()) or _refusal(zips[0], intake):
        return None
    data = b"".join(_pieces(archive, zips[0], intake, intake.limits.total_bytes))
    if not zipfile.is_zipfile(io.BytesIO(data)):
        return None
    intake.note(zips[0].filename, "an archive inside the submission; it was opened, since it is all there is")
    return data


class _Bounded:
    """A file that refuses to be read in large pieces: `zipfile` reads the whole directory in one."""

    def __init__(self, file: io.FileIO | io.BytesIO, name: str, most: int) -> None:
        self._file, self._name, self._most = file, name, max(most, CHUNK)
        self.seek, self.tell, self.seekable, self.close = file.seek, file.tell, file.seekable, file.close

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > self._most:
            raise ArchiveError(f"{self._name}: its directory is too large")
        return self._file.read(-1 if size is None else size) or b""


def _expect_zip(file: io.FileIO | io.BytesIO, name: str) -> None:
    start = file.read(8)
    file.seek(0)
    if not start:
        raise ArchiveError(f"{name}: empty (0 bytes)")
    for magic, kind in OTHERS.items():
        if start.startswith(magic):
            raise ArchiveError(f"{name}: {kind}, wanted a zip")
    if not zipfile.is_zipfile(file):
        raise ArchiveError(f"{name}: {'a zip that is cut off' if start.startswith(b'PK') else 'not a zip'}")


def _refuse_overlaps(archive: ZipFile, name: str) -> None:
    """Members that share their bytes unpack to far more than the zip's size suggests."""
    ends = 0
    for info in sorted(archive.infolist(), key=lambda info: info.header_offset):
        if info.header_offset < ends:
            raise ArchiveError(f"{name}: members of the zip overlap")
        ends = info.header_offset + LOCAL_HEADER_BYTES + info.compress_size


def _take(archive: ZipFile, info: ZipInfo, intake: Intake) -> None:
    name = info.orig_filename
    if not info.flag_bits & UTF8_NAME:
        name = decode_name(name.encode("cp437"))
    if name.endswith(("/", "\\")):
        return
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        if not is_litter(name):
            intake.note(name, f"left out: {'a link' if kind == stat.S_IFLNK else 'not a plain file'}")
        return
    if (path := intake.admit(name)) is None:
        return
    if why := _refusal(info, intake):
        intake.note(path, f"left out: {why}")
        return
    try:
        data = b"".join(_pieces(archive, info, intake, intake.most(path)))
    except DAMAGE:
        intake.note(path, "left out: damaged")
        return
    if len(data) > intake.most(path):
        intake.too_large(path)
    else:
        intake.add(path, data, _modified(info))


def _refusal(info: ZipInfo, intake: Intake) -> str:
    """Why a member is not even opened, or ""."""
    if info.flag_bits & ENCRYPTED:
        return "encrypted"
    if info.compress_type not in COMPRESSION:
        return "packed in an unusual way; hand in an ordinary zip"
    if info.file_size > MIB and info.file_size > intake.limits.ratio * info.compress_size:
        return "unpacks to far more than its packed size"
    return ""


def _pieces(archive: ZipFile, info: ZipInfo, intake: Intake, most: int) -> Iterator[bytes]:
    """The member's bytes, at most one piece more than `most`: what the zip says about sizes is not relied upon."""
    size = 0
    with archive.open(info) as member:
        while size <= most and (piece := member.read(CHUNK)):
            size += len(piece)
            intake.spend(len(piece))
            yield piece


def _modified(info: ZipInfo) -> datetime | None:
    """When the member was last changed: with UTC if the zip tells it, else as its maker's clock showed it."""
    if (seconds := _unix_time(info.extra)) is not None:
        return datetime.fromtimestamp(seconds, UTC)
    try:
        naive = datetime(*info.date_time)
    except ValueError:
        return None
    return naive if naive.year > 1980 else None  # the first year is what tools write who know no time


def _unix_time(extra: bytes) -> int | None:
    while len(extra) >= 4:
        kind, size = struct.unpack_from("<HH", extra)
        if kind == UNIX_TIME and size >= 5 and len(extra) >= 9 and extra[4] & 1:
            return int(struct.unpack_from("<i", extra, 5)[0])
        extra = extra[4 + size :]
    return None
