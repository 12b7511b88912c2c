"""Faster R-CNN: its four losses, their gradients, what it detects, and what the trained network detects.

The network is built around the student's own heads, which are asked about before, on a backbone of one convolution in
float64: a step of proposals cannot hang on the last bit.
"""

from __future__ import annotations

from functools import partial

import pytest
import torch
from comparing_parts import answers, assert_detections, average_precision, scenes

from autograder.checks import (
    CheckFailed,
    Draw,
    Memo,
    Proxy,
    assert_matches,
    assert_reaches,
    fetch,
    load_artifact,
    modules,
    patient,
    plain_tensor,
)

question = partial(pytest.mark.question, "faster-rcnn")
learns_question = partial(pytest.mark.question, "faster-rcnn-learns")

DOUBLE = torch.float64
FILE, SCENES, BARS = "faster_rcnn.pt", 30, (0.12, 0.22)
LOSSES = ("RPN classification", "RPN box", "classification of regions", "box of regions")
HEIGHT, WIDTH, STRIDE, CHANNELS, LABELS = 32, 48, 8, 5, 3
SIZES, RATIOS = (10.0, 18.0), (0.6, 1.6)
ANCHORS = (HEIGHT // STRIDE) * (WIDTH // STRIDE) * len(SIZES) * len(RATIOS)
Targets = list[dict[str, torch.Tensor]]


def networks(student: Proxy, reference: Proxy, rng: Draw, images: torch.Tensor, **settings: object) -> list[Proxy]:
    """The student's and ours, on the same weights."""
    made = []
    for side in (student, reference):
        backbone = side.nn.Conv2d(3, CHANNELS, 3, stride=STRIDE, padding=1)
        rpn, head = side.RPNHead(CHANNELS, 6, len(SIZES) * len(RATIOS)), side.BoxHead(CHANNELS, 3, 7, LABELS)
        settings = {
            "stride": STRIDE,
            "sizes": SIZES,
            "ratios": RATIOS,
            "num_classes": LABELS,
            "pool_size": 3,
            **settings,
        }
        model = side.FasterRCNN(backbone, rpn, head, **settings)
        made.append(modules.assert_module(model, "FasterRCNN(...)"))
    theirs, ours = made
    inputs = {
        "backbone": images,
        "rpn": rng.normal(1, CHANNELS, 3, 4),
        "head": rng.normal(2, CHANNELS, 3, 3),
    }
    for part, x in inputs.items():
        weights = modules.draw_weights(rng, getattr(ours, part), x)
        for side in (theirs, ours):
            modules.load(getattr(side, part), weights, x)
    return made


def pictures(rng: Draw, *truths: int) -> tuple[torch.Tensor, Targets]:
    targets = [{"boxes": rng.boxes(count, HEIGHT, WIDTH), "labels": rng.labels(count, LABELS)} for count in truths]
    return rng.normal(len(truths), 3, HEIGHT, WIDTH), targets


def chances(rng: Draw, images: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Priorities of anchors, and of more regions than there can be."""
    return rng.distinct(images, ANCHORS), rng.distinct(images, 160)


CASES = {"two-images": (3, 2), "an-empty-one": (0, 3), "no-boxes": (0, 0), "one-image": (4,)}
every_case = pytest.mark.parametrize("truths", CASES.values(), ids=CASES)


@question(weight=2.0)
@every_case
@pytest.mark.parametrize("number", range(4), ids=["rpn-class", "rpn-box", "class", "box"])
def test_losses(student: Proxy, reference: Proxy, rng: Draw, memo: Memo, truths: tuple[int, ...], number: int) -> None:
    """Each of the four losses, with images without boxes among them."""
    images, targets = pictures(rng, *truths)
    theirs, ours = networks(student, reference, rng, images, regions=10)
    priorities = chances(rng, len(truths))
    found = plain_tensor(theirs(images, targets, *priorities), "the losses").detach()
    wanted = ours(images, targets, *priorities).detach()
    assert_matches(found, wanted, rtol=0.0, atol=float("inf"), what="the losses")
    assert_matches(found[number], wanted[number], what=f"the loss {number + 1}, {LOSSES[number]}")


@question()
@every_case
def test_gradients(student: Proxy, reference: Proxy, rng: Draw, truths: tuple[int, ...]) -> None:
    """The gradient of the weighed losses with respect to the images."""
    images, targets = pictures(rng, *truths)
    theirs, ours = networks(student, reference, rng, images)
    upstream = torch.tensor([1.0, -0.6, 0.8, 1.3], dtype=DOUBLE)
    found, wanted = (
        modules.run(side, images, targets, *priorities, training=True, upstream=upstream, wrt=(0,))
        for priorities in [chances(rng, len(truths))]
        for side in (theirs, ours)
    )
    answers(found, wanted, "the losses")


@question()
@pytest.mark.parametrize("settings", [{}, {"proposals": (40, 6)}], ids=["defaults", "few-proposals"])
def test_detect(student: Proxy, reference: Proxy, rng: Draw, settings: dict[str, tuple[int, int]]) -> None:
    """What the network detects in two images."""
    images, _ = pictures(rng, 0, 0)
    theirs, ours = networks(student, reference, rng, images)
    found, wanted = theirs.detect(images, **settings), ours.detect(images, **settings)
    if type(found) is not list or len(found) != 2:
        raise CheckFailed("detect does not return a list with a dict for each image")
    for mine, right in zip(found, wanted, strict=True):
        assert_detections(mine, right)


@question(weight=0.5)
@pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
def test_mode(student: Proxy, reference: Proxy, rng: Draw, training: bool) -> None:
    """Detecting is done in evaluation mode, and leaves the network's mode as it was."""
    images = rng.normal(2, 3, HEIGHT, WIDTH, dtype=torch.float32)
    model = modules.assert_module(student.build(), "build()")
    model.train(training)
    found = model.detect(images)
    if fetch(model.training) is not training:
        raise CheckFailed("detect leaves the network in another mode than before", "put it back, at the end")
    model.eval()
    for first, again in zip(found, model.detect(images), strict=True):
        for key in ("boxes", "scores", "labels"):
            assert_matches(first[key], again[key], what=f'"{key}" of the detections after a call in training mode')


@learns_question()
@pytest.mark.parametrize("bar", BARS, ids=("half", "all"))
def test_trained_network(student: Proxy, rng: Draw, memo: Memo, bar: float) -> None:
    """What the saved network detects in new scenes, whose truth it never sees."""
    model = modules.assert_module(student.build(), "build()")
    load_artifact(model, FILE)
    images, truths = memo(scenes, SCENES, rng.seed(), 64, 96)
    reached = average_precision(patient(model.detect, 60.0), images, truths)
    assert_reaches(reached, bar, f"the average precision of the network in {FILE}", hint="save it after the training")
