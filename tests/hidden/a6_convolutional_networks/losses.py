"""Judges what a network's `loss` returns, and what it leaves behind, for weights that checks have put into it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from networks import DeepNet, Names, ThreeLayerNet, draw_parameters, load, loaded, parameters, words

from autograder.checks import (
    CheckFailed,
    Draw,
    Proxy,
    assert_kind,
    assert_matches,
    dtype_counts,
    fetch,
    place,
    plain_number,
    unpack,
)

__all__ = [
    "assert_changes_nothing",
    "assert_gradients_match",
    "assert_keeps_float32",
    "assert_loss_matches",
    "assert_regularizes",
]


def assert_loss_matches(returned: Any, expected: torch.Tensor) -> None:
    """Fail unless `returned` is (loss, grads) with this loss."""
    loss, _ = unpack(returned, "loss", "grads")
    if type(loss) is torch.Tensor and loss.numel() == 1:
        assert_matches(loss.reshape(()), expected, what="the loss")
    else:  # of a number of numpy's, nobody knows any more how many digits it had
        assert_matches(plain_number(loss, "the loss"), expected, what="the loss", rtol=1e-6, atol=1e-6)


def gradients_of(
    returned: Any, values: Mapping[str, torch.Tensor], names: Names, net: ThreeLayerNet | DeepNet
) -> dict[str, torch.Tensor]:
    """The gradients in (loss, grads) under our names, each of its parameter's shape, and finite."""
    _, grads = unpack(returned, "loss", "grads")
    if type(grads) is not dict:
        raise CheckFailed("the second value that loss returns is not a dict of gradients")
    for ours, theirs in names.items():
        what = f"the gradient of {words(ours, net)}"
        if theirs not in grads:
            raise CheckFailed(f"grads has no entry for {words(ours, net)}", "its keys are those of params")
        assert_kind(grads[theirs], values[ours].shape, what=what)
    if len(grads) != len(names):
        message = f"grads has {len(grads)} entries, params {len(names)}"
        raise CheckFailed(message, "its keys are those of params", value=grads[names[ours]])
    return {ours: grads[theirs] for ours, theirs in names.items()}


def assert_gradients_match(
    returned: Any, expected: Mapping[str, torch.Tensor], names: Names, net: ThreeLayerNet | DeepNet
) -> None:
    """Fail unless `returned` is (loss, grads) with a right gradient for every parameter and nothing else."""
    found = gradients_of(returned, expected, names, net)
    # From the scores backwards: the first wrong gradient on the way is where the mistake is.
    for ours in reversed(names):
        assert_matches(found[ours], expected[ours], what=f"the gradient of {words(ours, net)}")


def assert_regularizes(
    network: Proxy, net: ThreeLayerNet | DeepNet, rng: Draw, batch: tuple[torch.Tensor, torch.Tensor], part: str
) -> None:
    """Fail unless reg adds 0.5 * reg * (sum of squares of all weights) to the loss, or reg * weight to the gradients.

    Judged by the difference that reg makes, so that whatever else is wrong is not paid for again.

    Args:
        part: "loss" or "gradients".
    """
    reg, values = 0.7, draw_parameters(rng, net)
    plain, names = loaded(network, net, values)
    with_reg, _ = loaded(network, net, values, reg=reg)
    before, after = plain.loss(*batch), with_reg.loss(*batch)
    if part == "loss":
        penalty = 0.5 * reg * sum(float((value**2).sum()) for name, value in values.items() if name.startswith("W"))
        first, second = (_number(returned) for returned in (before, after))
        assert_matches(second - first, penalty, what="what reg adds to the loss")
        return
    first, second = (gradients_of(returned, values, names, net) for returned in (before, after))
    for ours, value in values.items():
        added = reg * value if ours.startswith("W") else torch.zeros_like(value)
        assert_matches(second[ours] - first[ours], added, what=f"what reg adds to the gradient of {words(ours, net)}")


def _number(returned: Any) -> float:
    """The loss in (loss, grads)."""
    return plain_number(unpack(returned, "loss", "grads")[0], "the loss")


def assert_keeps_float32(
    network: Proxy,
    net: ThreeLayerNet | DeepNet,
    values: Mapping[str, torch.Tensor],
    batch: tuple[torch.Tensor, torch.Tensor],
    loss: torch.Tensor,
) -> None:
    """Fail unless float32 parameters give a float32 loss, this one, and float32 gradients, for float64 images."""
    single = {name: value.to(torch.float32) for name, value in values.items()}
    model, names = loaded(network, net, single)
    returned = model.loss(*batch)
    with dtype_counts():
        assert_loss_matches(returned, loss.to(torch.float32))
    for ours, gradient in gradients_of(returned, single, names, net).items():
        assert_kind(gradient, dtype=torch.float32, what=f"the gradient of {words(ours, net)}")


def assert_changes_nothing(
    network: Proxy,
    net: ThreeLayerNet | DeepNet,
    values: Mapping[str, torch.Tensor],
    batch: tuple[torch.Tensor, torch.Tensor],
    loss_for: Callable[[Mapping[str, torch.Tensor]], torch.Tensor],
) -> None:
    """Fail unless a call of loss leaves parameters and images as they were, and remembers neither.

    Args:
        loss_for: the batch's right loss for any values of the parameters.
    """
    images, labels = batch
    model, names = loaded(network, net, values)
    placed = place(network, images)
    unpack(model.loss(placed, labels), "loss", "grads")
    assert_matches(fetch(placed), images, what="the images after a call of loss", rtol=0.0, atol=0.0)
    after = parameters(model)
    for ours, theirs in names.items():
        what = f"{words(ours, net)} after a call of loss"
        assert_matches(after.get(theirs), values[ours], what=what, rtol=0.0, atol=0.0)
    assert_loss_matches(model.loss(placed, labels), loss_for(values))
    others = {ours: 0.5 * value for ours, value in values.items()}
    load(model, names, others)
    assert_loss_matches(model.loss(placed, labels), loss_for(others))
