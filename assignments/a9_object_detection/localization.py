"""Assignment 9, part 3: what is it, and where? One network with two outputs, for images with exactly one animal.

Write your answers where a NotImplementedError is raised.

In pixels a box is (x1, y1, x2, y2), as in `boxes.py`. For the network it is *normalized*: (cx, cy, w, h), centre and
size, divided by (W, H, W, H), so that all four numbers lie between 0 and 1. Inputs are never modified; results have
the dtype and the device of the first tensor.
"""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = [
    "LocalizationNet",
    "create_localization_training",
    "denormalize_boxes",
    "multitask_loss",
    "normalize_boxes",
    "train_localization",
]


def normalize_boxes(boxes: Tensor, size: tuple[int, int]) -> Tensor:
    """Turn corners in pixels into centre and size, as parts of the image.

        (cx / W, cy / H, w / W, h / H)

    Args:
        boxes: (N, 4) floating point, (x1, y1, x2, y2) in pixels.
        size: (H, W), height and width of the image.

    Returns:
        (N, 4).

    Edge cases: N = 0 gives shape (0, 4). Law: `denormalize_boxes` takes the result back.

    >>> normalize_boxes(torch.tensor([[8.0, 0.0, 24.0, 24.0]]), (48, 64))
    tensor([[0.2500, 0.2500, 0.2500, 0.5000]])
    """
    # Your answer to localization-loss takes the place of the next line.
    raise NotImplementedError("localization-loss")


def denormalize_boxes(boxes: Tensor, size: tuple[int, int]) -> Tensor:
    """Turn centre and size, as parts of the image, into corners in pixels.

    Args:
        boxes: (N, 4) floating point, (cx, cy, w, h) divided by (W, H, W, H).
        size: (H, W), height and width of the image.

    Returns:
        (N, 4), (x1, y1, x2, y2) in pixels.

    Edge cases: N = 0 gives shape (0, 4). A box that reaches beyond the image is not cut. Law: `normalize_boxes` takes
    the result back.

    >>> denormalize_boxes(torch.tensor([[0.25, 0.25, 0.25, 0.5]]), (48, 64))
    tensor([[ 8.,  0., 24., 24.]])
    """
    # Your answer to localization-loss takes the place of the next line.
    raise NotImplementedError("localization-loss")


def multitask_loss(
    scores: Tensor, boxes: Tensor, labels: Tensor, targets: Tensor, weight: float
) -> tuple[Tensor, Tensor, Tensor]:
    """One loss for both questions, what and where, and its gradients.

        L = L_cls + weight L_reg
        L_cls = mean over n of -log softmax(scores[n])[labels[n]]
        L_reg = mean over n of the sum over four numbers k of (boxes[n, k] - targets[n, k])^2

    Args:
        scores: (N, C) floating point, raw, up to 1e4 in size.
        boxes: (N, 4), predicted, normalized. A network may predict any numbers, also outside of [0, 1].
        labels: (N,) int64 in [0, C).
        targets: (N, 4), true boxes, normalized.
        weight: >= 0, the lecture's lambda.

    Returns:
        (loss, dscores, dboxes): L as a 0-dimensional tensor, its gradients (N, C) and (N, 4).

    Edge cases: N = 0: the loss is 0 and the gradients are empty.

    >>> scores, labels = torch.zeros(2, 4), torch.tensor([3, 0])
    >>> boxes = torch.tensor([[0.5, 0.5, 0.5, 0.5]]).repeat(2, 1)
    >>> targets = torch.tensor([[0.5, 0.5, 0.25, 1.0]]).repeat(2, 1)
    >>> loss, dscores, dboxes = multitask_loss(scores, boxes, labels, targets, 2.0)
    >>> loss, dscores[0], dboxes[0]  # log 4 + 2 (1/16 + 1/4)
    (tensor(2.0113), tensor([ 0.1250,  0.1250,  0.1250, -0.3750]), tensor([ 0.0000,  0.0000,  0.5000, -1.0000]))

    Allowed: `softmax`, `log_softmax` and `logsumexp` of torch. Not its losses, and not autograd.
    Source: lecture 12, "Single object localization".
    """
    # Your answer to localization-loss takes the place of the next line.
    raise NotImplementedError("localization-loss")


class LocalizationNet(nn.Module):
    """A network that predicts the class and the box of the one animal in an image.

    One backbone computes features of the image, and two heads share them: one scores the classes, the other predicts
    the box. At most 400 000 parameters. You choose layers, widths and names.

    In evaluation mode the outputs are the same at every call, and those of an image do not depend on the other images
    of the batch. Both outputs depend on the backbone; no head depends on the output of the other.
    """

    def __init__(self, num_classes: int = 3, in_channels: int = 3) -> None:
        super().__init__()
        # Your answer to localization-net takes the place of the next line.
        raise NotImplementedError("localization-net")

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Score classes and predict a box.

        Args:
            x: (N, in_channels, 48, 64) floating point.

        Returns:
            (scores, boxes): raw scores (N, num_classes), without a softmax or sigmoid, and boxes (N, 4), normalized.
        """
        # Your answer to localization-net takes the place of the next line.
        raise NotImplementedError("localization-net")


def create_localization_training(
    num_classes: int, steps: int, device: str | torch.device
) -> tuple[nn.Module, torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler | None, float]:
    """Create the network, its optimizer and schedule, and the weight of the box loss.

    `train_localization` then runs `steps` steps of 32 images, and calls the schedule after each.

    Args:
        num_classes: of the network.
        steps: how many steps the training will have; a schedule may depend on it.
        device: the device of the network.

    Returns:
        (model, optimizer, schedule, weight): a LocalizationNet on the device, a torch optimizer of its parameters, a
        schedule of the learning rate or None, and the weight of `multitask_loss`, >= 0.

    Its results on new images are graded: the share of right classes, and the mean IoU of the boxes. README.md gives the
    required values.
    """
    # Your answer to localization-training takes the place of the next line.
    raise NotImplementedError("localization-training")


def train_localization(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler | None,
    data: Mapping[str, Tensor],
    weight: float,
    steps: int,
    batch_size: int = 32,
) -> dict[str, list[float]]:
    """Given: run a training. Images are drawn at random, and half of them are mirrored.

    Args:
        model, optimizer, schedule, weight: from `create_localization_training`.
        data: "images" (N, 3, H, W), "labels" (N,) int64, "boxes" (N, 4) normalized, all on the model's device.
        steps: how many.
        batch_size: images per step.

    Returns:
        A dict of two lists with one number per step: "classification" and "regression", both losses, not weighed.
    """
    history: dict[str, list[float]] = {"classification": [], "regression": []}
    images, labels, boxes = data["images"], data["labels"], data["boxes"]
    model.train()
    for _ in range(steps):
        batch = torch.randint(len(images), (batch_size,), device=images.device)
        mirrored = torch.rand(batch_size, device=images.device) < 0.5
        x = torch.where(mirrored[:, None, None, None], images[batch].flip(3), images[batch])
        target = boxes[batch].clone()
        target[mirrored, 0] = 1 - target[mirrored, 0]
        scores, found = model(x)
        classification = F.cross_entropy(scores, labels[batch])
        regression = (found - target).square().sum(dim=1).mean()
        optimizer.zero_grad()
        (classification + weight * regression).backward()
        optimizer.step()
        if schedule is not None:
            schedule.step()
        history["classification"].append(classification.item())
        history["regression"].append(regression.item())
    return history
