"""Text that can be encoded as UTF-8.

A lone surrogate cannot be encoded. JSON and Python source can spell one: "\\ud800".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["all_encodable", "all_text", "encodable"]

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def encodable(text: str) -> str:
    """`text` with each lone surrogate replaced.

    >>> encodable("a\\ud800b")
    'a\N{REPLACEMENT CHARACTER}b'
    """
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def all_encodable(value: Any) -> Any:
    """A copy of plain data in which all text is encodable. Keys of mappings must be text.

    Raises RecursionError if the data is nested too deeply.
    """
    return all_text(value, encodable)


def all_text(value: Any, change: Callable[[str], str]) -> Any:
    """A copy of plain data with all text changed, keys too.

    >>> all_text({"a": ["b", (1, "c")]}, str.upper)
    {'A': ['B', (1, 'C')]}
    """
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {change(key): all_text(each, change) for key, each in value.items()}
    if isinstance(value, list | tuple):
        items = [all_text(each, change) for each in value]
        return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
    return value
