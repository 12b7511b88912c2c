"""Drawn scenes as the trainings of this assignment see them, and what a trained network's answers are worth.

Whoever trains gets training images with their labels, and of the images that count nothing but pixels: labels and boxes
of those stay here, and so does the measuring.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from slow_boxes import iou_matrix
from slow_evaluation import table
from slow_localization import denormalized, normalized

from autograder.checks import CheckFailed, plain_tensor
from common.scenes import THINGS, draw_scene

__all__ = ["CLASSES", "SIZE", "answers_of", "average_precision_of", "crowded", "single", "where_and_what"]

CLASSES = len(THINGS)
SIZE = (48, 64)
FEW = 200  # images or crops per call

Answers = tuple[torch.Tensor, torch.Tensor]


def single(count: int, seed: int) -> dict[str, torch.Tensor]:
    """Scenes with exactly one animal, near: images (N, 3, 48, 64) float32 around 0, labels, boxes (N, 4) normalized."""
    images, labels, boxes, index = [], [], [], 0
    while len(images) < count:
        scene = draw_scene(seed, index, height=SIZE[0], width=SIZE[1], things=(1, 1), near=(0.85, 1.0))
        index += 1
        if len(scene.things) == 1:
            images.append(torch.from_numpy(scene.image))
            labels.append(THINGS.index(scene.things[0].kind))
            boxes.append(scene.things[0].box)
    corners = torch.tensor(boxes, dtype=torch.float64)
    return {
        "images": torch.stack(images).to(torch.float32) / 255 - 0.5,
        "labels": torch.tensor(labels),
        "boxes": normalized(corners, SIZE).to(torch.float32),
    }


def crowded(count: int, seed: int) -> list[dict[str, torch.Tensor]]:
    """Scenes with one to three animals: per scene image (3, 48, 64) float32 in [0, 1], boxes (G, 4), labels (G,)."""
    found = []
    for index in range(count):
        scene = draw_scene(seed, index, height=SIZE[0], width=SIZE[1], things=(1, 3), near=(0.7, 1.0))
        boxes = torch.tensor([thing.box for thing in scene.things], dtype=torch.float32).reshape(-1, 4)
        labels = torch.tensor([THINGS.index(thing.kind) for thing in scene.things], dtype=torch.int64)
        image = torch.from_numpy(scene.image).to(torch.float32) / 255
        found.append({"image": image, "boxes": boxes, "labels": labels})
    return found


def answers_of(model: Callable[..., Any], images: torch.Tensor, classes: int) -> Answers:
    """What a network with two outputs says: scores (N, classes) and four numbers each (N, 4), float64 and finite.

    Raises:
        CheckFailed: outputs of another kind or shape, or NaN or infinity among them.
    """
    found: list[Answers] = []
    for batch in images.split(FEW):
        returned = model(batch)
        if type(returned) not in (tuple, list) or len(returned) != 2:
            raise CheckFailed("the network does not return two tensors: scores, and four numbers for each image")
        pair = [plain_tensor(part, what).detach() for part, what in zip(returned, ("scores", "boxes"), strict=True)]
        for part, width, what in zip(pair, (classes, 4), ("first", "second"), strict=True):
            if part.shape != (len(batch), width) or not part.is_floating_point():
                wanted = (len(batch), width)
                raise CheckFailed(f"the network's {what} output has shape {tuple(part.shape)}, wanted {wanted}")
        found.append((pair[0].cpu().to(torch.float64), pair[1].cpu().to(torch.float64)))
    scores, numbers = (torch.cat(parts) for parts in zip(*found, strict=True))
    if not bool(scores.isfinite().all() and numbers.isfinite().all()):
        raise CheckFailed("the network's outputs are NaN or infinite", "did the training diverge?")
    return scores, numbers


def where_and_what(answers: Answers, data: dict[str, torch.Tensor]) -> tuple[float, float]:
    """(share of right classes, mean IoU of the boxes with the true ones)."""
    scores, boxes = answers
    right = float((scores.argmax(dim=1) == data["labels"]).to(torch.float64).mean())
    found, true = (denormalized(part, SIZE) for part in (boxes, data["boxes"]))
    overlaps = [float(iou_matrix(found[n : n + 1], true[n : n + 1])) for n in range(len(found))]
    return right, sum(overlaps) / len(overlaps)


def average_precision_of(detections: list[dict[str, torch.Tensor]], scenes: list[dict[str, torch.Tensor]]) -> float:
    """The mean over classes of the average precision at IoU 0.5."""
    ap = table(detections, scenes, CLASSES, [0.5])
    return float(ap[~ap.isnan()].mean())
