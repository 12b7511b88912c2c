"""The reference of assignment 8: the examples of its docstrings, and the laws that hold between its parts."""

from __future__ import annotations

import doctest
import importlib.util
import sys
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

SOLUTION = Path(__file__).parents[2] / "solutions" / "a8_semantic_segmentation"
DOUBLE = torch.float64


@pytest.mark.parametrize("name", ["upsampling", "transposed_convolution", "fully_convolutional_network"])
def test_examples(name):
    spec = importlib.util.spec_from_file_location(f"a8_examples_{name}", SOLUTION / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    results = doctest.testmod(module)
    assert results.attempted >= 11
    assert results.failed == 0


def test_a_constant_stays_and_a_ramp_is_kept_by_bilinear_alone(a8):
    ramp = torch.arange(8, dtype=DOUBLE).reshape(1, 1, 1, 8)
    at = ((torch.arange(24, dtype=DOUBLE) + 0.5) / 3 - 0.5)[3:-3]
    for name in ("nearest", "bilinear", "bicubic"):
        constant = getattr(a8, name)(torch.ones(1, 1, 3, 4, dtype=DOUBLE), (7, 9))
        torch.testing.assert_close(constant, torch.ones_like(constant), rtol=0, atol=1e-14)
    torch.testing.assert_close(a8.bilinear(ramp, (1, 24))[0, 0, 0, 3:-3], at, rtol=0, atol=1e-12)
    off = (a8.bicubic(ramp, (1, 24))[0, 0, 0, 6:-6] - at[3:-3]).abs().max()
    assert off == pytest.approx(0.037, abs=0.001)


def test_the_backward_pass_of_pooling_is_unpooling(a8):
    x = torch.randn(2, 3, 5, 7, dtype=DOUBLE)
    out, positions = a8.max_pool(x, 2)
    assert torch.equal(a8.max_pool_backward(out, positions, (5, 7)), a8.max_unpool(out, positions, (5, 7)))


def test_convolution_and_transposed_convolution_are_adjoint(a8):
    x, y = torch.randn(1, 2, 7, 7, dtype=DOUBLE), torch.randn(1, 3, 4, 4, dtype=DOUBLE)
    w = torch.randn(3, 2, 3, 3, dtype=DOUBLE)
    there = F.conv2d(x, w, stride=2, padding=1)
    param = {"stride": 2, "padding": 1, "output_padding": 0}
    back = a8.transposed_convolution(y, w, torch.zeros(2, dtype=DOUBLE), param)
    torch.testing.assert_close((there * y).sum(), (x * back).sum(), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("height, width", [(16, 16), (17, 31), (48, 64)])
def test_the_network_takes_any_size(a8, height, width):
    model = a8.SegmentationNet(6).eval()
    assert model(torch.randn(1, 3, height, width)).shape == (1, 6, height, width)
    assert sum(parameter.numel() for parameter in model.parameters()) < 200_000


def test_steps_are_whole_passes(a8):
    data = {"X_train": torch.zeros(24, 3, 16, 16), "y_train": torch.zeros(24, 16, 16, dtype=torch.int64)}
    data |= {"X_val": data["X_train"][:2], "y_val": data["y_train"][:2]}
    made = a8.create_segmentation_training(6, 6, "cpu")
    assert len(a8.train_segmentation(*made, data, 6)["train_loss"]) == 6
    with pytest.raises(ValueError, match="no whole passes"):
        a8.train_segmentation(*made, data, 7)
