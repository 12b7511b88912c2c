"""Walks over values that are nested in lists, tuples and dicts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

__all__ = ["leaves", "like", "mapped"]


def mapped(value: Any, change: Callable[[Any], Any]) -> Any:
    """The same lists, tuples and dicts, with `change` applied to everything in them that is none.

    >>> mapped({"x": [1, (2, 3)]}, lambda leaf: -leaf)
    {'x': [-1, (-2, -3)]}
    """
    if isinstance(value, (list, tuple)):
        return like(value, [mapped(item, change) for item in value])
    if isinstance(value, dict):
        return {key: mapped(item, change) for key, item in value.items()}
    return change(value)


def like(sequence: Any, items: Iterable[Any]) -> Any:
    """The items in a list or tuple of the sequence's own class; a named tuple takes them one by one."""
    kind = type(sequence)
    return kind(*items) if hasattr(kind, "_fields") else kind(items)


def leaves(value: Any) -> Iterator[Any]:
    """Everything in lists, tuples and dicts that is none, in order.

    >>> list(leaves({"x": [1, (2, 3)]}))
    [1, 2, 3]
    """
    if isinstance(value, (list, tuple, dict)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from leaves(item)
    else:
        yield value
