"""Atomic writing: a file appears whole or not at all. The next process removes the files that a killed one left."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

try:
    import fcntl
except ModuleNotFoundError:  # Windows, where a file that is open cannot be removed anyway
    fcntl = None  # type: ignore[assignment]

__all__ = ["clear", "private", "whole"]

UNFINISHED = ".unfinished"  # the end of a temporary file's name


@contextmanager
def whole(path: Path) -> Iterator[BinaryIO]:
    """A temporary file to write to. It is renamed to `path` when the block ends, and removed if the block raises.

    with whole(out / "grades.csv") as file:
        file.write(table)

    A kill leaves the temporary file. The next `whole` in the same folder removes it. A link stays, and its target is
    written. A device or a pipe is written to directly.
    """
    path = path.resolve() if path.is_symlink() else path
    if path.exists() and not (path.is_file() or path.is_dir()):
        with path.open("wb") as stream:
            yield stream
        return
    clear(path.parent)
    temporary, file, lock = _begin(path)
    with lock:
        try:
            with file:
                yield file
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


def private(folder: Path) -> None:
    """Make a folder and those above it, unless they exist. New ones are for their owner only: they hold grades."""
    for each in reversed((folder, *folder.parents)):
        each.mkdir(mode=0o700, exist_ok=True)


def clear(folder: Path) -> None:
    """Remove the temporary files in a folder whose writers are dead. A writer that lives holds a lock on its file."""
    for path in folder.glob(f".*{UNFINISHED}"):
        with suppress(OSError):  # another process was faster, or is still writing
            if path.is_symlink() or not path.is_file():
                continue
            if fcntl is None:
                path.unlink()
                continue
            with path.open("r+b") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()


def _begin(path: Path) -> tuple[Path, BinaryIO, ExitStack]:
    """A new temporary file beside `path`, and the lock on it, which outlives the open file."""
    while True:
        temporary = path.with_name(f".{path.name[:40]}.{secrets.token_hex(4)}{UNFINISHED}")
        file, lock = temporary.open("xb"), ExitStack()
        if fcntl is None:
            return temporary, file, lock
        lock.callback(os.close, os.dup(file.fileno()))
        with suppress(OSError):  # a file system without locks
            fcntl.flock(file, fcntl.LOCK_EX)
        if temporary.exists():
            return temporary, file, lock
        file.close()  # another process removed it before it was locked
        lock.close()
