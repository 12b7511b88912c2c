"""Frames between grader and worker: a JSON header, then raw little-endian bytes; nothing is ever unpickled.

    magic "AGF1" | header bytes: u32 | body bytes: u64 | header | body

The header is {"value": tree, "blobs": [[dtype, shape], ...]}; the body is the blobs' elements, row-major, one after
the other. In a tree, null, booleans, numbers, strings and lists stand for themselves (NaN and infinity included);
everything else is an object with one key, its tag. What arrives is untrusted: sizes, depth and counts are bounded
before anything is allocated for them, and whatever is not a frame raises ProtocolError.

The law: decode(encode(x)) equals x, for everything that encode takes.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import torch

from autograder.errors import ProtocolError
from autograder.sandbox.refs import Ref

__all__ = ["MAX_BODY", "MAX_HEADER", "PREFIX", "Fill", "decode", "encode", "parse_prefix", "read_frame"]

MAGIC = b"AGF1"
PREFIX = struct.Struct("<4sIQ")
MAX_HEADER = 4 << 20  # bytes
MAX_BODY = 256 << 20  # bytes
MAX_JOINED = 1 << 20
MAX_DEPTH = 32
MAX_NODES = 250_000
MAX_BLOBS = 10_000
MAX_DIMS = 16
MAX_DIGITS = 40  # of an int: 128 bits
MAX_NAME = 200  # characters of a device's, an attribute's name
MAX_PATH = 32

TORCH_DTYPES: dict[str, torch.dtype] = {
    str(dtype).removeprefix("torch."): dtype
    for dtype in (
        torch.float64,
        torch.float32,
        torch.float16,
        torch.bfloat16,
        torch.complex128,
        torch.complex64,
        torch.int64,
        torch.int32,
        torch.int16,
        torch.int8,
        torch.uint8,
        torch.bool,
    )
}
NUMPY_DTYPES: dict[str, np.dtype[Any]] = {
    name: np.dtype(name)
    for name in (
        *("float64", "float32", "float16", "complex128", "complex64", "bool"),
        *("int64", "int32", "int16", "int8", "uint64", "uint32", "uint16", "uint8"),
    )
}
TORCH_NAMES = {dtype: name for name, dtype in TORCH_DTYPES.items()}
# Torch's dtypes that numpy has, and whose tensors can be seen as arrays as they lie.
NUMPY_TOO = frozenset(TORCH_DTYPES.values()) - {torch.bfloat16, torch.complex64, torch.complex128}
BOOLS = (torch.bool, np.dtype(bool))
NUMPY_NAMES = {dtype: name for name, dtype in NUMPY_DTYPES.items()}

Blob: TypeAlias = "torch.Tensor | np.ndarray[Any, Any]"
Fill: TypeAlias = Callable[[list[memoryview]], None]


def encode(value: object) -> list[bytes | memoryview]:
    """The parts of one frame, to be written one after the other.

    Raises TypeError for what does not cross (subclasses, sparse or quantized tensors, objects, other keys than
    str and int), ValueError for what is too large or too deep.
    """
    writer = _Writer()
    tree = writer.tree(value, MAX_DEPTH)
    header = ENCODER.encode({"value": tree, "blobs": writer.specs}).encode("ascii")
    body = sum(part.nbytes for part in writer.parts)
    if len(header) > MAX_HEADER or body > MAX_BODY or len(writer.specs) > MAX_BLOBS:
        raise ValueError(f"too much for one message: {len(header) + body} bytes in {len(writer.specs)} tensors")
    bodies = [part for part in writer.parts if part.nbytes]
    parts: list[bytes | memoryview] = [PREFIX.pack(MAGIC, len(header), body), header, *bodies]
    # Every write may wake the reader: what is small enough goes in one.
    return [b"".join(parts)] if len(header) + body <= MAX_JOINED else parts


def decode(frame: bytes) -> Any:
    """The value in one whole frame. Raises ProtocolError for anything else."""
    if len(frame) < PREFIX.size:
        raise ProtocolError("a truncated frame")
    header, body = parse_prefix(frame[: PREFIX.size])
    if len(frame) != PREFIX.size + header + body:
        raise ProtocolError("a frame of another length than it says")
    position = PREFIX.size + header

    def fill(buffers: list[memoryview]) -> None:
        start = position
        for buffer in buffers:
            buffer[:] = frame[start : start + len(buffer)]
            start += len(buffer)

    return read_frame(frame[PREFIX.size : position], body, fill)


def parse_prefix(prefix: bytes) -> tuple[int, int]:
    """Lengths of header and body in bytes, within their bounds."""
    magic, header, body = PREFIX.unpack(prefix)
    if magic != MAGIC:
        raise ProtocolError("not a frame")
    if header > MAX_HEADER or body > MAX_BODY:
        raise ProtocolError(f"a frame of {header + body} bytes")
    return header, body


def read_frame(header: bytes, body: int, fill: Fill) -> Any:
    """The value of a frame whose body is still to be read.

    Args:
        header: the JSON text.
        body: the body's length as the prefix gave it.
        fill: reads the body into the buffers it is given; called once, after everything else was validated.
    """
    try:
        message = DECODER.decode(header.decode("ascii"))
        if type(message) is not dict or message.keys() != {"value", "blobs"}:
            raise ProtocolError("a header with other keys")
        specs = [_Spec.parse(entry) for entry in _checked(message["blobs"], list, MAX_BLOBS)]
        if sum(spec.nbytes for spec in specs) != body:
            raise ProtocolError("tensors that do not add up to the body")
        rooms = [np.empty(spec.nbytes, np.uint8) for spec in specs]  # pages that are never filled cost nothing
        reader = _Reader([spec.blob(room) for spec, room in zip(specs, rooms, strict=True)])
        value = reader.value(message["value"], MAX_DEPTH)
    except (ValueError, TypeError, KeyError, RecursionError, RuntimeError) as error:
        raise ProtocolError(f"a malformed frame: {type(error).__name__}") from None
    fill([room.data for room in rooms if room.size])
    for spec, room in zip(specs, rooms, strict=True):
        # A bool that is neither 0 nor 1 makes later arithmetic undefined.
        if spec.dtype in BOOLS and room.max(initial=0) > 1:
            raise ProtocolError("a bool that is neither true nor false")
    return value


class _Writer:
    """Turns a value into a tree, and collects its tensors."""

    def __init__(self) -> None:
        self.specs: list[list[Any]] = []
        self.parts: list[memoryview] = []
        self._left = MAX_NODES

    def tree(self, value: Any, depth: int) -> Any:
        self._left -= 1
        if self._left < 0:
            raise ValueError(f"too much for one message: more than {MAX_NODES} values")
        kind = type(value)
        if value is None or kind is bool or kind is float:
            return value
        if kind is int:
            if abs(value) >= 10 ** (MAX_DIGITS - 1):
                raise ValueError(f"an int of more than {MAX_DIGITS - 1} digits")
            return value
        if kind is str:
            return _text(value)
        if depth == 0:
            raise ValueError(f"nested more than {MAX_DEPTH} deep")
        if kind is list:
            return [self.tree(item, depth - 1) for item in value]
        if kind is tuple:
            return {"tuple": [self.tree(item, depth - 1) for item in value]}
        if kind is dict:
            return {"dict": [[_key(key), self.tree(item, depth - 1)] for key, item in value.items()]}
        if kind is torch.Tensor:
            return self._blob("torch", *_tensor_bytes(value))
        if kind is np.ndarray:
            return self._blob("numpy", *_array_bytes(value))
        if kind is torch.dtype and value in TORCH_NAMES:
            return {"dtype": TORCH_NAMES[value]}
        if kind is torch.device:
            return {"device": str(value)}
        if kind is Ref:
            return {"ref": [value.handle, [_text(name) for name in value.path]]}
        raise TypeError(f"{kind.__name__[:MAX_NAME]} does not cross between processes")

    def _blob(self, library: str, dtype: str, shape: tuple[int, ...], content: memoryview) -> dict[str, int]:
        self.specs.append([library, dtype, list(shape)])
        self.parts.append(content)
        return {"blob": len(self.specs) - 1}


class _Reader:
    """Turns a tree back into a value."""

    def __init__(self, blobs: list[Blob]) -> None:
        self.blobs = blobs
        self._left = MAX_NODES

    def value(self, tree: Any, depth: int) -> Any:
        self._left -= 1
        if self._left < 0 or depth < 0:
            raise ProtocolError("too many values, or nested too deep")
        kind = type(tree)
        if tree is None or kind in (bool, int, float):
            return tree
        if kind is str:
            return _text(tree)
        if kind is list:
            return [self.value(item, depth - 1) for item in tree]
        ((tag, content),) = tree.items()
        if tag == "tuple":
            return tuple(self.value(item, depth - 1) for item in _checked(content, list, MAX_NODES))
        if tag == "dict":
            pairs = _checked(content, list, MAX_NODES)
            return {_key(key): self.value(item, depth - 1) for key, item in pairs}
        if tag == "blob":
            return self.blobs[_index(content, len(self.blobs))]
        if tag == "dtype":
            return TORCH_DTYPES[_checked(content, str, MAX_NAME)]
        if tag == "device":
            return torch.device(_checked(content, str, MAX_NAME))
        if tag == "ref":
            handle, path = _checked(content, list, 2)
            names = _checked(path, list, MAX_PATH)
            return Ref(
                None if handle is None else _index(handle, 1 << 62),
                tuple(_text(_checked(name, str, MAX_NAME)) for name in names),
            )
        raise ProtocolError("an unknown tag")


@dataclass(frozen=True)
class _Spec:
    """What a blob will be: known before its bytes are read."""

    dtype: torch.dtype | np.dtype[Any]
    shape: tuple[int, ...]

    @classmethod
    def parse(cls, entry: Any) -> _Spec:
        library, name, dims = _checked(entry, list, 3)
        shape = tuple(_index(size, 1 << 40) for size in _checked(dims, list, MAX_DIMS))
        if math.prod(max(size, 1) for size in shape) > 1 << 40:
            raise ProtocolError("a tensor of absurd shape")
        return cls(TORCH_DTYPES[name] if library == "torch" else NUMPY_DTYPES[name], shape)

    @property
    def nbytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize

    def blob(self, room: np.ndarray[Any, Any]) -> Blob:
        """A tensor or an array over bytes that are filled later."""
        if isinstance(self.dtype, np.dtype):
            return room.view(self.dtype).reshape(self.shape)
        if not room.size:
            return torch.empty(self.shape, dtype=self.dtype)
        return torch.frombuffer(room, dtype=self.dtype).reshape(self.shape)


def _tensor_bytes(tensor: torch.Tensor) -> tuple[str, tuple[int, ...], memoryview]:
    """Name of the dtype, shape, and elements of a dense tensor; TypeError for any other."""
    dense = tensor.layout is torch.strided and not tensor.is_nested and tensor.device.type in ("cpu", "cuda")
    if not dense or tensor.dtype not in TORCH_NAMES:
        raise TypeError(f"a {tensor.layout} {tensor.dtype} tensor on {tensor.device} does not cross between processes")
    if tensor.dtype in NUMPY_TOO and tensor.is_contiguous() and tensor.device.type == "cpu" and tensor.dim():
        array = tensor.detach().resolve_neg().numpy()
        return TORCH_NAMES[tensor.dtype], tuple(tensor.shape), array.reshape(-1).view(np.uint8).data
    flat = tensor.detach().cpu().resolve_conj().resolve_neg().reshape(-1)
    # One element may have any stride and still count as contiguous; its bytes want stride 1.
    plain = flat if flat.stride(0) == 1 else flat.clone(memory_format=torch.contiguous_format)
    return TORCH_NAMES[tensor.dtype], tuple(tensor.shape), _bytes_of(plain)


def _array_bytes(array: np.ndarray[Any, Any]) -> tuple[str, tuple[int, ...], memoryview]:
    native = array.dtype.newbyteorder("=")
    if native not in NUMPY_NAMES:
        raise TypeError(f"an array of {array.dtype} does not cross between processes")
    return NUMPY_NAMES[native], array.shape, np.array(array, dtype=native, order="C").reshape(-1).view(np.uint8).data


def _bytes_of(tensor: torch.Tensor) -> memoryview:
    """The memory of a tensor whose elements lie side by side."""
    return tensor.reshape(-1).view(torch.uint8).numpy().data if tensor.numel() else memoryview(b"")


def _checked(value: Any, kind: type[list[Any]] | type[str], most: int) -> Any:
    if type(value) is not kind or len(value) > most:
        raise ProtocolError(f"wanted a {kind.__name__} of at most {most}")
    return value


def _index(value: Any, below: int) -> int:
    if type(value) is not int or not 0 <= value < below:
        raise ProtocolError("a number out of range")
    return value


def _key(value: Any) -> str | int:
    if type(value) is str:
        return _text(value)
    if type(value) is int:
        return value
    raise TypeError("a dict key that is neither str nor int")


def _text(value: str) -> str:
    """The same text; ValueError where it could not be written to a file as UTF-8 (lone surrogates)."""
    if not value.isascii():
        value.encode("utf-8")
    return value


def _int(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise ValueError("an int of too many digits")
    return int(digits)


# Made once: json.dumps and json.loads make theirs for every call.
ENCODER = json.JSONEncoder(separators=(",", ":"))
DECODER = json.JSONDecoder(parse_int=_int)
