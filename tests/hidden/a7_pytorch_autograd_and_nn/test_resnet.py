"""The network of blocks, on images of several sizes and channels, made of each of the blocks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
import torch
from comparing import assert_count, assert_same_module
from learning import CLASSES, Adam, assert_memorizes, labelled_images

from autograder.checks import CheckFailed, Draw, Proxy, fetch, modules

question = partial(pytest.mark.question, "resnet")

Stages = list[tuple[int, int, bool]]

COURSE: Stages = [(16, 3, False), (32, 4, True), (64, 6, True), (128, 3, True)]
STEPS, RATE, LEARNED = 20, 0.01, 0.6


@dataclass(frozen=True)
class Net:
    """A network, and images (N, C, H, W) for it."""

    name: str
    stages: Stages
    images: tuple[int, int, int, int]
    classes: int
    block: str = "ResidualBlock"

    def __str__(self) -> str:
        return f"{self.block}-{self.name}"

    def build(self, side: Proxy) -> Proxy:
        settings = {"in_channels": self.images[1], "block": getattr(side, self.block), "num_classes": self.classes}
        return modules.assert_module(side.ResNet(self.stages, **settings), "ResNet")


NETS = (
    Net("one-stage", [(5, 1, False)], (3, 3, 8, 8), 4),
    Net("grey-images", [(4, 1, True), (6, 2, True)], (4, 1, 11, 14), 7),
    Net("stages-of-one-width", [(4, 1, False), (4, 2, True), (4, 1, False)], (3, 2, 10, 7), 10),
    Net("four-stages", [(3, 1, False), (6, 1, True), (4, 1, False), (8, 1, True)], (3, 4, 24, 40), 3),
    Net("course-size", [(4, 2, False), (8, 1, True), (16, 1, True)], (2, 3, 32, 32), 10),
    Net("two-stages", [(4, 2, False), (7, 1, True)], (2, 1, 28, 28), 6, "PlainBlock"),
    Net("three-stages", [(3, 1, True), (5, 1, False), (6, 1, True)], (3, 4, 24, 16), 3, "PlainBlock"),
    Net("one-stage", [(3, 2, False)], (3, 3, 7, 6), 5, "ResidualBottleneck"),
    Net("three-stages", [(2, 1, False), (4, 2, True), (3, 1, True)], (3, 2, 12, 9), 10, "ResidualBottleneck"),
)
every_net = pytest.mark.parametrize("net", NETS, ids=str)


@question()
@every_net
def test_training(student: Proxy, reference: Proxy, rng: Draw, net: Net) -> None:
    """Scores, gradients for images and parameters, and running statistics after one call."""
    theirs, ours = net.build(student), net.build(reference)
    assert_same_module(rng, theirs, ours, rng.normal(*net.images), training=True, what="ResNet")


@question()
@every_net
def test_evaluation(student: Proxy, reference: Proxy, rng: Draw, net: Net) -> None:
    theirs, ours = net.build(student), net.build(reference)
    assert_same_module(rng, theirs, ours, rng.normal(*net.images), training=False, what="ResNet")


@question(weight=0.5)
@pytest.mark.parametrize(
    "block, count",
    (("PlainBlock", 1323418), (None, 1334170), ("ResidualBlock", 1334170), ("ResidualBottleneck", 1482266)),
    ids=("plain-34", "defaults", "resnet-34", "resnet-50"),
)
def test_parameters(student: Proxy, block: str | None, count: int) -> None:
    """As the handout counts them: three channels, ten classes, and residual blocks, if nothing else is said."""
    settings = {} if block is None else {"block": getattr(student, block)}
    assert_count(student.ResNet(COURSE, **settings), count, f"the network of {block or 'the default block'}")


@question(weight=0.5)
@every_net
def test_classifier(student: Proxy, net: Net) -> None:
    """`fc` is the linear layer from the last stage's channels to the scores."""
    model = net.build(student)
    children = {child.name: child for child in modules.describe(model).children}
    if "fc" not in children or "Linear" not in children["fc"].bases:
        raise CheckFailed("there is no attribute fc that is an nn.Linear")
    channels = net.stages[-1][0] * (4 if net.block == "ResidualBottleneck" else 1)
    found = fetch(model.fc.weight)
    if type(found) is not torch.Tensor or tuple(found.shape) != (net.classes, channels):
        hint = "a stage ends with channels * block.expansion channels"
        raise CheckFailed("fc does not lead from the channels of the last stage to num_classes scores", hint)


@question()
def test_learns(student: Proxy, rng: Draw, memo: Callable[..., Any]) -> None:
    """From the weights that it starts with, and by steps that are taken here."""
    images, labels = memo(labelled_images, 24, rng.seed())
    images = images[:, :, ::2, ::2].contiguous()  # a fourth of the time
    model = Net("", [(8, 1, True), (16, 1, True), (32, 1, True)], tuple(images.shape), CLASSES).build(student)
    hint = "look at how the weights start: as torch's layers draw them"
    assert_memorizes(model, images, labels, Adam(RATE), steps=STEPS, at_least=LEARNED, hint=hint)
