"""Gradients in float64, by autograd over a plain forward."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

__all__ = ["oracle_gradients"]


def oracle_gradients(
    fn: Callable[..., torch.Tensor], inputs: Sequence[torch.Tensor], upstream: torch.Tensor | None = None
) -> tuple[torch.Tensor, ...]:
    """Gradients of sum(fn(*inputs) * upstream) by autograd in float64, here in the grader.

    Args:
        fn: a plain forward in torch; takes tensors only.
        inputs: any floating dtype; nothing is written to them.
        upstream: the gradient that arrives at fn's output, of its shape; None for a scalar output.

    Returns:
        One float64 gradient per input, of its shape; zeros for an input that the output does not depend on.

    Raises:
        ValueError: `upstream` has another shape than the output.
    """
    leaves = [tensor.detach().to(torch.float64, copy=True).requires_grad_() for tensor in inputs]
    output = fn(*leaves)
    if not output.requires_grad:
        return tuple(torch.zeros_like(leaf).detach() for leaf in leaves)
    if upstream is not None and upstream.shape != output.shape:
        raise ValueError(
            f"an upstream gradient of shape {tuple(upstream.shape)} for an output of {tuple(output.shape)}"
        )
    # A sum replaces grad's own argument for the upstream gradient: for that argument torch imports sympy.
    total = output if upstream is None else (output * upstream.detach().to(torch.float64)).sum()
    found = torch.autograd.grad(total, leaves, allow_unused=True)
    pairs = zip(leaves, found, strict=True)
    return tuple((torch.zeros_like(leaf) if grad is None else grad).detach() for leaf, grad in pairs)
