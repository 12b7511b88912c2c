"""Kaiming initialization: shape, spread, and that the gain knows whether a ReLU follows."""

import pytest
import torch

from autograder.checks import CheckFailed, assert_matches, plain_tensor

# (Din, Dout, K, relu, standard deviation)
CASES = {
    "linear": (50, 4000, None, True, (2 / 50) ** 0.5),
    "linear-no-relu": (50, 4000, None, False, (1 / 50) ** 0.5),
    "convolution": (12, 600, 5, True, (2 / (12 * 25)) ** 0.5),
    "convolution-no-relu": (12, 600, 5, False, (1 / (12 * 25)) ** 0.5),
}


@pytest.mark.question("kaiming")
@pytest.mark.parametrize("case", CASES)
def test_kaiming(student, case):
    inputs, outputs, size, relu, deviation = CASES[case]
    drawn = plain_tensor(student.kaiming_initializer(inputs, outputs, K=size, relu=relu), "the weights")
    shape = (inputs, outputs) if size is None else (outputs, inputs, size, size)
    assert_matches(torch.tensor(drawn.shape), torch.tensor(shape), what="the shape of the weights")
    # 180,000 values and more: their deviation is known to 0.2 %, their mean to 0.003 deviations.
    assert_matches(drawn.double().std(), deviation, what="the standard deviation", rtol=0.02, atol=0.0)
    assert_matches(drawn.double().mean() / deviation, 0.0, what="the mean", rtol=0.0, atol=0.02)


@pytest.mark.question("kaiming")
def test_kaiming_dtype(student):
    drawn = plain_tensor(student.kaiming_initializer(3, 4, dtype=torch.float64), "the weights")
    if drawn.dtype != torch.float64:
        raise CheckFailed(f"the dtype is {drawn.dtype}, wanted torch.float64")
