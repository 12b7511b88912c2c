"""Fast R-CNN: labels, the head, its losses and detections, by hand and at random."""

import pytest
import torch

from autograder.checks import CheckFailed, assert_kind, assert_matches, modules, unpack


def boxes(*rows):
    return torch.tensor(rows, dtype=torch.float64).reshape(-1, 4)


@pytest.mark.question("proposal-labels")
def test_labels_by_hand(student):
    """A proposal on a box, one far away, and one whose IoU is exactly the threshold."""
    proposals = boxes([0, 0, 4, 2], [7, 7, 9, 9], [0, 0, 2, 2])
    found = student.label_proposals(proposals, boxes([0, 0, 4, 2], [30, 0, 40, 9]), torch.tensor([2, 0]))
    classes, matches = unpack(found, "classes", "matches")
    assert_matches(classes, torch.tensor([3, 0, 3]), what="the classes")
    assert_matches(matches, torch.tensor([0, -1, 0]), what="the matches")


@pytest.mark.question("proposal-labels")
def test_no_boxes(student):
    """Where nothing is true, all is background."""
    found = student.label_proposals(boxes([0, 0, 4, 2]), boxes(), torch.zeros(0, dtype=torch.int64))
    classes, matches = unpack(found, "classes", "matches")
    assert_matches(classes, torch.tensor([0]), what="the classes")
    assert_matches(matches, torch.tensor([-1]), what="the matches")


@pytest.mark.question("fast-rcnn-head")
@pytest.mark.parametrize("count", [2, 1, 0])
def test_head_shapes(student, rng, count):
    """Scores and transforms of two regions, of one, and of none."""
    head = modules.assert_module(student.BoxHead(8, 5, 16, 3))
    scores, transforms = unpack(head(rng.normal(count, 8, 5, 5, dtype=torch.float32)), "scores", "transforms")
    assert_kind(scores, (count, 4), torch.float32, what="the scores")
    assert_kind(transforms, (count, 3, 4), torch.float32, what="the transforms")


@pytest.mark.question("fast-rcnn-losses")
def test_losses_by_hand(student):
    """Undecided scores cost log 3; a box that is off by 0.5 and by 3; NaN in the targets of background."""
    targets = torch.tensor([[0.5, 0.0, 0.0, 3.0], [float("nan")] * 4], dtype=torch.float64)
    scores, transforms = torch.zeros(2, 3, dtype=torch.float64), torch.zeros(2, 2, 4, dtype=torch.float64)
    found = unpack(student.fast_rcnn_losses(scores, transforms, torch.tensor([2, 0]), targets), "classes", "boxes")
    assert_matches(found[0], torch.tensor(3.0, dtype=torch.float64).log(), what="the classification loss")
    assert_matches(found[1], torch.tensor(1.3125, dtype=torch.float64), what="the box loss")


@pytest.mark.question("fast-rcnn-losses")
def test_losses(student, reference, rng):
    """Regions at random, against the reference's."""
    classes = torch.tensor([0, 3, 1, 0, 2])
    case = rng.normal(5, 4), rng.normal(5, 3, 4), classes, rng.normal(5, 4)
    found, wanted = (unpack(side.fast_rcnn_losses(*case), "classes", "boxes") for side in (student, reference))
    for mine, right, what in zip(found, wanted, ("the classification loss", "the box loss"), strict=True):
        assert_matches(mine, right, what=what)


@pytest.mark.question("fast-rcnn-detections")
def test_detections_by_hand(student):
    """Transforms of 0: the proposal itself, clipped to an image of 20 x 30; the second one is not sure enough."""
    scores = torch.tensor([[0.0, 3.0, 0.0], [0.0, 0.0, 0.0]], dtype=torch.float64)
    proposals = boxes([8, 8, 16, 24], [8, 8, 16, 24])
    found = student.detections(scores, torch.zeros(2, 2, 4).double(), proposals, (20, 30), score_threshold=0.4)
    if type(found) is not dict or set(found) != {"boxes", "scores", "labels"}:
        raise CheckFailed("the detections are not a dict of boxes, scores and labels")
    assert_matches(found["boxes"], boxes([8, 8, 16, 20]), what="the boxes")
    assert_matches(found["scores"], scores.softmax(dim=1)[:1, 1], what="the scores")
    assert_matches(found["labels"], torch.tensor([0]), what="the labels")
