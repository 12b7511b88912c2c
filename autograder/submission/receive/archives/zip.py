"""Reads a zip into memory, entry by entry. The limits do not rely on the sizes that the zip states.

`submission.paths` checks the names.
"""

from __future__ import annotations

import io
import lzma
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import IO, TypeAlias, cast
from zipfile import ZipFile, ZipInfo

from autograder.errors import ArchiveError
from autograder.submission.paths import decode_name, is_litter, show
from autograder.submission.receive.archives.packed import METHODS, Window, directory_end, method_name, pieces
from autograder.submission.receive.archives.tar import is_tar
from autograder.submission.receive.intake import MIB, SOURCES, ArchiveLimits, InnerArchives, Intake

__all__ = ["DAMAGE", "member_name", "members", "modified", "opened_zip", "read_zip", "refusal"]

OpenFile: TypeAlias = "io.FileIO | io.BytesIO"
CHUNK = MIB // 4
ENTRY_BYTES = 256  # an entry's bytes in the directory: 46, its name, and extra fields
LOCAL_HEADER, LOCAL_HEADER_BYTES = b"PK\x03\x04", 30
CUT_OFF = "a zip that is cut off"
UTF8_NAME, ENCRYPTED = 0x800, 0x1
DAMAGE = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError),
    *(OSError, ValueError, OverflowError, RuntimeError),
)
UNIX_TIME = 0x5455  # the "UT" extra field: seconds since 1970 in UTC; the zip's usual times have no time zone


@contextmanager
def opened_zip(file: OpenFile, name: str, limits: ArchiveLimits) -> Iterator[ZipFile]:
    """Open the zip in a file. Raises ArchiveError if it is no zip, is cut off or damaged, or its entries overlap."""
    try:
        size = file.seek(0, io.SEEK_END)
        file.seek(0)
        start = file.read(len(LOCAL_HEADER)) or b""
        end = directory_end(file, size)
        if not end:
            raise ArchiveError(f"{name}: {CUT_OFF if start.startswith(b'PK') else 'not a zip'}")
        most = max(ENTRY_BYTES * limits.entries, CHUNK)
        window = Window(file, end, most, ArchiveError(f"{name}: its directory is too large"))
        with ZipFile(cast("IO[bytes]", window)) as archive:
            first = min((info.header_offset for info in archive.infolist()), default=end)
            if start == LOCAL_HEADER and first > 0:  # then this is the directory of an inner zip
                raise ArchiveError(f"{name}: {CUT_OFF}")
            _refuse_overlaps(archive, name)
            yield archive
    except DAMAGE as error:
        raise ArchiveError(f"{name}: a damaged or cut-off zip: {show(str(error))}") from None


def read_zip(file: OpenFile, name: str, intake: Intake) -> dict[str, bytes]:
    """Read a zip into `intake`: the assignment's files first, spare data last.

    Returns:
        The inner archives by path. The caller opens them if no source lies beside them.

    Raises:
        ArchiveError: as `opened_zip`, or it has too many entries. A single damaged entry is left out with a note.
    """
    with opened_zip(file, name, intake.limits) as archive:
        for _ in archive.infolist():
            intake.count()
        files = [(member_name(info), info) for info in members(archive)]
        source = any(PurePosixPath(name).suffix.lower() in SOURCES and not is_litter(name) for name, _ in files)
        if (intake.open_zips or not source) and (inner := _zips(archive, files, intake)):
            files = [(name, info) for name, info in files if name not in inner]
        else:
            inner = {}
        _take_all(archive, files, intake)
    return inner


def members(archive: ZipFile) -> list[ZipInfo]:
    """The entries other than folders."""
    return [info for info in archive.infolist() if not member_name(info).endswith(("/", "\\"))]


def member_name(info: ZipInfo) -> str:
    """An entry's name, decoded from the encoding of the system that made the zip."""
    name = info.orig_filename
    return name if info.flag_bits & UTF8_NAME else decode_name(name.encode("cp437"))


