"""Draw: the bits that the seed says, and values that checks can rely on."""

from __future__ import annotations

import hashlib

import pytest
import torch

from autograder.checks.draw import Draw

PINNED = ["c6591c0bbd91b088", "b1ca8711a7beb82c", "db297c6ab8cf4c3b", "d1e04068cc7ba021", "30778e5814deaa60"]


def digest(tensor: torch.Tensor) -> str:
    return hashlib.blake2b(tensor.numpy().tobytes(), digest_size=8).hexdigest()


def test_streams_are_pinned_to_the_bit() -> None:
    """Recorded answers rest on these."""
    draw = Draw(6135)
    drawn = (draw.normal(5, 3), draw.uniform(4), draw.distinct(2, 6), draw.integers(-3, 9, (7,)), draw.permutation(8))
    assert [digest(tensor) for tensor in drawn] == PINNED


def test_same_seed_same_values_other_seed_other_values() -> None:
    assert torch.equal(Draw(1).normal(20), Draw(1).normal(20))
    assert not torch.equal(Draw(1).normal(20), Draw(2).normal(20))


def test_a_stream_moves_on() -> None:
    draw = Draw(1)
    assert not torch.equal(draw.normal(20), draw.normal(20))
    assert draw.seed() != draw.seed()


def test_normal_has_mean_zero_and_the_scale() -> None:
    values = Draw(3).normal(20_000, scale=2.5)
    assert values.dtype is torch.float64
    assert abs(float(values.mean())) < 0.1
    assert float(values.std()) == pytest.approx(2.5, rel=0.03)


def test_uniform_fills_its_range() -> None:
    values = Draw(3).uniform(20_000, low=-1.0, high=3.0)
    assert float(values.min()) >= -1.0
    assert float(values.max()) < 3.0
    assert float(values.mean()) == pytest.approx(1.0, abs=0.05)
    assert float(values.max() - values.min()) > 3.9


def test_distinct_keeps_its_distance() -> None:
    values = Draw(3).distinct(7, 50)
    ordered = values.reshape(-1).sort().values
    assert float(ordered.diff().min()) > 0.4 * 6 / 350
    assert not torch.equal(ordered, values.reshape(-1))
    assert float(values.abs().max()) < 3.0


def test_shapes_and_dtypes() -> None:
    draw = Draw(0)
    assert draw.normal(2, 0, 3).shape == (2, 0, 3)
    assert draw.normal().shape == ()
    assert draw.distinct(0).shape == (0,)
    assert draw.normal(3, dtype=torch.float32).dtype is torch.float32
    assert draw.labels(5, 10).dtype is torch.int64
    assert draw.integers(4, 5).item() == 4


def test_integers_reach_both_ends_and_no_further() -> None:
    assert sorted(set(Draw(0).integers(-2, 3, (500,)).tolist())) == [-2, -1, 0, 1, 2]


def test_permutation_and_choice() -> None:
    draw = Draw(0)
    assert sorted(draw.permutation(9).tolist()) == list(range(9))
    assert {draw.choice("abc") for _ in range(100)} == set("abc")
    with pytest.raises(ValueError, match="choose"):
        draw.choice([])
