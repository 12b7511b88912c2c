"""Runs a function in a separate process, with limits on its time and memory."""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Callable

from autograder.sandbox.isolation.limits import limit_memory

__all__ = ["bounded"]

MEMORY = 1 << 30


def bounded(seconds: float, make: Callable[[], str]) -> str:
    """The return value of `make`. It runs in a fork of this process, which is killed after `seconds`.

    Raises TimeoutError, or RuntimeError if `make` raised an exception or took too much memory.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        _make(writer, make)
    os.close(writer)
    try:
        with os.fdopen(reader, "rb", buffering=0) as pipe:
            reply = _read(pipe.fileno(), time.monotonic() + seconds)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    if not reply.startswith(b"+"):
        raise RuntimeError(reply[1:].decode(errors="replace")[:200] or "it takes too much memory")
    return reply[1:].decode()


def _make(writer: int, make: Callable[[], str]) -> None:
    """In the child. Never returns."""
    try:
        limit_memory(MEMORY)
        reply = b"+" + make().encode("utf-8", "replace")
    except BaseException as error:
        reply = b"-" + type(error).__name__.encode()
    try:
        with os.fdopen(writer, "wb") as pipe:
            pipe.write(reply)
    finally:
        os._exit(0)


def _read(pipe: int, deadline: float) -> bytes:
    chunks: list[bytes] = []
    while True:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([pipe], [], [], left)[0]:
            raise TimeoutError("it takes too long")
        chunk = os.read(pipe, 1 << 16)
        if not chunk:
            return b"".join(chunks)
        chunks.append(chunk)
