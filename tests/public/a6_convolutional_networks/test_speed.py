"""Running time, beside the given fast layers: right first, then fast enough.

Answers on whole tensors take a few times as long as the given layers, a loop over the output's rows and columns tens of
times as long.
"""

import pytest
import torch

from autograder.checks import assert_matches, assert_pace, call_backward, place, unpack

CONV = {"stride": 1, "pad": 1}
POOL = {"pool_height": 2, "pool_width": 2, "stride": 2}
AT_MOST = 15.0
HINT = "replace loops over samples, rows and columns by operations on whole tensors"


def assert_as_fast(yours, given, names, what, against):
    """The results of the given layer, within a multiple of its time."""
    for name, found, expected in zip(names, yours(), given(), strict=True):
        assert_matches(found, expected, what=name, rtol=1e-3, atol=1e-3)  # float32, sums of 576 in another order
    assert_pace(yours, given, at_most=AT_MOST, what=what, against=against, hint=HINT)


def placed(student, *values):
    """Values on the student's side, so that they are not copied at each call."""
    return [place(student, value) if isinstance(value, torch.Tensor) else value for value in values]


def convolution(student, rng):
    images, filters = rng.normal(1, 32, 64, 48, dtype=torch.float32), rng.normal(64, 32, 3, 3, dtype=torch.float32)
    return placed(student, images, filters, rng.normal(64, dtype=torch.float32), CONV)


def pooling(student, rng):
    return placed(student, rng.normal(2, 8, 128, 112, dtype=torch.float32), POOL)


@pytest.mark.question("conv-speed")
def test_conv_forward(student, rng):
    arguments = convolution(student, rng)

    def forward(layer):
        return unpack(layer.forward(*arguments), "out", "cache")[:1]

    assert_as_fast(
        lambda: forward(student.Conv),
        lambda: forward(student.FastConv),
        ("out",),
        "Conv.forward",
        "FastConv.forward",
    )


@pytest.mark.question("conv-speed")
def test_conv_backward(student, rng):
    documented = tuple(convolution(student, rng))
    (dout,) = placed(student, rng.normal(1, 64, 64, 48, dtype=torch.float32))
    names = ("dx", "dw", "db")
    assert_as_fast(
        lambda: unpack(call_backward(student.Conv, dout, documented), *names),
        lambda: student.FastConv.backward(dout, documented),
        names,
        "Conv.backward",
        "FastConv.backward",
    )


@pytest.mark.question("pool-speed")
def test_pool_forward(student, rng):
    arguments = pooling(student, rng)

    def forward(layer):
        return unpack(layer.forward(*arguments), "out", "cache")[:1]

    assert_as_fast(
        lambda: forward(student.MaxPool),
        lambda: forward(student.FastMaxPool),
        ("out",),
        "MaxPool.forward",
        "FastMaxPool.forward",
    )


@pytest.mark.question("pool-speed")
def test_pool_backward(student, rng):
    """Beside both directions of the given layer: yours has to find the largest values once more."""
    documented = tuple(pooling(student, rng))
    (dout,) = placed(student, rng.normal(2, 8, 64, 56, dtype=torch.float32))

    def given():
        _, cache = student.FastMaxPool.forward(*documented)
        return [student.FastMaxPool.backward(dout, cache)]

    assert_as_fast(
        lambda: [call_backward(student.MaxPool, dout, documented)],
        given,
        ("dx",),
        "MaxPool.backward",
        "FastMaxPool's forward and backward",
    )
