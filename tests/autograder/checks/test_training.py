"""Accuracies are measured on scores that were looked at first."""

from __future__ import annotations

import pytest
import torch

from autograder.checks.training import accuracy, assert_accuracy, assert_reaches, scores_of
from autograder.errors import CheckFailed

LABELS = torch.tensor([0, 2, 1, 1])
RIGHT = torch.eye(3)[LABELS]


def test_accuracy_counts_rows() -> None:
    assert accuracy(RIGHT, LABELS) == 1.0
    assert accuracy(RIGHT.roll(1, 1), LABELS) == 0.0
    assert accuracy(torch.eye(3)[[0, 2, 1, 0]], LABELS) == 0.75


def test_a_tie_is_no_answer() -> None:
    assert accuracy(torch.zeros(4, 3), LABELS) == 0.0


def test_scores_come_in_batches_and_in_order() -> None:
    images = torch.arange(10.0).reshape(10, 1)
    seen: list[int] = []

    def call(chunk: torch.Tensor) -> torch.Tensor:
        seen.append(len(chunk))
        return torch.cat([chunk, -chunk], dim=1)

    scores = scores_of(call, images, 2, batch=4)
    assert seen == [4, 4, 2]
    assert torch.equal(scores[:, 0], images[:, 0].double())


@pytest.mark.parametrize(
    "answer, says",
    [
        (None, "not a tensor"),
        (torch.zeros(4, 2), r"shape \(4, 2\)"),
        (torch.zeros(3, 3), r"shape \(3, 3\)"),
        (torch.full((4, 3), float("nan")), "12 of 12 scores are NaN"),
        (torch.full((4, 3), float("inf")), "NaN or infinite"),
    ],
)
def test_scores_that_are_none(answer: object, says: str) -> None:
    with pytest.raises(CheckFailed, match=says):
        scores_of(lambda chunk: answer, torch.zeros(4, 1), 3)


def test_a_bar_is_passed_or_missed() -> None:
    assert_accuracy(RIGHT, LABELS, at_least=1.0)
    with pytest.raises(CheckFailed, match="the net gets 75 % of 4 images right, wanted 80 %") as caught:
        assert_accuracy(torch.eye(3)[[0, 2, 1, 0]], LABELS, at_least=0.8, what="the net", hint="train")
    assert caught.value.hint == "train"


def test_a_figure_reaches_its_bar_or_not() -> None:
    assert_reaches(0.45, 0.45, "the mean IoU")
    for value, found in ((0.44999, "0.449"), (-1.2345, "-1.235"), (float("nan"), "not finite")):
        with pytest.raises(CheckFailed, match=f"^the mean IoU is {found}, wanted at least 0.45$") as caught:
            assert_reaches(value, 0.45, "the mean IoU", hint="train")
        assert caught.value.hint == "train"
