"""What the other side tells of a module or an optimizer, looked at and frozen.

It serves to find layers and weights, and to count them. Names that a submission chose are kept for lookups, and are
never to be shown: they may carry a hidden input out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from types import MappingProxyType
from typing import Any

import torch

from autograder.errors import ProtocolError

__all__ = ["Child", "Facts", "Group", "Layer", "OptimizerFacts", "Step", "TensorFacts"]

MAX_ENTRIES = 10_000
MAX_DIMS = 16


@dataclass(frozen=True)
class TensorFacts:
    """A tensor.

    Attributes:
        index: its number among the module's parameters and buffers, in the order of definition.
        name: dotted, as the submission calls it; "" outside of a module.
        buffer: whether it is a buffer, and not a parameter.
        leaf: whether an optimizer could take it: nothing computed it under autograd.
        owner: torch's class of the layer that owns it ("Conv2d"), "" where the class is not torch's own.
        role: "weight", "bias", "scale", "shift", "running_mean", "running_var", "num_batches_tracked" or "", unknown.
        depth, order: where a forward pass first used it: how many operations with weights lie before it on the
            longest way from the input, and its place in the order of execution; -1 if unused or nothing was run.
    """

    shape: tuple[int, ...]
    dtype: torch.dtype
    requires_grad: bool
    leaf: bool
    index: int = 0
    name: str = ""
    buffer: bool = False
    owner: str = ""
    role: str = ""
    depth: int = -1
    order: int = -1

    @property
    def place(self) -> tuple[bool, int, int, int]:
        """Sorts by use, what was not used last."""
        return (self.order < 0, self.depth, self.order, self.index)

    @classmethod
    def read_all(cls, answer: Any) -> tuple[TensorFacts, ...]:
        """Facts on tensors that belong to no module. Raises ProtocolError where the answer is none."""
        with _answers():
            return tuple(cls(**_tensor_facts(entry), index=index) for index, entry in enumerate(_list(answer)))


@dataclass(frozen=True)
class Child:
    """A direct part of a module.

    Attributes:
        kind: its class if that is torch's own ("Conv2d"), else "".
        bases: torch's classes that it is or derives from, nearest first.
        class_name: its class, whosoever; never to be shown.
    """

    name: str
    kind: str
    bases: tuple[str, ...]
    class_name: str


@dataclass(frozen=True)
class Layer(Child):
    """A module without parts. `settings`: its plain public attributes, "kernel_size", "stride", "eps", …; and "bias"
    as a boolean where it may have one."""

    settings: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True)
class Step:
    """One run of a layer, with the shapes of the tensors that went in and came out."""

    layer: Layer
    inputs: tuple[tuple[int, ...], ...]
    outputs: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Facts:
    """A module.

    Attributes:
        kind, bases, class_name: as of a `Child`.
        training: its mode.
        children: its direct parts, in the order of definition.
        layers: everything in it that has no parts, in the order of definition.
        parameters, buffers: all that it holds at any depth, shared ones once, in the order of definition.
        steps: runs of layers in the order of one forward pass, where one was asked for.
    """

    kind: str
    bases: tuple[str, ...]
    class_name: str
    training: bool
    children: tuple[Child, ...]
    layers: tuple[Layer, ...]
    parameters: tuple[TensorFacts, ...]
    buffers: tuple[TensorFacts, ...]
    steps: tuple[Step, ...]

    @property
    def count(self) -> int:
        """Elements of all parameters."""
        return sum(prod(tensor.shape) for tensor in self.parameters)

    @classmethod
    def read(cls, answer: Any) -> Facts:
        """Raises ProtocolError where the answer is not a description."""
        with _answers():
            layers = tuple(
                Layer(*_child([entry["name"], *(entry[key] for key in CLASS)]), settings=_settings(entry["settings"]))
                for entry in _list(answer["layers"])
            )
            tensors = tuple(_tensor(entry, index) for index, entry in enumerate(_list(answer["tensors"])))
            return cls(
                *_child(["", *(answer[key] for key in CLASS)])[1:],
                training=_is(answer["training"], bool),
                children=tuple(Child(*_child(entry)) for entry in _list(answer["children"])),
                layers=layers,
                parameters=tuple(tensor for tensor in tensors if not tensor.buffer),
                buffers=tuple(tensor for tensor in tensors if tensor.buffer),
                steps=tuple(
                    Step(layers[_is(index, int)], _shapes(inputs), _shapes(outputs))
                    for index, inputs, outputs in _list(answer["steps"])
                ),
            )


@dataclass(frozen=True)
class Group:
    """A group of an optimizer: its plain settings ("lr", "momentum", …), and the numbers of its parameters among the
    model's tensors (`TensorFacts.index`), -1 for one that is not the model's."""

    settings: Mapping[str, Any]
    parameters: tuple[int, ...]


@dataclass(frozen=True)
class OptimizerFacts:
    """An optimizer. `kind`: its class if that is one of torch.optim ("SGD"), else ""."""

    kind: str
    groups: tuple[Group, ...]

    @classmethod
    def read(cls, answer: Any) -> OptimizerFacts:
        """Raises ProtocolError where the answer is not a description."""
        with _answers():
            groups = tuple(
                Group(_settings(group["settings"]), tuple(_is(index, int) for index in _list(group["parameters"])))
                for group in _list(answer["groups"])
            )
            return cls(_is(answer["kind"], str), groups)


CLASS = ("kind", "bases", "class")
ROLES = frozenset({"", "weight", "bias", "scale", "shift", "running_mean", "running_var", "num_batches_tracked"})


class _answers:
    """Turns whatever goes wrong in reading into ProtocolError."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, (KeyError, IndexError, TypeError, ValueError)):
            raise ProtocolError("a description that is not one") from error


