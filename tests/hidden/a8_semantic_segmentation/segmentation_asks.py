"""What the checks of all three parts share: which question a case belongs to, refusals, and the adjoint test."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from autograder.checks import CheckFailed, StudentError, assert_kind

__all__ = ["assert_adjoint", "assert_refused", "case"]


def case(question: str, id: str, *values: Any, weight: float = 1.0) -> Any:
    """One case of a parametrized check that several questions share."""
    return pytest.param(*values, marks=pytest.mark.question(question, weight=weight), id=id)


def assert_refused(call: Callable[[], Any], what: str) -> None:
    """Fail unless the call raises a ValueError."""
    try:
        call()
    except StudentError as error:
        if error.kind != "ValueError":
            raise
        return
    raise CheckFailed(f"{what} raises no error", "its docstring asks for a ValueError here")


def assert_adjoint(
    forward: torch.Tensor, upstream: torch.Tensor, x: torch.Tensor, gradient: Any, name: str, of: str
) -> None:
    """Fail unless <f(x), g> = <x, f_backward(g)>, in float64 to 12 digits.

    Args:
        forward: f(x), right.
        gradient: the student's f_backward(g).
        name, of: what the two are called.
    """
    assert_kind(gradient, x.shape, x.dtype, what=name)
    wanted, found = (forward * upstream).sum(), (x * gradient).sum()
    if not (wanted - found).abs() <= 1e-12 * (forward.abs() * upstream.abs()).sum():
        message = (
            f"{name} is not the transpose of {of}: <{of}(x), g> and <x, {name}(g)> differ in their first 12 digits"
        )
        raise CheckFailed(message, "compute indices and weights in float64, and cast at the end")
