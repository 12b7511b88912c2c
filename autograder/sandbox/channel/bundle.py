"""Packs many files into one value of three arrays: names, sizes and contents.

Thousands of files with long names, one value each, would not fit into a frame's header.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

__all__ = ["packed", "unpacked"]

Array = np.ndarray[Any, Any]


def packed(files: Mapping[str, bytes]) -> dict[str, Array]:
    """Content by name as {"names", "sizes", "contents"}: (…) uint8, (N,) int64 bytes, (…) uint8. Names hold no NUL."""
    return {
        "names": np.frombuffer("\0".join(files).encode(), np.uint8),
        "sizes": np.array([len(content) for content in files.values()], np.int64),
        "contents": np.frombuffer(b"".join(files.values()), np.uint8),
    }


def unpacked(bundle: Mapping[str, Array]) -> dict[str, bytes]:
    """The packed files by name, in their order."""
    ends = np.cumsum(bundle["sizes"]).tolist()
    names = bundle["names"].tobytes().decode().split("\0") if ends else []
    contents, starts = bundle["contents"], [0, *ends]
    return {name: contents[start:end].tobytes() for name, start, end in zip(names, starts[:-1], ends, strict=True)}
