"""Gradients of functions whose gradient is known."""

from __future__ import annotations

import pytest
import torch

from autograder.checks.draw import Draw
from autograder.checks.gradients import oracle_gradients

DRAW = Draw(8)
X, W = DRAW.normal(3, 4), DRAW.normal(4, 2)
UPSTREAM = DRAW.normal(3, 2)


def test_oracle_on_a_matrix_product() -> None:
    dx, dw = oracle_gradients(lambda x, w: x @ w, (X, W), UPSTREAM)
    torch.testing.assert_close(dx, UPSTREAM @ W.T)
    torch.testing.assert_close(dw, X.T @ UPSTREAM)


def test_oracle_without_upstream_on_a_scalar() -> None:
    (dx,) = oracle_gradients(lambda x: (x**2).sum(), (X,))
    torch.testing.assert_close(dx, 2 * X)


def test_oracle_refuses_an_upstream_of_another_shape() -> None:
    with pytest.raises(ValueError, match=r"shape \(2,\) for an output of \(3, 2\)"):
        oracle_gradients(lambda x: x @ W, (X,), torch.ones(2))


def test_oracle_computes_in_float64_and_leaves_inputs_alone() -> None:
    before = X.float()
    x = before.clone()
    (dx,) = oracle_gradients(lambda x: x.exp(), (x,), torch.ones(3, 4))
    assert dx.dtype is torch.float64
    assert not dx.requires_grad
    assert not x.requires_grad
    assert torch.equal(x, before)


def test_oracle_gives_zeros_where_nothing_depends() -> None:
    dx, dw = oracle_gradients(lambda x, w: x.sum(), (X, W))
    assert torch.equal(dx, torch.ones_like(X))
    assert torch.equal(dw, torch.zeros_like(W))
    (dw,) = oracle_gradients(lambda w: torch.zeros(2), (W,), torch.ones(2))
    assert torch.equal(dw, torch.zeros_like(W))


def test_oracle_agrees_with_differences() -> None:
    def total(x: torch.Tensor) -> torch.Tensor:
        return ((x @ W).tanh() * UPSTREAM).sum()

    (dx,) = oracle_gradients(lambda x: (x @ W).tanh(), (X,), UPSTREAM)
    steps = torch.eye(X.numel(), dtype=torch.float64).reshape(-1, *X.shape) * 1e-6
    found = torch.stack([total(X + step) - total(X - step) for step in steps]) / 2e-6
    torch.testing.assert_close(dx, found.reshape(X.shape), rtol=1e-7, atol=1e-8)
