"""Puts the same weights into a student's network and into the reference's, whatever the student calls them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import oracles
import torch

from autograder.checks import CheckFailed, Draw, Proxy, assign, call_and_fetch, fetch, plain_tensor

__all__ = [
    "DeepNet",
    "Names",
    "ThreeLayerNet",
    "assert_device",
    "build",
    "draw_parameters",
    "instance",
    "load",
    "loaded",
    "match_names",
    "parameters",
    "words",
]

# From our name of a parameter to the student's.
Names = dict[str, str]


@dataclass(frozen=True)
class ThreeLayerNet:
    """Settings of a ThreeLayerConvNet."""

    name: str
    input_dims: tuple[int, int, int] = (3, 8, 8)
    num_filters: int = 4
    filter_size: int = 3
    hidden_dim: int = 7
    num_classes: int = 10
    weight: float = 1.0

    def __str__(self) -> str:
        return self.name

    def settings(self) -> dict[str, Any]:
        return {
            key: getattr(self, key) for key in ("input_dims", "num_filters", "filter_size", "hidden_dim", "num_classes")
        }

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Prescribed names and shapes."""
        channels, height, width = self.input_dims
        features = self.num_filters * (height // 2) * (width // 2)
        return {
            "W1": (self.num_filters, channels, self.filter_size, self.filter_size),
            "b1": (self.num_filters,),
            "W2": (features, self.hidden_dim),
            "b2": (self.hidden_dim,),
            "W3": (self.hidden_dim, self.num_classes),
            "b3": (self.num_classes,),
        }


@dataclass(frozen=True)
class DeepNet:
    """Settings of a DeepConvNet.

    Most have other filter counts in each layer, so that a parameter's shape tells its layer; layers of one shape follow
    in the order of their names' numbers, or else of params.
    """

    name: str
    input_dims: tuple[int, int, int] = (3, 8, 8)
    num_filters: tuple[int, ...] = (4, 6)
    max_pools: tuple[int, ...] = (0, 1)
    batchnorm: bool = False
    num_classes: int = 10
    weight: float = 1.0

    def __str__(self) -> str:
        return self.name

    def settings(self) -> dict[str, Any]:
        return {
            "input_dims": self.input_dims,
            "num_filters": list(self.num_filters),
            "max_pools": list(self.max_pools),
            "batchnorm": self.batchnorm,
            "num_classes": self.num_classes,
        }

    @property
    def wiring(self) -> oracles.Wiring:
        return self.max_pools, self.batchnorm

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Our names, layer by layer, and the shapes that follow from the settings."""
        shapes: dict[str, tuple[int, ...]] = {}
        channels, height, width = self.input_dims
        for layer, filters in enumerate(self.num_filters):
            shapes[f"W{layer}"] = (filters, channels, 3, 3)
            for vector in ("b", "gamma", "beta") if self.batchnorm else ("b",):
                shapes[f"{vector}{layer}"] = (filters,)
            if layer in self.max_pools:
                height, width = height // 2, width // 2
            channels = filters
        shapes[f"W{len(self.num_filters)}"] = (channels * height * width, self.num_classes)
        shapes[f"b{len(self.num_filters)}"] = (self.num_classes,)
        return shapes


def build(
    network: Proxy, net: ThreeLayerNet | DeepNet, dtype: torch.dtype = torch.float64, **settings: Any
) -> tuple[Proxy, dict[str, torch.Tensor]]:
    """An instance of the class `network` with these settings, and its parameters."""
    made, found = call_and_fetch(network, ["params"], **net.settings(), dtype=dtype, **settings)
    return instance(made), _named_tensors(*found)


def assert_device(network: Proxy, net: ThreeLayerNet | DeepNet, **settings: Any) -> None:
    """Fail unless all parameters are where the argument `device` says.

    torch's device of shapes without values stands for any other than the CPU.
    """
    found = fetch(instance(network(**net.settings(), device="meta", **settings)).params)
    for value in found.values() if type(found) is dict else ():
        device = fetch(value.device) if isinstance(value, Proxy) else value.device
        if device != torch.device("meta"):
            hint = "hand on the argument device; a device that is written into the code fits one machine only"
            raise CheckFailed("some parameters are not on the device that was asked for", hint)


def instance(value: Any) -> Proxy:
    """What a constructor made, if it is an object. Raises CheckFailed where it is plain data."""
    if not isinstance(value, Proxy):
        raise CheckFailed("what should be an object with attributes and methods is plain data")
    return value


def parameters(model: Proxy) -> dict[str, torch.Tensor]:
    """The model's parameters as it has them."""
    return _named_tensors(fetch(model.params))


def _named_tensors(params: Any) -> dict[str, torch.Tensor]:
    if type(params) is not dict or not all(type(name) is str for name in params):
        raise CheckFailed("params is not a dict from names to tensors")
    return {name: plain_tensor(value, "a value in params") for name, value in params.items()}


def draw_parameters(
    rng: Draw, net: ThreeLayerNet | DeepNet, dtype: torch.dtype = torch.float64
) -> dict[str, torch.Tensor]:
    """Values under our names that keep activations of order one; scales away from one, shifts away from zero."""
    values = {}
    for name, shape in net.shapes().items():
        if name.startswith("W"):
            fan_in = shape[0] if len(shape) == 2 else shape[1] * shape[2] * shape[3]
            values[name] = rng.normal(*shape, scale=(2.0 / fan_in) ** 0.5, dtype=dtype)
        elif name.startswith("gamma"):
            values[name] = rng.uniform(*shape, low=0.5, high=1.5, dtype=dtype)
        else:
            values[name] = rng.normal(*shape, scale=0.3, dtype=dtype)
    return values


def load(model: Proxy, names: Names, values: Mapping[str, torch.Tensor]) -> None:
    """Give a model our values under its own names."""
    assign(model, "params", {names[ours]: value for ours, value in values.items()})


def loaded(
    network: Proxy, net: ThreeLayerNet | DeepNet, values: Mapping[str, torch.Tensor], **settings: Any
) -> tuple[Proxy, Names]:
    """An instance with these settings and our values, in their dtype, and its names for them."""
    dtype = next(iter(values.values())).dtype
    model, params = build(network, net, dtype, **settings)
    names = match_names(params, net)
    load(model, names, values)
    return model, names


def match_names(params: Mapping[str, torch.Tensor], net: ThreeLayerNet | DeepNet) -> Names:
    """Find out what the student calls each of our parameters.

    A ThreeLayerConvNet's names are prescribed. A DeepConvNet's parameters are told by shape; of vectors of one shape,
    the scale starts at one (or is called gamma), the shift is called beta; else the numbers in their names decide, or
    the order in params.

    Raises:
        CheckFailed: a parameter is missing, or one is there that nothing asks for.
    """
    wanted = net.shapes()
    if len(params) != len(wanted):
        hint = "each convolution and linear layer has a weight and a bias"
        if getattr(net, "batchnorm", False):
            hint += ", each batch normalization a scale and a shift"
        raise CheckFailed(f"params holds {len(params)} parameters, wanted {len(wanted)}", hint, value=_sizes(params))
    if isinstance(net, ThreeLayerNet):
        candidates = {ours: ours for ours in wanted if ours in params}
    else:
        candidates = _match_by_shape(params, wanted)
    for ours, shape in wanted.items():
        if ours not in candidates:
            message = f"params has nothing of shape {shape} for {words(ours, net)}"
            raise CheckFailed(message, value=_sizes(params))
        found = tuple(params[candidates[ours]].shape)
        if found != shape:
            raise CheckFailed(f"{words(ours, net)} has shape {found}, wanted {shape}", value=_sizes(params))
    return {ours: candidates[ours] for ours in wanted}


def _sizes(params: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """What a network's parameters are like: how many elements each has, in order of size."""
    return torch.tensor(sorted(value.numel() for value in params.values()))


def _match_by_shape(params: Mapping[str, torch.Tensor], wanted: Mapping[str, tuple[int, ...]]) -> Names:
    names: Names = {}
    for shape in dict.fromkeys(wanted.values()):
        ours = [name for name, other in wanted.items() if other == shape]
        theirs = _in_order([name for name, value in params.items() if tuple(value.shape) == shape])
        for kind, tells in (("gamma", _is_scale), ("beta", _is_shift)):
            roles = [name for name in ours if name.startswith(kind)]
            found = [name for name in theirs if tells(name, params[name])]
            if roles and len(found) >= len(roles):  # one for each layer of this shape, in the order of layers
                names.update(zip(roles, found, strict=False))
                theirs = [name for name in theirs if name not in found[: len(roles)]]
        rest = [name for name in ours if name not in names]
        names.update(zip(rest, theirs, strict=False))
    return names


def _in_order(names: list[str]) -> list[str]:
    """By the numbers that names end in, where each ends in one of its own: W2, W10. Else as they come."""
    numbers = {name: re.search(r"\d+$", name) for name in names}
    found = [int(number[0]) for number in numbers.values() if number]
    return names if len(set(found)) < len(names) else [name for _, name in sorted(zip(found, names, strict=True))]


def _is_scale(name: str, value: torch.Tensor) -> bool:
    return "gamma" in name.lower() or bool((value == 1).all())


def _is_shift(name: str, value: torch.Tensor) -> bool:
    return "beta" in name.lower()


def words(name: str, net: ThreeLayerNet | DeepNet) -> str:
    """Our name of a parameter in words that a student understands: `params["W1"]`, the weight of convolution 0."""
    if isinstance(net, ThreeLayerNet):
        return f'params["{name}"]'
    kind = name.rstrip("0123456789")
    layer = int(name.removeprefix(kind))
    noun = {"W": "weight", "b": "bias", "gamma": "scale (gamma)", "beta": "shift (beta)"}[kind]
    return f"the {noun} of " + ("the linear layer" if layer == len(net.num_filters) else f"convolution {layer}")
