"""The three-layer network at its three levels: what it computes, how it starts, and what trains it."""

import pytest
import torch
from sides import assert_count, assert_same_module

from autograder.checks import CheckFailed, assert_matches, fetch, modules, unpack

PARAMETERS = 83714
NAMES = ("conv_w1", "conv_b1", "conv_w2", "conv_b2", "fc_w", "fc_b")
SHAPES = ((12, 3, 5, 5), (12,), (8, 12, 3, 3), (8,), (10, 8192), (10,))

# (images, parameters, paddings)
GEOMETRIES = {
    "keeps-the-size": ((4, 3, 6, 6), ((5, 3, 3, 3), (5,), (2, 5, 1, 1), (2,), (7, 72), (7,)), [1, 0]),
    "changes-the-size": ((2, 2, 5, 8), ((3, 2, 3, 2), (3,), (4, 3, 1, 3), (4,), (6, 4 * 7 * 9), (6,)), [1, 1]),
}


@pytest.mark.question("three-layer-functional")
def test_scores_by_hand(student):
    params = [torch.ones(1, 1, 1, 2), torch.tensor([-3.0]), torch.ones(1, 1, 1, 1), torch.tensor([1.0])]
    params += [torch.tensor([[1.0, 10.0], [0.0, -1.0]]), torch.tensor([0.0, 0.5])]
    scores = student.three_layer_convnet(torch.tensor([[[[1.0, 1.0, 4.0]]]]), params, {"padding": [0, 0]})
    assert_matches(scores, torch.tensor([[31.0, -2.5]]), what="the scores")


@pytest.mark.question("three-layer-functional")
@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_scores_and_gradients(student, reference, rng, geometry):
    images, shapes, paddings = GEOMETRIES[geometry]
    args = [rng.normal(*images), [rng.normal(*shape, scale=0.5) for shape in shapes], {"padding": paddings}]
    upstream = rng.normal(images[0], shapes[-1][0])
    found, wanted = (
        modules.differentiate(side.three_layer_convnet, args, upstream=upstream) for side in (student, reference)
    )
    modules.assert_same_run(found, wanted, what="three_layer_convnet")


@pytest.mark.question("initialize-part1")
@pytest.mark.parametrize("dtype", (torch.float32, torch.float64), ids=("float32", "float64"))
def test_part1_tensors(student, dtype):
    kept = modules.keep(student.initialize_three_layer_conv_part1, dtype, "cpu")
    params, hyperparams = unpack(fetch(kept), "params", "hyperparams")
    if type(hyperparams) is not dict or list(hyperparams.get("padding", ())) != [2, 1]:
        raise CheckFailed('hyperparams is not {"padding": [2, 1]}')
    unpack(params, *NAMES)
    for name, shape, facts in zip(NAMES, SHAPES, modules.tensors(kept[0]), strict=True):
        if facts.shape != shape or facts.dtype is not dtype:
            raise CheckFailed(f"{name} is {facts.dtype} of shape {facts.shape}, wanted {dtype} of shape {shape}")
        if not (facts.requires_grad and facts.leaf):
            hint = "set requires_grad last, after all arithmetic on the values"
            raise CheckFailed(f"{name} is not a leaf that requires a gradient", hint)


@pytest.mark.question("initialize-part1")
def test_part1_values(student):
    params, _ = unpack(student.initialize_three_layer_conv_part1(torch.float64, "cpu"), "params", "hyperparams")
    for name, value in zip(NAMES, unpack(params, *NAMES), strict=True):
        assert_starts_well(name, value)


@pytest.mark.question("three-layer-module")
@pytest.mark.parametrize("pads", ((2, 1), (0, 2)), ids=("keeps-the-size", "changes-the-size"))
def test_module(student, reference, rng, pads):
    arguments = ((2, 7, 9), [(3, 5, pads[0]), (4, 3, pads[1])], 6)
    theirs, ours = student.ThreeLayerConvNet(*arguments), reference.ThreeLayerConvNet(*arguments)
    assert_same_module(rng, theirs, ours, rng.normal(3, 2, 7, 9), "ThreeLayerConvNet")


@pytest.mark.question("three-layer-module")
def test_module_starts_well(student):
    model = student.ThreeLayerConvNet((3, 32, 32), [(12, 5, 2), (8, 3, 1)], 10)
    assert_count(model, PARAMETERS, "ThreeLayerConvNet")
    for layer in ("conv1", "conv2", "fc"):
        for part in ("weight", "bias"):
            assert_starts_well(f"{layer}.{part}", fetch(getattr(getattr(model, layer), part)))


@pytest.mark.question("initialize-part2")
def test_part2(student):
    model, optimizer = unpack(student.initialize_three_layer_conv_part2(), "model", "optimizer")
    assert_count(model, PARAMETERS, "the model")
    modules.assert_optimizer(optimizer, model, "SGD", lr=1e-2, momentum=0.5, weight_decay=1e-4)


@pytest.mark.question("initialize-part2")
def test_part2_network(student, reference, rng):
    (theirs, _), (ours, _) = (
        unpack(side.initialize_three_layer_conv_part2(), "model", "optimizer") for side in (student, reference)
    )
    assert_same_module(rng, theirs, ours, rng.normal(2, 3, 32, 32), "the model", gradients=False)


@pytest.mark.question("initialize-part3")
def test_part3(student):
    model, optimizer = unpack(student.initialize_three_layer_conv_part3(), "model", "optimizer")
    assert_count(model, PARAMETERS, "the model")
    facts = modules.describe(model)
    if "Sequential" not in facts.bases:
        raise CheckFailed("the model is not an nn.Sequential")
    if tuple(child.name for child in facts.children) != ("conv1", "relu1", "conv2", "relu2", "flatten", "fc"):
        hint = "an OrderedDict of layers gives each a name"
        raise CheckFailed("the layers are not called conv1, relu1, conv2, relu2, flatten, fc, in this order", hint)
    modules.assert_optimizer(optimizer, model, "Adam", lr=1e-3, weight_decay=1e-4)


@pytest.mark.question("initialize-part3")
def test_part3_network(student, reference, rng):
    (theirs, _), (ours, _) = (
        unpack(side.initialize_three_layer_conv_part3(), "model", "optimizer") for side in (student, reference)
    )
    assert_same_module(rng, theirs, ours, rng.normal(2, 3, 32, 32), "the model", gradients=False)


def assert_starts_well(name, value):
    """Biases zero; weights of mean 0 and variance 2 / fan_in, as far as their number lets us know."""
    value = value.detach().double()
    if value.dim() == 1:
        assert_matches(value, torch.zeros(value.shape, dtype=torch.float64), what=name)
        return
    deviation = (2 / value[0].numel()) ** 0.5
    error = value.numel() ** -0.5  # of the mean, in deviations; that of the deviation is smaller
    assert_matches(value.mean() / deviation, 0.0, what=f"the mean of {name}", rtol=0.0, atol=5 * error)
    assert_matches(value.std() / deviation, 1.0, what=f"the deviation of {name}", rtol=0.0, atol=5 * error)
