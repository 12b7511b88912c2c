"""Gives a student's network and the reference's the same weights, whatever the parameters are called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from autograder.checks import CheckFailed, Draw, Proxy, assert_matches, assign, fetch

__all__ = ["compare_gradients", "draw_weights", "load_weights", "parameters"]


def parameters(model: Proxy) -> dict[str, torch.Tensor]:
    """A network's `params`. Raises CheckFailed where that is not a dict of tensors."""
    params = fetch(model.params)
    if not isinstance(params, dict) or not all(isinstance(value, torch.Tensor) for value in params.values()):
        raise CheckFailed("params is not a dict of tensors", "fill self.params in __init__")
    return params


def draw_weights(rng: Draw, model: Proxy) -> list[torch.Tensor]:
    """New values for the weights of the reference's network: its parameters of two dimensions and more."""
    shapes = [tuple(value.shape) for value in parameters(model).values() if value.dim() > 1]
    assert len(set(shapes)) == len(shapes), "weights are matched by shape: choose sizes that tell them apart"
    return [rng.normal(*shape, scale=0.2) for shape in shapes]


def load_weights(model: Proxy, weights: Sequence[torch.Tensor]) -> None:
    """Set the weights, each in the parameter of its shape; biases, scales and shifts stay as initialized."""
    params = parameters(model)
    missing = {tuple(weight.shape): weight for weight in weights}
    for name, value in params.items():
        if tuple(value.shape) in missing:
            params[name] = missing.pop(tuple(value.shape))
    if missing:
        have = sorted(tuple(value.shape) for value in params.values() if value.dim() > 1)
        raise CheckFailed(f"no parameter has the shape {next(iter(missing))}; your weights have {have}")
    assign(model, "params", params)


def compare_gradients(found: Any, expected: Mapping[str, torch.Tensor]) -> None:
    """Compare the gradients whose shape only one parameter has: all weights, and what else is beyond doubt."""
    if not isinstance(found, dict) or not all(isinstance(value, torch.Tensor) for value in found.values()):
        raise CheckFailed("grads is not a dict of tensors")
    if len(found) != len(expected):
        raise CheckFailed(f"grads has {len(found)} entries, wanted {len(expected)}: one for each parameter")
    for gradient in expected.values():
        alike = [name for name, value in found.items() if value.shape == gradient.shape]
        if not alike:
            raise CheckFailed(f"no gradient has the shape {tuple(gradient.shape)}")
        if sum(value.shape == gradient.shape for value in expected.values()) == len(alike) == 1:
            assert_matches(found[alike[0]], gradient, what=f"the gradient of {alike[0]}")
