"""Region proposals: the lecture's counts, tables by hand, and one more case of each at random."""

import pytest
import torch

from autograder.checks import assert_kind, assert_matches, modules, unpack


def boxes(*rows):
    return torch.tensor(rows, dtype=torch.float64).reshape(-1, 4)


@pytest.mark.question("anchors")
def test_an_anchor_by_hand(student):
    """Two cells, stride 16, size 32, height half of the width: the first anchor is centred at (8, 8)."""
    found = student.make_anchors(1, 2, 16, (32.0,), (0.5,), dtype=torch.float64)
    root = 2**0.5
    wide, tall = 32 * root, 32 / root
    first = [8 - wide / 2, 8 - tall / 2, 8 + wide / 2, 8 + tall / 2]
    second = [first[0] + 16, first[1], first[2] + 16, first[3]]
    assert_matches(found, boxes(first, second), what="the anchors")


@pytest.mark.question("anchors")
def test_the_lectures_count(student):
    """A map of 20 x 15 cells with six anchors each: 1800."""
    found = student.make_anchors(20, 15, 32, (64.0, 128.0, 256.0), (0.5, 2.0))
    assert_kind(found, (1800, 4), torch.float32, what="the anchors")


@pytest.mark.question("anchor-labels")
def test_labels_by_hand(student):
    """Five anchors and two boxes: by IoU, neutral, neutral, by being the best there is, and not an object."""
    anchors = boxes([0, 0, 10, 10], [0, 0, 10, 5], [5, 0, 15, 10], [20, 20, 30, 30], [0, 0, 2, 2])
    found = student.label_anchors(anchors, boxes([0, 0, 10, 10], [22, 22, 40, 40]))
    labels, matches = unpack(found, "labels", "matches")
    assert_matches(labels, torch.tensor([1, -1, -1, 1, 0]), what="the labels")
    assert_matches(matches, torch.tensor([0, -1, -1, 1, -1]), what="the matches")


@pytest.mark.question("anchor-labels")
def test_no_boxes(student):
    """An image without boxes: no anchor is an object."""
    labels, matches = unpack(student.label_anchors(boxes([0, 0, 4, 4]), boxes()), "labels", "matches")
    assert_matches(labels, torch.tensor([0]), what="the labels")
    assert_matches(matches, torch.tensor([-1]), what="the matches")


@pytest.mark.question("anchor-sampling")
def test_a_sample_by_hand(student):
    """Of three positives and four negatives, 3 and 5: the smallest priorities first."""
    labels = torch.tensor([1, 0, -1, 1, 0, 1, 0])
    priority = torch.tensor([0.9, 0.1, 0.0, 0.2, 0.7, 0.4, 0.5], dtype=torch.float64)
    found = unpack(student.sample_labels(labels, 4, 0.5, priority), "positives", "negatives")
    assert_matches(found[0], torch.tensor([3, 5]), what="the positives")
    assert_matches(found[1], torch.tensor([1, 6]), what="the negatives")


@pytest.mark.question("rpn-head")
def test_head_shapes(student, rng):
    """The lecture's map, 512 x 20 x 15, with six anchors: 12 x 20 x 15 and 24 x 20 x 15."""
    head = modules.assert_module(student.RPNHead(512, 8, 6))
    found = head(rng.uniform(1, 512, 20, 15, dtype=torch.float32))
    scores, transforms = unpack(found, "scores", "transforms")
    assert_kind(scores, (1, 12, 20, 15), torch.float32, what="the scores")
    assert_kind(transforms, (1, 24, 20, 15), torch.float32, what="the transforms")


@pytest.mark.question("rpn-head")
def test_rows_by_hand(student):
    """Two anchors of two numbers, in two cells."""
    maps = torch.arange(8.0, dtype=torch.float64).reshape(1, 4, 1, 2)
    wanted = torch.tensor([[[0.0, 2.0], [4.0, 6.0], [1.0, 3.0], [5.0, 7.0]]], dtype=torch.float64)
    assert_matches(student.flatten_maps(maps, 2), wanted, what="the rows")


@pytest.mark.question("rpn-losses")
@pytest.mark.parametrize("truths", [[[1.0, 0.0, 11.0, 10.0]], []], ids=["one-box", "no-boxes"])
def test_losses_by_hand(student, truths):
    """Undecided scores cost log 2; t_x is off by 0.1, a tenth of an anchor's width; and an image without boxes."""
    anchors = boxes([0, 0, 10, 10], [20, 20, 30, 30])
    scores, transforms = torch.zeros(1, 2, 2).double(), torch.zeros(1, 2, 4).double()
    priority = torch.tensor([[0.1, 0.2]], dtype=torch.float64)
    found = unpack(student.rpn_losses(scores, transforms, anchors, [boxes(*truths)], priority), "classes", "boxes")
    assert_matches(found[0], torch.tensor(2.0, dtype=torch.float64).log(), what="the classification loss")
    wanted = 0.1**2 * 9 / 2 / 2 if truths else 0.0
    assert_matches(found[1], torch.tensor(wanted, dtype=torch.float64), what="the box loss")


@pytest.mark.question("proposals")
def test_proposals_by_hand(student):
    """Transforms of 0: the best anchor, not its neighbour, and one that is clipped to an image of 40 x 40."""
    anchors = boxes([0, 0, 10, 10], [1, 0, 11, 10], [20, 20, 60, 30])
    scores = torch.tensor([[0.0, 1.0], [0.0, 2.0], [0.0, 0.0]], dtype=torch.float64)
    found = unpack(student.propose(scores, torch.zeros(3, 4).double(), anchors, (40, 40)), "boxes", "objectness")
    assert_matches(found[0], boxes([1, 0, 11, 10], [20, 20, 40, 30]), what="the boxes")
    assert_matches(found[1], scores.softmax(dim=1)[1:, 1], what="their objectness")
