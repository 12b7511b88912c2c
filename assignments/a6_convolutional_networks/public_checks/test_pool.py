"""Max pooling: the notebook's geometry, overlapping windows, and one in which no two sizes are equal."""

import pytest
import torch

from autograder.checks import assert_matches, call_backward, unpack

# (images, pool_height, pool_width, stride)
GEOMETRIES = {
    "notebook": ((2, 3, 4, 4), 2, 2, 2),
    "overlap": ((2, 2, 5, 5), 3, 3, 1),
    "asymmetric": ((2, 3, 7, 6), 3, 2, 2),
}
geometries = pytest.mark.parametrize("geometry", GEOMETRIES)


def draw(rng, geometry):
    images, height, width, stride = GEOMETRIES[geometry]
    return rng.distinct(*images), {"pool_height": height, "pool_width": width, "stride": stride}


@pytest.mark.question("pool-forward")
def test_forward_by_hand(student):
    x = torch.tensor([[[[-1.0, -2.0, -3.0, -4.0], [-8.0, -7.0, -6.0, -5.0]]]], dtype=torch.float64)
    out, _ = unpack(student.MaxPool.forward(x, {"pool_height": 2, "pool_width": 2, "stride": 2}), "out", "cache")
    assert_matches(out, torch.tensor([[[[-1.0, -3.0]]]], dtype=torch.float64))


@pytest.mark.question("pool-forward")
@geometries
def test_forward(student, reference, rng, geometry):
    arguments = draw(rng, geometry)
    out, _ = unpack(student.MaxPool.forward(*arguments), "out", "cache")
    expected, _ = reference.MaxPool.forward(*arguments)
    assert_matches(out, expected)


@pytest.mark.question("pool-backward")
def test_backward_by_hand(student):
    """The 5 wins both windows."""
    documented = (
        torch.tensor([[[[1.0, 5.0, 2.0], [4.0, 3.0, 0.0]]]], dtype=torch.float64),
        {"pool_height": 1, "pool_width": 2, "stride": 1},
    )
    dout = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]], dtype=torch.float64)
    dx = call_backward(student.MaxPool, dout, documented)
    assert_matches(dx, torch.tensor([[[[0.0, 3.0, 0.0], [3.0, 4.0, 0.0]]]], dtype=torch.float64), what="dx")


@pytest.mark.question("pool-backward")
@geometries
def test_backward(student, reference, rng, geometry):
    documented = draw(rng, geometry)
    out, cache = reference.MaxPool.forward(*documented)
    dout = rng.normal(*out.shape)
    dx = call_backward(student.MaxPool, dout, documented)
    assert_matches(dx, reference.MaxPool.backward(dout, cache), what="dx")
