"""The reference behind a memo: it computes every answer once in a run.

A case asks the reference the same questions in the same order for every submission, since inputs come from the
run's seed and the case's id. Each request is known by the digest of all requests of its case so far; a known one
is answered from the memo, and an unknown one by a live session that first repeats the requests that it missed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, MutableMapping
from types import NoneType
from typing import Any

import numpy as np
import torch

from autograder.errors import GraderError, StudentError
from autograder.phases import phase
from autograder.sandbox.channel.refs import Ref
from autograder.sandbox.channel.tree import mapped
from autograder.sandbox.proxy import Channel

__all__ = ["Answers", "Requests", "TranscriptChannel", "copied", "digest"]

Answers = MutableMapping[bytes, Any]
Requests = MutableMapping[bytes, tuple[str, dict[str, Any], float | None]]
CONTAINERS = frozenset({dict, list, tuple, Ref})
SCALARS = frozenset({NoneType, bool, int, float, str, Ref})
# The beginning of a tensor's digest, for dtypes that numpy has, too. Fewer steps find the bytes of such a tensor.
NUMPY_TOO = {
    dtype: f"Tensor{dtype}".encode()
    for dtype in (torch.float64, torch.float32, torch.float16, torch.int64, torch.int32, torch.uint8, torch.bool)
}


class TranscriptChannel:
    """A `Channel` to the reference for one case.

    Args:
        case: the key that separates this case's requests from others.
        live: opens a channel to the reference itself, in its first state.
        answers: the memo, shared by all cases and, through fork, by all submissions of a run.
        requests: the requests that led to the answers, for a session that has to catch up; shared in the same way.
    """

    def __init__(
        self, case: str, live: Callable[[], Channel], answers: Answers, requests: Requests | None = None
    ) -> None:
        self._chain = case.encode()
        self._open, self._answers = live, answers
        self._requests: Requests = {} if requests is None else requests
        self._live: Channel | None = None
        self._missed: list[bytes] = []

    def request(self, op: str, payload: dict[str, Any], timeout: float | None = None) -> Any:
        with phase("reference"):
            return self._answer(op, payload, timeout)

    def _answer(self, op: str, payload: dict[str, Any], timeout: float | None) -> Any:
        self._chain = digest((self._chain, op, payload))
        self._missed.append(self._chain)
        if self._chain not in self._requests:
            self._requests[self._chain] = op, copied(payload), timeout
        if self._chain not in self._answers:
            self._answers[self._chain] = self._catch_up()
        return copied(self._answers[self._chain])

    def _catch_up(self) -> Any:
        """Carry out the requests that the live session has not seen yet; the answer to the last one."""
        if self._live is None:
            self._live = self._open()
        answer = None
        for missed in self._missed:
            try:
                answer = self._live.request(*self._requests[missed])
            except StudentError as error:
                raise GraderError(f"the reference raised {error}\n{error.trace}") from error
        self._missed.clear()
        return answer


def copied(value: Any) -> Any:
    """A copy that shares no storage with the original."""
    if type(value) in SCALARS:
        return value
    if type(value) not in CONTAINERS and isinstance(value, torch.Tensor):
        return value.detach().clone()
    if isinstance(value, np.ndarray):
        return value.copy()
    return mapped(value, copied, SCALARS) if isinstance(value, (list, tuple, dict)) else value


def digest(value: Any) -> bytes:
    """A digest of plain data: equal for equal types, shapes, dtypes and bits."""
    parts: list[Any] = []
    _feed(parts.append, value)
    return hashlib.blake2b(b"".join(parts), digest_size=16).digest()


def _feed(add: Callable[[Any], None], value: Any) -> None:
    """Add the bytes of a value's digest. Every part states its type and length, so no two values agree."""
    kind = type(value)
    if kind is str:
        text = value.encode("utf-8", "surrogatepass")
        add(b"s%d:" % len(text))
        add(text)
    elif kind is torch.Tensor and value.dtype in NUMPY_TOO and value.device.type == "cpu":
        array = value.detach().resolve_neg().numpy()
        add(b"%b%a" % (NUMPY_TOO[value.dtype], array.shape))
        add(np.ascontiguousarray(array).data)
    elif kind in (int, bool, NoneType):
        add(f"{kind.__name__}{value};".encode())
    elif kind is float:
        add(b"f%b;" % value.hex().encode())
    elif kind not in CONTAINERS and isinstance(value, torch.Tensor):  # isinstance with a torch class is slow
        add(f"{kind.__name__}{value.dtype}{tuple(value.shape)}".encode())
        add(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    elif isinstance(value, dict):
        add(b"%b{%d:" % (kind.__name__.encode(), len(value)))
        for key, item in value.items():
            _feed(add, key)
            _feed(add, item)
    elif isinstance(value, (list, tuple)):
        add(b"%b[%d:" % (kind.__name__.encode(), len(value)))
        for item in value:
            _feed(add, item)
    elif isinstance(value, np.ndarray):
        add(f"{kind.__name__}{value.dtype}{value.shape}".encode())
        add(np.ascontiguousarray(value).data)
    elif isinstance(value, (bytes, Ref, torch.dtype, torch.device)):
        content = value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")
        add(b"%b%d:" % (kind.__name__.encode(), len(content)))
        add(content)
    else:
        raise TypeError(f"no digest of a {kind.__name__}: only plain data crosses")
