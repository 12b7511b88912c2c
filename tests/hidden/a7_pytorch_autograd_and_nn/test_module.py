"""Part 2: the three-layer network as an nn.Module."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from comparing import assert_count, assert_same_module, both
from distributions import assert_all, assert_bell_shaped, assert_fresh, assert_spread
from three_layers import COURSE, SIMPLE, SQUARE_KERNELS, Network

from autograder.checks import CheckFailed, Draw, Proxy, assert_matches, modules

question = partial(pytest.mark.question, "three-layer-module")

every_network = pytest.mark.parametrize("network", SQUARE_KERNELS, ids=str)
ATTRIBUTES = ("conv1.weight", "conv1.bias", "conv2.weight", "conv2.bias", "fc.weight", "fc.bias")
# Enough weights in each layer for its spread to be judged within 8 %.
WIDE = Network("wide", (6, 10, 9), (40, (5, 5), 2), (30, (3, 3), 0), 20)


@question()
@every_network
def test_scores_and_gradients(student: Proxy, reference: Proxy, rng: Draw, network: Network) -> None:
    """In training as in evaluation, since there is nothing that would tell them apart."""
    theirs, ours = both(student, reference, "ThreeLayerConvNet", *network.arguments)
    x = network.draw_images(rng)
    for training in (True, False):
        assert_same_module(rng, theirs, ours, x, training=training, what="ThreeLayerConvNet")


@question(weight=0.5)
def test_float32(student: Proxy, rng: Draw) -> None:
    """A network as it is made is float32, and so are its scores; whether they are right is asked elsewhere."""
    network = SIMPLE
    model = modules.assert_module(student.ThreeLayerConvNet(*network.arguments), "ThreeLayerConvNet")
    for tensor in modules.describe(model).parameters:
        if tensor.dtype is not torch.float32:
            raise CheckFailed(f"a parameter starts as {tensor.dtype}, wanted torch.float32")
    scores = modules.run(model, network.draw_images(rng, torch.float32), training=True).output
    some = torch.zeros(network.samples, network.classes)
    assert_matches(scores, some, what="the scores", rtol=0.0, atol=float("inf"))


@question()
@every_network
def test_attributes(student: Proxy, network: Network) -> None:
    """conv1, conv2 and fc, with the parameters that follow from the sizes, and nothing else."""
    model = modules.assert_module(student.ThreeLayerConvNet(*network.arguments), "ThreeLayerConvNet")
    facts = modules.describe(model)
    found = {tensor.name: tensor.shape for tensor in facts.parameters}
    for name, shape in zip(ATTRIBUTES, network.shapes, strict=True):
        if name not in found:
            raise CheckFailed(f"there is no parameter {name}", "the layers are attributes: conv1, conv2, fc")
        if found[name] != shape:
            raise CheckFailed(f"{name} has shape {found[name]}, wanted {shape}")
    if len(found) != len(ATTRIBUTES) or facts.buffers:
        extra = len(found) - len(ATTRIBUTES) + len(facts.buffers)
        raise CheckFailed(f"there are {extra} parameters or buffers besides those of conv1, conv2 and fc")
    if network is COURSE:
        assert_count(model, 83714, "the network of the handout")


def initial(student: Proxy) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    """Weights and biases that a wide network starts with, in the order of definition; nothing is run."""
    model = modules.assert_module(student.ThreeLayerConvNet(*WIDE.arguments), "ThreeLayerConvNet")
    values = modules.read(model).parameters
    weights, biases = ([value for value in values if (value.dim() > 1) is many] for many in (True, False))
    if [value.dim() for value in weights] != [4, 4, 2] or len(biases) != 3:
        raise CheckFailed("the parameters are not a weight and a bias for each of two convolutions and a linear layer")
    return weights, biases


LAYERS = ("the first convolution", "the second convolution", "the linear layer")


@question()
@pytest.mark.parametrize("layer", range(3), ids=("conv1", "conv2", "fc"))
def test_spread(student: Proxy, layer: int) -> None:
    """Weights of mean 0 and variance 2 / fan_in."""
    weight = initial(student)[0][layer]
    assert_spread(weight, (2.0 / weight[0].numel()) ** 0.5, f"the weight of {LAYERS[layer]}")


@question(weight=0.5)
def test_biases(student: Proxy) -> None:
    for name, bias in zip(LAYERS, initial(student)[1], strict=True):
        assert_all(bias, 0.0, f"the bias of {name}")


@question()
def test_normal(student: Proxy) -> None:
    for name, weight in zip(LAYERS, initial(student)[0], strict=True):
        assert_bell_shaped(weight, f"the weight of {name}")


@question(weight=0.5)
def test_every_draw_is_fresh(student: Proxy) -> None:
    first, second = (initial(student)[0] for _ in range(2))
    for name, one, other in zip(LAYERS, first, second, strict=True):
        assert_fresh([one], [other], f"the weight of {name}")
