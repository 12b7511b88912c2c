"""Draw: the bits that the seed says, and values that checks can rely on."""

from __future__ import annotations

import hashlib

import pytest
import torch

from autograder.checks.draw import Draw
from autograder.errors import GraderError

PINNED = ["c6591c0bbd91b088", "b1ca8711a7beb82c", "db297c6ab8cf4c3b", "d1e04068cc7ba021"]


def digest(tensor: torch.Tensor) -> str:
    return hashlib.blake2b(tensor.numpy().tobytes(), digest_size=8).hexdigest()


def test_streams_are_pinned_to_the_bit() -> None:
    """Recorded answers rest on these."""
    draw = Draw(6135)
    drawn = (draw.normal(5, 3), draw.uniform(4), draw.distinct(2, 6), draw.integers(-3, 9, (7,)))
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


def test_choice() -> None:
    draw = Draw(0)
    assert {draw.choice("abc") for _ in range(100)} == set("abc")
    with pytest.raises(ValueError, match="choose"):
        draw.choice([])


def test_boxes_lie_in_the_image_and_are_wide_enough() -> None:
    boxes = Draw(4).boxes(2_000, height=20, width=50)
    assert (boxes.shape, boxes.dtype) == ((2_000, 4), torch.float64)
    x1, y1, x2, y2 = boxes.unbind(1)
    assert float(min(x1.min(), y1.min())) >= 0.0
    assert float(x2.max()) <= 50.0
    assert float(y2.max()) <= 20.0
    assert float((x2 - x1).min()) >= 5.0 - 1e-9
    assert float((y2 - y1).min()) >= 2.0 - 1e-9
    assert float((x2 - x1).max()) > 45.0


def test_whole_boxes_have_whole_numbers_and_all_of_them() -> None:
    boxes = Draw(4).whole_boxes(500, height=2, width=3, dtype=torch.float32)
    assert boxes.dtype is torch.float32
    assert torch.equal(boxes, boxes.round())
    rows = {tuple(row) for row in boxes.long().tolist()}
    wanted = {(a, b, c, d) for a in range(4) for c in range(a + 1, 4) for b in range(3) for d in range(b + 1, 3)}
    assert rows == wanted


def test_no_boxes() -> None:
    assert Draw(0).boxes(0, 4, 4).shape == Draw(0).whole_boxes(0, 4, 4).shape == (0, 4)


def test_until_draws_again_and_gives_up_in_the_end() -> None:
    value = Draw(1).until(lambda rng: rng.uniform(2), lambda pair: float((pair[0] - pair[1]).abs()) > 0.9)
    assert float((value[0] - value[1]).abs()) > 0.9
    with pytest.raises(GraderError, match="none of 7 draws"):
        Draw(1).until(lambda rng: rng.uniform(), lambda value: False, tries=7)


def test_until_asks_once_in_a_run_and_draws_the_same_again() -> None:
    """A second check of the run takes its place in the stream from the answers, and draws on from there."""
    asked, answers = [], dict[bytes, object]()

    def apart(pair: torch.Tensor) -> bool:
        asked.append(pair)
        return float((pair[0] - pair[1]).abs()) > 0.9

    runs = [Draw(1, answers) for _ in range(2)]
    drawn = [(rng.until(lambda rng: rng.uniform(2), apart), rng.seed()) for rng in runs]
    once = len(asked)
    assert torch.equal(drawn[0][0], drawn[1][0])
    assert drawn[0][1] == drawn[1][1]
    alone = Draw(1)
    assert torch.equal(alone.until(lambda rng: rng.uniform(2), apart), drawn[0][0])
    assert len(asked) == 2 * once, "the second one did not ask"
    other = Draw(2, answers).until(lambda rng: rng.uniform(2), apart)
    assert not torch.equal(other, drawn[0][0])
