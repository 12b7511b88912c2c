"""One module of the student beside the reference's: same weights, same images, same gradient from above."""

from __future__ import annotations

from typing import Any

import torch

from autograder.checks import CheckFailed, Draw, Proxy, modules

__all__ = ["assert_count", "assert_same_module", "both"]


def both(student: Proxy, reference: Proxy, name: str, *args: Any, **kwargs: Any) -> tuple[Proxy, Proxy]:
    """The module that a class or function of this name makes, on either side; the student's is a module indeed."""
    theirs = modules.assert_module(getattr(student, name)(*args, **kwargs), name)
    return theirs, getattr(reference, name)(*args, **kwargs)


def assert_same_module(
    rng: Draw,
    theirs: Proxy,
    ours: Proxy,
    x: torch.Tensor,
    *,
    training: bool,
    what: str,
) -> None:
    """Fail unless output, gradients for input and parameters, and batch statistics are the reference's.

    Args:
        x: images, in the dtype that the weights get too.
    """
    weights = modules.draw_weights(rng, ours, x, dtype=x.dtype)
    upstream = rng.normal(*modules.run(ours, x, weights=weights, training=False).output.shape, dtype=x.dtype)
    mode = "training" if training else "evaluation"
    found, wanted = (
        modules.run(model, x, weights=weights, training=training, upstream=upstream) for model in (theirs, ours)
    )
    modules.assert_same_run(found, wanted, what=f"{what} in {mode} mode")


def assert_count(model: Proxy, wanted: int, what: str) -> None:
    """Fail unless a module has this number of parameters, which the handout states or implies."""
    found = modules.describe(modules.assert_module(model, what)).count
    if found != wanted:
        hint = "look for a bias too many, a batch norm of other channels, a missing layer or shortcut"
        if found == 0:
            hint = "layers in a plain list are not found: make them attributes, or use nn.Sequential or nn.ModuleList"
        raise CheckFailed(f"{what} has {found} parameters, wanted {wanted}", hint)
