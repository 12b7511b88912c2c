"""Gradients in float64 that are right because they are obvious: autograd over a plain forward, and differences."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

__all__ = ["central_differences", "oracle_gradients"]


def oracle_gradients(
    fn: Callable[..., torch.Tensor], inputs: Sequence[torch.Tensor], upstream: torch.Tensor | None = None
) -> tuple[torch.Tensor, ...]:
    """Gradients of sum(fn(*inputs) * upstream) by autograd in float64, here in the grader.

    Args:
        fn: an obvious forward in torch; takes tensors only.
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
    # A sum, not grad's own argument for it: to look at that, torch imports sympy.
    total = output if upstream is None else (output * upstream.detach().to(torch.float64)).sum()
    found = torch.autograd.grad(total, leaves, allow_unused=True)
    pairs = zip(leaves, found, strict=True)
    return tuple((torch.zeros_like(leaf) if grad is None else grad).detach() for leaf, grad in pairs)


def central_differences(
    fn: Callable[[torch.Tensor], torch.Tensor], x: torch.Tensor, upstream: torch.Tensor, h: float = 1e-6
) -> torch.Tensor:
    """Gradient of sum(fn(x) * upstream) by (f(x + h) - f(x - h)) / 2h, in float64, one element after the other.

    Agrees with a right gradient to about 1e-8 relative for values of order one, except where fn has a kink.
    """
    x = x.detach().to(torch.float64, copy=True).contiguous()
    flat, gradient = x.view(-1), torch.zeros(x.numel(), dtype=torch.float64)
    for index in range(x.numel()):
        kept = flat[index].item()
        flat[index] = kept + h
        above = fn(x).to(torch.float64)
        flat[index] = kept - h
        below = fn(x).to(torch.float64)
        flat[index] = kept
        gradient[index] = ((above - below) * upstream).sum() / (2 * h)
    return gradient.view_as(x)
