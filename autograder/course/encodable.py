"""Text that can be written as UTF-8. A lone surrogate cannot: JSON and Python source may spell one, as "\\ud800"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["all_encodable", "encodable"]

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def encodable(text: str) -> str:
    """`text`, with each lone surrogate replaced.

    >>> encodable("a\\ud800b")
    'a\N{REPLACEMENT CHARACTER}b'
    """
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def all_encodable(value: Any) -> Any:
    """The same plain data, lists and mappings with text as keys, with all text in it encodable.

    Raises RecursionError where it is nested deeper than any data of ours.
    """
    if isinstance(value, str):
        return encodable(value)
    if isinstance(value, Mapping):
        return {encodable(key): all_encodable(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(map(all_encodable, value))
    return value
