"""ThreeLayerConvNet: initial parameters, scores, loss and gradients against the reference and an oracle."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

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
    build,
    draw_parameters,
    loaded,
    match_names,
    words,
)
from spread import assert_all, assert_spread

from autograder.checks import CheckFailed, Draw, Proxy, assert_matches

question = partial(pytest.mark.question, "three-layer-net")

NETS = (
    ThreeLayerNet("small"),
    ThreeLayerNet("tall-image", input_dims=(3, 10, 4), num_filters=5, hidden_dim=6),
    ThreeLayerNet("one-channel", input_dims=(1, 6, 6), num_classes=3),
    ThreeLayerNet("one-by-one-filters", filter_size=1, num_filters=6, num_classes=4),
    ThreeLayerNet("five-by-five-filters", input_dims=(2, 8, 6), filter_size=5, num_filters=3),
    ThreeLayerNet("odd-image", input_dims=(2, 7, 5), num_filters=3, num_classes=4),
)
every_net = pytest.mark.parametrize("net", NETS, ids=str)
SMALL, ODD = NETS[0], NETS[-1]


def batch(rng: Draw, net: ThreeLayerNet, samples: int = 4) -> tuple[torch.Tensor, torch.Tensor]:
    return rng.normal(samples, *net.input_dims), rng.labels(samples, net.num_classes)


@question()
@every_net
def test_parameters(student: Proxy, net: ThreeLayerNet) -> None:
    _, params = build(student.ThreeLayerConvNet, net)
    match_names(params, net)
    for name, value in params.items():
        if value.dtype is not torch.float64:
            raise CheckFailed(f"{words(name, net)} is {value.dtype}, wanted torch.float64", "the argument dtype says")


@question()
@pytest.mark.parametrize("weight_scale", (1e-3, 0.2), ids=("default-scale", "other-scale"))
def test_initial_values(student: Proxy, weight_scale: float) -> None:
    net = ThreeLayerNet("wide", input_dims=(3, 12, 10), num_filters=16, filter_size=5, hidden_dim=40, num_classes=30)
    _, params = build(student.ThreeLayerConvNet, net, weight_scale=weight_scale)
    match_names(params, net)
    for name in ("W1", "W2", "W3"):
        assert_spread(params[name], weight_scale, f'params["{name}"]')
    for name in ("b1", "b2", "b3"):
        assert_all(params[name], 0.0, f'params["{name}"]')


@question()
@every_net
def test_scores(student: Proxy, reference: Proxy, rng: Draw, memo: Callable[..., Any], net: ThreeLayerNet) -> None:
    values, (images, labels) = draw_parameters(rng, net), batch(rng, net)
    model, _ = loaded(student.ThreeLayerConvNet, net, values)
    trusted, _ = loaded(reference.ThreeLayerConvNet, net, values)
    scores = model.loss(images)
    assert_matches(scores, trusted.loss(images), what="the scores")
    assert_matches(scores, memo(oracles.three_layer_net, values, images, labels, 0.0)["scores"], what="the scores")


@question()
@every_net
def test_loss_and_gradients(
    student: Proxy, reference: Proxy, rng: Draw, memo: Callable[..., Any], net: ThreeLayerNet
) -> None:
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
    assert_regularizes(student.ThreeLayerConvNet, SMALL, rng, batch(rng, SMALL), part)


@question(weight=0.5)
def test_float32(student: Proxy, rng: Draw, memo: Callable[..., Any]) -> None:
    values, (images, labels) = draw_parameters(rng, ODD), batch(rng, ODD)
    loss = memo(oracles.three_layer_net, values, images, labels, 0.0)["loss"]
    assert_keeps_float32(student.ThreeLayerConvNet, ODD, values, (images, labels), loss)


@question(weight=0.5)
def test_loss_changes_nothing(student: Proxy, rng: Draw, memo: Callable[..., Any]) -> None:
    values, (images, labels) = draw_parameters(rng, SMALL), batch(rng, SMALL)

    def loss_for(of: Mapping[str, torch.Tensor]) -> torch.Tensor:
        return memo(oracles.three_layer_net, dict(of), images, labels, 0.0)["loss"]

    assert_changes_nothing(student.ThreeLayerConvNet, SMALL, values, (images, labels), loss_for)
