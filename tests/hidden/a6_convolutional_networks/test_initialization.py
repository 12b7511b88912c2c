"""kaiming_initializer: shape, spread, distribution, dtype; and the network that uses it."""

from __future__ import annotations

from functools import partial
from math import prod
from typing import Any

import pytest
import torch
from networks import DeepNet, build, match_names, words
from spread import assert_bell_shaped, assert_spread

from autograder.checks import CheckFailed, Proxy, StudentError, assert_kind, plain_tensor

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
    """As many weights as there should be. Their shape and dtype are checked apart."""
    weights = student.kaiming_initializer(inputs, outputs, K=size, relu=relu, **settings)
    found, wanted = assert_kind(weights, what="the weights"), shape_of(inputs, outputs, size)
    return found if found.numel() == prod(wanted) else assert_kind(found, wanted, what="the weights")


@question()
@pytest.mark.parametrize("dtype", (torch.float32, torch.float64), ids=("float32", "float64"))
@pytest.mark.parametrize("size", (None, 1, 3, 5), ids=("linear", "one-by-one", "three-by-three", "five-by-five"))
def test_shape(student: Proxy, size: int | None, dtype: torch.dtype) -> None:
    """`kaiming_initializer` returns a tensor of the right shape and dtype."""
    weights = draw(student, 6, 4, size, dtype=dtype)
    assert_kind(weights, shape_of(6, 4, size), dtype, what="the weights")
    if not bool(weights.any()):
        raise CheckFailed("the weights are all 0", value=weights)


@question()
@every_layer
@pytest.mark.parametrize("relu", (True, False), ids=("relu", "no-relu"))
def test_spread(student: Proxy, layer: str, relu: bool) -> None:
    """The weights have the right variance, before a ReLU and without one."""
    inputs, outputs, size = LAYERS[layer]
    weights = draw(student, inputs, outputs, size, relu=relu)
    assert_spread(weights, ((2.0 if relu else 1.0) / fan_in(inputs, size)) ** 0.5, "the weights")


@question()
def test_relu_is_the_default(student: Proxy) -> None:
    """Without the argument `relu`, a ReLU follows."""
    inputs, outputs, _ = LAYERS["linear"]
    weights = plain_tensor(student.kaiming_initializer(inputs, outputs), "the weights")
    assert_spread(weights, (2.0 / inputs) ** 0.5, "the weights")


@question()
@every_layer
def test_normal(student: Proxy, layer: str) -> None:
    """The weights are normally distributed."""
    inputs, outputs, size = LAYERS[layer]
    assert_bell_shaped(draw(student, inputs, outputs, size), "the weights")


@question(weight=0.5)
def test_every_draw_is_fresh(student: Proxy) -> None:
    """Every call draws new weights, and every weight is drawn separately."""
    first, second = draw(student, 20, 30, 3), draw(student, 20, 30, 3)
    assert_spread(first, (2.0 / fan_in(20, 3)) ** 0.5, "the weights")
    if bool((first == second).any()):
        raise CheckFailed("two calls return the same weights", "leave the random seed to whoever calls", value=first)
    if len(first.unique()) < 0.9 * first.numel():
        raise CheckFailed("many weights are equal to one another", "draw each of them", value=first)


@question()
@pytest.mark.parametrize("batchnorm", (False, True), ids=("plain", "batchnorm"))
def test_network_uses_it(student: Proxy, batchnorm: bool) -> None:
    """`DeepConvNet` uses `kaiming_initializer` if weight_scale is "kaiming".

    For the last layer, before the softmax, a gain of 1 or 2 will do.

    Where the student's DeepConvNet makes no right parameters with another scale either, what it lacks is paid for in
    its own question, and the reference's stands in: it draws layer by layer, as here.
    """
    net = DeepNet("wide", input_dims=(4, 8, 8), num_filters=(40, 60), batchnorm=batchnorm, num_classes=30)
    if makes_parameters(student, net):
        _, params = build(student.DeepConvNet, net, weight_scale="kaiming")
        found = {ours: params[theirs] for ours, theirs in match_names(params, net).items()}
    else:
        sizes = {"W0": (4, 40, 3), "W1": (40, 60, 3), "W2": (60 * 2 * 2, 30, None)}
        found = {name: draw(student, *size, relu=name != "W2", dtype=torch.float64) for name, size in sizes.items()}
    if any(value.dtype is not torch.float64 for value in found.values()):
        hint = "hand the argument dtype on to kaiming_initializer"
        raise CheckFailed("some parameters are not torch.float64", hint, value=found["W0"])
    for ours, inputs in (("W0", 4), ("W1", 40)):
        assert_spread(found[ours], (2.0 / fan_in(inputs, 3)) ** 0.5, words(ours, net))
    last = found["W2"]
    gain = 2.0 if float(last.var()) * len(last) > 1.5 else 1.0
    assert_spread(last, (gain / len(last)) ** 0.5, words("W2", net))


def makes_parameters(student: Proxy, net: DeepNet) -> bool:
    """Whether a DeepConvNet has the right parameters for a plain weight scale, spread as that says."""
    try:
        _, params = build(student.DeepConvNet, net, weight_scale=0.2)
        for ours, theirs in match_names(params, net).items():
            if ours.startswith("W"):
                assert_spread(params[theirs], 0.2, words(ours, net))
    except (CheckFailed, StudentError):
        return False
    return True
