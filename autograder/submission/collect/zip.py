"""Makes reproducible zips: equal files give equal bytes on every system."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

__all__ = ["zip_bytes"]

UNIX = 3  # the "made by" system of an entry
REGULAR = 0o100644 << 16  # a plain file with mode 644


def zip_bytes(
    files: Mapping[str, bytes],
    moment: tuple[int, int, int, int, int, int] = (1980, 1, 1, 0, 0, 0),
    compression: int = zipfile.ZIP_STORED,
) -> bytes:
    """A zip of these files, by path, in their order.

    Args:
        moment: the time of every entry: year, month, day, hour, minute, second.
        compression: a constant of zipfile. Compressed bytes differ between machines, stored ones do not.
    """
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in files.items():
            info = zipfile.ZipInfo(name, moment)
            info.compress_type, info.create_system, info.external_attr = compression, UNIX, REGULAR
            archive.writestr(info, data)
    return stream.getvalue()
