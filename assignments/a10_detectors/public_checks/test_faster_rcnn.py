"""Faster R-CNN: four losses that are finite on any image, detections, and the file that the notebook saves."""

import pytest
import torch
from measured import assert_detects

from autograder.checks import CheckFailed, assert_kind, load_artifact, modules


@pytest.mark.question("faster-rcnn")
@pytest.mark.parametrize("truths", [2, 0], ids=["two-boxes", "no-boxes"])
def test_four_losses(student, rng, truths):
    """Four finite losses in one tensor, also of an image without boxes."""
    model = modules.assert_module(student.build())
    targets = [{"boxes": rng.boxes(truths, 32, 48, dtype=torch.float32), "labels": rng.labels(truths, 3)}]
    images = rng.normal(1, 3, 32, 48, dtype=torch.float32)
    losses = model(images, targets, rng.uniform(1, 216).float(), rng.uniform(1, 64).float())
    assert_kind(losses, (4,), torch.float32, what="the losses")


@pytest.mark.question("faster-rcnn")
def test_detections(student, rng):
    """A dict of boxes, scores and labels for each image."""
    model = modules.assert_module(student.build())
    found = model.detect(rng.normal(2, 3, 32, 48, dtype=torch.float32))
    if type(found) is not list or len(found) != 2:
        raise CheckFailed("detect does not return a list with a dict for each image")
    for each in found:
        if type(each) is not dict or set(each) != {"boxes", "scores", "labels"}:
            raise CheckFailed("the detections are not dicts of boxes, scores and labels")


@pytest.mark.question("faster-rcnn-learns")
def test_saved(student):
    """The notebook has saved a trained network."""
    load_artifact(modules.assert_module(student.build()), "faster_rcnn.pt")


@pytest.mark.question("faster-rcnn-learns")
@pytest.mark.saved("faster_rcnn.pt")
@pytest.mark.parametrize("bar", [0.12, 0.22], ids=["half", "all"])
def test_saved_network(student, bar):
    """What the saved network detects in new scenes, with the bars of grading: half of the points, and all."""
    assert_detects(student, "faster_rcnn.pt", 64, 96, bar)
