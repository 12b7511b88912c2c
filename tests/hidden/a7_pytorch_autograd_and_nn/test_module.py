"""Part 2: the three-layer network as an nn.Module."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from comparing import assert_same_module, both
from distributions import assert_all, assert_bell_shaped, assert_fresh, assert_spread
from three_layers import COURSE, SIMPLE, SQUARE_KERNELS, Network, each

from autograder.checks import (
    CheckFailed,
    Draw,
    Proxy,
    StudentError,
    assert_kind,
    assert_matches,
    assign,
    fetch,
    modules,
    plain_tensor,
)

question = partial(pytest.mark.question, "three-layer-module")

LAYERS = ("conv1", "conv2", "fc")
# Enough weights in each layer for its spread to be judged within 8 %.
WIDE = Network("wide", (6, 10, 9), (40, (5, 5), 2), (30, (3, 3), 0), 20)


@each("three-layer-module", SQUARE_KERNELS)
def test_scores_and_gradients(student: Proxy, reference: Proxy, rng: Draw, network: Network) -> None:
    """The scores are right, and so are the gradients of the images and of all parameters, in both modes."""
    theirs, ours = both(student, reference, "ThreeLayerConvNet", *network.arguments)
    x = network.draw_images(rng)
    for training in (True, False):
        assert_same_module(rng, theirs, ours, x, training=training, what="ThreeLayerConvNet")


@question(weight=0.5)
def test_float32(student: Proxy, rng: Draw) -> None:
    """A new network is float32, and so are its scores.

    Whether the scores are right is checked elsewhere.
    """
    network = SIMPLE
    model = modules.assert_module(student.ThreeLayerConvNet(*network.arguments), "ThreeLayerConvNet")
    x = network.draw_images(rng, torch.float32)
    for tensor in modules.describe(model, x).parameters:
        if tensor.dtype is not torch.float32:
            raise CheckFailed(f"a parameter starts as {tensor.dtype}, wanted torch.float32")
    scores = modules.run(model, x, training=True).output
    assert_kind(scores, (network.samples, network.classes), torch.float32, what="the scores")


@question()
@pytest.mark.parametrize("network", (COURSE, SIMPLE), ids=str)
def test_attributes(student: Proxy, reference: Proxy, rng: Draw, network: Network) -> None:
    """The network computes with the layers conv1, conv2 and fc.

    What is written into their parameters decides the scores.
    """
    theirs, ours = both(student, reference, "ThreeLayerConvNet", *network.arguments)
    x = network.draw_images(rng)
    modules.describe(theirs, x)
    for layer in LAYERS:
        for part in ("weight", "bias"):
            shape = tuple(plain_tensor(fetch(getattr(getattr(ours, layer), part)), part).shape)
            found = tuple(_parameter(theirs, layer, part).shape)
            if found != shape:
                raise CheckFailed(f"{layer}.{part} has shape {found}, wanted {shape}")
            value = rng.normal(*shape, scale=0.3)
            for side in (theirs, ours):
                assign(getattr(getattr(side, layer), part), "data", value)
    assert_matches(theirs(x), ours(x), what="the scores for weights that were written into conv1, conv2 and fc")


def _parameter(model: Proxy, layer: str, part: str) -> torch.Tensor:
    try:
        value = fetch(getattr(getattr(model, layer), part))
    except StudentError:
        value = None
    if value is None:
        raise CheckFailed(f"there is no parameter {layer}.{part}", "the layers are attributes: conv1, conv2, fc")
    return plain_tensor(value, f"{layer}.{part}")


def initial(student: Proxy) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    """Weights and biases that a wide network starts with, in the order of use."""
    model = modules.assert_module(student.ThreeLayerConvNet(*WIDE.arguments), "ThreeLayerConvNet")
    values = modules.read(model, torch.zeros(1, *WIDE.image)).parameters
    weights, biases = ([value for value in values if (value.dim() > 1) is many] for many in (True, False))
    if [value.dim() for value in weights] != [4, 4, 2] or len(biases) != 3:
        raise CheckFailed("the parameters are not a weight and a bias for each of two convolutions and a linear layer")
    return weights, biases


WORDS = ("the first convolution", "the second convolution", "the linear layer")


@question()
@pytest.mark.parametrize("layer", range(3), ids=("conv1", "conv2", "fc"))
def test_spread(student: Proxy, layer: int) -> None:
    """The weights have mean 0 and variance 2 / fan_in."""
    weight = initial(student)[0][layer]
    assert_spread(weight, (2.0 / weight[0].numel()) ** 0.5, f"the weight of {WORDS[layer]}")


@question(weight=0.5)
def test_biases(student: Proxy) -> None:
    """The first biases are zero."""
    for name, bias in zip(WORDS, initial(student)[1], strict=True):
        assert_all(bias, 0.0, f"the bias of {name}")


@question()
def test_normal(student: Proxy) -> None:
    """The weights are normally distributed."""
    for name, weight in zip(WORDS, initial(student)[0], strict=True):
        assert_bell_shaped(weight, f"the weight of {name}")


@question(weight=0.5)
def test_every_draw_is_fresh(student: Proxy) -> None:
    """Every new network draws new weights."""
    first, second = (initial(student)[0] for _ in range(2))
    for name, one, other in zip(WORDS, first, second, strict=True):
        assert_fresh([one], [other], f"the weight of {name}")
