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
    """max_pool gives the largest pixels and their positions; each is checked on its own."""
    *shape, window = geometry
    x = rng.distinct(*shape)
    assert_pooled(student.max_pool(x, window), memo(loops.max_pool, x, window), (name,))


@pool_question()
@pytest.mark.parametrize("kind", ["negative", "ties", "infinite"])
def test_max_pool_of_special_values(student: Proxy, rng: Draw, memo: Memo, kind: str) -> None:
    """max_pool is right for negative pixels, equal pixels and -inf."""
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
    """max_pool_backward gives the gradient of x."""
    shape, size = geometry[:4], geometry[4:]
    upstream, positions = rng.normal(*shape), drawn_positions(rng, shape, size)
    found = student.max_pool_backward(upstream, positions, size)
    assert_matches(found, memo(loops.max_unpool, upstream, positions, size), what="the gradient of x")


@pool_question(weight=0.5)
@every_contract
def test_max_pool_contract(student: Proxy, rng: Draw, memo: Memo, contract: contracts.Contract) -> None:
    """max_pool obeys the rules for all functions: input unchanged, dtype kept, repeated calls, N = 0."""
    op = contracts.Operation(
        call=lambda x: student.max_pool(x, 2),
        oracle=lambda x: memo(loops.max_pool, x, 2),
        inputs=("x",),
        outputs=("out", "positions"),
        batched=("x",),
    )
    contract(student, op, [rng.distinct(3, 2, 5, 4)])


@pool_question(weight=0.3)
@every_contract
def test_max_pool_backward_contract(student: Proxy, rng: Draw, memo: Memo, contract: contracts.Contract) -> None:
    """max_pool_backward obeys the rules for all functions: inputs unchanged, dtype kept, repeated calls, N = 0."""
    contract(student, *placing(rng, memo, student.max_pool_backward, "upstream", "the gradient of x"))


def placing(rng: Draw, memo: Memo, function: Proxy, name: str, output: str) -> tuple[contracts.Operation, list]:
    """Pixels put at positions, as the battery takes it, and what it is asked about."""
    op = contracts.Operation(
        call=lambda x, positions: function(x, positions, (4, 6)),
        oracle=lambda x, positions: (memo(loops.max_unpool, x, positions, (4, 6)),),
        inputs=(name, "positions"),
        outputs=(output,),
        batched=(name, "positions"),
    )
    return op, [rng.normal(3, 2, 2, 3), drawn_positions(rng, (3, 2, 2, 3), (4, 6))]


@unpool_question()
@pytest.mark.parametrize("geometry", UNPOOLED.values(), ids=UNPOOLED)
def test_max_unpool(student: Proxy, rng: Draw, memo: Memo, geometry: tuple[int, ...]) -> None:
    """max_unpool puts every pixel at its position, and zeros elsewhere."""
    shape, size = geometry[:4], geometry[4:]
    x, positions = rng.normal(*shape), drawn_positions(rng, shape, size)
    assert_matches(student.max_unpool(x, positions, size), memo(loops.max_unpool, x, positions, size))


@unpool_question()
@pytest.mark.parametrize("geometry", UNPOOLED.values(), ids=UNPOOLED)
def test_max_unpool_backward(student: Proxy, rng: Draw, memo: Memo, geometry: tuple[int, ...]) -> None:
    """max_unpool_backward gives the gradient of x."""
    shape, size = geometry[:4], geometry[4:]
    upstream, positions = rng.normal(*shape[:2], *size), drawn_positions(rng, shape, size)
    found = student.max_unpool_backward(upstream, positions)
    assert_matches(found, memo(loops.unpooled_gradient, upstream, positions), what="the gradient of x")


@unpool_question(weight=0.4)
@every_contract
def test_max_unpool_contract(student: Proxy, rng: Draw, memo: Memo, contract: contracts.Contract) -> None:
    """max_unpool obeys the rules for all functions: inputs unchanged, dtype kept, repeated calls, N = 0."""
    contract(student, *placing(rng, memo, student.max_unpool, "x", "the output"))


@unpool_question(weight=0.4)
@every_contract
def test_max_unpool_backward_contract(student: Proxy, rng: Draw, memo: Memo, contract: contracts.Contract) -> None:
    """max_unpool_backward obeys the rules for all functions: inputs unchanged, dtype kept, repeated calls, N = 0."""
    op = contracts.Operation(
        call=lambda upstream, positions: student.max_unpool_backward(upstream, positions),
        oracle=lambda upstream, positions: (memo(loops.unpooled_gradient, upstream, positions),),
        inputs=("upstream", "positions"),
        outputs=("the gradient of x",),
        batched=("upstream", "positions"),
    )
    contract(student, op, [rng.normal(3, 2, 4, 6), drawn_positions(rng, (3, 2, 2, 3), (4, 6))])