def _zips(archive: ZipFile, files: list[tuple[str, ZipInfo]], intake: Intake) -> dict[str, bytes]:
    """The inner archives that can be read and fit within the limits."""
    zips = InnerArchives(intake)
    for name, info in files:
        if not zips.wants(name) or refusal(info, intake.limits):
            continue
        try:
            data = _bytes(archive, info, zips.left)
        except DAMAGE:
            continue
        if zipfile.is_zipfile(io.BytesIO(data)) or is_tar(io.BytesIO(data)):
            zips.add(name, data)
    return zips.found


def _take_all(archive: ZipFile, files: list[tuple[str, ZipInfo]], intake: Intake) -> None:
    waiting = []
    for name, info in files:
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind not in (0, stat.S_IFREG):
            if not is_litter(name):
                intake.leave_out(name, "a link" if kind == stat.S_IFLNK else "not a plain file")
        elif (path := intake.admit(name)) is not None:
            if why := refusal(info, intake.limits):
                intake.leave_out(path, why)
            else:
                waiting.append((intake.rank(path), path, info))
    # A stable sort: of two entries with one name, the later one stays last.
    for _, path, info in sorted(waiting, key=lambda each: each[0]):
        _take(archive, path, info, intake)


def _take(archive: ZipFile, path: str, info: ZipInfo, intake: Intake) -> None:
    most = min(intake.most(path), intake.left(path))
    if info.file_size > most:
        intake.has_room(path, info.file_size)
        return
    try:
        data = _bytes(archive, info, most)
    except DAMAGE:
        intake.leave_out(path, "damaged")
        return
    intake.spend(path, len(data))
    if len(data) > most:
        intake.has_room(path, len(data) + info.file_size)
    else:
        intake.add(path, data, modified(info))


def _bytes(archive: ZipFile, info: ZipInfo, most: int) -> bytes:
    """The entry's bytes, at most one piece more than `most`. The size that the zip states is not relied upon."""
    parts, size = [], 0
    for piece in pieces(archive, info, CHUNK):
        parts.append(piece)
        size += len(piece)
        if size > most:
            break
    return b"".join(parts)


def _refuse_overlaps(archive: ZipFile, name: str) -> None:
    """Raise ArchiveError if entries share bytes: such a zip unpacks to far more than its size suggests."""
    ends = 0
    for info in sorted(archive.infolist(), key=lambda info: info.header_offset):
        if info.header_offset < ends:
            raise ArchiveError(f"{name}: entries of the zip overlap")
        ends = info.header_offset + LOCAL_HEADER_BYTES + info.compress_size


def refusal(info: ZipInfo, limits: ArchiveLimits) -> str:
    """The reason not to open an entry, or ""."""
    if info.flag_bits & ENCRYPTED:
        return "encrypted"
    if info.compress_type not in METHODS:
        return f"packed with {method_name(info)}, which is not supported; pack it as an ordinary zip"
    if info.file_size > MIB and info.file_size > limits.ratio * info.compress_size:
        return "unpacks to far more than its packed size"
    return ""


def modified(info: ZipInfo) -> datetime | None:
    """The time of an entry's last change: in UTC if the zip has it, else the local time of its maker."""
    if (seconds := _unix_time(info.extra)) is not None:
        return datetime.fromtimestamp(seconds, UTC)
    try:
        naive = datetime(*info.date_time)
    except ValueError:
        return None
    return naive if naive.year > 1980 else None  # tools without a clock write 1980, the first year of the format


def _unix_time(extra: bytes) -> int | None:
    while len(extra) >= 4:
        kind, size = struct.unpack_from("<HH", extra)
        if kind == UNIX_TIME and size >= 5 and len(extra) >= 9 and extra[4] & 1:
            return int(struct.unpack_from("<i", extra, 5)[0])
        extra = extra[4 + size :]
    return None
