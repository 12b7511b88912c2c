"""The toy course's hidden checks."""

import pytest
import torch

from autograder.errors import CheckFailed


def assert_equal(found, wanted):
    if not (isinstance(found, torch.Tensor) and found.shape == wanted.shape and torch.equal(found, wanted)):
        raise CheckFailed("the numbers differ", "Twice as much, and nothing else.")


@pytest.mark.question("double")
@pytest.mark.parametrize("shape", [(2,), (2, 3)], ids=["vector", "matrix"])
def test_double(student, reference, rng, shape):
    x = rng.normal(*shape, dtype=torch.float32)
    assert_equal(student.double(x), reference.double(x))


@pytest.mark.question("double", weight=2)
def test_double_of_nothing(student, reference):
    x = torch.zeros(0)
    assert_equal(student.double(x), reference.double(x))


@pytest.mark.question("counter")
def test_counter(student, reference, rng):
    theirs, ours = student.Counter(), reference.Counter()
    for _ in range(3):
        x = rng.normal(4, dtype=torch.float32)
        assert_equal(theirs.add(x), ours.add(x))
