"""Both networks with the reference's weights: scores, loss and gradients, with and without regularization."""

import pytest
import torch
from networks import compare_gradients, draw_weights, load_weights, parameters

from autograder.checks import CheckFailed, assert_matches, unpack

THREE_LAYER = {
    "input_dims": (2, 6, 8),
    "num_filters": 3,
    "filter_size": 5,
    "hidden_dim": 7,
    "num_classes": 4,
    "dtype": torch.float64,
}
DEEP = {
    "input_dims": (2, 8, 12),
    "num_filters": [3, 5, 6],
    "max_pools": [0, 2],
    "num_classes": 4,
    "dtype": torch.float64,
}
regularization = pytest.mark.parametrize("reg", [0.0, 0.7], ids=lambda reg: f"reg={reg}")


def pair(student, reference, rng, network, settings):
    """The same network on both sides, with the same weights."""
    ours, theirs = getattr(reference, network)(**settings), getattr(student, network)(**settings)
    weights = draw_weights(rng, ours)
    load_weights(ours, weights)
    load_weights(theirs, weights)
    return theirs, ours


def batch(rng, settings, count=5):
    return rng.normal(count, *settings["input_dims"]), rng.labels(count, settings["num_classes"])


def compare_training(theirs, ours, X, y):
    loss, grads = unpack(theirs.loss(X, y), "loss", "grads")
    expected_loss, expected_grads = ours.loss(X, y)
    assert_matches(loss, expected_loss, what="the loss")
    compare_gradients(grads, expected_grads)


@pytest.mark.question("three-layer-net")
def test_three_layer_parameters(student, reference):
    settings = {**THREE_LAYER, "weight_scale": 0.5}
    expected = parameters(reference.ThreeLayerConvNet(**settings))
    found = parameters(student.ThreeLayerConvNet(**settings))
    if found.keys() != expected.keys():
        raise CheckFailed(f"params has {', '.join(found) or 'nothing'}; wanted {', '.join(expected)}")
    for name, value in expected.items():
        if found[name].shape != value.shape:
            raise CheckFailed(f"{name} has shape {tuple(found[name].shape)}, wanted {tuple(value.shape)}")
        if name.startswith("b"):
            assert_matches(found[name], value, what=name)


@pytest.mark.question("three-layer-net")
def test_three_layer_scores(student, reference, rng):
    theirs, ours = pair(student, reference, rng, "ThreeLayerConvNet", THREE_LAYER)
    X, _ = batch(rng, THREE_LAYER)
    assert_matches(theirs.loss(X), ours.loss(X), what="the scores")


@pytest.mark.question("three-layer-net")
@regularization
def test_three_layer_loss(student, reference, rng, reg):
    theirs, ours = pair(student, reference, rng, "ThreeLayerConvNet", {**THREE_LAYER, "reg": reg})
    compare_training(theirs, ours, *batch(rng, THREE_LAYER))


@pytest.mark.question("deep-net")
def test_deep_scores(student, reference, rng):
    theirs, ours = pair(student, reference, rng, "DeepConvNet", DEEP)
    X, _ = batch(rng, DEEP)
    assert_matches(theirs.loss(X), ours.loss(X), what="the scores")


@pytest.mark.question("deep-net")
@regularization
def test_deep_loss(student, reference, rng, reg):
    theirs, ours = pair(student, reference, rng, "DeepConvNet", {**DEEP, "reg": reg})
    compare_training(theirs, ours, *batch(rng, DEEP))


@pytest.mark.question("deep-net-batchnorm")
@regularization
def test_batchnorm_loss(student, reference, rng, reg):
    theirs, ours = pair(student, reference, rng, "DeepConvNet", {**DEEP, "batchnorm": True, "reg": reg})
    compare_training(theirs, ours, *batch(rng, DEEP))


@pytest.mark.question("deep-net-batchnorm")
def test_batchnorm_scores_use_running_statistics(student, reference, rng):
    theirs, ours = pair(student, reference, rng, "DeepConvNet", {**DEEP, "batchnorm": True})
    for _ in range(3):
        X, y = batch(rng, DEEP)
        for model in (theirs, ours):
            model.loss(X, y)
    X, _ = batch(rng, DEEP)
    assert_matches(theirs.loss(X), ours.loss(X), what="the scores")
    assert_matches(theirs.loss(X[:1]), ours.loss(X[:1]), what="the scores of a single image")


@pytest.mark.question("deep-net")
def test_deep_weight_scale(student):
    model = student.DeepConvNet(**DEEP, weight_scale=0.0)
    weights = [value for value in parameters(model).values() if value.dim() > 1]
    if len(weights) != len(DEEP["num_filters"]) + 1:
        raise CheckFailed(f"params has {len(weights)} weights, wanted one for each convolution and a linear one")
    for weight in weights:
        assert_matches(
            weight, torch.zeros(weight.shape, dtype=torch.float64), what="a weight drawn with weight_scale 0"
        )
