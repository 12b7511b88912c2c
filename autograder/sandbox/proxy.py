"""Proxies for checks: an attribute access extends a path, and a call sends an operation.

`student` and `reference` are both a `Proxy`. Plain data comes back as data. Any other object stays on its side, and a
proxy of it comes back, which later calls take as an argument.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn, Protocol

import numpy as np
import torch

from autograder.errors import CheckFailed, ProtocolError
from autograder.sandbox.channel.refs import Ref
from autograder.sandbox.channel.tree import mapped

__all__ = [
    "Channel",
    "Proxy",
    "artifact",
    "assign",
    "call_and_fetch",
    "fetch",
    "load_artifact",
    "parts",
    "patient",
    "place",
    "substitute",
]


# Types that cross unchanged in both directions. A look-up of the type is faster than isinstance, above all for torch's.
AS_THEY_ARE = frozenset({type(None), bool, int, float, str, torch.Tensor, np.ndarray, torch.dtype, torch.device})


class Channel(Protocol):
    """Sends operations to a session and returns plain data and refs.

    A channel to another process also has `post`, with the same arguments and result. `post` takes the operations
    "place" and "set", which return at most a ref, and may delay them until the next request. That request then raises
    their errors. Such a channel also takes "call_and_get".
    """

    def request(self, op: str, payload: dict[str, Any], timeout: float | None = None) -> Any: ...


class Proxy:
    """An object on the other side of a channel."""

    __slots__ = ("_channel", "_ref", "_timeout")
    _channel: Channel
    _ref: Ref
    _timeout: float | None

    def __init__(self, channel: Channel, ref: Ref | None = None, timeout: float | None = None) -> None:
        object.__setattr__(self, "_channel", channel)
        object.__setattr__(self, "_ref", ref or Ref())
        object.__setattr__(self, "_timeout", timeout)

    def __getattr__(self, name: str) -> Proxy:
        if name.startswith("__"):
            raise AttributeError(name)
        return Proxy(self._channel, self._ref.child(name), self._timeout)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"use assign(proxy, {name!r}, value): a proxy has no attributes of its own")

    def __getitem__(self, index: int) -> Proxy:
        return Proxy(self._channel, self._ref.child(str(index)), self._timeout)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._request("call", target=self._ref, args=self._send(list(args)), kwargs=self._send(kwargs))

    def __repr__(self) -> str:
        return f"<proxy of {self._ref}>"

    __hash__ = object.__hash__

    def _not_here(self, *args: object) -> NoReturn:
        """Refuse an operation that needs the value, since the value is on the other side."""
        raise TypeError(f"{self!r} holds no value: fetch it first")

    def __format__(self, spec: str) -> str:
        return self._not_here() if spec else repr(self)

    __bool__ = __len__ = __iter__ = __next__ = __reversed__ = __contains__ = _not_here
    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = _not_here
    __int__ = __float__ = __complex__ = __index__ = __round__ = _not_here
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _not_here
    __matmul__ = __rmatmul__ = __pow__ = __rpow__ = __neg__ = __abs__ = _not_here

    def _request(self, op: str, **payload: Any) -> Any:
        return self._receive(self._channel.request(op, payload, self._timeout))

    def _post(self, op: str, **payload: Any) -> Any:
        post = getattr(self._channel, "post", self._channel.request)
        return self._receive(post(op, payload, self._timeout))

    def _send(self, value: Any) -> Any:
        return mapped(value, self._sent, AS_THEY_ARE)

    def _receive(self, value: Any) -> Any:
        return mapped(value, self._received, AS_THEY_ARE)

    def _sent(self, leaf: Any) -> Any:
        if type(leaf) is not Proxy:
            return leaf
        if leaf._channel is not self._channel:
            raise TypeError(f"{leaf!r} lives on another side: fetch its value first")
        return leaf._ref

    def _received(self, leaf: Any) -> Any:
        return Proxy(self._channel, leaf, self._timeout) if type(leaf) is Ref else leaf


def fetch(proxy: Proxy) -> Any:
    """The value of a proxy: plain data, or a proxy of the object itself if it is not plain."""
    return proxy._request("get", target=proxy._ref)


def parts(proxy: Proxy, most: int) -> list[Any] | None:
    """The first `most` items of an iterable on the other side, or None if it cannot be iterated over.

    Raises ProtocolError for a reply of another form.
    """
    found = proxy._request("parts", target=proxy._ref, most=most)
    if found is not None and (type(found) is not list or len(found) > most):
        raise ProtocolError("a reply that is not one")
    return found


def call_and_fetch(proxy: Proxy, names: Sequence[str], **arguments: Any) -> tuple[Any, list[Any]]:
    """Call a proxy and fetch attributes of the result, in one request if the channel allows it.

    Args:
        names: the names of the attributes.
        arguments: the keyword arguments of the call.

    Returns:
        The result, and the values of its attributes in order. A result of plain data has no such values.
    """
    if not hasattr(proxy._channel, "post"):
        made = proxy(**arguments)
        return made, [fetch(getattr(made, name)) for name in names] if isinstance(made, Proxy) else []
    reply = proxy._request("call_and_get", target=proxy._ref, args=[], kwargs=proxy._send(arguments), names=list(names))
    match reply:
        case [Proxy() as made, list(values)] if len(values) == len(names):
            return made, values
        case [made, []] if not isinstance(made, Proxy):
            return made, []
    raise ProtocolError("a reply that is not one")


def assign(proxy: Proxy, name: str, value: Any) -> None:
    """Set an attribute of a proxy's object."""
    proxy._post("set", target=proxy._ref.child(name), value=proxy._send(value))


