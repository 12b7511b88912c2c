"""Frames between grader and worker: a JSON header, then raw little-endian bytes. Nothing is ever unpickled.

    magic "AGF1" | header bytes: u32 | body bytes: u64 | header | body

The header is {"value": tree, "blobs": [[library, dtype, shape], ...]}. The body holds the elements of the blobs,
row-major, one blob after the other. In a tree, null, booleans, numbers (NaN and infinity, too), strings and lists stand
for themselves. Any other value is an object with one key, its tag. Incoming frames are untrusted: sizes, depth and
counts are bounded before memory is allocated for them, and a malformed frame raises ProtocolError.

decode(encode(x)) equals x for every x that encode accepts.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Collection, Sequence
from typing import Any, TypeAlias

import numpy as np
import torch

from autograder.errors import ProtocolError
from autograder.sandbox.channel.blobs import (
    TORCH_DTYPES,
    TORCH_NAMES,
    Blob,
    Content,
    Spec,
    array_content,
    tensor_content,
)
from autograder.sandbox.channel.refs import Ref

__all__ = [
    "MAX_BODY",
    "MAX_HEADER",
    "MAX_REPLY",
    "PREFIX",
    "Fill",
    "TooMuch",
    "decode",
    "encode",
    "parse_prefix",
    "read_frame",
    "read_whole",
]

MAGIC = b"AGF1"
PREFIX = struct.Struct("<4sIQ")
MAX_HEADER = 4 << 20  # bytes
MAX_BODY = 256 << 20  # bytes
MAX_REPLY = 64 << 20  # bytes of a worker's reply: the grader copies and compares it, in float64
MAX_JOINED = 1 << 20
MAX_DEPTH = 32
MAX_NODES = 250_000
MAX_BLOBS = 10_000
MAX_DIGITS = 39  # of an int: 128 bits
BELOW = 10**MAX_DIGITS  # Python's own limit for reading an int is 4,300 digits
MAX_NAME = 200  # characters of a name: an attribute's, a dtype's, a device's
MAX_PATH = 32

Fill: TypeAlias = Callable[[list[memoryview]], None]


class TooMuch(ValueError):
    """A value is too large or too deep for one message."""


def encode(value: object, most: int = MAX_BODY) -> list[bytes | memoryview]:
    """The parts of one frame, to be written one after the other. Its body has at most `most` bytes.

    Raises:
        TypeError: the value cannot cross: a subclass, a sparse or quantized tensor, an object, a dict key that is
            neither str nor int.
        TooMuch: the value is too large or too deep.
    """
    writer = _Writer()
    tree = writer.tree(value, MAX_DEPTH)
    text = ENCODER.encode({"value": tree, "blobs": writer.specs})
    _refuse_halves(text, tree)
    header = text.encode("ascii")
    body = sum([part.nbytes for part in writer.parts])
    if len(header) > MAX_HEADER or body > most or len(writer.specs) > MAX_BLOBS:
        raise TooMuch(f"too much for one message: {len(header) + body} bytes in {len(writer.specs)} tensors")
    prefix = PREFIX.pack(MAGIC, len(header), body)
    if len(header) + body <= MAX_JOINED:  # each write may wake the reader, so a small frame goes out in one
        return [b"".join([prefix, header, *(part.data for part in writer.parts)])]
    return [prefix, header, *(_bytes_of(part) for part in writer.parts if part.size)]


def decode(frame: bytes) -> Any:
    """The value in one whole frame. Raises ProtocolError for a malformed frame."""
    if len(frame) < PREFIX.size:
        raise ProtocolError("a truncated frame")
    header, body = parse_prefix(frame[: PREFIX.size])
    if len(frame) != PREFIX.size + header + body:
        raise ProtocolError("a frame of another length than it says")
    position = PREFIX.size + header
    return read_whole(frame[PREFIX.size : position], memoryview(frame)[position:])


def parse_prefix(prefix: bytes | memoryview, most: int = MAX_BODY) -> tuple[int, int]:
    """The lengths of header and body in bytes. Raises ProtocolError if one is out of bounds."""
    magic, header, body = PREFIX.unpack(prefix)
    if magic != MAGIC:
        raise ProtocolError("not a frame")
    if header > MAX_HEADER or body > most:
        raise ProtocolError(f"a frame of {header + body} bytes")
    return header, body


def read_whole(header: bytes, body: memoryview) -> Any:
    """The value of a frame that has arrived completely. It shares no memory with `body`."""
    try:
        tree, specs = _message(header, len(body))
        blobs, start = [], 0
        for spec in specs:
            blobs.append(spec.copied(body, start))
            start += spec.nbytes
        return _Reader(blobs).value(tree, MAX_DEPTH)
    except MALFORMED as error:
        raise ProtocolError(f"a malformed frame: {type(error).__name__}") from None


def read_frame(header: bytes, body: int, fill: Fill) -> Any:
    """The value of a frame whose body has not been read yet.

    Args:
        header: the JSON text.
        body: the body's length in bytes, from the prefix.
        fill: reads the body into the given buffers. It is called once, after the header has been validated.
    """
    try:
        tree, specs = _message(header, body)
        buffers = [np.empty(spec.shape, spec.stored) for spec in specs]  # pages that stay empty take no memory
        _Reader(buffers).value(tree, MAX_DEPTH)
    except MALFORMED as error:
        raise ProtocolError(f"a malformed frame: {type(error).__name__}") from None
    fill([_bytes_of(buffer) for buffer in buffers if buffer.size])
    return _Reader([spec.blob(buffer) for spec, buffer in zip(specs, buffers, strict=True)]).value(tree, MAX_DEPTH)


def _message(header: bytes, body: int) -> tuple[Any, list[Spec]]:
    """The tree, not validated yet, and the specs of the blobs."""
    text = header.decode("ascii")
    message = DECODER.decode(text)
    if type(message) is not dict or message.keys() != {"value", "blobs"}:
        raise ProtocolError("a header with other keys")
    _refuse_halves(text, message["value"])
    specs = [Spec.parse(entry) for entry in _checked(message["blobs"], list, MAX_BLOBS)]
    if sum([spec.nbytes for spec in specs]) != body:
        raise ProtocolError("tensors that do not add up to the body")
    return message["value"], specs


class _Writer:
    """Turns a value into a tree, and collects its tensors."""

    def __init__(self) -> None:
        self.specs: list[tuple[str, str, tuple[int, ...]]] = []
        self.parts: list[np.ndarray[Any, Any]] = []
        self._left = MAX_NODES

    def tree(self, value: Any, depth: int) -> Any:
        kind = type(value)
        if kind in AS_THEY_ARE:
            return value
        if kind is torch.Tensor:
            return self._blob(tensor_content(value))
        if kind is int:
            return _bounded(value)
        if depth == 0:
            raise TooMuch(f"nested more than {MAX_DEPTH} deep")
        if kind is list:
            return self._trees(value, depth)
        if kind is tuple:
            return {"tuple": self._trees(value, depth)}
        if kind is dict:
            trees = self._trees(value.values(), depth)
            keys = [key if type(key) is str else _number(key) for key in value]
            return {"dict": list(zip(keys, trees, strict=True))}
        if kind is Ref:
            return {"ref": [value.handle, value.path]}
        if kind is np.ndarray:
            return self._blob(array_content(value))
        if kind is torch.dtype and value in TORCH_NAMES:
            return {"dtype": TORCH_NAMES[value]}
        if kind is torch.device:
            return {"device": str(value)}
        raise TypeError(f"{kind.__name__[:MAX_NAME]} does not cross between processes")

    def _trees(self, values: Collection[Any], depth: int) -> list[Any]:
        self._left -= len(values)
        if self._left < 0:
            raise TooMuch(f"too much for one message: more than {MAX_NODES} values")
        return [value if type(value) in AS_THEY_ARE else self.tree(value, depth - 1) for value in values]

    def _blob(self, content: Content) -> dict[str, int]:
        self.specs.append(content[:3])
        self.parts.append(content.elements)
        return {"blob": len(self.specs) - 1}


class _Reader:
    """Turns a tree back into a value."""

    def __init__(self, blobs: Sequence[Blob]) -> None:
        self.blobs = blobs
        self._left = MAX_NODES

    def value(self, tree: Any, depth: int) -> Any:
        kind = type(tree)
        if kind in AS_THEY_ARE:
            return tree
        if kind is int:
            return _bounded(tree)
        if kind is list:
            return self._values(tree, depth)
        ((tag, content),) = tree.items()
        if tag == "blob":
            return self.blobs[_index(content, len(self.blobs))]
        if tag == "dict":
            self._enter(len(_checked(content, list, MAX_NODES)), depth)
            return {
                key if type(key) is str else _number(key): item
                if type(item) in AS_THEY_ARE
                else self.value(item, depth - 1)
                for key, item in content
            }
        if tag == "tuple":
            return tuple(self._values(_checked(content, list, MAX_NODES), depth))
        if tag == "ref":
            return _ref(content)
        if tag == "dtype":
            return TORCH_DTYPES[_checked(content, str, MAX_NAME)]
        if tag == "device":
            return torch.device(_checked(content, str, MAX_NAME))
        raise ProtocolError("an unknown tag")

    def _values(self, trees: list[Any], depth: int) -> list[Any]:
        self._enter(len(trees), depth)
        return [tree if type(tree) in AS_THEY_ARE else self.value(tree, depth - 1) for tree in trees]

    def _enter(self, count: int, depth: int) -> None:
        self._left -= count
        if self._left < 0 or depth <= 0:
            raise ProtocolError("too many values, or nested too deep")


def _ref(content: Any) -> Ref:
    handle, path = _checked(content, list, 2)
    names = tuple([_checked(name, str, MAX_NAME) for name in _checked(path, list, MAX_PATH)])
    return Ref(None if handle is None else _index(handle, 1 << 62), names)


def _bytes_of(array: np.ndarray[Any, Any]) -> memoryview:
    """The memory of a contiguous array."""
    return array.reshape(-1).view(np.uint8).data


def _checked(value: Any, kind: type[list[Any]] | type[str], most: int) -> Any:
    if type(value) is not kind or len(value) > most:
        raise ProtocolError(f"wanted a {kind.__name__} of at most {most}")
    return value


def _index(value: Any, below: int) -> int:
    if type(value) is not int or not 0 <= value < below:
        raise ProtocolError("a number out of range")
    return value


def _bounded(value: int) -> int:
    if not -BELOW < value < BELOW:
        raise TooMuch(f"an int of more than {MAX_DIGITS} digits")
    return value


def _number(key: Any) -> int:
    if type(key) is not int:
        raise TypeError("a dict key that is neither str nor int")
    return _bounded(key)


def _refuse_halves(text: str, tree: Any) -> None:
    """Raise ValueError for a string with a lone surrogate, which cannot be encoded as UTF-8.

    The tree is searched only if the JSON text has an escape of a surrogate, `\\ud…`.
    """
    if "\\ud" in text or "\\uD" in text:
        json.dumps(tree, ensure_ascii=False).encode("utf-8")


AS_THEY_ARE = frozenset({type(None), bool, float, str})
MALFORMED = (ValueError, TypeError, KeyError, RecursionError, RuntimeError)
# Made once: json.dumps and json.loads would make new ones for each call.
ENCODER = json.JSONEncoder(separators=(",", ":"))
DECODER = json.JSONDecoder()
