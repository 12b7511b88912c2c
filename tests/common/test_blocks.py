"""The reference of assignment 7: its doctests run, and the handout's parameter counts are its own."""

from __future__ import annotations

import doctest

import pytest
import torch
from torch import nn

STAGES = [(16, 3, False), (32, 4, True), (64, 6, True), (128, 3, True)]


def count(model):
    return sum(parameter.numel() for parameter in model.parameters())


def test_examples(a7):
    results = doctest.testmod(a7)
    assert results.attempted > 20
    assert results.failed == 0


@pytest.mark.parametrize(
    "block, arguments, wanted",
    [
        ("PlainBlock", (3, 10), 1196),
        ("ResidualBlock", (3, 3), 174),
        ("ResidualBlock", (3, 10), 1226),
        ("ResidualBottleneck", (3, 3), 180),
        ("ResidualBottleneck", (3, 10), 1496),
    ],
)
def test_counts_of_blocks(a7, block, arguments, wanted):
    assert count(getattr(a7, block)(*arguments)) == wanted


@pytest.mark.parametrize(
    "block, wanted", [("PlainBlock", 1323418), ("ResidualBlock", 1334170), ("ResidualBottleneck", 1482266)]
)
def test_counts_of_networks(a7, block, wanted):
    assert count(a7.ResNet(STAGES, block=getattr(a7, block))) == wanted


def test_counts_of_three_layers(a7):
    models = [a7.initialize_three_layer_conv_part2()[0], a7.initialize_three_layer_conv_part3()[0]]
    params, _ = a7.initialize_three_layer_conv_part1()
    assert {*map(count, models), sum(param.numel() for param in params)} == {83714}


def test_the_three_parts_are_one_network(a7):
    params, hyperparams = a7.initialize_three_layer_conv_part1(torch.float64)
    models = [a7.initialize_three_layer_conv_part2()[0].double(), a7.initialize_three_layer_conv_part3()[0].double()]
    x = torch.randn(2, 3, 32, 32, dtype=torch.float64)
    scores = a7.three_layer_convnet(x, params, hyperparams)
    for model in models:
        nn.utils.vector_to_parameters(nn.utils.parameters_to_vector(params), model.parameters())
        torch.testing.assert_close(model(x), scores)


@pytest.mark.parametrize("block", ["ResidualBlock", "ResidualBottleneck"])
def test_a_block_that_adds_nothing_is_the_identity(a7, block):
    """The last convolution at zero leaves the shortcut alone."""
    kind = getattr(a7, block)
    model = kind(2 * kind.expansion, 2)
    x = torch.randn(3, 2 * kind.expansion, 5, 4)
    nn.init.zeros_([module for module in model.modules() if isinstance(module, nn.Conv2d)][-1].weight)
    assert torch.equal(model(x), x)


@pytest.mark.parametrize("block", ["PlainBlock", "ResidualBlock", "ResidualBottleneck"])
def test_a_network_takes_images_of_any_size_and_leaves_them_alone(a7, block):
    model = a7.ResNet([(4, 1, True), (6, 2, True)], in_channels=2, block=getattr(a7, block), num_classes=3)
    x = torch.randn(2, 2, 9, 5)
    before = x.clone()
    assert model(x).shape == (2, 3)
    assert torch.equal(x, before)
