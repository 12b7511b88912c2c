"""Convolution, both directions: every geometry, every contract; backward apart from forward."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import oracles
import pytest
import torch
from calls import CacheOf, cache_that_works, judge_backward, own_cache
from geometries import CONV, ConvGeometry, conv

from autograder.checks import Draw, Proxy, assert_matches, contracts, unpack

forward_question = partial(pytest.mark.question, "conv-forward")
backward_question = partial(pytest.mark.question, "conv-backward")
every_contract = pytest.mark.parametrize("contract", contracts.BATTERY, ids=str)

GRADIENTS = ("dx", "dw", "db")
BUSY = conv("all-at-once")


# All three gradients of every geometry; and one at a time, since one right gradient of three is worth something.
BACKWARD = {str(geometry): (geometry, GRADIENTS) for geometry in CONV}
BACKWARD |= {f"only-{name}": (BUSY, (name,)) for name in GRADIENTS}


def assert_gradients_match(found: Any, expected: tuple[torch.Tensor, ...], names: tuple[str, ...] = GRADIENTS) -> None:
    for name, gradient, value in zip(GRADIENTS, unpack(found, *GRADIENTS), expected, strict=True):
        if name in names:
            assert_matches(gradient, value, what=name)


@forward_question()
@pytest.mark.parametrize("geometry", CONV, ids=str)
def test_forward(student: Proxy, reference: Proxy, rng: Draw, memo: Callable[..., Any], geometry: ConvGeometry) -> None:
    x, w, b = geometry.draw(rng)
    out, _ = unpack(student.Conv.forward(x, w, b, geometry.param), "out", "cache")
    assert_matches(out, reference.Conv.forward(x, w, b, geometry.param)[0])
    assert_matches(out, memo(oracles.conv_forward, x, w, b, geometry.param))


@forward_question(weight=0.6)
@every_contract
def test_forward_contract(student: Proxy, rng: Draw, memo: Callable[..., Any], contract: contracts.Contract) -> None:
    operation = contracts.Operation(
        call=lambda x, w, b: unpack(student.Conv.forward(x, w, b, BUSY.param), "out", "cache")[0],
        oracle=lambda x, w, b: (memo(oracles.conv_forward, x, w, b, BUSY.param),),
        inputs=("x", "w", "b"),
        outputs=("out",),
        batched=("x",),
    )
    contract(student, operation, BUSY.draw(rng))


@backward_question()
@pytest.mark.parametrize("geometry, wanted", BACKWARD.values(), ids=BACKWARD)
def test_backward(
    student: Proxy,
    reference: Proxy,
    rng: Draw,
    memo: Callable[..., Any],
    geometry: ConvGeometry,
    wanted: tuple[str, ...],
) -> None:
    x, w, b = geometry.draw(rng)
    dout = rng.normal(*geometry.output)
    expected = reference.Conv.backward(dout, (x, w, b, geometry.param))
    oracle = memo(oracles.conv_backward, dout, x, w, b, geometry.param)

    def judge(cache_of: CacheOf) -> None:
        found = student.Conv.backward(dout, cache_of(x, w, b, geometry.param))
        assert_gradients_match(found, expected, wanted)
        assert_gradients_match(found, oracle, wanted)

    judge_backward(judge, student.Conv.forward)


@backward_question()
def test_backward_takes_the_cache_of_forward(student: Proxy, rng: Draw, memo: Callable[..., Any]) -> None:
    """Forward and backward are a pair: where forward works, its own cache must do."""
    x, w, b = BUSY.draw(rng)
    dout = rng.normal(*BUSY.output)
    cache = own_cache(student.Conv.forward)(x, w, b, BUSY.param)
    found = student.Conv.backward(dout, cache)
    assert_gradients_match(found, memo(oracles.conv_backward, dout, x, w, b, BUSY.param))


@backward_question(weight=0.6)
@every_contract
def test_backward_contract(student: Proxy, rng: Draw, memo: Callable[..., Any], contract: contracts.Contract) -> None:
    x, w, b = BUSY.draw(rng)
    dout = rng.normal(*BUSY.output)

    def operation(cache_of: CacheOf) -> contracts.Operation:
        return contracts.Operation(
            call=lambda dout, x, w, b: student.Conv.backward(dout, cache_of(x, w, b, BUSY.param)),
            oracle=lambda dout, x, w, b: memo(oracles.conv_backward, dout, x, w, b, BUSY.param),
            inputs=("dout", "x", "w", "b"),
            outputs=GRADIENTS,
            batched=("dout", "x"),
        )

    def judge(cache_of: CacheOf) -> None:
        op = operation(cache_of)
        op.compare(op.call(dout, x, w, b), (dout, x, w, b))

    contract(student, operation(cache_that_works(judge, student.Conv.forward)), (dout, x, w, b))
