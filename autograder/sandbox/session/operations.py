"""Carries out a check's operations on live objects: in a worker for a student, in process for the reference.

Plain data is returned as a copy. Any other result (a model, an optimizer, an open iterator) stays here, and a `Ref` to
it is returned instead. This module imports nothing of the grader's side.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch.nn import Module

from autograder.sandbox.channel.blobs import TORCH_NAMES
from autograder.sandbox.channel.refs import Ref
from autograder.sandbox.channel.tree import like
from autograder.sandbox.session import modules
from autograder.sandbox.session.artifacts import load_file
from autograder.sandbox.session.devices import without_gpu
from autograder.sandbox.session.plain import Begun, is_iterable, plain
from autograder.sandbox.session.substitution import Substitution
from autograder.sandbox.session.timed import Bench

__all__ = ["MAX_BYTES", "MAX_DEPTH", "MAX_ITEMS", "Session"]

MAX_DEPTH = 16
MAX_ITEMS = 100_000
MAX_BYTES = 256 << 20

SCALARS = frozenset({type(None), bool, int, float, str})
DTYPES = frozenset(dtype for dtype in TORCH_NAMES if not dtype.is_complex)  # no answer is complex


class Session:
    """The operations, and the objects kept between them.

    Args:
        module: the imported submission.
        files: the handed-in files other than code, by name; `artifact` reads them.
        no_gpu: called with the error when the CPU replaces a GPU that the code asks for by name.
    """

    def __init__(
        self,
        module: ModuleType,
        files: Mapping[str, bytes] | None = None,
        no_gpu: Callable[[BaseException], None] = lambda error: None,
    ) -> None:
        self._module, self._no_gpu = module, no_gpu
        self._files = dict(files or {})
        self._held: dict[int, Any] = {}
        self._begun: dict[int, Begun] = {}
        self._count = 0
        self._substitution = Substitution(module)
        self._operations: dict[str, Callable[..., Any]] = {
            "begin": self.begin,
            "call": self.call,
            "call_and_get": self.call_and_get,
            "get": self.get,
            "parts": self.parts,
            "set": self.set,
            "place": self.place,
            "nothing": self.nothing,
            "artifact": self.artifact,
            "load_artifact": self.load_artifact,
            "keep": self.keep,
            "describe": self.describe,
            "describe_tensors": self.describe_tensors,
            "read_tensors": self.read_tensors,
            "load_tensors": self.load_tensors,
            "differentiate": self.differentiate,
            "optimizer": self.optimizer,
            "step": self.step,
            "substitute": self._substitution.put,
            **Bench(self._resolve, self._import, self._hold, self._drop, _follow).operations,
        }

    def perform(self, op: str, payload: Mapping[str, Any]) -> Any:
        """Carry out one operation and return plain data and refs. Raises the errors of the submission's code."""
        return without_gpu(lambda: self._operations[op](**payload), self._no_gpu)

    def begin(self, seed: int) -> None:
        """Begin a case: drop all kept objects, restore functions, seed all random generators that submissions use."""
        self._held.clear()
        self._begun.clear()
        self._substitution.restore()
        random.seed(seed)
        np.random.seed(seed % 2**32)
        torch.default_generator.manual_seed(seed)
        if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
            torch.cuda.manual_seed_all(seed)

    def call(self, target: Ref, args: list[Any], kwargs: dict[str, Any]) -> Any:
        """Call the object of `target`."""
        function = self._resolve(target)
        return self._export(function(*map(self._import, args), **{k: self._import(v) for k, v in kwargs.items()}))

    def call_and_get(self, target: Ref, args: list[Any], kwargs: dict[str, Any], names: list[str]) -> list[Any]:
        """Call the object of `target`. Returns [result, values of its attributes]; plain data has no such values."""
        result = self._resolve(target)(*self._import(args), **self._import(kwargs))
        returned = self._export(result)
        found = [self._export(getattr(result, name)) for name in names] if isinstance(returned, Ref) else []
        return [returned, found]

    def get(self, target: Ref) -> Any:
        """The value of `target`."""
        return self._export(self._resolve(target))

    def parts(self, target: Ref, most: int) -> list[Any] | None:
        """The first `most` items of an object; None if it cannot be iterated over.

        The items of an iterator are kept here, so that a second request returns the same.
        """
        value = self._resolve(target)
        if isinstance(value, Iterator):
            value = self._begun.setdefault(id(value), Begun(value))
        if not is_iterable(type(value)):
            return None
        return [self._export(item) for item in islice(value, most)]

    def set(self, target: Ref, value: Any) -> None:
        """Set the attribute `target`."""
        setattr(self._resolve(Ref(target.handle, target.path[:-1])), target.path[-1], self._import(value))

    def place(self, value: Any, layout: str, handle: int | None = None) -> Ref:
        """Keep a value here, so that later calls take the same object.

        Args:
            layout: "contiguous", or "strided" for tensors with gaps between their elements.
            handle: its handle, from `PLACED` on. A caller that chooses it need not wait for the ref.
        """
        value = self._import(value)
        return self._hold(_strided(value) if layout == "strided" else value, handle)

    def artifact(self, name: str) -> Any:
        """Load a handed-in torch file of plain data.

        Raises:
            FileNotFoundError: it was not handed in.
            pickle.UnpicklingError: it holds something else.
        """
        return self._export(self._read(name))

    def load_artifact(self, target: Ref, name: str) -> list[int] | None:
        """Load a handed-in state dict into a module. Raises like `artifact`.

        Returns:
            The counts of missing and unexpected entries, and of entries of another shape. Nothing is loaded unless all
            are 0. None if the file holds no state dict.
        """
        return modules.load_state(self._resolve(target), self._read(name))

    def _read(self, name: str) -> Any:
        if name not in self._files:
            raise FileNotFoundError(f"{name} was not handed in")
        return load_file(self._files[name])

    def keep(self, target: Ref, args: list[Any], kwargs: dict[str, Any]) -> Ref:
        """Call the object of `target`, and keep its result here, also if it is plain data."""
        kept = self._resolve(target)(*self._import(args), **self._import(kwargs))
        return self._hold(list(kept) if isinstance(kept, Iterator) else kept)

    def describe(self, target: Ref, inputs: list[Any] | None) -> Any:
        """The layers and tensors of a module, and with inputs the layers that a pass runs; None for other objects."""
        return self._export(modules.describe(self._resolve(target), self._import(inputs)))

    def describe_tensors(self, target: Ref) -> Any:
        """Shape, dtype and requires_grad of each tensor in a value."""
        return self._export(modules.describe_tensors(self._resolve(target)))

    def read_tensors(self, target: Ref) -> Any:
        """A module's parameters and buffers, by index."""
        return self._export(modules.read(self._resolve(target)))

    def load_tensors(self, target: Ref, values: dict[int, torch.Tensor]) -> None:
        """Set a module's parameters and buffers by index."""
        modules.load(self._resolve(target), self._import(values))

    def differentiate(
        self,
        target: Ref,
        args: list[Any],
        kwargs: dict[str, Any],
        upstream: list[torch.Tensor | None],
        training: bool | None,
        wrt: list[int] | None,
    ) -> Any:
        """Call a function or module, and compute gradients."""
        function, args, kwargs = self._resolve(target), self._import(args), self._import(kwargs)
        return self._export(modules.differentiate(function, args, kwargs, upstream, training, wrt))

    def optimizer(self, target: Ref, model: Ref) -> Any:
        """An optimizer's class, settings, and parameters by index in a module; None for other objects."""
        return self._export(modules.optimizer(self._resolve(target), self._resolve(model)))

    def step(self, target: Ref, model: Ref, gradients: dict[int, torch.Tensor]) -> Any:
        """Make one step of an optimizer with these gradients. Returns all parameters and buffers after it."""
        return self._export(modules.step(self._resolve(target), self._resolve(model), self._import(gradients)))

    def nothing(self) -> None:
        """Does nothing. It is sent when only the queued operations have to run."""

    def _hold(self, value: Any, handle: int | None = None) -> Ref:
        if handle is None:
            self._count += 1
            handle = self._count
        self._held[handle] = value
        return Ref(handle)

    def _drop(self, ref: Ref) -> None:
        self._held.pop(ref.handle or 0, None)

    def _resolve(self, ref: Ref) -> Any:
        return _follow(self._module if ref.handle is None else self._held[ref.handle], ref.path)

    def _import(self, value: Any) -> Any:
        """A copy of a received value, with refs replaced by their objects, and strings interned like literals."""
        kind = type(value)  # common types first: isinstance is slower, above all for torch's types
        if kind is str:
            return sys.intern(value)
        if kind in SCALARS:
            return value
        if kind is Ref:
            return self._resolve(value)
        if isinstance(value, torch.Tensor):
            return value.detach().clone()
        if isinstance(value, np.ndarray):
            return value.copy()
        if isinstance(value, (list, tuple)):
            return like(value, map(self._import, value))
        if isinstance(value, dict):
            return {self._import(key): self._import(item) for key, item in value.items()}
        return value

    def _export(self, value: Any, depth: int = 0) -> Any:
        """A copy of plain data, or a ref to any other object. A subclass of a plain type counts as plain."""
        value = plain(value)
        kind = type(value)
        if kind in SCALARS or kind in (torch.dtype, torch.device):
            return value
        if kind is torch.Tensor:
            return value.detach().clone() if _is_plain(value) else self._hold(value)
        if kind is np.ndarray and value.dtype.kind in "fiub" and value.nbytes <= MAX_BYTES:
            return value.copy()
        if kind in (list, tuple) and depth < MAX_DEPTH and len(value) <= MAX_ITEMS:
            return kind([self._export(item, depth + 1) for item in value])
        if kind is dict and depth < MAX_DEPTH and _is_plain_dict(value):
            return {key: self._export(item, depth + 1) for key, item in value.items()}
        return self._hold(value)


