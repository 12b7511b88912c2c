"""A backward pass is right with the documented cache or with the student's own; which one, is the student's choice."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch

from autograder.checks import (
    CacheOf,
    CheckFailed,
    Proxy,
    StudentError,
    assert_matches,
    cache_that_works,
    call_backward,
    documented_cache,
    judge_backward,
)
from autograder.sandbox.local import LocalChannel

X, W = torch.tensor([1.0, 2.0]), torch.tensor([3.0, 5.0])


def unfinished(*arguments: object) -> object:
    raise NotImplementedError


def layer(forward: Callable[..., object], backward: Callable[..., object]) -> Proxy:
    module = ModuleType("submission")
    module.__file__ = __file__
    module.Scale = SimpleNamespace(forward=forward, backward=backward)  # type: ignore[attr-defined]
    return Proxy(LocalChannel(module)).Scale


DOCUMENTED = layer(unfinished, lambda dout, cache: dout * cache[1])
OWN = layer(lambda x, w: (x * w, {"w": w}), lambda dout, cache: dout * cache["w"])
WRONG = layer(lambda x, w: (x * w, {"w": w}), lambda dout, cache: dout + cache["w"])
OFF = layer(lambda x, w: (x * w, None), lambda dout, cache: dout + 1)


def judged(scale: Proxy) -> None:
    def judge(cache_of: CacheOf) -> None:
        assert_matches(scale.backward(X, cache_of(X, W)), X * W, what="dx")

    judge_backward(judge, scale.forward)


@pytest.mark.parametrize("scale", [DOCUMENTED, OWN], ids=["documented", "own"])
def test_either_cache_will_do(scale: Proxy) -> None:
    judged(scale)
    assert torch.equal(call_backward(scale, X, (X, W)), X * W)


def test_a_wrong_backward_fails_with_the_words_that_tell_more() -> None:
    with pytest.raises(CheckFailed, match="dx differs"):  # and not the exception over the documented cache
        judged(WRONG)
    with pytest.raises(CheckFailed, match="dx differs"):
        judged(OFF)


def test_what_is_not_written_yet_is_not_tried_twice() -> None:
    def judge(cache_of: CacheOf) -> None:
        calls.append(cache_of)
        scale.backward(X, cache_of(X, W))

    scale, calls = layer(lambda x, w: (x, w), unfinished), list[Any]()
    with pytest.raises(StudentError, match="NotImplementedError"):
        judge_backward(judge, scale.forward)
    with pytest.raises(StudentError, match="NotImplementedError"):
        call_backward(scale, X, (X, W))
    assert len(calls) == 1


def test_the_cache_that_works() -> None:
    def judging(scale: Proxy) -> Callable[[CacheOf], None]:
        return lambda cache_of: assert_matches(scale.backward(X, cache_of(X, W)), X * W)

    assert cache_that_works(judging(DOCUMENTED), DOCUMENTED.forward) is documented_cache
    assert set(cache_that_works(judging(OWN), OWN.forward)(X, W)) == {"w"}


def test_a_forward_that_fails_leaves_the_documented_cache() -> None:
    with pytest.raises(StudentError):
        call_backward(layer(unfinished, lambda dout, cache: dout * cache["w"]), X, (X, W))
