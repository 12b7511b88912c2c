"""A single stage: the lecture's numbers of cross-entropy and focal loss, shapes, and the file that the notebook
saves."""

import math

import pytest
import torch
from measured import assert_detects

from autograder.checks import assert_kind, assert_matches, load_artifact, modules, unpack


@pytest.mark.question("focal-loss")
@pytest.mark.parametrize("gamma", [0.0, 2.0], ids=["cross-entropy", "focal"])
def test_three_probabilities(student, gamma):
    """Right with probability 0.9, 0.5 and 0.1; the fourth does not count."""
    p = torch.tensor([0.9, 0.5, 0.1, 0.3], dtype=torch.float64)
    scores = torch.stack([p, 1 - p], dim=1).log()
    wanted = -((1 - p) ** gamma) * p.log()
    wanted[3] = 0.0
    found = student.focal_loss(scores, torch.tensor([0, 0, 0, -1]), gamma)
    assert_matches(found, wanted, what="the losses")


@pytest.mark.question("pyramid")
def test_pyramid_shapes(student, rng):
    """A map of 5 x 7 and one of 3 x 4 keep their sizes."""
    pyramid = modules.assert_module(student.FeaturePyramid([4, 6], 8))
    maps = [rng.normal(1, 4, 5, 7, dtype=torch.float32), rng.normal(1, 6, 3, 4, dtype=torch.float32)]
    fine, coarse = unpack(pyramid(maps), "fine", "coarse")
    assert_kind(fine, (1, 8, 5, 7), torch.float32, what="the finer map")
    assert_kind(coarse, (1, 8, 3, 4), torch.float32, what="the coarser map")


@pytest.mark.question("retinanet")
def test_head_shapes(student, rng):
    """Six anchors and 20 classes on a map of 20 x 15: 1800 rows of 21 scores, which are 126 channels."""
    head = modules.assert_module(student.RetinaHead(8, 6, 20))
    scores, transforms = unpack(head([rng.normal(1, 8, 20, 15, dtype=torch.float32)]), "scores", "transforms")
    assert_kind(scores, (1, 1800, 21), torch.float32, what="the scores")
    assert_kind(transforms, (1, 1800, 4), torch.float32, what="the transforms")


@pytest.mark.question("retinanet")
def test_losses_by_hand(student):
    """Two undecided anchors, one of them an object whose t_x is 1 after scaling."""
    anchors = torch.tensor([[0.0, 0, 10, 10], [20, 20, 30, 30]], dtype=torch.float64)
    truth = {"boxes": torch.tensor([[1.0, 0, 11, 10]], dtype=torch.float64), "labels": torch.tensor([0])}
    scores, transforms = torch.zeros(1, 2, 2).double(), torch.zeros(1, 2, 4).double()
    found = student.retinanet_losses(scores, transforms, anchors, [truth])
    wanted = torch.tensor([2 * 0.25 * math.log(2), 0.5], dtype=torch.float64)
    assert_matches(found, wanted, what="the two losses")


@pytest.mark.question("retinanet-learns")
def test_saved(student):
    """The notebook has saved a trained network."""
    load_artifact(modules.assert_module(student.build()), "retinanet.pt")


@pytest.mark.question("retinanet-learns")
@pytest.mark.saved("retinanet.pt")
@pytest.mark.parametrize("bar", [0.12, 0.22], ids=["half", "all"])
def test_saved_network(student, bar):
    """What the saved network detects in new scenes, with the bars of grading: half of the points, and all."""
    assert_detects(student, "retinanet.pt", 96, 128, bar)
