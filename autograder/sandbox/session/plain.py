"""Converts values of derived classes to their base type: a namedtuple to a tuple, a Parameter to a tensor."""

from __future__ import annotations

from collections import UserDict, UserList, deque
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import torch

__all__ = ["Begun", "holds_items", "is_iterable", "plain", "plain_leaves", "plain_tensor"]

LISTS = (list, deque, UserList, torch.nn.ParameterList)
DICTS = (dict, UserDict, MappingProxyType, torch.nn.ParameterDict)
KEYS = frozenset({str, int})
DISPATCH = torch.Tensor.__torch_dispatch__
USUAL = frozenset({type(None), bool, int, float, str, torch.Tensor, np.ndarray, torch.dtype, torch.device, list, tuple})


class Begun:
    """A partly used iterator that can still be iterated over from its beginning."""

    def __init__(self, iterator: Iterator[Any]) -> None:
        self._iterator = iterator
        self._items: list[Any] = []

    def __iter__(self) -> Iterator[Any]:
        yield from self._items
        for item in self._iterator:
            self._items.append(item)
            yield item


def plain(value: Any) -> Any:
    """The value as a built-in type, a torch tensor or a numpy array; any other value unchanged.

    Only the outermost level and the keys of a dict are converted.

    >>> plain(torch.Size([2, 3])), plain(np.float64(0.5)), plain(MappingProxyType({"dw": 1}))
    ((2, 3), 0.5, {'dw': 1})
    """
    kind = type(value)
    if kind in USUAL or (kind is dict and KEYS.issuperset(map(type, value))):
        return value
    if isinstance(value, torch.Tensor):
        return plain_tensor(value)
    if isinstance(value, np.generic):
        return value.item() if value.dtype.kind in "fiubU" else value
    if isinstance(value, np.ndarray):
        return np.asarray(value)
    for own in (int, float, str):  # the base type's constructor calls no method of a subclass
        if isinstance(value, own):
            return own.__add__(value, own())  # type: ignore[operator]
    if isinstance(value, tuple):
        return tuple(value)
    if isinstance(value, LISTS):
        return list(value)
    if isinstance(value, (*DICTS, Mapping)):
        return {plain(key): item for key, item in value.items()}
    return value


def plain_tensor(value: torch.Tensor) -> torch.Tensor:
    """The same elements as a plain `torch.Tensor`, with autograd; unchanged if a class stores them in its own way."""
    kind = type(value)
    if kind is torch.Tensor or kind.__torch_dispatch__ is not DISPATCH:
        return value
    if torch.nn.parameter.is_lazy(value):
        return value
    with torch._C.DisableTorchFunctionSubclass():
        found: torch.Tensor = torch.Tensor.as_subclass(value, torch.Tensor)
    return found


def holds_items(value: Any) -> bool:
    """True if a value can be iterated over and is not itself an answer: no tensor, array of numbers or text."""
    if isinstance(value, (torch.Tensor, str, bytes)) or (isinstance(value, np.ndarray) and value.dtype.kind != "O"):
        return False
    return is_iterable(type(value))


def is_iterable(kind: type) -> bool:
    """True if objects of this class can be iterated over."""
    return hasattr(kind, "__iter__") or (hasattr(kind, "__getitem__") and hasattr(kind, "__len__"))


def plain_leaves(value: Any, depth: int) -> Iterator[Any]:
    """The leaves in lists, tuples and dicts of any class, in order, at most `depth` levels deep."""
    value = value if isinstance(value, torch.Tensor) else plain(value)
    if type(value) in (list, tuple, dict) and depth:
        for item in value.values() if type(value) is dict else value:
            yield from plain_leaves(item, depth - 1)
    else:
        yield value
