"""The network of blocks, on images of several sizes and channels, made of each of the blocks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import pytest
import torch
from comparing import assert_count, assert_same_module
from learning import CLASSES, Adam, assert_memorizes, labelled_images

from autograder.checks import CheckFailed, Draw, Memo, Proxy, StudentError, assert_matches, assign, fetch, modules

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
    Net("course-size", [(4, 2, False), (6, 1, True), (8, 1, True), (10, 1, True)], (2, 3, 32, 32), 10),
    Net("course-size", [(4, 1, False), (6, 2, True), (8, 1, True), (10, 1, True)], (2, 3, 32, 32), 10, "PlainBlock"),
    Net("two-stages", [(4, 2, False), (7, 1, True)], (2, 1, 28, 28), 6, "PlainBlock"),
    Net("three-stages", [(3, 1, True), (5, 1, False), (6, 1, True)], (3, 4, 24, 16), 3, "PlainBlock"),
    Net("one-stage", [(3, 2, False)], (3, 3, 7, 6), 5, "ResidualBottleneck"),
    Net("three-stages", [(2, 1, False), (4, 2, True), (3, 1, True)], (3, 2, 12, 9), 10, "ResidualBottleneck"),
)
# Half of the weight lies on images, stages and classes as the handout has them.
WEIGHTS = [4.0 if net.name.startswith("course") else 1.0 for net in NETS]
every_net = pytest.mark.parametrize(
    "net",
    [
        pytest.param(net, id=str(net), marks=pytest.mark.question("resnet", weight=weight))
        for net, weight in zip(NETS, WEIGHTS, strict=True)
    ],
)


@every_net
def test_training(student: Proxy, reference: Proxy, rng: Draw, net: Net) -> None:
    """In training mode, the scores, gradients and running statistics of `ResNet` are right."""
    theirs, ours = net.build(student), net.build(reference)
    assert_same_module(rng, theirs, ours, rng.normal(*net.images), training=True, what="ResNet")


@every_net
def test_evaluation(student: Proxy, reference: Proxy, rng: Draw, net: Net) -> None:
    """In evaluation mode, the scores and gradients of `ResNet` are right, and running statistics do not change."""
    theirs, ours = net.build(student), net.build(reference)
    assert_same_module(rng, theirs, ours, rng.normal(*net.images), training=False, what="ResNet")


@question(weight=0.5)
@pytest.mark.parametrize(
    "block, count",
    (("PlainBlock", 1323418), (None, 1334170), ("ResidualBlock", 1334170), ("ResidualBottleneck", 1482266)),
    ids=("plain-34", "defaults", "resnet-34", "resnet-50"),
)
def test_parameters(student: Proxy, reference: Proxy, rng: Draw, block: str | None, count: int) -> None:
    """`ResNet` has the number of parameters that the handout names.

    Three channels, ten classes and residual blocks are the defaults.
    """
    theirs, ours = (
        side.ResNet(COURSE, **({"block": getattr(side, block)} if block else {})) for side in (student, reference)
    )
    x = rng.normal(1, 3, 32, 32)  # float64: 34 layers make a rounding error of float32 1,000 times as large
    what = f"the network of {block or 'the default block'}"
    assert_count(rng, modules.assert_module(theirs, what), ours, x, count, what)


@question()
@pytest.mark.parametrize("net", (NETS[0], NETS[-1]), ids=str)
def test_classifier(student: Proxy, rng: Draw, net: Net) -> None:
    """`fc` is the linear layer that makes the scores.

    It leads from the last stage's channels to the scores: at weight 0, these are its bias.
    """
    model, x = net.build(student), rng.normal(*net.images, dtype=torch.float32)
    modules.describe(model, x)
    channels = net.stages[-1][0] * (4 if net.block == "ResidualBottleneck" else 1)
    try:
        found = fetch(model.fc.weight)
    except StudentError:
        found = None
    if type(found) is not torch.Tensor or tuple(found.shape) != (net.classes, channels):
        hint = "a stage ends with channels * block.expansion channels"
        raise CheckFailed("fc does not lead from the channels of the last stage to num_classes scores", hint)
    bias = rng.normal(net.classes, dtype=torch.float32)
    assign(model.fc.weight, "data", torch.zeros_like(found))
    assign(model.fc.bias, "data", bias)
    assert_matches(model(x), bias.expand(len(x), -1), what="the scores of an fc with weight 0")


@question()
def test_learns(student: Proxy, reference: Proxy, rng: Draw, memo: Memo) -> None:
    """From the first weights of `ResNet`, a training recognizes a few images.

    The steps are taken here, on a network that is right.
    """
    images, labels = memo(labelled_images, 24, rng.seed())
    images = images[:, :, ::2, ::2].contiguous()  # a fourth of the time
    net = Net("", [(8, 1, True), (16, 1, True), (32, 1, True)], tuple(images.shape), CLASSES)
    ours = net.build(reference)
    start = modules.read(net.build(student), images, like=ours)
    hint = "look at how the weights start: as torch's layers draw them"
    assert_memorizes(ours, start, images, labels, Adam(RATE), steps=STEPS, at_least=LEARNED, hint=hint)
