"""Bytes of submissions, for the tests of receiving."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

__all__ = ["MODULE", "WHEN", "Zip", "zipped"]

Zip = Callable[..., Path]

MODULE = b"class Layer:\n    pass\n\n\ndef helper():\n    return 1\n"
WHEN = (2022, 12, 1, 10, 0, 0)


def zipped(members: Mapping[str, bytes] | list[tuple[str, bytes]], when: tuple[int, ...] = WHEN) -> bytes:
    """A zip's bytes; a list of members may hold a name twice."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items() if isinstance(members, Mapping) else members:
            info = zipfile.ZipInfo(name, when)  # type: ignore[arg-type]
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, data)
    return buffer.getvalue()
