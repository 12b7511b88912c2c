"""Boxes: formats, overlap, counting, suppression, transforms; the lecture's numbers, and one more case of each."""

import math

import pytest
import torch

from autograder.checks import CheckFailed, assert_matches, assert_pace, place

BOXES = [[10.0, 20.0, 30.0, 60.0], [0.0, 5.0, 8.0, 6.0]]


def boxes(*rows):
    return torch.tensor(rows, dtype=torch.float64).reshape(-1, 4)


@pytest.mark.question("convert-boxes")
@pytest.mark.parametrize(
    "name, rows",
    [
        ("xyxy_to_xywh", [[10.0, 20.0, 20.0, 40.0], [0.0, 5.0, 8.0, 1.0]]),
        ("xyxy_to_cxcywh", [[20.0, 40.0, 20.0, 40.0], [4.0, 5.5, 8.0, 1.0]]),
    ],
    ids=["corner-and-size", "centre-and-size"],
)
def test_there_and_back(student, name, rows):
    """Two boxes by hand, into another format and back."""
    corners = boxes(*BOXES)
    assert_matches(getattr(student, name)(corners), boxes(*rows), what=name)
    back = {"xyxy_to_xywh": "xywh_to_xyxy", "xyxy_to_cxcywh": "cxcywh_to_xyxy"}[name]
    assert_matches(getattr(student, back)(boxes(*rows)), corners, what=back)


@pytest.mark.question("convert-boxes")
def test_clipping(student):
    """A box that reaches beyond an image of height 48 and width 64."""
    clipped = student.clip_boxes(boxes([-5.0, 10.0, 70.0, 60.0], [3.0, -4.0, 9.0, 8.0]), (48, 64))
    assert_matches(clipped, boxes([0.0, 10.0, 64.0, 48.0], [3.0, 0.0, 9.0, 8.0]))


@pytest.mark.question("box-iou")
def test_iou_by_hand(student):
    """A box of 4 x 2 with its left half, with itself, with a neighbour that only touches it, and with one far away."""
    others = boxes([0, 0, 2, 2], [0, 0, 4, 2], [4, 0, 9, 2], [7, 7, 9, 9])
    wanted = torch.tensor([[0.5, 1.0, 0.0, 0.0]], dtype=torch.float64)
    assert_matches(student.box_iou(boxes([0, 0, 4, 2]), others), wanted, what="the IoU")


@pytest.mark.question("box-iou")
def test_the_lectures_words(student):
    """Decent, pretty good, almost perfect: shifts of a box of 10 x 10 whose IoUs are just above 0.5, 0.7 and 0.9."""
    shifted = boxes([3, 0, 13, 10], [1.5, 0, 11.5, 10], [0.5, 0, 10.5, 10])
    wanted = torch.tensor([[70 / 130, 85 / 115, 95 / 105]], dtype=torch.float64)
    assert_matches(student.box_iou(boxes([0, 0, 10, 10]), shifted), wanted, what="the IoU")


@pytest.mark.question("box-iou")
def test_iou_without_area(student):
    """A point with itself, and no boxes at all."""
    point = boxes([3, 3, 3, 3])
    assert_matches(student.box_iou(point, point), torch.zeros(1, 1, dtype=torch.float64), what="the IoU of points")
    assert_matches(student.box_iou(boxes(), point), torch.zeros(0, 1, dtype=torch.float64), what="the IoU of nothing")


@pytest.mark.question("box-iou")
def test_iou(student, reference, rng):
    """Boxes at random, five with three."""
    a, b = rng.boxes(5, 20, 30), rng.boxes(3, 20, 30)
    assert_matches(student.box_iou(a, b), reference.box_iou(a, b), what="the IoU")


def assert_counts(found, wanted, what):
    if type(found) is not int:
        raise CheckFailed(f"{what} is not a Python int", "counts are whole numbers: use * and //")
    if found != wanted:
        raise CheckFailed(f"{what} is wrong", "try an image of 2 x 3 by hand: it has 18 boxes")


@pytest.mark.question("count-boxes")
def test_positions(student):
    """A box of height 2 and width 3 in an image of 4 x 5, and one that is too wide."""
    assert_counts(student.count_positions(2, 3, 4, 5), 9, "the number of positions")
    assert_counts(student.count_positions(2, 6, 4, 5), 0, "the number of positions of a box that is too wide")