def place(proxy: Proxy, value: torch.Tensor, *, strided: bool = False) -> Proxy:
    """Put a tensor on the proxy's side and keep it there, so that a call's effect on it can be fetched.

    Args:
        proxy: a proxy of the side; usually `student`.
        value: a tensor of any shape and dtype.
        strided: True for a tensor that is not contiguous: its elements have gaps between them.
    """
    placed = proxy._post("place", value=value, layout="strided" if strided else "contiguous")
    assert isinstance(placed, Proxy)
    return placed


def artifact(proxy: Proxy, name: str) -> Any:
    """The content of a handed-in torch file, read with weights_only on the proxy's side."""
    return proxy._request("artifact", name=name)


def load_artifact(model: Proxy, name: str) -> None:
    """Load a handed-in state dict into a module of the submission, on its side: the weights never travel.

    The file is read with weights_only. Its floating tensors, float16 for example, take the dtype of the module's.

    Raises:
        CheckFailed: the file holds no state dict, or its keys and shapes do not fit the module. The message counts
            the misfits and names none.
        StudentError: the file was not handed in, or torch cannot read it.
    """
    match model._request("load_artifact", target=model._ref, name=name):
        case None:
            raise CheckFailed(f"{name} does not hold a dict of tensors by name", "save model.state_dict()")
        case [int(missing), int(unexpected), int(misfits)] if min(missing, unexpected, misfits) >= 0:
            counts = {"missing": missing, "of no parameter or buffer": unexpected, "of another shape": misfits}
            if any(counts.values()):
                words = ", ".join(f"{count} {kind}" for kind, count in counts.items() if count)
                hint = "save the state_dict() of a model that was made with the same arguments"
                raise CheckFailed(f"the entries of {name} do not fit the model: {words}", hint)
        case _:
            raise ProtocolError("a reply that is not one")


def substitute(proxy: Proxy, sources: Mapping[str, str]) -> None:
    """Put other functions in place of the submission's own until the next call, or the end of the case.

    Args:
        proxy: a proxy of the side; usually `student`.
        sources: Python source of each function by the name of the function that it replaces; empty to restore all.
    """
    proxy._request("substitute", sources=dict(sources))


def patient(proxy: Proxy, seconds: float) -> Proxy:
    """A copy of the proxy with another deadline for each of its calls, in wall-clock seconds."""
    return Proxy(proxy._channel, proxy._ref, seconds)
