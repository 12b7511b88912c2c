"""What the notebook has saved, measured as in grading, with the same bars: asked once the file is there."""

import pytest
import torch

from autograder.checks import CheckFailed, DataNeeded, artifact, assert_accuracy, assign, scores_of
from common.data import EMBEDDED_TRAIN, data_source, preprocess_cifar10
from common.shapes import draw_shapes

CLASSES = 10
HELD_OUT = 200
HINT = "save the network after its training in the notebook, with your present code"


def saved_network(student, name):
    """The network in the file, in your own DeepConvNet, and the name of the data that it was trained on."""
    checkpoint = artifact(student, name)
    if type(checkpoint) is not dict or type(checkpoint.get("params")) is not dict:
        raise CheckFailed(f"{name} is not what DeepConvNet.save writes", HINT)
    params = checkpoint["params"]
    if not all(torch.is_tensor(value) and bool(value.isfinite().all()) for value in params.values()):
        raise CheckFailed(f"{name} holds NaN or infinite parameters", "did the training diverge?")
    model = student.DeepConvNet(
        num_filters=[len(value) for value in params.values() if value.dim() == 4],
        max_pools=checkpoint.get("max_pools", []),
        batchnorm=checkpoint.get("batchnorm") is True,
        weight_scale=1e-3,
        dtype=torch.float32,
    )
    assign(model, "params", {key: value.to(torch.float32) for key, value in params.items()})
    if checkpoint.get("bn_params"):
        assign(model, "bn_params", checkpoint["bn_params"])
    return model, checkpoint.get("data")


def images(part, count):
    """The first training images of the notebook, or new ones, less the mean colour of training images."""
    if data_source() == "CIFAR-10":
        data = preprocess_cifar10(verbose=False)
        return data[f"X_{part}"][:count], data[f"y_{part}"][:count]
    first, labels = draw_shapes(EMBEDDED_TRAIN, seed=0, first=200)
    pixels, labels = (first[:count], labels[:count]) if part == "train" else draw_shapes(count, seed=3)
    return (pixels.float() - first.float().mean(dim=(0, 2, 3), keepdim=True)) / 255, labels


def assert_knows(student, name, part, count, bar):
    """Fail unless the saved network gets this share of the first images of a part right."""
    model, trained_on = saved_network(student, name)
    if trained_on != data_source():
        raise DataNeeded(f"{name} was trained on {trained_on or 'data that it does not name'}; here is {data_source()}")
    X, y = images(part, count)
    assert_accuracy(scores_of(model.loss, X, CLASSES), y, at_least=bar, what=f"the network in {name}", hint=HINT)


@pytest.mark.question("overfit")
@pytest.mark.saved("overfit_deepconvnet.pt")
def test_saved_overfit_network(student):
    """The saved network knows 96 % of the first 50 training images."""
    assert_knows(student, "overfit_deepconvnet.pt", "train", 50, 0.96)


@pytest.mark.question("half-minute")
@pytest.mark.saved("half_minute_deepconvnet.pt")
@pytest.mark.parametrize("bar", [0.3, 0.65], ids=["has-learned", "is-good"])
def test_saved_half_minute_network(student, bar):
    """The saved network gets 30 % of new images right, and 65 %: each is worth points."""
    assert_knows(student, "half_minute_deepconvnet.pt", "test", HELD_OUT, bar)
