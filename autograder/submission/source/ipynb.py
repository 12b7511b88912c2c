"""Reads the JSON of notebooks that nobody vouches for, within bounds of size and of how much its data takes."""

from __future__ import annotations

import json
from typing import Any

from autograder.course.encodable import all_encodable

__all__ = ["load_notebook"]

MAX_BYTES = 64 * 1024 * 1024
# A picture is one long text and takes no more memory than the file. What there are many of takes up to a hundred bytes
# each: things in lists and dicts, of which every one but the last is followed by a comma.
MAX_THINGS = 2_000_000


def load_notebook(data: bytes) -> dict[str, Any]:
    """A notebook's data, with a list of cells, whatever these are, and with text that can be written.

    Raises ValueError; the message says why not.
    """
    if len(data) > MAX_BYTES:
        raise ValueError(f"larger than {MAX_BYTES // 1024**2} MiB")
    if sum(data.count(sign) for sign in (b",", b"[", b"{")) > MAX_THINGS:
        raise ValueError("far too much is in it")
    try:
        notebook = json.loads(data.decode("utf-8-sig"))
        if b"\\ud" in data.lower():  # the only way to a lone surrogate
            notebook = all_encodable(notebook)
    except (ValueError, RecursionError):
        raise ValueError("not JSON") from None
    if not isinstance(notebook, dict) or not isinstance(notebook.get("cells"), list):
        raise ValueError("it has no cells")
    return notebook
