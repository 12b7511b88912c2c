"""Text that can be encoded as UTF-8.

A lone surrogate cannot be encoded. JSON and Python source can spell one: "\\ud800".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["all_encodable", "encodable"]

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
    if isinstance(value, str):
        return encodable(value)
    if isinstance(value, Mapping):
        return {encodable(key): all_encodable(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(map(all_encodable, value))
    return value
