"""Convolution, both directions: every geometry, every contract; backward apart from forward."""

from __future__ import annotations

from functools import partial
from typing import Any

import oracles
import pytest
import torch
from geometries import CONV, HANDOUT_CONV, ConvGeometry, conv
from weighted import each

from autograder.checks import (
    CacheOf,
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

forward_question = partial(pytest.mark.question, "conv-forward")
backward_question = partial(pytest.mark.question, "conv-backward")
every_contract = pytest.mark.parametrize("contract", contracts.BATTERY, ids=str)

GRADIENTS = ("dx", "dw", "db")
PLAIN = conv("handout-3x3")


# One gradient at a time where the handout's sizes are, since one right gradient of three is worth something. There lie
# two thirds of the weight of all geometries.
BACKWARD = [
    pytest.param(geometry, (name,), id=f"{geometry}-{name}", marks=backward_question(weight=2 / 3 * geometry.weight))
    for geometry in HANDOUT_CONV
    for name in GRADIENTS
]
BACKWARD += [
    pytest.param(geometry, GRADIENTS, id=str(geometry), marks=backward_question())
    for geometry in CONV
    if geometry not in HANDOUT_CONV
]


def assert_gradients_match(found: Any, expected: tuple[torch.Tensor, ...], names: tuple[str, ...] = GRADIENTS) -> None:
    for name, gradient, value in zip(GRADIENTS, unpack(found, *GRADIENTS), expected, strict=True):
        if name in names:
            assert_matches(gradient, value, what=name)


@each("geometry", "conv-forward", CONV)
def test_forward(student: Proxy, reference: Proxy, rng: Draw, memo: Memo, geometry: ConvGeometry) -> None:
    """The output of `Conv.forward` is right where all biases are zero."""
    x, w, b = geometry.draw(rng)
    b.zero_()
    out, _ = unpack(student.Conv.forward(x, w, b, geometry.param), "out", "cache")
    assert_matches(out, reference.Conv.forward(x, w, b, geometry.param)[0])
    assert_matches(out, memo(oracles.conv_forward, x, w, b, geometry.param))


@forward_question(weight=3.0)
@pytest.mark.parametrize("geometry", HANDOUT_CONV[:3], ids=str)
def test_forward_bias(student: Proxy, rng: Draw, geometry: ConvGeometry) -> None:
    """`Conv.forward` adds each filter's bias to the whole output of that filter.

    Judged by the difference that biases make, so that whatever else is wrong is not paid for again.
    """
    x, w, b = geometry.draw(rng)
    before, after = (
        unpack(student.Conv.forward(x, w, bias, geometry.param), "out", "cache")[0] for bias in (torch.zeros_like(b), b)
    )
    added = assert_kind(after, assert_kind(before).shape) - before
    assert_kind(added, (len(x), len(b), *added.shape[2:]))
    assert_matches(added, b.reshape(-1, 1, 1).expand(added.shape), what="what b adds to the output")


@forward_question(weight=0.6)
@every_contract
def test_forward_contract(student: Proxy, rng: Draw, memo: Memo, contract: contracts.Contract) -> None:
    """`Conv.forward` keeps the promises that hold for every operation.

    Biases, which another check tries, are zero.
    """
    x, w, b = PLAIN.draw(rng)
    b.zero_()
    operation = contracts.Operation(
        call=lambda x, w, b: unpack(student.Conv.forward(x, w, b, PLAIN.param), "out", "cache")[0],
        oracle=lambda x, w, b: (memo(oracles.conv_forward, x, w, b, PLAIN.param),),
        inputs=("x", "w", "b"),
        outputs=("out",),
        batched=("x",),
    )
    contract(student, operation, (x, w, b))


@pytest.mark.parametrize("geometry, wanted", BACKWARD)
def test_backward(
    student: Proxy,
    reference: Proxy,
    rng: Draw,
    memo: Memo,
    geometry: ConvGeometry,
    wanted: tuple[str, ...],
) -> None:
    """The gradients that `Conv.backward` returns are right."""
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
def test_backward_takes_the_cache_of_forward(student: Proxy, rng: Draw, memo: Memo) -> None:
    """`Conv.backward` works with the cache that `Conv.forward` returns."""
    x, w, b = PLAIN.draw(rng)
    dout = rng.normal(*PLAIN.output)
    cache = own_cache(student.Conv.forward)(x, w, b, PLAIN.param)
    found = student.Conv.backward(dout, cache)
    assert_gradients_match(found, memo(oracles.conv_backward, dout, x, w, b, PLAIN.param))


@backward_question(weight=0.6)
@every_contract
def test_backward_contract(student: Proxy, rng: Draw, memo: Memo, contract: contracts.Contract) -> None:
    """`Conv.backward` keeps the promises that hold for every operation."""
    x, w, b = PLAIN.draw(rng)
    dout = rng.normal(*PLAIN.output)

    def operation(cache_of: CacheOf) -> contracts.Operation:
        return contracts.Operation(
            call=lambda dout, x, w, b: student.Conv.backward(dout, cache_of(x, w, b, PLAIN.param)),
            oracle=lambda dout, x, w, b: memo(oracles.conv_backward, dout, x, w, b, PLAIN.param),
            inputs=("dout", "x", "w", "b"),
            outputs=GRADIENTS,
            batched=("dout", "x"),
        )

    def judge(cache_of: CacheOf) -> None:
        op = operation(cache_of)
        op.compare(op.call(dout, x, w, b), (dout, x, w, b))

    contract(student, operation(cache_that_works(judge, student.Conv.forward)), (dout, x, w, b))
