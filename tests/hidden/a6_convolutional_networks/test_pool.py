"""Max pooling, both directions: every geometry, ties, every contract; backward apart from forward."""

from __future__ import annotations

from functools import partial
from typing import Any

import oracles
import pytest
import torch
from geometries import ABOVE_ZERO, POOL, PoolGeometry, pool
from weighted import each

from autograder.checks import (
    CacheOf,
    CheckFailed,
    Draw,
    Memo,
    Proxy,
    assert_kind,
    assert_matches,
    cache_that_works,
    contracts,
    judge_backward,
    own_cache,
    unpack,
)

forward_question = partial(pytest.mark.question, "pool-forward")
backward_question = partial(pytest.mark.question, "pool-backward")
every_contract = pytest.mark.parametrize("contract", contracts.BATTERY, ids=str)

PLAIN = pool("handout-8x8")


@each("geometry", "pool-forward", POOL)
def test_forward(student: Proxy, reference: Proxy, rng: Draw, memo: Memo, geometry: PoolGeometry) -> None:
    """The output of `MaxPool.forward` is right."""
    x = geometry.draw(rng)
    out, _ = unpack(student.MaxPool.forward(x, geometry.param), "out", "cache")
    assert_matches(out, reference.MaxPool.forward(x, geometry.param)[0])
    assert_matches(out, memo(oracles.max_pool_forward, x, geometry.param))


@forward_question(weight=2.5)
@pytest.mark.parametrize("level", (-10.0, -1e9), ids=("below-zero", "far-below-zero"))
def test_forward_of_negative_values(student: Proxy, rng: Draw, memo: Memo, level: float) -> None:
    """`MaxPool.forward` is right where all numbers are negative.

    No zero from a padding, and no constant that stands for minus infinity, may win.
    """
    x = PLAIN.draw(rng) - ABOVE_ZERO + level
    out, _ = unpack(student.MaxPool.forward(x, PLAIN.param), "out", "cache")
    assert_matches(out, memo(oracles.max_pool_forward, x, PLAIN.param))


@forward_question(weight=0.6)
@every_contract
def test_forward_contract(student: Proxy, rng: Draw, memo: Memo, contract: contracts.Contract) -> None:
    """`MaxPool.forward` keeps the promises that hold for every operation."""
    operation = contracts.Operation(
        call=lambda x: unpack(student.MaxPool.forward(x, PLAIN.param), "out", "cache")[0],
        oracle=lambda x: (memo(oracles.max_pool_forward, x, PLAIN.param),),
        inputs=("x",),
        outputs=("out",),
        batched=("x",),
    )
    contract(student, operation, (PLAIN.draw(rng),))


@each("geometry", "pool-backward", POOL)
def test_backward(student: Proxy, reference: Proxy, rng: Draw, memo: Memo, geometry: PoolGeometry) -> None:
    """The gradient that `MaxPool.backward` returns is right."""
    x, dout = geometry.draw(rng), rng.normal(*geometry.output)
    expected = reference.MaxPool.backward(dout, (x, geometry.param))
    oracle = memo(oracles.max_pool_backward, dout, x, geometry.param)

    def judge(cache_of: CacheOf) -> None:
        dx = student.MaxPool.backward(dout, cache_of(x, geometry.param))
        assert_matches(dx, expected, what="dx")
        assert_matches(dx, oracle, what="dx")

    judge_backward(judge, student.MaxPool.forward)


@backward_question()
def test_backward_of_negative_values(student: Proxy, rng: Draw, memo: Memo) -> None:
    """`MaxPool.backward` is right where all numbers are negative.

    No constant that stands for minus infinity in a running maximum may claim a window.
    """
    x, dout = PLAIN.draw(rng) - 1e9, rng.normal(*PLAIN.output)
    oracle = memo(oracles.max_pool_backward, dout, x, PLAIN.param)

    def judge(cache_of: CacheOf) -> None:
        assert_matches(student.MaxPool.backward(dout, cache_of(x, PLAIN.param)), oracle, what="dx")

    judge_backward(judge, student.MaxPool.forward)


@backward_question()
@pytest.mark.parametrize("value", (0.0, 1.5), ids=("after-relu", "flat"))
def test_backward_of_ties(student: Proxy, rng: Draw, value: float) -> None:
    """`MaxPool.backward` is right where several numbers of a window are the largest.

    One of them gets the whole gradient; it may be any of them.
    """
    geometry = pool("handout-8x8")
    x = torch.full(geometry.images, value, dtype=torch.float64)
    if value == 0.0:
        x = rng.normal(*geometry.images).relu()  # about half of the entries, and some whole windows, are 0
    dout = rng.uniform(*geometry.output, low=0.5, high=2.0)

    def judge(cache_of: CacheOf) -> None:
        dx = student.MaxPool.backward(dout, cache_of(x, geometry.param))
        assert_matches(dx, _a_single_winner(dx, x, dout), what="dx")

    judge_backward(judge, student.MaxPool.forward)


def _a_single_winner(dx: Any, x: torch.Tensor, dout: torch.Tensor) -> torch.Tensor:
    """The right gradient that is nearest to `dx`, windows of 2x2 side by side: where several entries are largest, the
    one that `dx` favours wins."""
    dx = assert_kind(dx, x.shape, what="dx").to(x.dtype)
    windows = x.unflatten(3, (-1, 2)).unflatten(2, (-1, 2)).transpose(3, 4).flatten(4)  # (N, C, H', W', 4)
    favour = dx.unflatten(3, (-1, 2)).unflatten(2, (-1, 2)).transpose(3, 4).flatten(4)
    largest = windows == windows.amax(dim=4, keepdim=True)
    winner = favour.masked_fill(~largest, -torch.inf).argmax(dim=4, keepdim=True)
    right = torch.zeros_like(windows).scatter_(4, winner, dout.unsqueeze(4))
    if bool(((favour != 0) & largest).sum(dim=4).amax() > 1):
        hint = "where several entries of a window are equally large, one of them gets the whole gradient"
        raise CheckFailed("dx gives some window's gradient to more than one entry", hint)
    return right.unflatten(4, (2, 2)).transpose(3, 4).reshape(x.shape)


@backward_question()
def test_backward_takes_the_cache_of_forward(student: Proxy, rng: Draw, memo: Memo) -> None:
    """`MaxPool.backward` works with the cache that `MaxPool.forward` returns."""
    x, dout = PLAIN.draw(rng), rng.normal(*PLAIN.output)
    dx = student.MaxPool.backward(dout, own_cache(student.MaxPool.forward)(x, PLAIN.param))
    assert_matches(dx, memo(oracles.max_pool_backward, dout, x, PLAIN.param), what="dx")


@backward_question(weight=0.6)
@every_contract
def test_backward_contract(student: Proxy, rng: Draw, memo: Memo, contract: contracts.Contract) -> None:
    """`MaxPool.backward` keeps the promises that hold for every operation."""
    x, dout = PLAIN.draw(rng), rng.normal(*PLAIN.output)

    def operation(cache_of: CacheOf) -> contracts.Operation:
        return contracts.Operation(
            call=lambda dout, x: student.MaxPool.backward(dout, cache_of(x, PLAIN.param)),
            oracle=lambda dout, x: (memo(oracles.max_pool_backward, dout, x, PLAIN.param),),
            inputs=("dout", "x"),
            outputs=("dx",),
            batched=("dout", "x"),
        )

    def judge(cache_of: CacheOf) -> None:
        op = operation(cache_of)
        op.compare(op.call(dout, x), (dout, x))

    contract(student, operation(cache_that_works(judge, student.MaxPool.forward)), (dout, x))
