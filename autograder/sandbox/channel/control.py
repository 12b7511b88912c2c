"""Messages between grader and zygote: one JSON object per packet, with file descriptors beside it."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["MAX_MESSAGE", "OUT_OF_MEMORY", "pair", "receive", "send"]

MAX_MESSAGE = 64 << 10  # bytes
# Exit status of a worker that lacks even the memory for an error reply.
OUT_OF_MEMORY = 97


def pair() -> tuple[socket.socket, socket.socket]:
    """A pair of sockets that keep packets whole, so that several processes can share one end."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


def send(end: socket.socket, message: Mapping[str, Any], descriptors: Sequence[int] = ()) -> None:
    """Send one packet. The receiver gets duplicates of the descriptors."""
    socket.send_fds(end, [json.dumps(message).encode()], list(descriptors))


def receive(end: socket.socket, descriptors: int = 0) -> tuple[dict[str, Any], list[int]] | None:
    """The next packet and the descriptors beside it, or None if the other end is closed."""
    data, received, _, _ = socket.recv_fds(end, MAX_MESSAGE, descriptors)
    if not data:
        return None
    message = json.loads(data)
    return message, received
