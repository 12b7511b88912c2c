"""Small things that every assignment needs: the loss, the seed, an image for the screen."""

from __future__ import annotations

import random

import torch

__all__ = ["reset_seed", "softmax_loss", "tensor_to_image"]


def reset_seed(number: int) -> None:
    """Make Python's and torch's random numbers start over, on every device."""
    random.seed(number)
    torch.manual_seed(number)


def softmax_loss(x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The mean softmax (cross-entropy) loss of a batch, and its gradient.

    Args:
        x: (N, C) scores; x[i, j] is the score of sample i for class j.
        y: (N,) int64 labels in [0, C).

    Returns:
        (loss, dx): a scalar tensor, and dloss/dx in the shape of x.

    >>> loss, dx = softmax_loss(torch.zeros(1, 4), torch.tensor([2]))
    >>> loss, dx
    (tensor(1.3863), tensor([[ 0.2500,  0.2500, -0.7500,  0.2500]]))
    """
    samples = torch.arange(len(x), device=x.device)
    log_probabilities = x.log_softmax(dim=1)
    loss = -log_probabilities[samples, y].mean()
    dx = log_probabilities.exp()
    dx[samples, y] -= 1
    return loss, dx / len(x)


def tensor_to_image(tensor: torch.Tensor) -> torch.Tensor:
    """A (3, H, W) image with values in [0, 1] as (H, W, 3) uint8 on the CPU, ready for `plt.imshow`."""
    scaled = tensor.detach().cpu().mul(255).clamp(0, 255).to(torch.uint8)
    return scaled.permute(1, 2, 0)
