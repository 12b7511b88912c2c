"""Trains a student's network on a few images, with loss, steps and accuracy worked out on this side.

The network sees images and gradients of scores, and never a label.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F

from autograder.checks import CheckFailed, Proxy, assert_accuracy, assert_kind, modules, plain_tensor, scores_of
from common.shapes import draw_shapes

__all__ = ["CLASSES", "Adam", "Update", "assert_memorizes", "labelled_images", "scores_gradient"]

CLASSES = 10

# New values of the parameters, from the weights as they are and a gradient for each parameter.
Update = Callable[[modules.Weights, list[torch.Tensor]], Sequence[Any]]


class Adam:
    """Steps of Adam, taken on this side: nothing that an optimizer of the student's could spoil.

    torch's own would import a compiler first, for seconds, in the process of every submission.
    """

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._moments: list[tuple[torch.Tensor, torch.Tensor]] = []
        self._steps = 0

    def __call__(self, weights: modules.Weights, gradients: list[torch.Tensor]) -> list[torch.Tensor]:
        self._steps += 1
        past = self._moments or [(torch.zeros_like(gradient), torch.zeros_like(gradient)) for gradient in gradients]
        self._moments = [
            (0.9 * mean + 0.1 * gradient, 0.999 * square + 0.001 * gradient**2)
            for (mean, square), gradient in zip(past, gradients, strict=True)
        ]
        mean_share, square_share = 1 - 0.9**self._steps, 1 - 0.999**self._steps
        return [
            value - self._rate * (mean / mean_share) / ((square / square_share).sqrt() + 1e-8)
            for value, (mean, square) in zip(weights.parameters, self._moments, strict=True)
        ]


def labelled_images(count: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """(count, 3, 32, 32) float32 images less their mean, of order one, and their labels."""
    pixels, labels = draw_shapes(count, seed)
    images = pixels.to(torch.float32) / 64
    return images - images.mean(dim=(0, 2, 3), keepdim=True), labels


def scores_gradient(scores: Any, labels: torch.Tensor) -> torch.Tensor:
    """The gradient of the mean cross-entropy with respect to the scores. Raises CheckFailed for other than scores."""
    found = assert_kind(scores, (len(labels), CLASSES), what="the tensor of scores").detach()
    if not found.is_floating_point():
        raise CheckFailed("the scores are not floating-point numbers")
    leaf = found.clone().requires_grad_()
    F.cross_entropy(leaf, labels).backward()
    assert leaf.grad is not None
    return leaf.grad


def assert_memorizes(
    trusted: Proxy,
    weights: modules.Weights,
    images: torch.Tensor,
    labels: torch.Tensor,
    update: Update,
    *,
    steps: int,
    at_least: float,
    hint: str,
) -> None:
    """Fail unless so many steps, each on all images, teach a network most of them by heart.

    It trains in training mode, and is judged in evaluation mode. The network that runs is the reference's, so that no
    label reaches a worker, not even as a gradient of scores, which is negative where the label is.

    Args:
        trusted: the reference's network.
        weights: a submission's, in the order of the reference's.
    """
    for _ in range(steps):
        scores = modules.run(trusted, images, weights=weights, training=True).output
        run = modules.run(trusted, images, weights=weights, training=True, upstream=scores_gradient(scores, labels))
        gradients = [_gradient(found, own) for found, own in zip(run.parameters, weights.parameters, strict=True)]
        weights = modules.Weights(weights.slots, (*update(weights, gradients), *run.buffers))

    def trained(batch: torch.Tensor) -> Any:
        return modules.run(trusted, batch, weights=weights, training=False).output

    what = f"after {steps} steps on the same images, the network"
    assert_accuracy(scores_of(trained, images, CLASSES), labels, at_least=at_least, what=what, hint=hint)


def _gradient(found: Any, parameter: torch.Tensor) -> torch.Tensor:
    """Zeros where none arrived."""
    if found is None:
        return torch.zeros_like(parameter)
    gradient = plain_tensor(found, "a gradient")
    if (gradient.shape, gradient.dtype) != (parameter.shape, parameter.dtype):
        raise CheckFailed("a gradient is not of its parameter's shape and dtype")
    return gradient
