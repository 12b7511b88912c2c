"""Every pattern recognises its mistake, and none speaks where there is nothing to say."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from autograder.checks.compare.compare import assert_matches
from autograder.checks.draw import Draw
from autograder.errors import CheckFailed

EXPECTED = Draw(5).normal(3, 4, 5, 5)
INTERIOR = torch.zeros(5, 5, dtype=torch.bool)
INTERIOR[1:-1, 1:-1] = True
NOT_LAST = torch.ones(5, 5, dtype=torch.bool)
NOT_LAST[-1] = NOT_LAST[:, -1] = False
FIRST = torch.tensor([True, False, False]).reshape(3, 1, 1, 1)


def hint(actual: torch.Tensor, expected: torch.Tensor = EXPECTED) -> str:
    with pytest.raises(CheckFailed) as caught:
        assert_matches(actual, expected)
    return caught.value.hint


@pytest.mark.parametrize(
    "mistake, says",
    [
        (lambda e: e * 0, "every element is 0"),
        (lambda e: e / 0, "division by zero"),
        (lambda e: ((e / 3).float() * 3 + 1e-6).double(), "single precision"),
        (lambda e: -e, "wrong sign"),
        (lambda e: 3 * e, "3 times what it should be"),
        (lambda e: e / 4, "0.25 times what it should be"),
        (lambda e: e.transpose(2, 3), "axes in another order"),
        (lambda e: e.flip(-1), "flipped"),
        (lambda e: e.flip(-2, -1), "flipped"),
        (lambda e: e + 0.75, "off by the same amount"),
        (lambda e: e + torch.arange(4.0).reshape(4, 1, 1), "each index of axis 1"),
        (lambda e: torch.where(FIRST, e, 5.0), "only the first index of axis 0"),
        (lambda e: torch.where(FIRST.flip(0), e, 5.0), "only the last index of axis 0"),
        (lambda e: torch.where(INTERIOR, e, 5.0), "only at the border"),
        (lambda e: torch.where(NOT_LAST, e, 5.0), "last row or column"),
        (lambda e: torch.where(torch.rand(e.shape) < 0.5, e, 0.0), "the elements that differ are all 0"),
        (lambda e: torch.cat([e[:, :2], e[:, 2:3] * 7 + 1, e[:, 3:]], dim=1), "wrong only at index 2 of axis 1"),
    ],
)
def test_recognises(mistake: Callable[[torch.Tensor], torch.Tensor], says: str) -> None:
    torch.manual_seed(0)
    assert says in hint(mistake(EXPECTED))


def test_says_nothing_of_a_random_answer() -> None:
    assert hint(Draw(6).normal(*EXPECTED.shape)) == ""


def test_says_nothing_of_too_few_elements() -> None:
    assert hint(torch.tensor([2.0, 4.0]), torch.tensor([1.0, 2.0])) == ""


def test_a_few_numbers_among_zeros_are_no_factor() -> None:
    """Two numbers that are half as large may be so by chance."""
    expected = torch.tensor([[0.0, 0.0, 0.0], [0.0, 4.0, 4.0]])
    assert "times what it should be" not in hint(expected / 2, expected)


def test_one_wrong_element_is_no_pattern() -> None:
    actual = EXPECTED.clone()
    actual[1, 2, 2, 2] = 9.0
    assert hint(actual) == ""


@pytest.mark.parametrize(
    "shape, says",
    [((3, 5, 4, 5), "another order"), ((3, 4, 5), "3 axes, wanted 4"), ((3, 4, 6, 5), "only axis 2 is wrong")],
)
def test_shapes(shape: tuple[int, ...], says: str) -> None:
    assert says in hint(torch.zeros(shape, dtype=torch.float64))
