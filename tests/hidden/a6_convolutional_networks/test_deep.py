"""DeepConvNet: initial parameters, scores, loss and gradients, with and without batch normalization."""

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
    DeepNet,
    assert_device,
    build,
    draw_parameters,
    instance,
    loaded,
    match_names,
    parameters,
    words,
)
from spread import assert_all, assert_spread
from weighted import each

from autograder.checks import CheckFailed, Draw, Memo, Proxy, assert_matches

plain_question = partial(pytest.mark.question, "deep-net")
norm_question = partial(pytest.mark.question, "deep-net-batchnorm")

PLAIN = (
    DeepNet("one-convolution", num_filters=(4,), max_pools=()),
    DeepNet("handout-no-pools", input_dims=(3, 32, 32), num_filters=(8, 8), max_pools=(), weight=2.0),
    DeepNet("no-pools", input_dims=(3, 5, 4), num_filters=(4, 6), max_pools=()),
    DeepNet("pool-after-each"),
    DeepNet("pool-after-the-last", max_pools=(1,), weight=0.5),
    DeepNet("pool-after-the-first", input_dims=(1, 6, 8), max_pools=(0,), num_classes=3, weight=0.5),
    DeepNet("odd-image", input_dims=(2, 9, 7), num_filters=(3, 4, 6), max_pools=(0, 2), num_classes=5, weight=0.5),
    DeepNet("five-convolutions", input_dims=(3, 32, 32), num_filters=(8,) * 5, max_pools=(0, 1, 2, 3, 4), weight=4.5),
)
# What is checked of any network is checked of one that only such slips concern as concern every network.
SIMPLE = next(net for net in PLAIN if net.name == "no-pools")
NORMALIZED = (
    DeepNet("one-convolution", num_filters=(4,), max_pools=(), batchnorm=True, weight=2.0),
    DeepNet("pool-after-each", batchnorm=True),
    DeepNet("odd-image", input_dims=(2, 9, 7), num_filters=(3, 4, 6), max_pools=(0, 2), batchnorm=True),
)
every_plain_net = each("net", "deep-net", PLAIN)
every_normalized_net = each("net", "deep-net-batchnorm", NORMALIZED)


def batch(rng: Draw, net: DeepNet, samples: int = 4) -> tuple[torch.Tensor, torch.Tensor]:
    return rng.normal(samples, *net.input_dims), rng.labels(samples, net.num_classes)


def check_parameters(student: Proxy, net: DeepNet) -> None:
    _, params = build(student.DeepConvNet, net)
    for ours, theirs in match_names(params, net).items():
        if params[theirs].dtype is not torch.float64:
            message = f"{words(ours, net)} is {params[theirs].dtype}, wanted torch.float64"
            raise CheckFailed(message, "the argument dtype says")
        if ours.startswith(("b", "gamma")):
            assert_all(params[theirs], 1.0 if ours.startswith("gamma") else 0.0, words(ours, net))


def check_loss_and_gradients(student: Proxy, reference: Proxy, rng: Draw, memo: Memo, net: DeepNet) -> None:
    values, (images, labels) = draw_parameters(rng, net), batch(rng, net)
    model, names = loaded(student.DeepConvNet, net, values)
    trusted, known_as = loaded(reference.DeepConvNet, net, values)
    returned, (loss, grads) = model.loss(images, labels), trusted.loss(images, labels)
    oracle = memo(oracles.deep_net, values, images, labels, 0.0, net.wiring)
    assert_loss_matches(returned, loss)
    assert_loss_matches(returned, oracle["loss"])
    assert_gradients_match(returned, {ours: grads[name] for ours, name in known_as.items()}, names, net)
    assert_gradients_match(returned, oracle, names, net)


@every_plain_net
def test_parameters(student: Proxy, net: DeepNet) -> None:
    """`DeepConvNet.params` has the right names and shapes."""
    check_parameters(student, net)


@plain_question(weight=0.5)
def test_defaults(student: Proxy) -> None:
    """The default arguments of `DeepConvNet` work, and no network changes them for the next.

    The default lists are shared by all networks.
    """
    wanted = DeepNet("default", (3, 32, 32), (8, 8, 8, 8, 8), (0, 1, 2, 3, 4), num_classes=10).shapes()
    for which in ("the first", "the second"):
        params = parameters(instance(student.DeepConvNet()))
        if sorted(tuple(value.shape) for value in params.values()) != sorted(wanted.values()):
            hint = "look at the default arguments; a list among them is one and the same for every call"
            raise CheckFailed(f"{which} network made without arguments has parameters of other shapes", hint)


@plain_question()
@pytest.mark.parametrize("weight_scale", (1e-3, 0.2), ids=("default-scale", "other-scale"))
def test_initial_weights(student: Proxy, weight_scale: float) -> None:
    """The first weights of `DeepConvNet` have the standard deviation `weight_scale`."""
    net = DeepNet("wide", input_dims=(3, 8, 8), num_filters=(40, 30), max_pools=(0,), num_classes=20)
    _, params = build(student.DeepConvNet, net, weight_scale=weight_scale)
    for ours, theirs in match_names(params, net).items():
        if ours.startswith("W"):
            assert_spread(params[theirs], weight_scale, words(ours, net))