def _follow(value: Any, path: tuple[str, ...]) -> Any:
    """The object at the end of a path of attribute names and indices. A module's part may have a number as its name."""
    for name in path:
        index = name.isdigit() and not (issubclass(type(value), Module) and hasattr(value, name))
        value = _item(value, int(name)) if index else getattr(value, name)
    return value


def _item(value: Any, index: int) -> Any:
    """An item by index; an object without indices, for example an iterator, yields it at this place."""
    return value[index] if hasattr(type(value), "__getitem__") else next(islice(value, index, None))


def _is_plain_dict(value: Mapping[Any, Any]) -> bool:
    return len(value) <= MAX_ITEMS and all(type(key) in (str, int) for key in value)


def _is_plain(tensor: torch.Tensor) -> bool:
    return (
        tensor.layout is torch.strided
        and tensor.dtype in DTYPES
        and tensor.device.type in ("cpu", "cuda")
        and tensor.numel() * tensor.element_size() <= MAX_BYTES
    )


def _strided(value: Any) -> Any:
    """A tensor of the same elements with gaps between them and wider gaps between rows, so that `view` fails."""
    if not isinstance(value, torch.Tensor) or value.dim() == 0:
        return value
    spread = value.new_zeros((*value.shape[:-1], value.shape[-1] + 1, 2))
    spread[..., :-1, 0] = value
    return spread[..., :-1, 0]
