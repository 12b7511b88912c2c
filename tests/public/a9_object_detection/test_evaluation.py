"""Evaluation: matching, precision and recall, average precision, and the mean over classes and thresholds."""

import math

import pytest
import torch

from autograder.checks import CheckFailed, StudentError, assert_matches, unpack

# Six detections, the best first: true, false, true, true, false, true, of five truths.
MATCHED = [True, False, True, True, False, True]
PRECISION, RECALL = [1, 1 / 2, 2 / 3, 3 / 4, 3 / 5, 2 / 3], [0.2, 0.2, 0.4, 0.6, 0.6, 0.8]


def numbers(*values):
    return torch.tensor(values, dtype=torch.float64)


@pytest.mark.question("match-detections")
@pytest.mark.parametrize(
    "scores, ious, wanted",
    [
        ([0.7, 0.9, 0.8], [[0.6, 0.5], [0.9, 0.3], [0.8, 0.0]], [True, True, False]),
        ([0.6, 0.9], [[0.95], [0.55]], [False, True]),
        ([0.9, 0.8], [[0.5], [0.49]], [True, False]),
    ],
    ids=["next-best-truth", "best-score-first", "exactly-the-threshold"],
)
def test_matches(student, scores, ious, wanted):
    """Which detections are true at a threshold of 0.5."""
    found = student.match_detections(numbers(*scores), torch.tensor(ious, dtype=torch.float64), 0.5)
    assert_matches(found, torch.tensor(wanted), what="which detections are true")


@pytest.mark.question("match-detections")
def test_nothing_to_match(student):
    """No truths: all detections are false."""
    found = student.match_detections(numbers(0.9, 0.3), torch.zeros(2, 0, dtype=torch.float64), 0.5)
    assert_matches(found, torch.tensor([False, False]), what="which detections are true")


@pytest.mark.question("precision-recall")
@pytest.mark.parametrize("part", ["precision", "recall"])
def test_curve(student, part):
    """Six detections of five truths, by hand; their scores are not in order."""
    order = torch.tensor([3, 0, 5, 1, 4, 2])
    matched, scores = torch.tensor(MATCHED)[order], numbers(0.95, 0.9, 0.8, 0.6, 0.5, 0.1)[order]
    found = unpack(student.precision_recall(matched, scores, 5), "precision", "recall")
    wanted = {"precision": PRECISION, "recall": RECALL}[part]
    assert_matches(found[part == "recall"], numbers(*wanted), what=part)


@pytest.mark.question("precision-recall")
def test_accept_everything(student):
    """A detector that accepts everything reaches recall 1; one that rejects everything has no point on its curve."""
    _, recall = unpack(student.precision_recall(torch.ones(4, dtype=torch.bool), numbers(1, 2, 3, 4), 4), "p", "r")
    assert_matches(recall[-1], 1.0, what="the last recall")
    precision, _ = unpack(student.precision_recall(torch.ones(0, dtype=torch.bool), numbers(), 4), "p", "r")
    assert_matches(precision, numbers(), what="the precision")


@pytest.mark.question("precision-recall")
def test_no_truths(student):
    """Recall over no truths has no meaning."""
    try:
        student.precision_recall(torch.tensor([False]), numbers(0.5), 0)
    except StudentError as error:
        if error.kind != "ValueError":
            raise
    else:
        raise CheckFailed("no ValueError for num_truths = 0", "the docstring asks for one")


@pytest.mark.question("average-precision")
def test_area(student):
    """0.2 (1 + 2/3 + 3/4 + 2/3) = 0.6167: the area under the steps of the curve above."""
    found = student.average_precision(numbers(*PRECISION), numbers(*RECALL))
    assert_matches(found, 0.2 * (1 + 2 / 3 + 3 / 4 + 2 / 3), what="the average precision")


@pytest.mark.question("average-precision")
def test_interpolated(student):
    """With 11 points: precision 1 at 0, 0.1, 0.2; 3/4 up to 0.6; 2/3 at 0.7 and 0.8; 0 beyond."""
    found = student.interpolated_average_precision(numbers(*PRECISION), numbers(*RECALL), points=11)
    assert_matches(found, (3 + 4 * 3 / 4 + 2 * 2 / 3) / 11, what="the interpolated average precision")


@pytest.mark.question("average-precision")
def test_reject_everything(student):
    """No detections: 0."""
    assert_matches(student.average_precision(numbers(), numbers()), 0.0, what="the average precision")


@pytest.mark.question("mean-average-precision")
def test_table(student, reference, rng):
    """Two images, three classes of which one has no truths, two thresholds."""
    boxes, labels = rng.boxes(3, 40, 60), torch.tensor([0, 2, 0])
    truths = [{"boxes": boxes, "labels": labels}, {"boxes": boxes[:0], "labels": labels[:0]}]
    moved = torch.cat([boxes + 0.5, boxes + 3.0])
    found = {"boxes": moved, "scores": numbers(0.9, 0.4, 0.8, 0.7, 0.6, 0.5), "labels": labels.repeat(2)}
    detections = [found, {"boxes": boxes[:1], "scores": numbers(0.75), "labels": torch.tensor([1])}]
    arguments = (detections, truths, 3, [0.5, 0.75])
    assert_matches(student.average_precisions(*arguments), reference.average_precisions(*arguments), what="the table")


@pytest.mark.question("mean-average-precision")
def test_mean(student):
    """Classes without truths do not count."""
    ap = torch.tensor([[0.5, 0.25], [math.nan, math.nan]], dtype=torch.float64)
    assert_matches(student.mean_average_precision(ap), 0.375, what="the mean")
