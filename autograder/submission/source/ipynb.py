"""Reads the JSON of untrusted notebooks, with limits for size and memory."""

from __future__ import annotations

import json
from typing import Any

from autograder.course.encodable import all_encodable

__all__ = ["load_notebook"]

MAX_BYTES = 64 * 1024 * 1024
# The most items in lists and dicts: each takes up to a hundred bytes of memory. They are counted by commas and opening
# brackets. A picture is one long text and needs no more memory than the file.
MAX_THINGS = 2_000_000


def load_notebook(data: bytes) -> dict[str, Any]:
    """A notebook's data, with a list of cells of any content, and with encodable text.

    Raises ValueError with the reason.
    """
    if len(data) > MAX_BYTES:
        raise ValueError(f"larger than {MAX_BYTES // 1024**2} MiB")
    if sum(data.count(sign) for sign in (b",", b"[", b"{")) > MAX_THINGS:
        raise ValueError("it has far too many items")
    try:
        notebook = json.loads(data.decode("utf-8-sig"))
        if b"\\ud" in data.lower():  # the only spelling of a lone surrogate
            notebook = all_encodable(notebook)
    except (ValueError, RecursionError):
        raise ValueError("not JSON") from None
    if not isinstance(notebook, dict) or not isinstance(notebook.get("cells"), list):
        raise ValueError("it has no cells")
    return notebook
