"""Walks over values nested in lists, tuples and dicts. A leaf is a value that is none of these."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any

__all__ = ["leaves", "like", "mapped"]


def mapped(value: Any, change: Callable[[Any], Any], kept: Collection[type] = ()) -> Any:
    """A copy of the nested value, with `change` applied to each leaf.

    Args:
        kept: types of leaves that stay as they are. This saves a call for each of them.

    >>> mapped({"x": [1, (2, 3)]}, lambda leaf: -leaf)
    {'x': [-1, (-2, -3)]}
    """
    if isinstance(value, (list, tuple)):
        return like(value, [item if type(item) in kept else mapped(item, change, kept) for item in value])
    if isinstance(value, dict):
        return {key: item if type(item) in kept else mapped(item, change, kept) for key, item in value.items()}
    return value if type(value) in kept else change(value)


def like(sequence: Any, items: Iterable[Any]) -> Any:
    """The items in a list or tuple of the same class as `sequence`, which may be a named tuple."""
    kind = type(sequence)
    if kind is list:
        return list(items)
    return kind(*items) if hasattr(kind, "_fields") else kind(items)


def leaves(value: Any) -> Iterator[Any]:
    """The leaves of a nested value, in order.

    >>> list(leaves({"x": [1, (2, 3)]}))
    [1, 2, 3]
    """
    if isinstance(value, (list, tuple, dict)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from leaves(item)
    else:
        yield value
