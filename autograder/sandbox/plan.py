"""Records a check's calls without making them, so that one request can repeat them with other inputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from autograder.errors import GraderError
from autograder.sandbox.channel.refs import LOCAL, Ref
from autograder.sandbox.channel.tree import leaves, mapped
from autograder.sandbox.proxy import Channel, Proxy

__all__ = ["Plan", "Renamed", "record"]


@dataclass(frozen=True)
class Plan:
    """Recorded calls.

    Attributes:
        inputs: the number of inputs. Handles from `LOCAL` on name first the inputs, then the result of each step.
        content: {"steps": [[target, args, kwargs], …], "result": …}, the argument of `session.timed.Bench.run`.
    """

    inputs: int
    content: dict[str, Any]

    @property
    def mentioned(self) -> frozenset[int]:
        """The numbers of the inputs that the recorded calls use, counted from 0."""
        refs = [leaf.handle for leaf in leaves(self.content) if isinstance(leaf, Ref)]
        handles = {handle - LOCAL for handle in refs if handle is not None and handle >= LOCAL}
        return frozenset(handle for handle in handles if handle < self.inputs)


class Renamed:
    """A channel that replaces a dotted name of the module by another one in every request.

    Args:
        old, new: the names as paths, ("Conv", "forward"). Equal ones change nothing.
    """

    def __init__(self, channel: Channel, old: Sequence[str], new: Sequence[str]) -> None:
        self._channel, self._old, self._new = channel, tuple(old), tuple(new)

    def request(self, op: str, payload: dict[str, Any], timeout: float | None = None) -> Any:
        return self._channel.request(op, mapped(payload, self._renamed), timeout)

    def _renamed(self, leaf: Any) -> Any:
        size = len(self._old)
        if isinstance(leaf, Ref) and leaf.handle is None and leaf.path[:size] == self._old:
            return Ref(None, self._new + leaf.path[size:])
        return leaf


class _Recorder:
    """A channel that records calls. Its reply to each is a ref to the later result."""

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
    """Record the calls of `function(made, *inputs)`.

    Args:
        made: a proxy, or a tuple, list or dict of proxies of one side.
        inputs: the number of placeholder proxies to pass after `made`.

    Raises:
        GraderError: the function does something to a proxy other than a call, an attribute or an item.
    """
    recorder = _Recorder(inputs)
    stand_ins = [Proxy(recorder, Ref(LOCAL + number)) for number in range(inputs)]
    recorded = mapped(made, lambda leaf: Proxy(recorder, leaf._ref) if isinstance(leaf, Proxy) else leaf)
    result = function(recorded, *stand_ins)
    result = mapped(result, lambda leaf: leaf._ref if isinstance(leaf, Proxy) else leaf)
    return Plan(inputs, {"steps": recorder.steps, "result": result})
