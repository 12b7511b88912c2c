"""Atomic writing: a file appears whole or not at all."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

__all__ = ["whole"]


@contextmanager
def whole(path: Path) -> Iterator[BinaryIO]:
    """A temporary file to write to. It is renamed to `path` when the block ends, and removed if the block raises.

    with whole(out / "grades.csv") as file:
        file.write(table)
    """
    temporary = path.with_name(f".{path.name[:40]}.{secrets.token_hex(4)}")
    try:
        with temporary.open("xb") as file:
            yield file
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
