"""Judges trained models by scores that are fetched and measured here: a worker's statement about itself is no result.

The labels of held-out images never travel to the worker.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch

from autograder.checks.compare.compare import plain_tensor, shown
from autograder.checks.compare.verbs import be
from autograder.errors import CheckFailed

__all__ = ["accuracy", "assert_accuracy", "assert_reaches", "scores_of"]


def scores_of(
    call: Callable[[torch.Tensor], Any], images: torch.Tensor, classes: int, batch: int = 100
) -> torch.Tensor:
    """Scores of all images, asked for batch by batch.

    Args:
        call: turns (n, ...) images into (n, classes) scores, for example `model.loss`.
        images: (N, ...).

    Returns:
        (N, classes) finite scores, float64.

    Raises:
        CheckFailed: scores of another type or shape, or NaN or infinity among them.
    """
    parts = []
    for chunk in torch.split(images, batch):
        scores = plain_tensor(call(chunk), "the scores")
        wanted = (len(chunk), classes)
        if scores.shape != wanted:
            raise CheckFailed(f"the scores have {shown(tuple(scores.shape), wanted)}")
        parts.append(scores.detach().cpu().to(torch.float64))
    joined = torch.cat(parts)
    stray = int((~joined.isfinite()).sum())
    if stray:
        hint = "did the training diverge? Try a smaller learning rate"
        raise CheckFailed(f"{stray} of {joined.numel()} scores are NaN or infinite", hint)
    return joined


def accuracy(scores: torch.Tensor, labels: torch.Tensor) -> float:
    """The share of rows whose best score is that of their label: (N, classes), (N,) -> [0, 1].

    A tie for the best score counts as wrong, so that equal scores for everything earn nothing.
    """
    best = scores.max(dim=1, keepdim=True).values
    alone = (scores == best).sum(dim=1) == 1
    return float(((scores.argmax(dim=1) == labels) & alone).to(torch.float64).mean())


def assert_accuracy(
    scores: torch.Tensor, labels: torch.Tensor, *, at_least: float, what: str = "the model", hint: str = ""
) -> None:
    """Fail unless the accuracy reaches the bar.

    Raises:
        CheckFailed: with both accuracies in whole percent.
    """
    reached = accuracy(scores, labels)
    if reached < at_least:
        # Rounded down, so that a miss never reads like the bar itself.
        message = f"{what} gets {int(reached * 100)} % of {len(labels)} images right, wanted {at_least * 100:.0f} %"
        raise CheckFailed(message, hint, value=scores)


def assert_reaches(value: float, bar: float, what: str, *, hint: str = "") -> None:
    """Fail unless a figure that was measured here, a mean IoU for example, reaches the bar.

    Args:
        value: the figure; NaN reaches no bar.
        bar: the least value that passes.
        what: the figure's name in the message, "the mean IoU after 60 steps".

    Raises:
        CheckFailed: with the figure, rounded down to three decimals, and the bar.

    >>> assert_reaches(0.41299, 0.45, "the mean IoU")
    Traceback (most recent call last):
    autograder.errors.CheckFailed: the mean IoU is 0.412, wanted at least 0.45
    """
    if value >= bar:
        return
    # Rounded down, so that a miss never reads like the bar itself.
    found = f"{math.floor(value * 1000) / 1000:g}" if math.isfinite(value) else "not finite"
    message = f"{what} {be(what)} {found}, wanted at least {bar:g}"
    raise CheckFailed(message, hint, value=torch.tensor(value, dtype=torch.float64))
