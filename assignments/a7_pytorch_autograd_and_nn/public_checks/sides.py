"""What the checks of modules share: the same weights and the same call on both sides."""

from __future__ import annotations

import torch

from autograder.checks import CheckFailed, Draw, Proxy, modules

__all__ = ["assert_count", "assert_same_module"]


def assert_same_module(
    rng: Draw, theirs: Proxy, ours: Proxy, x: torch.Tensor, what: str, *, gradients: bool = True
) -> None:
    """Compare outputs, gradients and running statistics in training mode, then outputs in evaluation mode.

    Without `gradients` only outputs: of large networks they would make a large recording.
    """
    modules.assert_module(theirs, what)
    weights = modules.draw_weights(rng, ours, x)
    wanted = modules.run(ours, x, weights=weights, training=False)
    upstream = rng.normal(*wanted.output.shape) if gradients else None
    found = modules.run(theirs, x, weights=weights, training=False)
    modules.assert_same_run(found, wanted, what=f"{what} in evaluation mode")
    found, wanted = (
        modules.run(model, x, weights=weights, training=True, upstream=upstream) for model in (theirs, ours)
    )
    modules.assert_same_run(found, wanted, what=f"{what} in training mode")


def assert_count(model: Proxy, wanted: int, what: str) -> None:
    """The number of a module's parameters is one that the handout states."""
    found = modules.describe(modules.assert_module(model, what)).count
    if found != wanted:
        hint = "look for a bias too many, a batch norm of other channels, or a missing layer"
        raise CheckFailed(f"{what} has {found} parameters, wanted {wanted}", hint)
