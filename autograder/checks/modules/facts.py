"""Facts about a module or an optimizer on the other side, validated and frozen.

Checks use them to find layers and weights, and to count them. Names that a submission chose are kept for lookups only:
they may carry a hidden input out, so they are never shown.
"""

from __future__ import annotations

from math import prod
from typing import Annotated, Any, Literal

import torch
from msgspec import Meta, Struct, ValidationError, convert, field
from msgspec.structs import replace

from autograder.errors import ProtocolError

__all__ = ["Child", "Group", "LayerFacts", "LayerRun", "ModuleFacts", "OptimizerFacts", "TensorFacts", "validated"]

Entries = Meta(max_length=10_000)
Index = Annotated[int, Meta(ge=0)]
Shape = Annotated[tuple[Index, ...], Meta(max_length=16)]
Shapes = Annotated[tuple[Shape, ...], Entries]
Plain = None | bool | int | float | str
LayerSettings = Annotated[dict[str, Plain | tuple[Plain, ...]], Entries]
Role = Literal["", "weight", "bias", "scale", "shift", "running_mean", "running_var", "num_batches_tracked"]


class TensorFacts(Struct, frozen=True):
    """A tensor.

    Attributes:
        leaf: True if an optimizer could take it, because autograd did not compute it.
        index: its number among the module's parameters and buffers, in the order of definition.
        name: dotted, as the submission calls it; "" outside of a module.
        buffer: True for a buffer, False for a parameter.
        owner: torch's class of the layer that owns it ("Conv2d"), "" if the class is not torch's own.
        role: its role in its layer; "" if that is unknown.
        depth, order: the place where a forward pass first used it. `depth` is the number of operations with weights
            before it on the longest way from the input. `order` is its place in the order of execution. Both are -1 if
            it was not used or nothing was run.
    """

    shape: Shape
    dtype: torch.dtype
    requires_grad: bool
    leaf: bool
    index: int = 0
    name: str = ""
    buffer: bool = False
    owner: str = ""
    role: Role = ""
    depth: int = -1
    order: int = -1

    def __post_init__(self) -> None:
        _assert_classes_of_torch(self.owner)

    @property
    def place(self) -> tuple[bool, int, int, int]:
        """A sort key by use; tensors that were not used come last."""
        return (self.order < 0, self.depth, self.order, self.index)

    @classmethod
    def read_all(cls, answer: Any) -> tuple[TensorFacts, ...]:
        """Facts on tensors, numbered from 0. Raises ProtocolError if the answer is something else."""
        found: tuple[TensorFacts, ...] = validated(answer, Annotated[tuple[TensorFacts, ...], Entries])
        return tuple(replace(tensor, index=index) for index, tensor in enumerate(found))


class Child(Struct, frozen=True):
    """A direct part of a module.

    Attributes:
        kind: its class if that is torch's own ("Conv2d"), else "".
        bases: torch's classes that it is or derives from, nearest first.
        class_name: the name of its class, torch's or not; never shown.
    """

    name: str
    kind: str
    bases: Annotated[tuple[str, ...], Entries]
    class_name: str = field(name="class")

    def __post_init__(self) -> None:
        _assert_classes_of_torch(self.kind, *self.bases)


class LayerFacts(Child, frozen=True):
    """A module without parts. `settings`: its plain public attributes, "kernel_size", "stride", "eps", …; and "bias"
    as a boolean if it may have one."""

    settings: LayerSettings = {}


class LayerRun(Struct, frozen=True):
    """One run of a layer, with the shapes of the tensors that went in and came out."""

    layer: LayerFacts
    inputs: Shapes
    outputs: Shapes


class _Run(Struct, array_like=True):
    """A step as the other side names it: by the number of its layer."""

    layer: Index
    inputs: Shapes
    outputs: Shapes


class _Description(Child, frozen=True):
    """A module as the other side describes it."""

    training: bool
    children: Annotated[tuple[Child, ...], Entries]
    layers: Annotated[tuple[LayerFacts, ...], Entries]
    tensors: list[Any]
    steps: Annotated[list[_Run], Entries]


class ModuleFacts(Struct, frozen=True):
    """A module.

    Attributes:
        kind, bases, class_name: as of a `Child`.
        training: its mode.
        children: its direct parts, in the order of definition.
        layers: everything in it that has no parts, in the order of definition.
        parameters, buffers: all tensors that it holds at any depth, shared ones once, in the order of definition.
        steps: runs of layers in the order of one forward pass, if one was requested.
    """

    kind: str
    bases: tuple[str, ...]
    class_name: str
    training: bool
    children: tuple[Child, ...]
    layers: tuple[LayerFacts, ...]
    parameters: tuple[TensorFacts, ...]
    buffers: tuple[TensorFacts, ...]
    steps: tuple[LayerRun, ...]

    @property
    def count(self) -> int:
        """Elements of all parameters."""
        return sum(prod(tensor.shape) for tensor in self.parameters)

    @property
    def outline(self) -> torch.Tensor:
        """The shapes of all parameters, int64 (parameters, 4), sorted: modules with the same layers have the same
        outline. Zeros fill up a shape with fewer axes, and a shape with more axes is cut."""
        rows = sorted((*tensor.shape[:4], 0, 0, 0, 0)[:4] for tensor in self.parameters)
        return torch.tensor(rows, dtype=torch.int64).reshape(-1, 4)

    @classmethod
    def read(cls, answer: Any) -> ModuleFacts:
        """Raises ProtocolError if the answer is not a description."""
        found: _Description = validated(answer, _Description)
        tensors = TensorFacts.read_all(found.tensors)
        if any(step.layer >= len(found.layers) for step in found.steps):
            raise ProtocolError("a description that is not one")
        return cls(
            found.kind,
            found.bases,
            found.class_name,
            found.training,
            found.children,
            found.layers,
            parameters=tuple(tensor for tensor in tensors if not tensor.buffer),
            buffers=tuple(tensor for tensor in tensors if tensor.buffer),
            steps=tuple(LayerRun(found.layers[step.layer], step.inputs, step.outputs) for step in found.steps),
        )


class Group(Struct, frozen=True):
    """A group of an optimizer: its plain settings ("lr", "momentum", …), and the numbers of its parameters among the
    model's tensors (`TensorFacts.index`), -1 for one that is not the model's."""

    settings: LayerSettings
    parameters: Annotated[tuple[int, ...], Entries]


class OptimizerFacts(Struct, frozen=True):
    """An optimizer. `kind`: its class if that is one of torch.optim ("SGD"), else ""."""

    kind: str
    groups: Annotated[tuple[Group, ...], Entries]

    @classmethod
    def read(cls, answer: Any) -> OptimizerFacts:
        """Raises ProtocolError if the answer is not a description."""
        found: OptimizerFacts = validated(answer, cls)
        return found


def validated(answer: Any, kind: Any) -> Any:
    """An answer of the other side as a `kind`, of which every part is checked.

    Raises:
        ProtocolError: the answer is something else. The message holds the place and the found type, and no value.
    """
    try:
        return convert(answer, kind, dec_hook=_as_it_is)
    except ValidationError as error:
        raise ProtocolError(f"a description that is not one: {error}") from None


def _as_it_is(kind: type[Any], value: Any) -> Any:
    if type(value) is not kind:
        raise TypeError(f"Expected `{kind.__name__}`")
    return value


def _assert_classes_of_torch(*names: str) -> None:
    """Raise ValueError unless torch.nn has classes of these names."""
    if not all(hasattr(torch.nn, name) for name in names if name):
        raise ValueError("no such class in torch.nn")
