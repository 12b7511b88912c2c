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
every_geometry = pytest.mark.parametrize("geometry", CONV, ids=str)
every_contract = pytest.mark.parametrize("contract", contracts.BATTERY, ids=str)

GRADIENTS = ("dx", "dw", "db")
BUSY = conv("all-at-once")


def assert_gradients_match(found: Any, expected: tuple[torch.Tensor, ...]) -> None:
    for name, gradient, wanted in zip(GRADIENTS, unpack(found, *GRADIENTS), expected, strict=True):
        assert_matches(gradient, wanted, what=name)


@forward_question()
@every_geometry
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
@every_geometry
def test_backward(
    student: Proxy, reference: Proxy, rng: Draw, memo: Callable[..., Any], geometry: ConvGeometry
) -> None:
    x, w, b = geometry.draw(rng)
    dout = rng.normal(*geometry.output)
    expected = reference.Conv.backward(dout, (x, w, b, geometry.param))
    oracle = memo(oracles.conv_backward, dout, x, w, b, geometry.param)

    def judge(cache_of: CacheOf) -> None:
        found = student.Conv.backward(dout, cache_of(x, w, b, geometry.param))
        assert_gradients_match(found, expected)
        assert_gradients_match(found, oracle)

    judge_backward(judge, student.Conv.forward)


@backward_question()
@pytest.mark.parametrize("name", GRADIENTS)
def test_backward_one_gradient(student: Proxy, rng: Draw, memo: Callable[..., Any], name: str) -> None:
    """One right gradient of three is worth something."""
    x, w, b = BUSY.draw(rng)
    dout = rng.normal(*BUSY.output)
    which = GRADIENTS.index(name)
    oracle = memo(oracles.conv_backward, dout, x, w, b, BUSY.param)[which]

    def judge(cache_of: CacheOf) -> None:
        found = student.Conv.backward(dout, cache_of(x, w, b, BUSY.param))
        assert_matches(unpack(found, *GRADIENTS)[which], oracle, what=name)

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
