"""Calls a backward pass apart from its forward: with the documented cache, or with the student's own.

A layer's `forward` returns (output, cache), and its `backward` takes (upstream gradient, cache). The documented cache
is the arguments of forward, (x, w, b, conv_param) for example. A backward that works with it can be checked even if the
student's forward does not work. A backward may also be written for the cache that the student's own forward returns,
so a check accepts a backward that is right with one of the two:

    def judge(cache_of):
        dx = student.Conv.backward(dout, cache_of(x, w, b, conv_param))
        assert_matches(dx, expected, what="dx")

    judge_backward(judge, student.Scale.forward)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autograder.checks.compare.compare import unpack
from autograder.errors import CheckFailed, SandboxError, StudentError
from autograder.sandbox.proxy import Proxy

__all__ = ["CacheOf", "cache_that_works", "call_backward", "documented_cache", "judge_backward", "own_cache"]

# Makes a cache from the arguments of forward.
CacheOf = Callable[..., Any]


def documented_cache(*arguments: Any) -> Any:
    """The documented cache: the arguments of forward.

    >>> documented_cache(1, 2)
    (1, 2)
    """
    return arguments


def own_cache(forward: Proxy) -> CacheOf:
    """Makes the cache that the student's own forward returns, or the documented one if forward returns none."""

    def cache_of(*arguments: Any) -> Any:
        try:
            returned = forward(*arguments)
        except SandboxError:
            return arguments
        try:
            return unpack(returned, "out", "cache")[1]
        except CheckFailed:
            return arguments

    return cache_of


def judge_backward(judge: Callable[[CacheOf], None], forward: Proxy) -> None:
    """Run `judge` with the documented cache and, if that fails, with the student's own.

    If both fail, raises the error that helps the student more.
    """
    try:
        judge(documented_cache)
    except (CheckFailed, StudentError) as first:
        if isinstance(first, StudentError) and first.stub:
            raise
        try:
            judge(own_cache(forward))
        except (CheckFailed, StudentError) as second:
            # An exception over the documented cache only shows that backward was written for another cache.
            raise (first if isinstance(first, CheckFailed) else second) from None


def cache_that_works(judge: Callable[[CacheOf], None], forward: Proxy) -> CacheOf:
    """The documented cache if `judge` accepts it, else the student's own, which is not tried here."""
    try:
        judge(documented_cache)
    except (CheckFailed, StudentError):
        return own_cache(forward)
    return documented_cache


def call_backward(layer: Proxy, upstream: Any, documented: tuple[Any, ...]) -> Any:
    """`layer.backward(upstream, cache)` with the documented cache or, if that raises, with the student's own.

    Args:
        documented: the arguments of `layer.forward`.
    """
    try:
        return layer.backward(upstream, documented)
    except StudentError as error:
        if error.stub:
            raise
        try:
            _, cache = unpack(layer.forward(*documented), "out", "cache")
        except (SandboxError, CheckFailed):
            raise error from None
        return layer.backward(upstream, cache)
