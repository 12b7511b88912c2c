"""Converts dataclasses to plain data for JSON, and back."""

from __future__ import annotations

import threading
from typing import Any, TypeVar

import msgspec

__all__ = ["from_plain", "to_plain"]

T = TypeVar("T")
# msgspec inspects a type at its first use, and crashes if two threads use the same new type at the same time.
ONE_AT_A_TIME = threading.Lock()


def to_plain(data: object) -> Any:
    """A dataclass as dicts, lists, texts and numbers."""
    return msgspec.to_builtins(data)


def from_plain(data: Any, kind: type[T]) -> T:
    """A dataclass of type `kind` from plain data. Unknown keys are ignored.

    Raises:
        ValueError: a key is missing, or a value has a wrong type; the message names the place.
    """
    try:
        with ONE_AT_A_TIME:
            return msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        raise ValueError(f"not a {kind.__name__}: {error}") from None