@every_plain_net
def test_scores(student: Proxy, reference: Proxy, rng: Draw, memo: Memo, net: DeepNet) -> None:
    """The scores of `DeepConvNet` are right."""
    values, (images, labels) = draw_parameters(rng, net), batch(rng, net)
    model, _ = loaded(student.DeepConvNet, net, values)
    trusted, _ = loaded(reference.DeepConvNet, net, values)
    scores = model.loss(images)
    assert_matches(scores, trusted.loss(images), what="the scores")
    assert_matches(scores, memo(oracles.deep_net, values, images, labels, 0.0, net.wiring)["scores"], what="the scores")


@every_plain_net
def test_loss_and_gradients(student: Proxy, reference: Proxy, rng: Draw, memo: Memo, net: DeepNet) -> None:
    """The loss and the gradients of `DeepConvNet` are right."""
    check_loss_and_gradients(student, reference, rng, memo, net)


@plain_question()
@pytest.mark.parametrize("part", ("loss", "gradients"))
def test_regularization(student: Proxy, rng: Draw, part: str) -> None:
    """`reg` adds the right amount to the loss and to the gradients of `DeepConvNet`."""
    assert_regularizes(student.DeepConvNet, SIMPLE, rng, batch(rng, SIMPLE), part)


@plain_question(weight=0.5)
def test_device(student: Proxy) -> None:
    """`DeepConvNet` makes its parameters on the device that is asked for."""
    assert_device(student.DeepConvNet, SIMPLE)


@plain_question(weight=0.5)
def test_float32(student: Proxy, rng: Draw, memo: Memo) -> None:
    """`DeepConvNet` computes in float32 if its parameters are float32."""
    net = SIMPLE
    values, (images, labels) = draw_parameters(rng, net), batch(rng, net)
    loss = memo(oracles.deep_net, values, images, labels, 0.0, net.wiring)["loss"]
    assert_keeps_float32(student.DeepConvNet, net, values, (images, labels), loss)


@plain_question(weight=0.5)
def test_loss_changes_nothing(student: Proxy, rng: Draw, memo: Memo) -> None:
    """`DeepConvNet.loss` changes neither parameters nor images, and gives the same result twice."""
    net = SIMPLE
    values, (images, labels) = draw_parameters(rng, net), batch(rng, net)

    def loss_for(of: Mapping[str, torch.Tensor]) -> torch.Tensor:
        return memo(oracles.deep_net, dict(of), images, labels, 0.0, net.wiring)["loss"]

    assert_changes_nothing(student.DeepConvNet, net, values, (images, labels), loss_for)


@every_normalized_net
def test_batchnorm_parameters(student: Proxy, net: DeepNet) -> None:
    """`DeepConvNet.params` has the right names and shapes with batch normalization."""
    check_parameters(student, net)


@every_normalized_net
def test_batchnorm_loss_and_gradients(student: Proxy, reference: Proxy, rng: Draw, memo: Memo, net: DeepNet) -> None:
    """The loss and the gradients of `DeepConvNet` with batch normalization are right."""
    check_loss_and_gradients(student, reference, rng, memo, net)


@norm_question()
@pytest.mark.parametrize("part", ("loss", "gradients"))
def test_batchnorm_regularization(student: Proxy, rng: Draw, part: str) -> None:
    """`reg` does not count the scales and shifts of batch normalization."""
    assert_regularizes(student.DeepConvNet, NORMALIZED[0], rng, batch(rng, NORMALIZED[0]), part)


@every_normalized_net
def test_batchnorm_scores_after_training(student: Proxy, reference: Proxy, rng: Draw, net: DeepNet) -> None:
    """After training, scores use the running statistics of batch normalization.

    Those of all batches that were trained on count, layer by layer.
    """
    values, batches, images = draw_parameters(rng, net), [batch(rng, net) for _ in range(3)], batch(rng, net)[0]
    model, _ = loaded(student.DeepConvNet, net, values)
    trusted, _ = loaded(reference.DeepConvNet, net, values)
    for seen, labels in batches:
        model.loss(seen, labels)
        trusted.loss(seen, labels)
    assert_matches(model.loss(images), trusted.loss(images), what="the scores after three batches of training")


@norm_question()
def test_batchnorm_scoring_leaves_no_trace(student: Proxy, reference: Proxy, rng: Draw) -> None:
    """Computing scores changes neither later scores nor later training.

    Nor does an image change the scores of another one.
    """
    net = NORMALIZED[1]
    values, (seen, labels), images = draw_parameters(rng, net), batch(rng, net), batch(rng, net)[0]
    model, _ = loaded(student.DeepConvNet, net, values)
    trusted, _ = loaded(reference.DeepConvNet, net, values)
    for side in (model, trusted):
        side.loss(seen, labels)
    first = trusted.loss(images)
    assert_matches(model.loss(images), first, what="the scores")
    assert_matches(model.loss(images), first, what="the scores of a second call")
    assert_matches(model.loss(images[:1]), first[:1], what="the scores of one image alone")
    assert_loss_matches(model.loss(seen, labels), trusted.loss(seen, labels)[0])
