"""The prints of a submission: kept up to a size, and dropped beyond it."""

from __future__ import annotations

import fcntl
import io
import os
import sys

__all__ = ["capped_file", "read_capped", "redirect_prints"]


def capped_file(size: int) -> int:
    """A descriptor of a memory file of `size` bytes. Its holders can write to it but never grow it."""
    descriptor = os.memfd_create("output", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(descriptor, size)
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL)
    return descriptor


def read_capped(descriptor: int) -> str:
    """The text in a capped file so far. Untrusted."""
    content = os.pread(descriptor, os.fstat(descriptor).st_size, 0)
    return content.rstrip(b"\0").decode("utf-8", errors="replace")


def redirect_prints(size: int) -> None:
    """Redirect standard output and error to descriptor 1. Bytes beyond `size` are dropped without an error."""
    capped = _Capped(size)
    sys.stdout = io.TextIOWrapper(capped, "utf-8", "backslashreplace", write_through=True)
    sys.stderr = io.TextIOWrapper(capped, "utf-8", "backslashreplace", write_through=True)


class _Capped(io.RawIOBase):
    """Writes the first `size` bytes to descriptor 1. Later writes succeed and do nothing."""

    def __init__(self, size: int) -> None:
        self._left = size

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return 1

    def write(self, data: object) -> int:
        content = bytes(data)  # type: ignore[call-overload]
        if self._left > 0:
            try:
                self._left -= os.write(1, content[: self._left])
            except OSError:
                self._left = 0
        return len(content)
