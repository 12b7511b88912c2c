"""kaiming_initializer: shape, spread, distribution, dtype; and the network that uses it."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch
from networks import DeepNet, build, match_names, words
from spread import assert_bell_shaped, assert_spread

from autograder.checks import CheckFailed, Proxy, assert_matches, plain_tensor

question = partial(pytest.mark.question, "kaiming")

# Din, Dout, K: fan-in and fan-out far apart, and a size that makes six standard errors less than 3 %.
LAYERS = {"linear": (90, 300, None), "convolution": (40, 120, 3)}
every_layer = pytest.mark.parametrize("layer", LAYERS)


def fan_in(inputs: int, size: int | None) -> int:
    return inputs * (size or 1) ** 2


def shape_of(inputs: int, outputs: int, size: int | None) -> tuple[int, ...]:
    return (inputs, outputs) if size is None else (outputs, inputs, size, size)


def draw(
    student: Proxy, inputs: int, outputs: int, size: int | None, relu: bool = True, **settings: Any
) -> torch.Tensor:
    """Weights of the right type, shape and dtype: nothing else is a draw."""
    weights = plain_tensor(student.kaiming_initializer(inputs, outputs, K=size, relu=relu, **settings), "the weights")
    some = torch.zeros(shape_of(inputs, outputs, size), dtype=settings.get("dtype", torch.float32))
    assert_matches(weights, some, what="the weights", rtol=0.0, atol=100.0)
    return weights


@question()
@pytest.mark.parametrize("dtype", (torch.float32, torch.float64), ids=("float32", "float64"))
@pytest.mark.parametrize("size", (None, 1, 3, 5), ids=("linear", "one-by-one", "three-by-three", "five-by-five"))
def test_shape(student: Proxy, size: int | None, dtype: torch.dtype) -> None:
    if not bool(draw(student, 6, 4, size, dtype=dtype).any()):
        raise CheckFailed("the weights are all 0")


@question()
@every_layer
@pytest.mark.parametrize("relu", (True, False), ids=("relu", "no-relu"))
def test_spread(student: Proxy, layer: str, relu: bool) -> None:
    """Variance 2 / fan_in before a ReLU, else 1 / fan_in."""
    inputs, outputs, size = LAYERS[layer]
    weights = draw(student, inputs, outputs, size, relu=relu)
    assert_spread(weights, ((2.0 if relu else 1.0) / fan_in(inputs, size)) ** 0.5, "the weights")


@question()
def test_relu_is_the_default(student: Proxy) -> None:
    inputs, outputs, _ = LAYERS["linear"]
    weights = plain_tensor(student.kaiming_initializer(inputs, outputs), "the weights")
    assert_spread(weights, (2.0 / inputs) ** 0.5, "the weights")


@question()
@every_layer
def test_normal(student: Proxy, layer: str) -> None:
    inputs, outputs, size = LAYERS[layer]
    assert_bell_shaped(draw(student, inputs, outputs, size), "the weights")


@question(weight=0.5)
def test_every_draw_is_fresh(student: Proxy) -> None:
    """Two calls differ, and so do two filters of one call."""
    first, second = draw(student, 20, 30, 3), draw(student, 20, 30, 3)
    assert_spread(first, (2.0 / fan_in(20, 3)) ** 0.5, "the weights")
    if bool((first == second).any()):
        raise CheckFailed("two calls return the same weights", "leave the random seed to whoever calls")
    if len(first.unique()) < 0.9 * first.numel():
        raise CheckFailed("many weights are equal to one another", "draw each of them")


@question()
@pytest.mark.parametrize("batchnorm", (False, True), ids=("plain", "batchnorm"))
def test_network_uses_it(student: Proxy, batchnorm: bool) -> None:
    """weight_scale="kaiming" in DeepConvNet; before the softmax, a gain of 1 or 2 will do."""
    net = DeepNet("wide", input_dims=(4, 8, 8), num_filters=(40, 60), batchnorm=batchnorm, num_classes=30)
    _, params = build(student.DeepConvNet, net, weight_scale="kaiming")
    names = match_names(params, net)
    if any(value.dtype is not torch.float64 for value in params.values()):
        raise CheckFailed("some parameters are not torch.float64", "hand the argument dtype on to kaiming_initializer")
    for ours, inputs in (("W0", 4), ("W1", 40)):
        assert_spread(params[names[ours]], (2.0 / fan_in(inputs, 3)) ** 0.5, words(ours, net))
    last = params[names["W2"]]
    gain = 2.0 if float(last.var()) * len(last) > 1.5 else 1.0
    assert_spread(last, (gain / len(last)) ** 0.5, words("W2", net))
