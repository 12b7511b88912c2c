"""Smoothing of images."""

from __future__ import annotations

import doctest

import pytest
import torch

from common import images
from common.images import smooth


def test_smoothing_keeps_flat_images_and_the_sum_of_a_spot():
    flat = torch.full((2, 5, 7), 0.3)
    torch.testing.assert_close(smooth(flat, 0.8), flat)
    spot = torch.zeros(1, 15, 17, dtype=torch.float64)
    spot[0, 7, 8] = 1.0
    found = smooth(spot, 1.1)
    assert found.dtype is torch.float64
    assert float(found.sum()) == pytest.approx(1.0)
    torch.testing.assert_close(found, found.flip(1).flip(2))
    across = (found.sum(dim=(0, 1)) * (torch.arange(17) - 8.0) ** 2).sum()
    assert float(across) == pytest.approx(1.1**2, rel=0.03)  # its variance; the filter ends at three sigma


def test_examples():
    assert doctest.testmod(images).failed == 0
