"""Frames over a socket, under a deadline: a peer that is slow or silent cannot block the grader."""

from __future__ import annotations

import select
import socket
from typing import Any

from autograder.errors import ProtocolError
from autograder.sandbox.channel import wire
from autograder.sandbox.channel.frames import FrameReader
from autograder.sandbox.grader.deadline import Deadline

__all__ = ["Stream"]


class Stream:
    """The grader's end of a channel. It owns the socket.

    Both directions raise TimeoutError at the deadline and EOFError if the peer has closed the socket.
    """

    def __init__(self, end: socket.socket) -> None:
        end.setblocking(False)
        self._end = end
        self._frames = FrameReader(self._receive, wire.MAX_REPLY)
        self._deadline = Deadline(0.0)
        self._readable = select.poll()
        self._readable.register(end, select.POLLIN)
        self._writable = select.poll()
        self._writable.register(end, select.POLLOUT)

    def close(self) -> None:
        self._end.close()

    def send(self, parts: list[bytes | memoryview], deadline: Deadline) -> None:
        """Send one frame. Raises ProtocolError if the peer has sent data before this request."""
        if self._frames.ahead or (self._readable.poll(0) and self._peek()):
            raise ProtocolError("an answer that nobody asked for")
        for part in parts:
            rest = memoryview(part)
            while rest:
                try:
                    rest = rest[self._end.send(rest) :]
                except BlockingIOError:
                    deadline.wait(self._writable)
                except (BrokenPipeError, ConnectionResetError):
                    raise EOFError from None

    def receive(self, deadline: Deadline) -> Any:
        """The value of the next frame. Raises ProtocolError for a malformed frame."""
        self._deadline = deadline
        return self._frames.read()

    def _peek(self) -> bool:
        try:
            return bool(self._end.recv(1, socket.MSG_PEEK))
        except OSError:
            return False

    def _receive(self, buffers: list[memoryview]) -> int:
        while True:
            self._deadline.wait(self._readable)
            try:
                count = self._end.recvmsg_into(buffers)[0]
            except BlockingIOError:
                continue
            except ConnectionResetError:
                raise EOFError from None
            if count == 0:
                raise EOFError
            return count
