"""Frozen data as plain data for JSON, and back."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

__all__ = ["from_plain", "to_plain"]

T = TypeVar("T")


def to_plain(data: object) -> Any:
    """Dicts, lists, texts and numbers for a dataclass."""
    return msgspec.to_builtins(data)


def from_plain(data: Any, kind: type[T]) -> T:
    """What `to_plain` was given; unknown keys are left out.

    Raises:
        ValueError: a key is missing, or a value has another type; the message says where.
    """
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        raise ValueError(f"not a {kind.__name__}: {error}") from None
