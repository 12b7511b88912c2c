"""Makes zips whose bytes follow from their files alone, the same on every system."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

__all__ = ["zip_bytes"]

UNIX = 3  # the system that a member says it comes from
REGULAR = 0o100644 << 16  # a file that everybody may read


def zip_bytes(
    files: Mapping[str, bytes],
    moment: tuple[int, int, int, int, int, int] = (1980, 1, 1, 0, 0, 0),
    compression: int = zipfile.ZIP_STORED,
) -> bytes:
    """A zip of these files, by path, in their order.

    Args:
        moment: when every member says it was last changed: year, month, day, hour, minute, second.
        compression: as zipfile has it. Compressors differ from machine to machine: stored members do not.
    """
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in files.items():
            info = zipfile.ZipInfo(name, moment)
            info.compress_type, info.create_system, info.external_attr = compression, UNIX, REGULAR
            archive.writestr(info, data)
    return stream.getvalue()
