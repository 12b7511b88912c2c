"""The face that checks see: attribute access builds a path, a call sends an operation.

`student` and `reference` are both a `Proxy`. Plain data comes back as data; what stays on the other side comes
back as another proxy, which later calls may take as an argument.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import torch

from autograder.errors import ProtocolError
from autograder.sandbox.channel.refs import Ref

__all__ = ["Channel", "Proxy", "artifact", "assign", "call_and_fetch", "fetch", "patient", "place"]


# What crosses either way unchanged, told by its type first: instance checks cost more, torch's most.
AS_THEY_ARE = frozenset({type(None), bool, int, float, str, torch.Tensor, np.ndarray, torch.dtype, torch.device})


class Channel(Protocol):
    """Carries operations to a session and brings back plain data and refs.

    A channel for which every request is a journey has `post` besides, with the same arguments and result: it takes
    operations whose values hold nothing but a ref, "place" and "set", and may carry them out as late as with the next
    request, which then raises what they raise. It also takes "call_and_get".
    """

    def request(self, op: str, payload: dict[str, Any], timeout: float | None = None) -> Any: ...


class Proxy:
    """Something on the other side of a channel."""

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

    def _request(self, op: str, **payload: Any) -> Any:
        return self._receive(self._channel.request(op, payload, self._timeout))

    def _post(self, op: str, **payload: Any) -> Any:
        post = getattr(self._channel, "post", self._channel.request)
        return self._receive(post(op, payload, self._timeout))

    def _send(self, value: Any) -> Any:
        kind = type(value)
        if kind in AS_THEY_ARE:
            return value
        if kind is Proxy:
            if value._channel is not self._channel:
                raise TypeError(f"{value!r} lives on another side: fetch its value first")
            return value._ref
        if isinstance(value, (list, tuple)):
            return type(value)(map(self._send, value))
        if isinstance(value, dict):
            return {key: self._send(item) for key, item in value.items()}
        return value

    def _receive(self, value: Any) -> Any:
        kind = type(value)
        if kind in AS_THEY_ARE:
            return value
        if kind is Ref:
            return Proxy(self._channel, value, self._timeout)
        if isinstance(value, (list, tuple)):
            return type(value)(map(self._receive, value))
        if isinstance(value, dict):
            return {key: self._receive(item) for key, item in value.items()}
        return value


def fetch(proxy: Proxy) -> Any:
    """The value of what a proxy names: data where it is plain, a proxy of the object itself where not."""
    return proxy._request("get", target=proxy._ref)


def call_and_fetch(proxy: Proxy, names: Sequence[str], **arguments: Any) -> tuple[Any, list[Any]]:
    """Call what a proxy names, and fetch attributes of what it returns, in one request where that saves one.

    Args:
        names: of the attributes.
        arguments: by keyword.

    Returns:
        What was returned, and the attributes' values in order; no values where plain data was returned.
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
    """Set an attribute of what a proxy names."""
    proxy._post("set", target=proxy._ref.child(name), value=proxy._send(value))


def place(proxy: Proxy, value: torch.Tensor, *, strided: bool = False) -> Proxy:
    """Put a tensor on the proxy's side and keep it there, so that a call's effect on it can be fetched.

    Args:
        proxy: whose side; usually `student`.
        value: any shape and dtype.
        strided: lay the elements out with gaps, so that the tensor is not contiguous.
    """
    placed = proxy._post("place", value=value, layout="strided" if strided else "contiguous")
    assert isinstance(placed, Proxy)
    return placed


def artifact(proxy: Proxy, name: str) -> Any:
    """What a handed-in torch file holds, read with weights_only on the proxy's side."""
    return proxy._request("artifact", name=name)


def patient(proxy: Proxy, seconds: float) -> Proxy:
    """The same proxy with a longer deadline for each of its calls, wall-clock seconds."""
    return Proxy(proxy._channel, proxy._ref, seconds)
