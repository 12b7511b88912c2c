"""The segmentation network: shapes, what it sees, what it remembers, how large it is."""

from __future__ import annotations

from functools import partial
from math import prod

import pytest
import torch

from autograder.checks import CheckFailed, Draw, Proxy, assert_kind, assert_matches, modules

network_question = partial(pytest.mark.question, "segmentation-net")

MAX_PARAMETERS = 400_000
FAR = 15  # pixels
CLASSES = 6
MANY = 20  # classes: of so many raw scores, some are negative


def network(student: Proxy, classes: int = CLASSES, channels: int = 3) -> Proxy:
    """A new network in evaluation mode."""
    model = modules.assert_module(student.SegmentationNet(classes, channels), "SegmentationNet(...)")
    model.eval()
    return model


def scores_of(model: Proxy, images: torch.Tensor, classes: int = CLASSES) -> torch.Tensor:
    scores = model(images)
    assert_kind(scores, (len(images), classes, *images.shape[2:]), images.dtype, what="the scores")
    return scores


@network_question()
@pytest.mark.parametrize(
    "shape, classes",
    [((2, 3, 48, 64), 6), ((1, 3, 50, 67), 4), ((1, 1, 16, 16), 2), ((1, 3, 17, 31), 6)],
    ids=["48x64", "50x67", "16x16", "17x31"],
)
def test_shapes(student: Proxy, rng: Draw, shape: tuple[int, ...], classes: int) -> None:
    """The scores have the size of the images, also where it is odd."""
    scores_of(network(student, classes, shape[1]), rng.normal(*shape, dtype=torch.float32), classes)


@network_question()
def test_scores_are_no_probabilities(student: Proxy, rng: Draw) -> None:
    """The network gives raw scores, not probabilities or their logarithms."""
    scores = scores_of(network(student, MANY), rng.normal(1, 3, 32, 32, dtype=torch.float32), MANY).double()
    if bool(((scores > 0) & (scores < 1)).all()):
        raise CheckFailed("all scores lie between 0 and 1, as after a softmax or a sigmoid", "return them raw")
    totals = [scores.sum(dim=1), scores.exp().sum(dim=1)]
    if any((total - 1).abs().max() < 1e-3 for total in totals):
        raise CheckFailed("the scores are probabilities, or their logarithms", "the loss makes them; leave them out")


@network_question()
def test_evaluation_treats_images_apart(student: Proxy, rng: Draw) -> None:
    """In evaluation mode, the scores of an image depend on the image alone."""
    model, images = network(student), rng.normal(3, 3, 32, 40, dtype=torch.float32)
    alone = scores_of(model, images[1:2])
    close = {"rtol": 1e-3, "atol": 1e-4}
    assert_matches(scores_of(model, images)[1:2], alone, what="the scores of an image in a batch of three", **close)
    scores_of(model, 5 * images.flip(0) + 2)
    assert_matches(scores_of(model, images[1:2]), alone, what="the scores of an image after other images", **close)


@network_question()
def test_sees_far(student: Proxy, rng: Draw) -> None:
    """The score of a pixel depends on pixels 15 and more away."""
    model, images = network(student), rng.normal(1, 3, 64, 64, dtype=torch.float32)
    upstream = torch.zeros(1, CLASSES, 64, 64)
    upstream[0, :, 32, 32] = torch.tensor([1.0, -0.7, 0.4, -0.2, 0.3, -0.8])
    run = modules.run(model, images, training=False, upstream=upstream)
    gradient = run.inputs[0]
    if gradient is None:
        raise CheckFailed("no gradient arrives at the images")
    assert_kind(gradient, images.shape, images.dtype, what="the gradient of the images")
    rows, columns = (gradient[0].abs().sum(dim=0) > 0).nonzero(as_tuple=True)
    if len(rows) == 0:
        raise CheckFailed("no gradient arrives at the images")
    reach = min(int((rows - 32).abs().max()), int((columns - 32).abs().max()))
    if reach < FAR:
        raise CheckFailed(f"a score depends on pixels up to {reach} away, wanted {FAR}", "downsample, or dilate")


@network_question()
def test_downsamples(student: Proxy, rng: Draw) -> None:
    """Some map inside has H/4 x W/4 pixels or fewer."""
    steps = modules.executed(network(student), rng.normal(1, 3, 48, 64, dtype=torch.float32))
    positions = [
        prod(shape[2:]) for step in steps for shape in (*step.inputs, *step.outputs) if len(shape) == 4 and shape[1] > 1
    ]
    # A map of one pixel is no map that is upsampled again, but the mean that attention over channels takes.
    if min((count for count in positions if count > 1), default=48 * 64) > 48 * 64 // 16:
        raise CheckFailed("no layer sees a map of 1/16 of the pixels or fewer", "downsample to a quarter of each side")


@network_question(weight=0.5)
def test_parameters(student: Proxy) -> None:
    """The network has at most 400 000 parameters."""
    count = modules.describe(network(student, classes=6)).count
    if not 0 < count <= MAX_PARAMETERS:
        raise CheckFailed(f"the network has {count} parameters, allowed are {MAX_PARAMETERS}")
