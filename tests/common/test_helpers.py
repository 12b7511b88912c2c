"""Loss, seeds, images for the screen, and gradients by finite differences."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from common import reset_seed, softmax_loss, tensor_to_image
from common.grad import compute_numeric_gradient, rel_error

SOLUTIONS = Path(__file__).parents[2] / "solutions"


def test_softmax_loss_is_cross_entropy():
    x, y = torch.randn(5, 7, dtype=torch.float64), torch.tensor([6, 0, 3, 3, 1])
    leaf = x.clone().requires_grad_()
    expected = torch.nn.functional.cross_entropy(leaf, y)
    expected.backward()
    loss, dx = softmax_loss(x, y)
    torch.testing.assert_close(loss, expected.detach())
    torch.testing.assert_close(dx, leaf.grad)


def test_softmax_loss_of_large_scores_is_finite():
    loss, dx = softmax_loss(torch.tensor([[1e4, -1e4]]), torch.tensor([1]))
    assert loss == 2e4
    assert dx.tolist() == [[1, -1]]


def test_numeric_gradient_with_upstream():
    x = torch.randn(2, 3, dtype=torch.float64)
    before, upstream = x.clone(), torch.randn(2, dtype=torch.float64)
    grad = compute_numeric_gradient(lambda t: (t**3).sum(dim=1), x, upstream)
    torch.testing.assert_close(grad, 3 * x**2 * upstream[:, None], rtol=1e-6, atol=1e-6)
    assert torch.equal(x, before)


@pytest.mark.parametrize("shape", [(), (0,), (4,), (2, 3, 2)])
def test_numeric_gradient_takes_any_shape(shape):
    x = torch.randn(shape, dtype=torch.float64)
    torch.testing.assert_close(compute_numeric_gradient(lambda t: t.sum() * 2, x), torch.full_like(x, 2.0))


def test_numeric_gradient_of_a_transposed_tensor():
    x = torch.randn(3, 2, dtype=torch.float64).T
    grad = compute_numeric_gradient(lambda t: t**2, x)
    torch.testing.assert_close(grad, 2 * x, rtol=1e-6, atol=1e-6)


def test_numeric_gradient_restores_x_if_f_raises():
    x = torch.ones(3, dtype=torch.float64)
    with pytest.raises(ZeroDivisionError):
        compute_numeric_gradient(lambda t: 1 / 0, x)
    assert torch.equal(x, torch.ones(3, dtype=torch.float64))


def test_numeric_gradient_of_a_function_that_reads_x_itself():
    params = {"w": torch.randn(3, dtype=torch.float64)}
    grad = compute_numeric_gradient(lambda _: (params["w"] ** 2).sum(), params["w"])
    torch.testing.assert_close(grad, 2 * params["w"], rtol=1e-6, atol=1e-6)


def test_rel_error():
    assert rel_error(torch.tensor([1.0, -2.0]), torch.tensor([1.0, -2.0])) == 0
    assert rel_error(torch.tensor([1.0, 3.0]), torch.tensor([1.0, -1.0])) == 1
    assert rel_error(torch.zeros(0), torch.zeros(0)) == 0
    with pytest.raises(ValueError, match=r"\(2,\) and \(1,\)"):
        rel_error(torch.zeros(2), torch.zeros(1))


def test_rel_error_of_nan_is_not_small():
    assert not rel_error(torch.tensor([float("nan")]), torch.tensor([1.0])) < 1


def test_reset_seed():
    reset_seed(3)
    first = (random.random(), torch.rand(2).tolist())
    reset_seed(3)
    assert (random.random(), torch.rand(2).tolist()) == first


def test_tensor_to_image():
    image = tensor_to_image(torch.tensor([[[0.0, 1.0]], [[0.5, 2.0]], [[-1.0, 0.2]]]))
    assert image.dtype == torch.uint8
    assert image.tolist() == [[[0, 127, 0], [255, 255, 51]]]


def test_importing_the_library_does_not_import_matplotlib():
    code = "import sys, common, common.data, common.grad; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=SOLUTIONS, check=False).returncode == 0
