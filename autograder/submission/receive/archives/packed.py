"""Unpacks one zip entry in pieces of a limited size, with any compression that Python supports.

The standard library limits the size of a piece for deflate, but not for bzip2 and LZMA. For these two, this module
decompresses the packed bytes itself.
"""

from __future__ import annotations

import bz2
import io
import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO, Protocol, cast
from zipfile import ZipFile, ZipInfo

__all__ = ["METHODS", "Window", "directory_end", "method_name", "pieces"]

METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
OTHERS = {1: "Shrink", 6: "Implode", 9: "Deflate64", 93: "Zstandard", 95: "XZ", 98: "PPMd", 99: "AES encryption"}
LOCAL_HEADER = struct.Struct("<4s5H3L2H")
ZIP64 = 0xFFFFFFFF  # marks a size that is stored in the ZIP64 extra field
END, END_BYTES = b"PK\x05\x06", 22  # the record that ends a zip, without its comment
MAX_DICTIONARY = 64 << 20  # bytes of memory for the dictionary of an LZMA entry
MAX_BEHIND = 64 << 20  # bytes of the file's end that are searched for the end record
STEP = 1 << 20


def method_name(info: ZipInfo) -> str:
    """The name of an entry's compression method, for people."""
    return OTHERS.get(info.compress_type, f"method {info.compress_type}")


class _Unpacker(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


def pieces(archive: ZipFile, info: ZipInfo, size: int) -> Iterator[bytes]:
    """An entry's bytes, at most `size` at a time. A damaged one raises LZMAError or the errors of `zipfile`."""
    if info.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        with archive.open(info) as member:
            while piece := member.read(size):
                yield piece
        return
    packed = _packed(archive, info)
    unpacker = _lzma(packed) if info.compress_type == zipfile.ZIP_LZMA else cast(_Unpacker, bz2.BZ2Decompressor())
    checksum = 0
    for piece in _unpacked(packed, unpacker, size):
        checksum = zlib.crc32(piece, checksum)
        yield piece
    if checksum != info.CRC:
        raise zipfile.BadZipFile(f"Bad CRC-32 for file {info.orig_filename!r}")


def _unpacked(packed: io.BufferedIOBase, unpacker: _Unpacker, size: int) -> Iterator[bytes]:
    while not unpacker.eof:
        data = packed.read(size) if unpacker.needs_input else b""
        piece = unpacker.decompress(data, size)
        if piece:
            yield piece
        elif not data and unpacker.needs_input:
            return  # an LZMA entry may lack an end mark; the checksum detects missing bytes


def _packed(archive: ZipFile, info: ZipInfo) -> io.BufferedIOBase:
    """The packed bytes of an entry."""
    file = cast("IO[bytes]", archive.fp)
    file.seek(info.header_offset)
    header = file.read(LOCAL_HEADER.size)
    if len(header) < LOCAL_HEADER.size or header[:4] != b"PK\x03\x04":
        raise zipfile.BadZipFile("an entry's header is not at its place in the directory")
    *_, name, extra = LOCAL_HEADER.unpack(header)
    return _Part(file, info.header_offset + LOCAL_HEADER.size + name + extra, info.compress_size)


def _lzma(packed: io.BufferedIOBase) -> _Unpacker:
    """A decompressor for a stream that begins with two bytes of version, the properties' size, and the properties."""
    size = int.from_bytes(packed.read(4)[2:], "little")
    about = packed.read(size)
    if size != 5 or len(about) != 5 or about[0] >= 225:
        raise zipfile.BadZipFile("a damaged LZMA header")
    rest, lc = divmod(about[0], 9)
    pb, lp = divmod(rest, 5)
    dictionary = int.from_bytes(about[1:], "little")
    if dictionary > MAX_DICTIONARY or lc + lp > 4:
        raise zipfile.BadZipFile("packed in a way that takes far too much memory")
    known = {"id": lzma.FILTER_LZMA1, "lc": lc, "lp": lp, "pb": pb, "dict_size": max(dictionary, 4096)}
    return lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[known])


class _Part(io.BufferedIOBase):
    """A range of bytes of a file, with a position of its own."""

    def __init__(self, file: IO[bytes], start: int, size: int) -> None:
        self._file, self._at, self._end = file, start, start + size

    def read(self, size: int | None = -1, /) -> bytes:
        left = self._end - self._at
        self._file.seek(self._at)
        data = self._file.read(left if size is None or size < 0 else min(size, left))
        self._at += len(data)
        return data


class Window(io.RawIOBase):
    """The first `size` bytes of a file. A read of more than `most` bytes raises `refuse`.

    `zipfile` reads the whole directory of a zip with one such read.

    Args:
        refuse: the error for a read that is too large.
    """

    def __init__(self, file: IO[bytes] | io.FileIO, size: int, most: int, refuse: Exception) -> None:
        self._file, self._size, self._most, self._refuse, self._at = file, size, most, refuse, 0

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = 0, /) -> int:
        start = (0, self._at, self._size)[whence]
        if start + offset < 0:
            raise OSError("before the beginning of the file")
        self._at = start + offset
        return self._at

    def read(self, size: int | None = -1, /) -> bytes:
        left = max(self._size - self._at, 0)
        wanted = left if size is None or size < 0 else min(size, left)
        if wanted > self._most:
            raise self._refuse
        self._file.seek(self._at)
        data = self._file.read(wanted) or b""
        self._at += len(data)
        return data


def directory_end(file: IO[bytes] | io.FileIO, size: int) -> int:
    """The position of a zip's end in a file of `size` bytes, with any bytes behind it; 0 if there is none.

    The padding of a download, or a page that a server has appended, may be longer than the part that `zipfile`
    searches.
    """
    end, overlap = size, b""
    while end > max(0, size - MAX_BEHIND):
        start = max(0, end - STEP)
        file.seek(start)
        data = (file.read(end - start) or b"") + overlap
        found = data.rfind(END)
        while found >= 0:
            record = data[found : found + END_BYTES]
            directory = int.from_bytes(record[12:16], "little")
            if len(record) == END_BYTES and (directory <= start + found or directory == ZIP64):
                return min(start + found + END_BYTES + int.from_bytes(record[20:], "little"), size)
            found = data.rfind(END, 0, found)
        end, overlap = start, data[: END_BYTES + len(END)]
    return 0
