"""Reads frames from a stream of bytes. Most frames need a single read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autograder.sandbox.channel import wire

__all__ = ["FrameReader"]

CHUNK = 1 << 16  # bytes read ahead; a larger body is read directly into its final place
MAX_BUFFERS = 64  # filled at once
PREFIX = wire.PREFIX.size


class FrameReader:
    """The incoming frames of one end.

    Args:
        receive: fills buffers from the first on, and returns the number of bytes written. Raises EOFError at the end.
        most: the most bytes of a frame's body.
    """

    def __init__(self, receive: Callable[[list[memoryview]], int], most: int = wire.MAX_BODY) -> None:
        self._receive, self._most = receive, most
        self._chunk = memoryview(bytearray(CHUNK))
        self._ahead = self._chunk[:0]

    @property
    def ahead(self) -> bool:
        """True if bytes beyond the last frame have been read already."""
        return len(self._ahead) > 0

    def read(self) -> Any:
        """The value of the next frame. Raises ProtocolError for a malformed frame, and the errors of `receive`."""
        if not self._ahead:
            self._ahead = self._chunk[: self._receive([self._chunk])]
        ahead = self._ahead
        if len(ahead) >= PREFIX:
            header, body = wire.parse_prefix(ahead[:PREFIX], self._most)
            start, end = PREFIX + header, PREFIX + header + body
            if len(ahead) >= end:  # the usual case: the whole frame arrived at once
                self._ahead = ahead[end:]
                return wire.read_whole(bytes(ahead[PREFIX:start]), ahead[start:end])
        header, body = wire.parse_prefix(self._take(PREFIX), self._most)
        return wire.read_frame(self._take(header), body, self._fill)

    def _take(self, size: int) -> bytes:
        buffer = bytearray(size)
        self._fill([memoryview(buffer)])
        return bytes(buffer)

    def _fill(self, buffers: list[memoryview]) -> None:
        while buffers:
            if self._ahead:
                count = min(len(self._ahead), len(buffers[0]))
                buffers[0][:count] = self._ahead[:count]
                self._ahead = self._ahead[count:]
                buffers = _advance(buffers, count)
            elif sum(map(len, buffers)) < CHUNK:
                self._ahead = self._chunk[: self._receive([self._chunk])]
            else:
                buffers = _advance(buffers, self._receive(buffers[:MAX_BUFFERS]))


def _advance(buffers: list[memoryview], count: int) -> list[memoryview]:
    """The rest of the buffers after their first `count` bytes."""
    while buffers and count >= len(buffers[0]):
        count -= len(buffers[0])
        buffers = buffers[1:]
    return [buffers[0][count:], *buffers[1:]] if buffers else []
