"""Convolution: the notebook's geometry, one by hand, and one in which no two sizes are equal."""

import pytest
import torch

from autograder.checks import assert_matches, call_backward, unpack

# (images, filters, stride, pad)
GEOMETRIES = {
    "notebook": ((4, 3, 5, 5), (2, 3, 3, 3), 1, 1),
    "asymmetric": ((2, 3, 8, 5), (4, 3, 3, 2), 2, 1),
    "no-padding": ((1, 2, 4, 6), (3, 2, 1, 4), 1, 0),
}
geometries = pytest.mark.parametrize("geometry", GEOMETRIES)


def draw(rng, geometry):
    images, filters, stride, pad = GEOMETRIES[geometry]
    return rng.normal(*images), rng.normal(*filters), rng.normal(filters[0]), {"stride": stride, "pad": pad}


@pytest.mark.question("conv-forward")
def test_forward_by_hand(student):
    x = torch.tensor([[[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]]], dtype=torch.float64)
    w = torch.tensor([[[[1.0, 0.0, -1.0]]]], dtype=torch.float64)
    b = torch.tensor([0.5], dtype=torch.float64)
    out, _ = unpack(student.Conv.forward(x, w, b, {"stride": 1, "pad": 0}), "out", "cache")
    assert_matches(out, torch.tensor([[[[-1.5], [-1.5]]]], dtype=torch.float64))


@pytest.mark.question("conv-forward")
@geometries
def test_forward(student, reference, rng, geometry):
    arguments = draw(rng, geometry)
    out, _ = unpack(student.Conv.forward(*arguments), "out", "cache")
    expected, _ = reference.Conv.forward(*arguments)
    assert_matches(out, expected)


@pytest.mark.question("conv-backward")
def test_backward_by_hand(student):
    """Neighbouring windows overlap by one column."""
    x = torch.tensor([[[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]]], dtype=torch.float64)
    w = torch.tensor([[[[1.0, 10.0]]]], dtype=torch.float64)
    documented = (x, w, torch.tensor([0.5], dtype=torch.float64), {"stride": 1, "pad": 0})
    dout = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]], dtype=torch.float64)
    found = unpack(call_backward(student.Conv, dout, documented), "dx", "dw", "db")
    wanted = ([[[[1.0, 12.0, 20.0], [3.0, 34.0, 40.0]]]], [[[[37.0, 47.0]]]], [10.0])
    for name, gradient, expected in zip(("dx", "dw", "db"), found, wanted, strict=True):
        assert_matches(gradient, torch.tensor(expected, dtype=torch.float64), what=name)


@pytest.mark.question("conv-backward")
@geometries
def test_backward(student, reference, rng, geometry):
    documented = draw(rng, geometry)
    out, cache = reference.Conv.forward(*documented)
    dout = rng.normal(*out.shape)
    found = unpack(call_backward(student.Conv, dout, documented), "dx", "dw", "db")
    for name, gradient, expected in zip(("dx", "dw", "db"), found, reference.Conv.backward(dout, cache), strict=True):
        assert_matches(gradient, expected, what=name)
