"""Frames over a socket, under a deadline: neither a full nor a silent nor a dripping peer holds the grader up."""

from __future__ import annotations

import select
import socket
import time
from typing import Any

from autograder.errors import ProtocolError
from autograder.sandbox.channel.frames import FrameReader

__all__ = ["Stream"]


class Stream:
    """The grader's end of a channel. Owns the socket.

    Both directions raise TimeoutError at the deadline (of `time.monotonic`) and EOFError where the peer is gone.
    """

    def __init__(self, end: socket.socket) -> None:
        end.setblocking(False)
        self._end = end
        self._frames = FrameReader(self._receive)
        self._deadline = 0.0
        self._readable = select.poll()
        self._readable.register(end, select.POLLIN)
        self._writable = select.poll()
        self._writable.register(end, select.POLLOUT)

    def close(self) -> None:
        self._end.close()

    def send(self, parts: list[bytes | memoryview], deadline: float) -> None:
        """Send one frame. Raises ProtocolError where the peer has spoken without being asked."""
        if self._frames.ahead or (self._readable.poll(0) and self._peek()):
            raise ProtocolError("an answer that nobody asked for")
        for part in parts:
            rest = memoryview(part)
            while rest:
                try:
                    rest = rest[self._end.send(rest) :]
                except BlockingIOError:
                    _wait(self._writable, deadline)
                except (BrokenPipeError, ConnectionResetError):
                    raise EOFError from None

    def receive(self, deadline: float) -> Any:
        """The value of the next frame. Raises ProtocolError for anything that is not one."""
        self._deadline = deadline
        return self._frames.read()

    def _peek(self) -> bool:
        try:
            return bool(self._end.recv(1, socket.MSG_PEEK))
        except OSError:
            return False

    def _receive(self, buffers: list[memoryview]) -> int:
        while True:
            _wait(self._readable, self._deadline)
            try:
                count = self._end.recvmsg_into(buffers)[0]
            except BlockingIOError:
                continue
            except ConnectionResetError:
                raise EOFError from None
            if count == 0:
                raise EOFError
            return count


def _wait(poll: select.poll, deadline: float) -> None:
    left = deadline - time.monotonic()
    if left <= 0 or not poll.poll(left * 1000):
        raise TimeoutError
