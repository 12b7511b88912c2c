"""The hidden checks. CANARY_OF_THE_CHECKS stands here so that a test can tell whether anybody read this file."""

import pytest
import torch

from autograder.checks import CheckFailed, Proxy, artifact, assert_accuracy, assert_matches, plain_tensor, scores_of
from common import bright

SECRET = "CANARY_OF_THE_CHECKS"
HELD_OUT = 60


@pytest.mark.question("scale")
@pytest.mark.parametrize("sign", [1.0, -1.0], ids=["positive", "negative"])
def test_scale(student, reference, rng, sign):
    x = sign * rng.uniform(3, 4, low=0.5)
    expected = reference.scale(x)
    assert_matches(student.scale(x), expected)


@pytest.mark.question("names")
def test_names(student):
    """An ordinary assert on what a submission returned, as people write them."""
    assert student.names() == ["column 0", "column 1", "column 2"]


def learner_of(student):
    learner = student.Learner()
    if not isinstance(learner, Proxy):
        raise CheckFailed("Learner() is no object")
    return learner


@pytest.mark.question("learner")
def test_learns(student, rng):
    """The labels of held-out images stay here."""
    learner = learner_of(student)
    learner.fit(*bright(100, rng.seed()))
    images, labels = bright(HELD_OUT, rng.seed())
    assert_accuracy(scores_of(learner.scores, images, 2), labels, at_least=0.9)


@pytest.mark.question("weights")
def test_weights(student, rng):
    weight = plain_tensor(artifact(student, "weights.pt"), "weights.pt")
    images, labels = bright(HELD_OUT, rng.seed())
    learner = learner_of(student)
    learner.load(weight)
    assert_accuracy(scores_of(lambda some: some.double() @ weight.double(), images, 2), labels, at_least=0.9)


@pytest.mark.question("conv")
def test_conv(student, reference, rng):
    x, w = rng.normal(5, 6, dtype=torch.float32), rng.normal(2, 3, dtype=torch.float32)
    assert_matches(student.Conv.forward(x, w), reference.Conv.forward(x, w))


@pytest.mark.question("pool")
def test_pool(student, reference, rng):
    x = rng.distinct(4, 6)
    assert_matches(student.pool(x), reference.pool(x))


@pytest.mark.question("slope")
def test_slope(student, reference, rng):
    x = rng.normal(5)
    assert_matches(student.slope(x), reference.slope(x))
