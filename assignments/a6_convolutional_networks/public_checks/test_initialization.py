"""Kaiming initialization: shape, spread, and that the gain knows whether a ReLU follows."""

import pytest
import torch

from autograder.checks import CheckFailed, assert_matches, plain_tensor

# (Din, Dout, K), relu, shape, standard deviation
CASES = {
    "linear": ((50, 4000, None), True, (50, 4000), 0.2),
    "linear-no-relu": ((100, 2000, None), False, (100, 2000), 0.1),
    "convolution": ((8, 1000, 5), True, (1000, 8, 5, 5), 0.1),
    "convolution-no-relu": ((16, 500, 5), False, (500, 16, 5, 5), 0.05),
}


@pytest.mark.question("kaiming")
@pytest.mark.parametrize("case", CASES)
def test_kaiming(student, case):
    (inputs, outputs, size), relu, shape, deviation = CASES[case]
    drawn = plain_tensor(student.kaiming_initializer(inputs, outputs, K=size, relu=relu), "the weights")
    if drawn.shape != shape:
        raise CheckFailed(f"the weights have shape {tuple(drawn.shape)}, wanted {shape}")
    # Of 200,000 values the deviation is known to 0.2 %, and the mean to 0.003 deviations.
    assert_matches(drawn.double().std(), deviation, what="the standard deviation", rtol=0.02, atol=0.0)
    assert_matches(drawn.double().mean() / deviation, 0.0, what="the mean", rtol=0.0, atol=0.02)


@pytest.mark.question("kaiming")
def test_kaiming_dtype(student):
    drawn = plain_tensor(student.kaiming_initializer(3, 4, dtype=torch.float64), "the weights")
    if drawn.dtype != torch.float64:
        raise CheckFailed(f"the dtype is {drawn.dtype}, wanted torch.float64")
