"""Shows the value that a public check got, the wanted value, and the input, if they are small. They are no secret.

    got       [[[[-2. ]
                 [-2. ]]]]
    wanted    [[[[-1.5]
                 [-1.5]]]]
    called    Conv.forward(…) with
    x         [[[[1., 2., 3.]
                 [4., 5., 6.]]]]

This is only for public checks. In grading, only the grader sees these values.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from autograder.errors import CheckFailed
from autograder.sandbox.channel.refs import Ref
from autograder.sandbox.proxy import Channel

__all__ = ["NotedChannel", "in_figures"]

SMALL = 64  # elements; a larger value is shown by shape and dtype only
WIDTH = 62  # characters in a line of an array
MARGIN = 10


class NotedChannel:
    """A channel that keeps the last call: the called object and its arguments."""

    def __init__(self, channel: Channel, notes: dict[str, Any]) -> None:
        self._channel, self._notes = channel, notes

    def request(self, op: str, payload: dict[str, Any], timeout: float | None = None) -> Any:
        target = payload.get("target")
        if isinstance(target, Ref) and "args" in payload:
            self._notes.clear()
            self._notes.update(payload, name=".".join(target.path) or "it")
        return self._channel.request(op, payload, timeout)


def in_figures(error: CheckFailed, call: Mapping[str, Any]) -> str:
    """Lines with the found and the wanted value, and the last call's input; "" if the answer is large or no array.

    Args:
        error: the exception, with `value` and `wanted`.
        call: the call that a `NotedChannel` kept; may be empty.
    """
    if not (_is_small(error.value) and _is_small(error.wanted)):
        return ""
    lines = [*_row("got", error.value), *_row("wanted", error.wanted)]
    if call:
        arguments = dict(enumerate(call["args"], start=1)) | dict(call.get("kwargs", {}))
        flat = {name: value for key, argument in arguments.items() for name, value in _parts(str(key), argument)}
        lines.append(f"{'called':<{MARGIN}}{call['name']}" + (", with" if flat else "()"))
        for name, value in flat.items():
            lines += _row(f"  {name}", value)
    return "\n".join(lines)


def _parts(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """An argument, or the items of an argument that is a list or tuple: a cache."""
    if isinstance(value, list | tuple) and any(isinstance(item, torch.Tensor) for item in value):
        for number, item in enumerate(value, start=1):
            yield from _parts(f"{name}.{number}", item)
    else:
        yield name, value


def _is_small(value: Any) -> bool:
    return isinstance(value, torch.Tensor) and value.numel() <= SMALL


def _row(name: str, value: Any) -> Sequence[str]:
    lines = _text(value).splitlines() or [""]
    return [f"{name if number == 0 else '':<{MARGIN}}{line}" for number, line in enumerate(lines)]


def _text(value: Any) -> str:
    if isinstance(value, torch.Tensor):
        array = value.detach().cpu()
        kind = f"{tuple(value.shape)} {str(value.dtype).removeprefix('torch.')}"
        if not _is_small(value):
            return f"a tensor of shape {kind}"
        numbers = array.to(torch.float32).numpy() if array.dtype is torch.bfloat16 else array.numpy()
        return np.array2string(numbers, precision=4, suppress_small=True, separator=", ", max_line_width=WIDTH)
    text = "an object" if isinstance(value, Ref) else repr(value)
    return text if len(text) <= WIDTH else f"{text[: WIDTH - 1]}…"
