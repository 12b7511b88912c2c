"""One module of the student beside the reference's: same weights, same images, same gradient from above."""

from __future__ import annotations

from typing import Any

import torch

from autograder.checks import CheckFailed, Draw, Proxy, assert_matches, modules

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

    A bias that nobody asked for is set aside: `assert_count` charges for it, once.

    Args:
        x: images, in the dtype that the weights get too.
    """
    weights = modules.draw_weights(rng, ours, x, dtype=x.dtype)
    upstream = rng.normal(*modules.run(ours, x, weights=weights, training=False).output.shape, dtype=x.dtype)
    mode = "training" if training else "evaluation"
    found, wanted = (
        modules.run(model, x, weights=weights, training=training, upstream=upstream, set_aside_biases=True)
        for model in (theirs, ours)
    )
    modules.assert_same_run(found, wanted, what=f"{what} in {mode} mode")


def assert_count(rng: Draw, theirs: Proxy, ours: Proxy, x: torch.Tensor, wanted: int, what: str) -> None:
    """Fail unless a module has this number of parameters, which the handout states or implies, and uses them.

    The number is the worker's word, so that it counts only with the right scores for weights that it could not know.

    Args:
        x: images, in the dtype that the weights get too.
    """
    facts = modules.describe(theirs, x)
    if facts.count != wanted:
        hint = "look for a batch norm of other channels, a missing layer or shortcut"
        if facts.count == 0:
            hint = "layers in a plain list are not found: make them attributes, or use nn.Sequential or nn.ModuleList"
        elif facts.count - wanted == modules.spare_biases(theirs, ours, x):
            hint = "some layers have a bias that nobody asked for: bias=False. All else was compared without it"
        raise CheckFailed(f"{what} has {facts.count} parameters, wanted {wanted}", hint, value=facts.outline)
    weights = modules.draw_weights(rng, ours, x, dtype=x.dtype)
    found, right = (modules.run(model, x, weights=weights, training=True).output for model in (theirs, ours))
    assert_matches(found, right, what=f"the output of {what}")
