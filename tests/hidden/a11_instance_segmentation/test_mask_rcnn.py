"""Mask R-CNN as a whole: its five losses, and the masks of boxes, given and its own."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import pytest
import torch
from animals import one_image, scenes_with
from differentiated import compare_parameters

from autograder.checks import CheckFailed, Draw, Memo, Proxy, assert_matches, assert_reaches, load_artifact, modules
from autograder.checks import plain_tensor as plain

question = partial(pytest.mark.question, "mask-rcnn")

HEIGHT, WIDTH = 32, 48
ANCHORS = 4 * 6 * 9
FILE, SIZE, SCENES, BAR = "mask_rcnn.pt", (64, 96), 30, 0.55


def networks(
    student: Proxy, reference: Proxy, rng: Draw, pool_size: int = 4, detector: float = 1.0
) -> tuple[Proxy, Proxy]:
    """Two networks with the same weights, the detector's as it is given and all of them drawn.

    Args:
        detector: what the weights of its two stages are multiplied by: the smaller, the more its boxes are anchors.
    """
    pair = []
    for side in (student, reference):
        head = modules.assert_module(side.MaskHead(32, 7, 1, 3), "MaskHead()")
        pair.append(
            modules.assert_module(side.MaskRCNN(side.build_detector(), head, pool_size=pool_size), "MaskRCNN()")
        )
    theirs, ours = pair
    features = rng.normal(2, 32, pool_size, pool_size)
    images = rng.normal(1, 3, HEIGHT, WIDTH)
    for part, inputs in (("mask_head", features), ("detector.backbone", images)):
        found, wanted = (_part(model, part) for model in (theirs, ours))
        weights = modules.draw_weights(rng, wanted, inputs)
        modules.load(wanted, weights, inputs)
        modules.load(found, weights, inputs)
    # What lies between is given code, defined in one order.
    for name in ("lateral", "output", "rpn", "head"):
        found, wanted = (_part(model, f"detector.{name}") for model in (theirs, ours))
        weights = modules.draw_weights(rng, wanted)
        if name in ("rpn", "head"):
            weights = replace(weights, values=tuple(detector * value for value in weights.values))
        modules.load(wanted, weights)
        modules.load(found, weights)
    return theirs, ours


def _part(model: Proxy, path: str) -> Proxy:
    part = model
    for name in path.split("."):
        part = getattr(part, name)
    return part


def batch(rng: Draw, objects: tuple[int, ...]) -> list[Any]:
    """Arguments of `forward`: so many objects in each image."""
    targets = [one_image(rng, count, HEIGHT, WIDTH) for count in objects]
    count = len(objects)
    return [rng.normal(count, 3, HEIGHT, WIDTH), targets, rng.uniform(count, ANCHORS), rng.uniform(count, 64)]


@question()
@pytest.mark.parametrize("objects", [(2, 3), (0,), (2, 0, 1)], ids=["two-images", "no-objects", "one-of-them-empty"])
def test_losses(student: Proxy, reference: Proxy, rng: Draw, objects: tuple[int, ...]) -> None:
    """The five losses, and their gradients with respect to the images."""
    arguments = batch(rng, objects)
    upstream = torch.tensor([0.5, -1.0, 2.0, 1.5, 3.0], dtype=torch.float64)
    runs = []
    for model in networks(student, reference, rng):
        run = modules.run(model, *arguments, training=True, upstream=upstream, wrt=[0])
        runs.append(replace(run, slots=(), parameters=(), buffers=()))
    modules.assert_same_run(*runs, what="MaskRCNN")


@question(weight=0.5)
def test_parameters(student: Proxy, reference: Proxy, rng: Draw) -> None:
    """The gradients that arrive at the parameters of the detector and of the mask head."""
    arguments = batch(rng, (2, 3))
    upstream = torch.tensor([0.5, -1.0, 2.0, 1.5, 3.0], dtype=torch.float64)
    compare_parameters(*networks(student, reference, rng), arguments, upstream, "MaskRCNN", wrt=[0])


both_modes = pytest.mark.parametrize("training", [False, True], ids=["evaluation", "training"])


@question()
@both_modes
def test_masks_of_boxes(student: Proxy, reference: Proxy, rng: Draw, training: bool) -> None:
    """The masks of given boxes in three images, one of them without boxes, in either mode of the network."""
    images = rng.normal(3, 3, HEIGHT, WIDTH)
    boxes = [one_image(rng, count, HEIGHT, WIDTH) for count in (3, 0, 2)]
    given = [{"boxes": one["boxes"].double(), "labels": one["labels"]} for one in boxes]
    theirs, ours = networks(student, reference, rng)
    for model in (theirs, ours):
        model.train(training)
    compare_masks(theirs.masks(images, given), ours.masks(images, given))
    if modules.describe(theirs).training is not training:
        raise CheckFailed("masks changes the mode of the network", "it works in the current mode, whichever that is")


@question(weight=0.3)
def test_masks_over_the_border(student: Proxy, reference: Proxy, rng: Draw) -> None:
    """The masks of boxes of which parts lie outside of the image."""
    labels = torch.tensor([0, 2, 1])
    boxes = torch.tensor([[-21.0, -9.5, 14.25, 17.0], [30.5, -13.0, 61.0, 20.0], [8.0, 12.75, 25.0, 47.5]]).double()
    given = [{"boxes": boxes, "labels": labels}]
    cut = [{"boxes": boxes.clamp(min=0), "labels": labels}]
    theirs, ours = networks(student, reference, rng)

    def draw(rng: Draw) -> tuple[torch.Tensor, Any, Any]:
        images = rng.normal(1, 3, HEIGHT, WIDTH)
        return images, ours.masks(images, given), ours.masks(images, cut)

    for model in (theirs, ours):
        model.eval()
    images, wanted, _ = rng.until(draw, lambda drawn: bool((drawn[1][0] != drawn[2][0]).any()))
    compare_masks(theirs.masks(images, given), wanted)


def compare_masks(found: Any, wanted: Any) -> None:
    if type(found) not in (list, tuple) or len(found) != len(wanted):
        raise CheckFailed(f"the masks are no list of {len(wanted)}, one for each image")
    for one, other in zip(found, wanted, strict=True):
        assert_matches(one, other, what="the masks of an image")


def tells(detections: Any) -> bool:
    """Whether three masks of each image have pixels, and lack some that their boxes have."""
    for one in detections:
        x1, y1, x2, y2 = one["boxes"].unbind(dim=1)
        pixels = one["masks"].flatten(1).sum(dim=1)
        if int(((pixels > 0) & (pixels < 0.9 * (x2 - x1) * (y2 - y1))).sum()) < 3:
            return False
    return True


@question(weight=0.6)
@both_modes
def test_detections(student: Proxy, reference: Proxy, rng: Draw, training: bool) -> None:
    """The detections of a network in either mode: boxes, scores, labels and masks."""
    theirs, ours = networks(student, reference, rng, detector=0.3)
    for model in (theirs, ours):
        model.train(training)
    images, wanted = rng.until(
        lambda rng: (drawn := rng.normal(2, 3, HEIGHT, WIDTH), ours.detect(drawn)), lambda pair: tells(pair[1])
    )
    found = theirs.detect(images)
    if type(found) not in (list, tuple) or len(found) != len(wanted) or any(type(one) is not dict for one in found):
        raise CheckFailed("the detections are no list with a dict for each image")
    for one, other in zip(found, wanted, strict=True):
        for name in ("boxes", "scores", "labels", "masks"):
            if name not in one:
                raise CheckFailed(f"a detection has no {name}")
            assert_matches(one[name], other[name], what=f"the {name} of the detections")
    if modules.describe(theirs).training is not training:
        before, after = ("training", "evaluation") if training else ("evaluation", "training")
        raise CheckFailed(f"detect leaves a network that was in {before} mode in {after} mode")


@pytest.mark.question("mask-rcnn-learns")
def test_trained_network(student: Proxy, rng: Draw, memo: Memo) -> None:
    """The mean IoU of the saved network's masks on new scenes."""
    model = modules.assert_module(student.build(), "build()")
    load_artifact(model, FILE)
    model.eval()
    images, truths = memo(scenes_with, SCENES, rng.seed(), *SIZE)
    overlaps: list[float] = []
    for first in range(0, len(truths), 10):
        some = truths[first : first + 10]
        given = [{"boxes": one["boxes"], "labels": one["labels"]} for one in some]
        found = model.masks(images[first : first + 10], given)
        if type(found) not in (list, tuple) or len(found) != len(some):
            raise CheckFailed("masks() does not return one tensor for each image")
        for masks, one in zip(found, some, strict=True):
            answer, wanted = plain(masks, "the masks"), one["masks"]
            if answer.shape != wanted.shape or not bool(((answer == 0) | (answer == 1)).all()):
                raise CheckFailed("masks() does not return (D, H, W) bool for each image")
            answer = answer == 1
            either = (answer | wanted).flatten(1).sum(dim=1).clamp(min=1)
            overlaps += ((answer & wanted).flatten(1).sum(dim=1) / either).tolist()
    mean = sum(overlaps) / len(overlaps)
    assert_reaches(mean, BAR, f"the mean IoU of the masks of the network in {FILE}", hint="save it after the training")
