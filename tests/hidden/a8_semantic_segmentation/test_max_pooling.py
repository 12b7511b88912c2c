"""Max pooling that remembers where, and unpooling: values, positions, gradients and promises."""

from __future__ import annotations

from functools import partial

import pytest
import torch
import upsampling_loops as loops

from autograder.checks import Draw, Memo, Proxy, assert_matches, contracts, unpack

pool_question = partial(pytest.mark.question, "max-pool")
unpool_question = partial(pytest.mark.question, "max-unpool")
every_contract = pytest.mark.parametrize("contract", contracts.BATTERY, ids=str)

# (N, C, H, W, window)
POOLED = {
    "halves": (2, 3, 4, 6, 2),
    "thirds": (1, 2, 6, 9, 3),
    "every-pixel": (2, 1, 3, 4, 1),
    "one-window": (1, 2, 3, 3, 3),
    "remainder": (2, 2, 5, 7, 2),
    "no-window": (2, 2, 2, 5, 3),
}
# (N, C, h, w, H, W)
UNPOOLED = {
    "doubled": (2, 3, 2, 3, 4, 6),
    "odd-size": (2, 2, 2, 3, 5, 7),
    "far-larger": (1, 2, 2, 2, 9, 6),
    "a-single-row": (2, 1, 1, 3, 1, 8),
}


RESULTS = ("out", "positions")


def assert_pooled(
    found: object, expected: tuple[torch.Tensor, torch.Tensor], wanted: tuple[str, ...] = RESULTS
) -> None:
    for name, values, right in zip(RESULTS, unpack(found, *RESULTS), expected, strict=True):
        if name in wanted:
            assert_matches(values, right, what=name)


@pool_question(weight=0.6)
@pytest.mark.parametrize("name", RESULTS)
@pytest.mark.parametrize("geometry", POOLED.values(), ids=POOLED)
def test_max_pool(student: Proxy, rng: Draw, memo: Memo, geometry: tuple[int, ...], name: str) -> None:
    """Max pooling gives the largest pixels, and their positions; one without the other is worth something."""
    *shape, window = geometry
    x = rng.distinct(*shape)
    assert_pooled(student.max_pool(x, window), memo(loops.max_pool, x, window), (name,))


@pool_question()
@pytest.mark.parametrize("kind", ["negative", "ties", "infinite"])
def test_max_pool_of_special_values(student: Proxy, rng: Draw, memo: Memo, kind: str) -> None:
    """Negative pixels, equal ones and -inf: the first of the largest counts."""
    drawn = {
        "negative": rng.distinct(2, 2, 4, 6) - 4,
        "ties": rng.integers(0, 3, (2, 2, 4, 6)).double(),
        "infinite": torch.full((1, 2, 4, 6), -torch.inf, dtype=torch.float64),
    }
    x = drawn[kind]
    assert_pooled(student.max_pool(x, 2), memo(loops.max_pool, x, 2))


def drawn_positions(rng: Draw, shape: tuple[int, ...], size: tuple[int, int]) -> torch.Tensor:
    """Distinct positions in each plane."""
    samples, channels, height, width = shape
    planes = [rng.distinct(size[0] * size[1]).argsort()[: height * width] for _ in range(samples * channels)]
    return torch.stack(planes).reshape(shape) if planes else torch.zeros(shape, dtype=torch.int64)


@pool_question()
@pytest.mark.parametrize("geometry", UNPOOLED.values(), ids=UNPOOLED)
def test_max_pool_backward(student: Proxy, rng: Draw, memo: Memo, geometry: tuple[int, ...]) -> None:
    """What arrives at a maximum goes to where it was."""
    shape, size = geometry[:4], geometry[4:]
    upstream, positions = rng.normal(*shape), drawn_positions(rng, shape, size)
    found = student.max_pool_backward(upstream, positions, size)
    assert_matches(found, memo(loops.max_unpool, upstream, positions, size), what="the gradient of x")


@pool_question(weight=0.5)
@every_contract
def test_max_pool_contract(student: Proxy, rng: Draw, memo: Memo, contract: contracts.Contract) -> None:
    """Max pooling keeps its input and the dtype, and takes non-contiguous and empty batches."""
    op = contracts.Operation(
        call=lambda x: student.max_pool(x, 2),
        oracle=lambda x: memo(loops.max_pool, x, 2),
        inputs=("x",),
        outputs=("out", "positions"),
        batched=("x",),
    )
    contract(student, op, [rng.distinct(3, 2, 5, 4)])


@unpool_question()
@pytest.mark.parametrize("geometry", UNPOOLED.values(), ids=UNPOOLED)
def test_max_unpool(student: Proxy, rng: Draw, memo: Memo, geometry: tuple[int, ...]) -> None:
    """Every pixel stands at its position, and nothing anywhere else."""
    shape, size = geometry[:4], geometry[4:]
    x, positions = rng.normal(*shape), drawn_positions(rng, shape, size)
    assert_matches(student.max_unpool(x, positions, size), memo(loops.max_unpool, x, positions, size))


@unpool_question()
@pytest.mark.parametrize("geometry", UNPOOLED.values(), ids=UNPOOLED)
def test_max_unpool_backward(student: Proxy, rng: Draw, memo: Memo, geometry: tuple[int, ...]) -> None:
    """The gradient is read at the positions."""
    shape, size = geometry[:4], geometry[4:]
    upstream, positions = rng.normal(*shape[:2], *size), drawn_positions(rng, shape, size)
    found = student.max_unpool_backward(upstream, positions)
    assert_matches(found, memo(loops.unpooled_gradient, upstream, positions), what="the gradient of x")


@unpool_question(weight=0.4)
@every_contract
def test_max_unpool_contract(student: Proxy, rng: Draw, memo: Memo, contract: contracts.Contract) -> None:
    """Unpooling keeps its inputs and the dtype, and takes non-contiguous and empty batches."""
    op = contracts.Operation(
        call=lambda x, positions: student.max_unpool(x, positions, (4, 6)),
        oracle=lambda x, positions: (memo(loops.max_unpool, x, positions, (4, 6)),),
        inputs=("x", "positions"),
        outputs=("the output",),
        batched=("x", "positions"),
    )
    contract(student, op, [rng.normal(3, 2, 2, 3), drawn_positions(rng, (3, 2, 2, 3), (4, 6))])
