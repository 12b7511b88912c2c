"""Observes one forward pass: the layers that run, and the place at which each weight is used.

Weights are identified by place, not by name. The place of a weight is its depth, then the order of execution. Its depth
is the number of operations with weights before it on the longest path from the input. So a shortcut has the same place
before and after the main path. Functions on bare parameters count like layers.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
import torch
from torch.overrides import TorchFunctionMode

from autograder.sandbox.session.plain import plain_leaves

__all__ = ["Observer", "as_found", "flat"]

Tensor = torch.Tensor

MAX_STEPS = 10_000
LINEAR = frozenset({"linear", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d"})
NORMS = frozenset({"batch_norm", "layer_norm", "group_norm", "instance_norm"})


class Observer:
    """The use of some tensors and layers in a forward pass.

    Attributes:
        depths, order: the place of each tensor; -1 if it was not used.
        roles: the role of each tensor, "weight", "bias", "scale" or "shift", if its function determines it, else "".
        steps: [index of a layer, shapes of its inputs, shapes of its outputs], in the order of execution.
    """

    def __init__(self, tensors: Sequence[Tensor], layers: Sequence[torch.nn.Module]) -> None:
        self._tensors, self._layers = tensors, layers
        self.depths, self.order, self.roles = ([-1] * len(tensors), [-1] * len(tensors), [""] * len(tensors))
        self.steps: list[list[Any]] = []

    def run(self, model: torch.nn.Module, inputs: Sequence[Any]) -> None:
        """Run one forward pass without gradients. Raises the model's errors."""
        with ExitStack() as stack:
            for index, layer in enumerate(self._layers):
                stack.callback(torch.nn.Module.register_forward_hook(layer, self._noting(index)).remove)
            stack.enter_context(torch.no_grad())
            stack.enter_context(_Places(self))
            model(*inputs)

    def used(self, index: int, depth: int, role: str) -> None:
        """Record the use of a tensor. Only its first use counts."""
        if self.order[index] < 0:
            self.depths[index], self.order[index], self.roles[index] = depth, max(self.order) + 1, role

    @property
    def tensors(self) -> Sequence[Tensor]:
        return self._tensors

    def _noting(self, index: int) -> Callable[[torch.nn.Module, Any, Any], None]:
        def note(layer: torch.nn.Module, args: Any, output: Any) -> None:
            if len(self.steps) < MAX_STEPS:
                self.steps.append([index, _shapes(args), _shapes(output)])

        return note


class _Places(TorchFunctionMode):
    """Tracks depths through every call of a torch function."""

    def __init__(self, observer: Observer) -> None:
        super().__init__()
        self._observer = observer
        # By id. The tensors are kept alive, so that no other tensor gets the same id.
        self._sources = {id(tensor): (tensor, frozenset({index})) for index, tensor in enumerate(observer.tensors)}
        self._depths: dict[int, tuple[Tensor, int]] = {}

    def __torch_function__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        taken = list(flat([*args, *kwargs.values()]))
        made = list(flat(result))
        if not taken or not made:
            return result
        weights = [index for tensor in taken for index in sorted(self._sources.get(id(tensor), (tensor, ()))[1])]
        if all(id(tensor) in self._sources for tensor in taken):  # a weight in another form: not used yet
            self._sources.update({id(tensor): (tensor, frozenset(weights)) for tensor in made})
            return result
        depth = max(self._depths.get(id(tensor), (tensor, 0))[1] for tensor in taken) + bool(weights)
        for index, role in zip(weights, self._roles(getattr(func, "__name__", ""), weights), strict=True):
            self._observer.used(index, depth, role)
        self._depths.update({id(tensor): (tensor, depth) for tensor in made})
        return result

    def _roles(self, function: str, weights: Sequence[int]) -> list[str]:
        """The roles by the order of arguments, which is the same in all variants of these torch functions."""
        names = ("weight", "bias") if function in LINEAR else ("scale", "shift") if function in NORMS else ()
        supply = iter(names)
        return [next(supply, "") if self._is_parameter(index) else "" for index in weights]

    def _is_parameter(self, index: int) -> bool:
        return isinstance(self._observer.tensors[index], torch.nn.Parameter)


@contextmanager
def as_found(modules: Sequence[torch.nn.Module]) -> Iterator[None]:
    """Evaluation mode inside this block. Afterwards modes, buffers and random states are restored."""
    modes = [vars(module).get("training") for module in modules]
    places = [(vars(module)["_buffers"], name) for module in modules for name in vars(module).get("_buffers", ())]
    buffers = [(place, name, place[name]) for place, name in places if place[name] is not None]
    values = [buffer.detach().clone() for _, _, buffer in buffers]
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()
    try:
        for module in modules:
            vars(module)["training"] = False
        yield
    finally:
        for module, mode in zip(modules, modes, strict=True):
            vars(module)["training"] = mode
        for (place, name, buffer), value in zip(buffers, values, strict=True):
            buffer.data = value
            place[name] = buffer
        random.setstate(states[0])
        np.random.set_state(states[1])
        torch.set_rng_state(states[2])


def flat(value: Any, depth: int = 8) -> Iterator[Tensor]:
    """The tensors in lists, tuples and dicts, in order."""
    return (leaf for leaf in plain_leaves(value, depth) if isinstance(leaf, Tensor))


def _shapes(value: Any) -> list[list[int]]:
    return [list(tensor.shape) for tensor in flat(value)]
