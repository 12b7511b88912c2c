"""ThreeLayerConvNet: initial parameters, scores, loss and gradients against the reference and an oracle."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import oracles
import pytest
import torch
from losses import (
    assert_changes_nothing,
    assert_gradients_match,
    assert_keeps_float32,
    assert_loss_matches,
    assert_regularizes,
)
from networks import (
    ThreeLayerNet,
    assert_device,
    build,
    draw_parameters,
    loaded,
    match_names,
    words,
)
from spread import assert_all, assert_spread
from weighted import each

from autograder.checks import CheckFailed, Draw, Memo, Proxy, assert_matches

question = partial(pytest.mark.question, "three-layer-net")

# Square images as the handout's have half of the weight.
NETS = (
    ThreeLayerNet("small", filter_size=7, weight=2.0),
    ThreeLayerNet("handout", (3, 32, 32), filter_size=7, hidden_dim=9, weight=3.0),
    ThreeLayerNet("tall-image", input_dims=(3, 10, 4), num_filters=5, hidden_dim=6),
    ThreeLayerNet("one-channel", input_dims=(1, 6, 6), num_classes=3),
    ThreeLayerNet("one-by-one-filters", input_dims=(3, 6, 8), filter_size=1, num_filters=6, num_classes=4),
    ThreeLayerNet("five-by-five-filters", input_dims=(2, 8, 6), filter_size=5, num_filters=3),
    ThreeLayerNet("odd-image", input_dims=(2, 7, 5), num_filters=3, num_classes=4),
)
every_net = each("net", "three-layer-net", NETS)
SMALL = NETS[0]


def batch(rng: Draw, net: ThreeLayerNet, samples: int = 4) -> tuple[torch.Tensor, torch.Tensor]:
    return rng.normal(samples, *net.input_dims), rng.labels(samples, net.num_classes)


@every_net
def test_parameters(student: Proxy, net: ThreeLayerNet) -> None:
    """`ThreeLayerConvNet.params` has the right names and shapes."""
    _, params = build(student.ThreeLayerConvNet, net)
    match_names(params, net)
    for name, value in params.items():
        if value.dtype is not torch.float64:
            raise CheckFailed(f"{words(name, net)} is {value.dtype}, wanted torch.float64", "the argument dtype says")


@question()
@pytest.mark.parametrize("weight_scale", (1e-3, 0.2), ids=("default-scale", "other-scale"))
def test_initial_values(student: Proxy, weight_scale: float) -> None:
    """The first weights of `ThreeLayerConvNet` have the standard deviation `weight_scale`, and biases are zero."""
    net = ThreeLayerNet("wide", input_dims=(3, 12, 12), num_filters=16, filter_size=5, hidden_dim=40, num_classes=30)
    _, params = build(student.ThreeLayerConvNet, net, weight_scale=weight_scale)
    match_names(params, net)
    for name in ("W1", "W2", "W3"):
        assert_spread(params[name], weight_scale, f'params["{name}"]')
    for name in ("b1", "b2", "b3"):
        assert_all(params[name], 0.0, f'params["{name}"]')


@every_net
def test_scores(student: Proxy, reference: Proxy, rng: Draw, memo: Memo, net: ThreeLayerNet) -> None:
    """The scores of `ThreeLayerConvNet` are right."""
    values, (images, labels) = draw_parameters(rng, net), batch(rng, net)
    model, _ = loaded(student.ThreeLayerConvNet, net, values)
    trusted, _ = loaded(reference.ThreeLayerConvNet, net, values)
    scores = model.loss(images)
    assert_matches(scores, trusted.loss(images), what="the scores")
    assert_matches(scores, memo(oracles.three_layer_net, values, images, labels, 0.0)["scores"], what="the scores")


@every_net
def test_loss_and_gradients(student: Proxy, reference: Proxy, rng: Draw, memo: Memo, net: ThreeLayerNet) -> None:
    """The loss and the gradients of `ThreeLayerConvNet` are right."""
    values, (images, labels) = draw_parameters(rng, net), batch(rng, net)
    model, names = loaded(student.ThreeLayerConvNet, net, values)
    trusted, _ = loaded(reference.ThreeLayerConvNet, net, values)
    returned, (loss, grads) = model.loss(images, labels), trusted.loss(images, labels)
    oracle = memo(oracles.three_layer_net, values, images, labels, 0.0)
    assert_loss_matches(returned, loss)
    assert_loss_matches(returned, oracle["loss"])
    assert_gradients_match(returned, grads, names, net)
    assert_gradients_match(returned, oracle, names, net)


@question()
@pytest.mark.parametrize("part", ("loss", "gradients"))
def test_regularization(student: Proxy, rng: Draw, part: str) -> None:
    """`reg` adds the right amount to the loss and to the gradients of `ThreeLayerConvNet`."""
    assert_regularizes(student.ThreeLayerConvNet, SMALL, rng, batch(rng, SMALL), part)


@question(weight=0.5)
def test_device(student: Proxy) -> None:
    """`ThreeLayerConvNet` makes its parameters on the device that is asked for."""
    assert_device(student.ThreeLayerConvNet, SMALL)


@question(weight=0.5)
def test_float32(student: Proxy, rng: Draw, memo: Memo) -> None:
    """`ThreeLayerConvNet` computes in float32 if its parameters are float32."""
    values, (images, labels) = draw_parameters(rng, SMALL), batch(rng, SMALL)
    loss = memo(oracles.three_layer_net, values, images, labels, 0.0)["loss"]
    assert_keeps_float32(student.ThreeLayerConvNet, SMALL, values, (images, labels), loss)


@question(weight=0.5)
def test_loss_changes_nothing(student: Proxy, rng: Draw, memo: Memo) -> None:
    """`ThreeLayerConvNet.loss` changes neither parameters nor images, and gives the same result twice."""
    values, (images, labels) = draw_parameters(rng, SMALL), batch(rng, SMALL)

    def loss_for(of: Mapping[str, torch.Tensor]) -> torch.Tensor:
        return memo(oracles.three_layer_net, dict(of), images, labels, 0.0)["loss"]

    assert_changes_nothing(student.ThreeLayerConvNet, SMALL, values, (images, labels), loss_for)
