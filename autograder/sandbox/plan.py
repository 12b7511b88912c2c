"""Writes down what a check would have a submission do, so that it can be repeated with other inputs in one request."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from autograder.errors import GraderError
from autograder.sandbox.channel.refs import LOCAL, Ref
from autograder.sandbox.proxy import Channel, Proxy

__all__ = ["Plan", "Renamed", "record"]

T = TypeVar("T")


@dataclass(frozen=True)
class Plan:
    """Steps that were written down.

    Attributes:
        inputs: how many there are; refs from `LOCAL` on name these first, then each step's result.
        content: {"steps": [[target, args, kwargs], …], "result": …}, as `session.timed.Bench.run` takes it.
    """

    inputs: int
    content: dict[str, Any]

    @property
    def mentioned(self) -> frozenset[int]:
        """Numbers of the inputs that are used."""
        handles = {ref.handle - LOCAL for ref in _refs(self.content) if ref.handle is not None and ref.handle >= LOCAL}
        return frozenset(handle for handle in handles if handle < self.inputs)


class Renamed:
    """A channel on which a dotted name of the module stands for another one.

    Args:
        old, new: names as paths; equal ones change nothing.
    """

    def __init__(self, channel: Channel, old: Sequence[str], new: Sequence[str]) -> None:
        self._channel, self._old, self._new = channel, tuple(old), tuple(new)

    def request(self, op: str, payload: dict[str, Any], timeout: float | None = None) -> Any:
        return self._channel.request(op, _mapped(payload, Ref, self._renamed), timeout)

    def _renamed(self, ref: Ref) -> Ref:
        size = len(self._old)
        if ref.handle is None and ref.path[:size] == self._old:
            return Ref(None, self._new + ref.path[size:])
        return ref


class _Recorder:
    """A channel that writes calls down, and answers each with a ref to what it will have returned."""

    def __init__(self, inputs: int) -> None:
        self.inputs = inputs
        self.steps: list[list[Any]] = []

    def request(self, op: str, payload: dict[str, Any], timeout: float | None = None) -> Any:
        if op != "call":
            raise GraderError(
                f"only calls can be timed, and attributes and items of what they return; this is a {op!r}"
            )
        self.steps.append([payload["target"], payload["args"], payload["kwargs"]])
        return Ref(LOCAL + self.inputs + len(self.steps) - 1)


def record(function: Callable[..., Any], made: Any, inputs: int) -> Plan:
    """What `function(made, *inputs)` calls.

    Args:
        made: a proxy, or a tuple, list or dict with proxies in it, of one side.
        inputs: how many stand-ins to hand in after it.
    """
    recorder = _Recorder(inputs)
    stand_ins = [Proxy(recorder, Ref(LOCAL + number)) for number in range(inputs)]
    result = function(_mapped(made, Proxy, lambda proxy: Proxy(recorder, proxy._ref)), *stand_ins)
    return Plan(inputs, {"steps": recorder.steps, "result": _mapped(result, Proxy, lambda proxy: proxy._ref)})


def _refs(value: Any) -> Iterator[Ref]:
    if isinstance(value, Ref):
        yield value
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _refs(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _refs(item)


def _mapped(value: Any, kind: type[T], change: Callable[[T], Any]) -> Any:
    """The same with everything of this kind changed, however deep in lists, tuples and dicts."""
    if isinstance(value, kind):
        return change(value)
    if isinstance(value, (list, tuple)):
        return type(value)(_mapped(item, kind, change) for item in value)
    if isinstance(value, dict):
        return {key: _mapped(item, kind, change) for key, item in value.items()}
    return value
