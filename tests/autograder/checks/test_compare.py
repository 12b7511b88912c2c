"""assert_matches accepts what is right, rejects every kind of wrong, and never says what was wanted."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.checks.compare.asides import dtype_counts, noting
from autograder.checks.compare.compare import assert_kind, assert_matches, describe, plain_tensor, unpack
from autograder.checks.compare.hints import Difference
from autograder.checks.compare.tolerance import tolerance_for
from autograder.errors import CheckFailed
from autograder.sandbox.proxy import Proxy

EXPECTED = torch.linspace(-2.0, 3.0, 24, dtype=torch.float64).reshape(2, 3, 4)


class Agreeable(torch.Tensor):
    """A subclass that says yes to everything."""

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        return torch.tensor(True)


class Yes:
    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = None  # type: ignore[assignment]


def failure(actual: object, expected: object, **options: object) -> CheckFailed:
    with pytest.raises(CheckFailed) as caught:
        assert_matches(actual, expected, **options)
    return caught.value


@pytest.mark.parametrize(
    "actual, expected",
    [
        (EXPECTED.clone(), EXPECTED),
        (EXPECTED + 1e-12, EXPECTED),
        (EXPECTED.transpose(0, 2), EXPECTED.transpose(0, 2).contiguous()),
        (EXPECTED.float() * (1 + 1e-6), EXPECTED.float()),
        (EXPECTED.half(), EXPECTED.half()),
        (torch.zeros(0, 3), torch.zeros(0, 3)),
        (torch.tensor([1, 2]), torch.tensor([1, 2])),
        (torch.tensor([True]), torch.tensor([True])),
        (torch.tensor([float("nan"), float("inf")]), torch.tensor([float("nan"), float("inf")])),
        (1.5, torch.tensor(1.5)),
        (torch.tensor(1.5, dtype=torch.float64), 1.5),
        (2, 2.0),
        (np.arange(3.0), np.arange(3.0)),
        (np.arange(3.0)[::-1], torch.tensor([2.0, 1.0, 0.0], dtype=torch.float64)),
        (np.arange(3), torch.arange(3)),
        (np.array(1.5), torch.tensor(1.5, dtype=torch.float64)),
    ],
    ids=str,
)
def test_accepts_what_is_right(actual: object, expected: object) -> None:
    assert_matches(actual, expected)


@pytest.mark.parametrize(
    "actual, says",
    [
        (None, "None, not a tensor"),
        (EXPECTED.tolist(), "a list of 2, not a tensor"),
        (EXPECTED.numpy().astype(str), "a numpy array with 3 axes, not a tensor"),
        (EXPECTED.numpy()[0], "2 axes, wanted shape (2, 3, 4)"),
        (EXPECTED.float().numpy(), "torch.float32, wanted torch.float64"),
        (EXPECTED.numpy() + 1e-6, "differs in 24 of 24"),
        ((EXPECTED,), "a tuple of 1, not a tensor"),
        (1.0, "a Python float, not a tensor"),
        (Yes(), "some other object"),
        (Proxy(channel=None), "some other object"),  # type: ignore[arg-type]
        (EXPECTED.as_subclass(Agreeable), "some other object"),
        (EXPECTED.to_sparse(), "an unusual tensor"),
        (torch.empty(2, 3, 4, dtype=torch.float64, device="meta"), "an unusual tensor"),
        (EXPECTED[0], "2 axes, wanted shape (2, 3, 4)"),
        (EXPECTED.float(), "torch.float32, wanted torch.float64"),
        (EXPECTED.to(torch.int64), "torch.int64, wanted torch.float64"),
        (EXPECTED > 0, "torch.bool, wanted torch.float64"),
        (EXPECTED.to(torch.complex128), "torch.complex128, wanted torch.float64"),
        (EXPECTED + 1e-6, "differs in 24 of 24"),
        (EXPECTED * 1000, "differs in"),
        (EXPECTED * 1e308, "NaN or infinite"),
        (EXPECTED.clone().index_fill_(0, torch.tensor([1]), float("nan")), "12 NaN or infinite elements of 24"),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else value,
)
def test_rejects_what_is_wrong(actual: object, says: str) -> None:
    assert says in failure(actual, EXPECTED).message


def test_a_dtype_is_set_aside_where_notes_are_kept() -> None:
    """With room for the digits that the answer has, and in float32 and float64 only."""
    notes: dict[str, str] = {}
    with noting(notes, "scale"):
        assert_matches(EXPECTED.float(), EXPECTED, what="out")
        assert_matches((EXPECTED / 3).double(), (EXPECTED / 3).float(), what="grad")
        assert "differs in 24 of 24" in failure(EXPECTED.float() + 1e-3, EXPECTED).message
        assert "torch.float16, wanted" in failure(EXPECTED.half(), EXPECTED).message
        with dtype_counts():
            assert "torch.float32, wanted" in failure(EXPECTED.float(), EXPECTED).message
    said = "scale: out is torch.float32, wanted torch.float64; one check takes points for it, the others do not"
    assert notes == {"scale": said}


@pytest.mark.parametrize("dtype", [torch.int32, torch.uint8, torch.float32, torch.float64])
def test_whole_numbers_of_another_dtype_are_set_aside(dtype: torch.dtype) -> None:
    wanted, notes = torch.tensor([[3, 0, 7]]), dict[str, str]()
    with noting(notes, "labels"):
        assert_matches(wanted.to(dtype), wanted)
        assert_matches((wanted > 0).to(dtype), wanted > 0)
        assert "differs in 1 of 3" in failure(torch.tensor([[3, 1, 7]]).to(dtype), wanted).message
        assert "differs in 1 of 3" in failure(torch.tensor([[2, 0, 1]]).to(dtype), wanted > 0).message
        assert "wanted torch.int64" in failure(torch.tensor([[3.5, 0.0, 7.0]]), wanted).message
        assert "wanted torch.float32" in failure(wanted, wanted.float()).message
    assert f"is {dtype}, wanted torch.int64" in notes["labels"]
    assert "wanted torch.int64" in failure(wanted.to(dtype), wanted).message


LISTS: tuple[tuple[object, torch.Tensor], ...] = (
    ([[1, 2], [3, 4]], torch.tensor([[1, 2], [3, 4]])),
    ([True, False], torch.tensor([True, False])),
    ((torch.tensor(1.5), torch.tensor(2.5)), torch.tensor([1.5, 2.5])),
    ([torch.ones(3), torch.zeros(3)], torch.tensor([[1.0] * 3, [0.0] * 3])),
    ([1.5, 2], torch.tensor([1.5, 2.0], dtype=torch.float64)),
)


@pytest.mark.parametrize(("value", "wanted"), LISTS)
def test_a_list_that_stands_for_a_tensor_is_set_aside(value: object, wanted: torch.Tensor) -> None:
    notes: dict[str, str] = {}
    with noting(notes, "nms"):
        assert_matches(value, wanted)
        assert torch.equal(assert_kind(value, wanted.shape), wanted)
        with pytest.raises(CheckFailed, match="not a tensor"):
            assert_kind(value, wanted.shape, wanted.dtype)
        with dtype_counts():
            assert "not a tensor" in failure(value, wanted).message
    assert ", wanted a tensor; one check takes points for it" in notes["nms"]
    assert "not a tensor" in failure(value, wanted).message


@pytest.mark.parametrize(
    "value", [[], [[1], [2, 3]], ["1"], [None], [torch.ones(2), torch.ones(3)], [10**400], [1, [2]], [{}], [2**64, 1]]
)
def test_a_list_of_something_else_is_no_tensor(value: object) -> None:
    with noting({}, "nms"):
        assert "not a tensor" in failure(value, torch.tensor([1.0])).message


def test_rejects_numbers_that_differ() -> None:
    for actual in (1.6, True, "1.5", 10**400, float("nan"), float("inf"), torch.tensor([1.5])):
        failure(actual, torch.tensor(1.5))


def test_nan_and_infinity_match_only_themselves() -> None:
    odd = torch.tensor([float("nan"), float("inf"), -float("inf"), 1.0])
    failure(torch.tensor([0.0, float("inf"), -float("inf"), 1.0]), odd)
    failure(torch.tensor([float("nan"), -float("inf"), -float("inf"), 1.0]), odd)
    failure(torch.tensor([float("nan"), float("inf"), -float("inf"), float("nan")]), odd)


def test_whole_numbers_must_be_equal() -> None:
    assert "1 of 2" in failure(torch.tensor([1, 1_000_001]), torch.tensor([1, 1_000_000])).message


def test_requires_grad_does_not_matter_and_is_not_followed() -> None:
    assert_matches(EXPECTED.clone().requires_grad_(), EXPECTED)


def test_says_how_many_how_far_and_where() -> None:
    actual = EXPECTED.clone()
    actual[1, 2, 3] *= 2
    actual[0, 0, 1] *= 1.01
    message = failure(actual, EXPECTED, what="dw").message
    assert message == "dw differs in 2 of 24 elements; the worst relative error is 0.5, at [1, 2, 3]"


def test_own_tolerance_needs_both_numbers() -> None:
    assert_matches(EXPECTED + 0.05, EXPECTED, rtol=0.0, atol=0.1)
    failure(EXPECTED + 1e-12, EXPECTED, rtol=0.0, atol=0.0)
    with pytest.raises(ValueError, match="both"):
        assert_matches(EXPECTED, EXPECTED, rtol=0.1)
    with pytest.raises(ValueError, match="negative"):
        assert_matches(EXPECTED, EXPECTED, rtol=0.1, atol=-1.0)


def test_refuses_to_compare_with_something_else() -> None:
    with pytest.raises(TypeError):
        assert_matches(EXPECTED, "1.0")


def test_unpack() -> None:
    assert unpack((1, 2), "out", "cache") == (1, 2)
    assert unpack([1, 2], "out", "cache") == (1, 2)
    for value in (None, 1, (1,), (1, 2, 3), {"out": 1, "cache": 2}, Yes(), EXPECTED):
        with pytest.raises(CheckFailed, match="out, cache"):
            unpack(value, "out", "cache")


def test_describe_gives_no_content_away() -> None:
    for value in ("secret", 1234, ["secret"], {"secret": 1}, Yes()):
        assert not re.search("secret|1234", describe(value))


def test_plain_tensor_is_the_value_itself() -> None:
    assert plain_tensor(EXPECTED, "x") is EXPECTED


MISTAKES = (
    lambda e: e * 2,
    lambda e: -e,
    lambda e: e * 0,
    lambda e: e + 100.0,
    lambda e: e.flip(-1),
    lambda e: e.roll(1, 0),
    lambda e: torch.where(torch.arange(e.shape[-1]) < 2, e, e * 3),
    lambda e: e * torch.linspace(0.5, 1.5, e.shape[1], dtype=e.dtype).reshape(-1, 1),
)


@settings(max_examples=60, deadline=None)
@given(
    values=st.lists(st.integers(10_000, 99_999), min_size=24, max_size=24, unique=True),
    mistake=st.sampled_from(MISTAKES),
)
def test_message_holds_no_value(values: list[int], mistake) -> None:
    """Neither the numbers themselves, nor anything that grows with them: twice as large, the same words."""
    expected = torch.tensor(values, dtype=torch.float64).reshape(2, 3, 4) / 7
    actual = mistake(expected)
    said = failure(actual, expected)
    text = f"{said.message} {said.hint}"
    for value in expected.reshape(-1).tolist() + actual.reshape(-1).tolist():
        assert not value or f"{abs(value):.5g}" not in text
    again = failure(actual * 1024, expected * 1024)
    assert (again.message, again.hint) == (said.message, said.hint)


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            *[st.sampled_from([0.0, -1.0, 1.0, 1.0 + 1e-9, 1e308, float("inf"), -float("inf"), float("nan")])] * 2
        ),
        max_size=4,
    )
)
def test_what_is_surely_right_has_nothing_wrong(pairs: list[tuple[float, float]]) -> None:
    columns = torch.tensor(pairs, dtype=torch.float64).reshape(-1, 2)
    difference = Difference(columns[:, 0], columns[:, 1], tolerance_for(torch.float64), torch.float64)
    if difference.surely_none:
        assert not difference.wrong.any()
    if columns.isfinite().all():
        assert difference.surely_none == (not difference.wrong.any()) or columns.abs().max() > 1e307


def test_assert_kind_looks_at_all_but_the_values() -> None:
    assert assert_kind(EXPECTED, (2, 3, 4), torch.float64) is EXPECTED
    assert assert_kind(EXPECTED) is EXPECTED
    assert_kind(torch.zeros(0, 3), shape=[0, 3])
    assert_kind(torch.tensor([True]), dtype=torch.bool)
    assert_kind(torch.tensor([3]), dtype=torch.int64)


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (None, "dw is None, not a tensor"),
        ([1.0], "dw is a list of 1, not a tensor"),
        (torch.zeros(3, 2), r"dw has shape \(3, 2\), wanted \(2, 3\)"),
        (torch.zeros(2, 3), "dw is torch.float32, wanted torch.float64"),
        (torch.tensor([[1.0, 2.0, 3.0], [4.0, float("nan"), float("inf")]]).double(), r"2 NaN or .* of 6, at \[1, 1\]"),
    ],
)
def test_assert_kind_says_what_differs(value: object, says: str) -> None:
    with pytest.raises(CheckFailed, match=says):
        assert_kind(value, (2, 3), torch.float64, what="dw")


def test_assert_kind_takes_a_tensor_for_an_example() -> None:
    like = torch.zeros(2, 3, dtype=torch.float64)
    values = torch.full((2, 3), 7.0, dtype=torch.float64)
    assert assert_kind(values, like=like) is values
    with pytest.raises(CheckFailed, match=r"shape \(3, 2\), wanted \(2, 3\)"):
        assert_kind(values.T, like=like)
    with pytest.raises(CheckFailed, match=r"wanted torch\.float64"):
        assert_kind(values.float(), like=like)
    with pytest.raises(CheckFailed, match="on cpu, wanted meta"):
        assert_kind(values, like=like.to("meta"))
    notes: dict[str, str] = {}
    with noting(notes, "scale"):
        assert_kind(values.float(), like=like)
        with pytest.raises(CheckFailed, match=r"wanted torch\.float64"):
            assert_kind(values.long(), like=like)
    assert notes