@pytest.mark.question("count-boxes")
def test_all_boxes(student):
    """The lecture's image of 800 x 600: about 58 billion boxes. (The slide says "~58M".)"""
    assert_counts(student.count_boxes(2, 3), 18, "the number of boxes in 2 x 3 pixels")
    assert_counts(student.count_boxes(600, 800), 57_768_120_000, "the number of boxes in 800 x 600 pixels")


@pytest.mark.question("nms")
def test_chain(student):
    """The best suppresses its neighbour, which may not suppress the third any more; scores out of order."""
    row = boxes([2, 0, 5, 2], [0, 0, 3, 2], [1, 0, 4, 2])
    kept = student.nms(row, torch.tensor([0.7, 0.9, 0.8], dtype=torch.float64), 0.4)
    assert_matches(kept, torch.tensor([1, 0]), what="the indices")


@pytest.mark.question("nms")
def test_exactly_the_threshold(student):
    """An IoU of exactly the threshold is not too much; of equal scores the lower index comes first."""
    row = boxes([0, 0, 4, 2], [0, 0, 2, 2], [0, 0, 3, 2])
    kept = student.nms(row, torch.tensor([0.5, 0.5, 0.5], dtype=torch.float64), 0.5)
    assert_matches(kept, torch.tensor([0, 1]), what="the indices")


@pytest.mark.question("nms")
def test_by_class(student):
    """Two classes at one place both stay."""
    row = boxes([0, 0, 4, 2], [0, 0, 4, 2], [0, 0, 3, 2])
    scores = torch.tensor([0.7, 0.8, 0.9], dtype=torch.float64)
    kept = student.nms_by_class(row, scores, torch.tensor([1, 0, 1]), 0.5)
    assert_matches(kept, torch.tensor([2, 1]), what="the indices")


# By hand: centre (20, 40) moves to (30, 30), and 20 x 40 becomes 40 x 20.
PROPOSAL, TARGET = [10.0, 20.0, 30.0, 60.0], [10.0, 20.0, 50.0, 40.0]
TRANSFORM = [0.5, -0.25, math.log(2), math.log(0.5)]


@pytest.mark.question("box-transforms")
@pytest.mark.parametrize(
    "name, second, wanted", [("encode_boxes", TARGET, TRANSFORM), ("decode_boxes", TRANSFORM, TARGET)]
)
def test_transform_by_hand(student, name, second, wanted):
    """One box that moves right and up, and grows wider and lower."""
    assert_matches(getattr(student, name)(boxes(PROPOSAL), boxes(second)), boxes(wanted), what=name)


@pytest.mark.question("box-transforms")
def test_limit(student):
    """A box grows to at most 1000/16 times its proposal."""
    found = student.decode_boxes(boxes([0, 0, 16, 8]), boxes([0.0, 0.0, 50.0, 0.0]))
    assert_matches(found, boxes([-492, 0, 508, 8]), what="the box")


@pytest.mark.question("box-transforms")
def test_backward(student, reference, rng):
    """The gradient of decode_boxes, against the reference's."""
    p, t, upstream = rng.boxes(3, 20, 30), rng.normal(3, 4, scale=0.5), rng.normal(3, 4)
    found = student.decode_boxes_backward(upstream, p, t)
    assert_matches(found, reference.decode_boxes_backward(upstream, p, t), what="the gradient")


@pytest.mark.question("boxes-speed")
def test_iou_pace(student, rng):
    """30 000 pairs of boxes do not take thousands of times as long as one pair."""
    one, many, others = (place(student, rng.boxes(count, 100, 100).float()) for count in (1, 300, 100))
    assert_pace(
        lambda: student.box_iou(many, others),
        lambda: student.box_iou(one, one),
        at_most=1000.0,
        what="box_iou of 300 with 100 boxes",
        against="box_iou of two boxes",
        hint="work on whole tensors: (N, 1, 4) and (1, M, 4) together make (N, M, ...)",
    )


@pytest.mark.question("boxes-speed")
def test_nms_pace(student, rng):
    """Suppression among 300 boxes takes about 30 times as long as among 10, not 900 times."""

    def apart(count):
        corner = 20.0 * torch.arange(count, dtype=torch.float32)[:, None]
        return place(student, torch.cat([corner, corner, corner + 9.0, corner + 9.0], dim=1))

    few, many, scores = apart(10), apart(300), rng.distinct(300).float()
    assert_pace(
        lambda: student.nms(many, scores, 0.5),
        lambda: student.nms(few, scores[:10], 0.5),
        at_most=200.0,
        what="nms of 300 boxes",
        against="nms of 10 boxes",
        hint="ask box_iou once for many boxes, not once for each pair",
    )