def _is(value: Any, kind: type) -> Any:
    if type(value) is not kind:
        raise TypeError(f"wanted a {kind.__name__}")
    return value


def _list(value: Any) -> list[Any]:
    if len(_is(value, list)) > MAX_ENTRIES:
        raise ValueError("too many entries")
    return list(value)


def _shape(value: Any) -> tuple[int, ...]:
    shape = tuple(_is(size, int) for size in _list(value))
    if len(shape) > MAX_DIMS or any(size < 0 for size in shape):
        raise ValueError("not a shape")
    return shape


def _shapes(value: Any) -> tuple[tuple[int, ...], ...]:
    return tuple(map(_shape, _list(value)))


def _child(entry: Any) -> tuple[str, str, tuple[str, ...], str]:
    """Name, kind, bases, class; only names of classes that torch has pass for torch's."""
    name, kind, bases, class_name = entry
    bases = tuple(_is(base, str) for base in _list(bases))
    if not all(hasattr(torch.nn, base) for base in (*bases, *([kind] if kind else []))):
        raise ValueError("no such class in torch.nn")
    return _is(name, str), _is(kind, str), bases, _is(class_name, str)


def _settings(entry: Any) -> Mapping[str, Any]:
    """Plain values by name; tuples of numbers are the only ones with parts."""
    for name, value in _is(entry, dict).items():
        _is(name, str)
        for item in value if type(value) is tuple else (value,):
            if type(item) not in (type(None), bool, int, float, str):
                raise TypeError("not a plain setting")
    return MappingProxyType(dict(entry))


def _tensor(entry: Any, index: int) -> TensorFacts:
    owner, role = _is(entry["owner"], str), _is(entry["role"], str)
    if role not in ROLES or (owner and not hasattr(torch.nn, owner)):
        raise ValueError("no such role or layer")
    return TensorFacts(
        **_tensor_facts(entry),
        index=index,
        name=_is(entry["name"], str),
        buffer=_is(entry["buffer"], bool),
        owner=owner,
        role=role,
        depth=_is(entry["depth"], int),
        order=_is(entry["order"], int),
    )


def _tensor_facts(entry: Any) -> dict[str, Any]:
    """The facts that any tensor has."""
    return {
        "shape": _shape(entry["shape"]),
        "dtype": _is(entry["dtype"], torch.dtype),
        "requires_grad": _is(entry["requires_grad"], bool),
        "leaf": _is(entry["leaf"], bool),
    }
