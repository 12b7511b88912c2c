"""Converts tensors and arrays to a dtype's name, a shape and row-major little-endian bytes, and back."""

from __future__ import annotations

import math
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import torch

from autograder.errors import ProtocolError

__all__ = ["NUMPY_DTYPES", "TORCH_DTYPES", "TORCH_NAMES", "Blob", "Content", "Spec", "array_content", "tensor_content"]

MAX_DIMS = 16
MAX_ELEMENTS = 1 << 40

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
NUMPY_NAMES = {dtype: name for name, dtype in NUMPY_DTYPES.items()}
# The torch dtypes that numpy has, too. A tensor of one can be viewed as an array without a copy.
SEEN_AS_ARRAYS = {dtype: name for dtype, name in TORCH_NAMES.items() if name in NUMPY_DTYPES}
BOOL = np.dtype(bool)
# The numpy dtype that stores the elements of a torch tensor.
STORED_AS = {name: NUMPY_DTYPES.get(name, np.dtype("int16")) for name in TORCH_DTYPES}

Array: TypeAlias = "np.ndarray[Any, Any]"
Blob: TypeAlias = "torch.Tensor | Array"


class Content(NamedTuple):
    """An outgoing blob: the fields of its spec, and its elements as a row-major array."""

    library: str
    dtype: str
    shape: tuple[int, ...]
    elements: Array


def tensor_content(tensor: torch.Tensor) -> Content:
    """The content of a dense tensor. Raises TypeError for any other tensor."""
    name = SEEN_AS_ARRAYS.get(tensor.dtype)
    if name is not None:
        try:
            elements = tensor.numpy()
        except (TypeError, RuntimeError):  # not dense, not on the CPU, conjugated, or with a gradient
            pass
        else:
            if elements.flags.c_contiguous:
                return Content("torch", name, elements.shape, elements)
    dense = tensor.layout is torch.strided and not tensor.is_nested and tensor.device.type in ("cpu", "cuda")
    if not dense or tensor.dtype not in TORCH_NAMES:
        raise TypeError(f"a {tensor.layout} {tensor.dtype} tensor on {tensor.device} does not cross between processes")
    plain = tensor.detach().cpu().resolve_conj().resolve_neg().clone(memory_format=torch.contiguous_format)
    if tensor.dtype is torch.bfloat16:
        plain = plain.view(torch.int16)
    return Content("torch", TORCH_NAMES[tensor.dtype], tuple(tensor.shape), plain.numpy())


def array_content(array: Array) -> Content:
    """The content of an array of numbers. Raises TypeError for any other array."""
    native = array.dtype.newbyteorder("=")
    if native not in NUMPY_NAMES:
        raise TypeError(f"an array of {array.dtype} does not cross between processes")
    return Content("numpy", NUMPY_NAMES[native], array.shape, np.asarray(array, dtype=native, order="C"))


class Spec(NamedTuple):
    """The description of an incoming blob, which is known before its bytes are read."""

    library: str
    dtype: str
    shape: tuple[int, ...]
    stored: np.dtype[Any]
    nbytes: int

    @classmethod
    def parse(cls, entry: Any) -> Spec:
        """The spec of [library, dtype, shape]. Raises ProtocolError, or any of `wire.MALFORMED`, for other data."""
        library, name, dims = entry
        if type(entry) is not list or type(dims) is not list or len(dims) > MAX_DIMS:
            raise ProtocolError("a tensor's description that is not one")
        largest = 1
        for size in dims:
            if type(size) is not int or not 0 <= size <= MAX_ELEMENTS:
                raise ProtocolError("a number out of range")
            largest *= size or 1
        if largest > MAX_ELEMENTS:
            raise ProtocolError("a tensor of absurd shape")
        stored = STORED_AS[name] if library == "torch" else NUMPY_DTYPES[name]
        return cls(library, name, tuple(dims), stored, math.prod(dims) * stored.itemsize)

    def copied(self, body: memoryview, start: int) -> Blob:
        """The blob whose bytes begin at `start` of a body."""
        return self.blob(np.ndarray(self.shape, self.stored, body, start).copy())

    def blob(self, elements: Array) -> Blob:
        """The blob of these elements. Raises ProtocolError for a bool whose byte is neither 0 nor 1.

        Arithmetic with such a bool would be undefined.
        """
        if self.stored is BOOL and elements.view(np.uint8).max(initial=0) > 1:
            raise ProtocolError("a bool that is neither true nor false")
        if self.library != "torch":
            return elements
        tensor = torch.from_numpy(elements)
        return tensor.view(torch.bfloat16) if self.dtype == "bfloat16" else tensor
