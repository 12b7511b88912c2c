"""Trains whatever turns images into scores, by any optimizer, and keeps the history as plain lists."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

import torch
import torch.nn.functional as F

__all__ = ["History", "Loss", "Measure", "Optimizer", "Schedule", "Scores", "accuracy", "evaluate", "train"]

Scores = Callable[[torch.Tensor], torch.Tensor]
Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
Measure = Callable[[torch.Tensor, torch.Tensor], float]
Augment = Callable[[torch.Tensor, torch.Tensor], tuple[torch.Tensor, torch.Tensor]]
History = dict[str, list[float]]


class Optimizer(Protocol):
    """What `train` asks of an optimizer; those of torch.optim have more."""

    def zero_grad(self) -> None:
        """Forget the gradients of the last step."""

    def step(self) -> None:
        """Change the parameters by their gradients."""


class Schedule(Protocol):
    """What `train` asks of a schedule of the learning rate, such as those of torch.optim.lr_scheduler."""

    def step(self) -> None:
        """Set the learning rate of the next step."""


def accuracy(output: torch.Tensor, target: torch.Tensor) -> float:
    """The share of labels whose score is the largest: scores (N, C, ...), labels (N, ...)."""
    return (output.argmax(dim=1) == target).float().mean().item()


def train(
    scores: Scores,
    optimizer: Optimizer,
    data: Mapping[str, torch.Tensor],
    *,
    epochs: int = 1,
    batch_size: int = 64,
    val_every: int = 50,
    schedule: Schedule | None = None,
    loss: Loss = F.cross_entropy,
    measure: Measure = accuracy,
    augment: Augment | None = None,
    verbose: bool = True,
) -> History:
    """Minimize a loss of the training images, the mean cross-entropy by default, in batches drawn without replacement.

    Args:
        scores: an nn.Module, or a function: (N, C, H, W) images to (N, classes) scores that autograd can follow. A
            module is in training mode while it trains, and in evaluation mode while it is measured.
        optimizer: holds the parameters of `scores`.
        data: X_train, y_train, X_val, y_val, all on the device of the parameters.
        epochs: passes over the training images. What does not fill a batch at the end of one is left out.
        batch_size: images per step.
        val_every: steps between two looks at the validation images; there is one more after the last step.
        schedule: its `step` is called after every step of the optimizer.
        loss: (output, target) to a scalar, where output is what `scores` made of images, and target their labels.
        measure: (output, target) to the number that the history keeps as train_acc and val_acc: the accuracy, unless
            another one is given.
        augment: (images, labels) to the images and labels of a step, such as mirrored ones.
        verbose: False prints nothing.

    Returns:
        A dict of lists of Python numbers: train_loss and train_acc, one entry per step, of that step's batch before
        the update; val_loss and val_acc, one entry per look; val_iter, the steps done by then.

    Raises:
        ValueError: there are no training images.
    """
    X, y = data["X_train"], data["y_train"]
    if len(X) == 0:
        raise ValueError("no images to train on")
    steps_per_epoch = max(1, len(X) // batch_size)
    total = epochs * steps_per_epoch
    history: History = {"train_acc": [], "train_loss": [], "val_acc": [], "val_loss": [], "val_iter": []}
    name = "accuracy" if measure is accuracy else getattr(measure, "__name__", "measure").replace("_", " ")
    for step, batch in enumerate(_batches(len(X), batch_size, epochs, X.device), start=1):
        images, target = (X[batch], y[batch]) if augment is None else augment(X[batch], y[batch])
        with _mode(scores, training=True):
            output = scores(images)
        value = loss(output, target)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        if schedule is not None:
            schedule.step()
        history["train_loss"].append(value.item())
        with torch.no_grad():
            history["train_acc"].append(measure(output, target))
        if step % val_every == 0 or step == total:
            val_acc, val_loss = evaluate(scores, data["X_val"], data["y_val"], loss=loss, measure=measure)
            for key, number in (("val_acc", val_acc), ("val_loss", val_loss), ("val_iter", step)):
                history[key].append(number)
            if verbose:
                print(f"step {step:4} of {total}: training loss {value.item():.3f}, validation {name} {val_acc:.3f}")
    return history


def evaluate(
    scores: Scores,
    X: torch.Tensor,
    y: torch.Tensor,
    batch_size: int = 200,
    *,
    loss: Loss = F.cross_entropy,
    measure: Measure = accuracy,
) -> tuple[float, float]:
    """Measure accuracy and mean cross-entropy, a module in evaluation mode and without gradients.

    Args:
        scores: as for `train`; its mode is afterwards what it was before.
        X: (N, C, H, W) images.
        y: (N,) int64 labels, or (N, H, W) for scores (N, classes, H, W).
        batch_size: images per call.
        loss, measure: as for `train`; called once, with the output for all images.

    Returns:
        (accuracy, loss): what `measure`, by default the accuracy in [0, 1], and `loss` give.

    Raises:
        ValueError: there are no images.
    """
    if len(X) == 0:
        raise ValueError("no images to measure on")
    with torch.no_grad(), _mode(scores, training=False):
        output = torch.cat([scores(images) for images in X.split(batch_size)])
        return measure(output, y), loss(output, y).item()


def _batches(count: int, batch_size: int, epochs: int, device: torch.device) -> Iterator[torch.Tensor]:
    """Indices of the images of each step, shuffled anew for each epoch."""
    for _ in range(epochs):
        order = torch.randperm(count, device=device)
        yield from order[: max(1, count // batch_size) * batch_size].split(batch_size)


@contextmanager
def _mode(scores: Scores, training: bool) -> Iterator[None]:
    """A module in this mode; a function has none."""
    if not isinstance(scores, torch.nn.Module):
        yield
        return
    before = scores.training
    scores.train(training)
    try:
        yield
    finally:
        scores.train(before)
