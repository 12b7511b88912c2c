"""Running time: many images at once take much less than as many times one image.

Image by image, 64 images take 64 times as long as one; a batch that is worked on as a whole takes a part of that.
"""

import pytest
import torch

from autograder.checks import assert_pace, modules, place

COUNT, AT_MOST = 64, 32.0
HINT = "give the whole batch to each layer, without a loop over its images"
LAYERS = [(12, 5, 2), (8, 3, 1)]


def assert_a_batch_pays(student, rng, network, shape, what):
    """`network(images)` for one image and for many."""
    one, many = (place(student, rng.normal(count, *shape, dtype=torch.float32)) for count in (1, COUNT))
    against = f"{what} on 1"
    assert_pace(
        lambda: network(many),
        lambda: network(one),
        at_most=AT_MOST,
        what=f"{what} on {COUNT} images",
        against=against,
        hint=HINT,
    )


@pytest.mark.question("training-speed")
def test_functional(student, rng):
    shapes = [(12, 3, 5, 5), (12,), (8, 12, 3, 3), (8,), (10, 8 * 10 * 8), (10,)]
    params = [rng.normal(*shape, scale=0.05, dtype=torch.float32) for shape in shapes]

    def network(images):
        return student.three_layer_convnet(images, params, {"padding": [2, 1]})

    assert_a_batch_pays(student, rng, network, (3, 10, 8), "three_layer_convnet")


@pytest.mark.question("training-speed")
def test_module(student, rng):
    model = modules.assert_module(student.ThreeLayerConvNet((3, 10, 8), LAYERS, 10), "ThreeLayerConvNet(...)")
    assert_a_batch_pays(student, rng, model, (3, 10, 8), "ThreeLayerConvNet")


@pytest.mark.question("resnet-speed")
def test_resnet(student, rng):
    model = modules.assert_module(student.ResNet([(8, 1, False), (16, 1, True)]), "ResNet(...)")
    model.eval()
    assert_a_batch_pays(student, rng, model, (3, 12, 10), "ResNet")
