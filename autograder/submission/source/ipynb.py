"""Reads the JSON of untrusted notebooks, with limits for size and memory."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from autograder.course.encodable import all_encodable
from autograder.submission.source.text import readable

__all__ = ["load_notebook"]

MAX_BYTES = 64 * 1024 * 1024
# The most items in lists and dicts: each takes up to a hundred bytes of memory. They are counted by commas and opening
# brackets. A picture is one long text and needs no more memory than the file.
MAX_THINGS = 2_000_000
CONFLICT = re.compile(rb"^(<{7}|>{7}) ", re.MULTILINE)


def load_notebook(data: bytes) -> dict[str, Any]:
    """A notebook's data, with a list of cells of any content, and with encodable text.

    It may be saved as UTF-16, or end in NUL bytes, and it may be of nbformat 3, whose cells lie in worksheets.

    Raises ValueError with the reason.
    """
    if len(data) > MAX_BYTES:
        raise ValueError(f"larger than {MAX_BYTES // 1024**2} MiB")
    if sum(data.count(sign) for sign in (b",", b"[", b"{")) > MAX_THINGS:
        raise ValueError("it has far too many items")
    data, _ = readable(data)
    if not data.strip(b"\0 \t\r\n"):
        raise ValueError("it is empty")
    try:
        notebook = json.loads(data.decode("utf-8-sig"))
        if b"\\ud" in data.lower():  # the only spelling of a lone surrogate
            notebook = all_encodable(notebook)
    except (ValueError, RecursionError):
        raise ValueError("it has conflict markers of git" if CONFLICT.search(data) else "not JSON") from None
    if isinstance(notebook, dict) and "cells" not in notebook and isinstance(notebook.get("worksheets"), list):
        notebook = {"cells": list(_old_cells(notebook["worksheets"])), "nbformat": 4, "nbformat_minor": 0}
    if not isinstance(notebook, dict) or not isinstance(notebook.get("cells"), list):
        raise ValueError("it has no cells")
    return notebook


def _old_cells(worksheets: list[object]) -> Iterator[object]:
    """The cells of nbformat 3 as nbformat 4 has them, without outputs."""
    for sheet in worksheets:
        cells = sheet.get("cells") if isinstance(sheet, dict) else None
        for cell in cells if isinstance(cells, list) else ():
            if not isinstance(cell, dict):
                continue
            kind = cell.get("cell_type")
            yield {
                "cell_type": "markdown" if kind == "heading" else kind,
                "metadata": cell.get("metadata"),
                "source": cell.get("input") if kind == "code" else cell.get("source"),
            }
