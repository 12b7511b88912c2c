"""Judges a function that calls others of the submission: right is what is right with the true ones or with substitutes.

A mistake in `box_iou` is paid for where `box_iou` is asked for, and not the same again in `nms` and wherever else boxes
overlap. The submission's own `box_iou` cannot decide what is right for its `nms`: it could be made to excuse a wrong
one. So the grader puts a function of its own in place of it, and knows what a right `nms` makes of that.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import lru_cache
from itertools import combinations
from textwrap import dedent
from typing import Any

from autograder.errors import CheckFailed, StudentError
from autograder.sandbox.proxy import Proxy, substitute

__all__ = ["judge_by_parts", "parts_that_work"]

Function = Callable[..., Any]
Parts = Mapping[str, Function]


def judge_by_parts(student: Proxy, check: Callable[..., None], true: Parts, substitutes: Parts) -> None:
    """Run `check` with the true parts and, where that fails, with substitutes for some or all of them.

        def check(box_iou):
            assert_matches(student.nms(boxes, scores, 0.5), slow_nms(boxes, scores, 0.5, box_iou))

        judge_by_parts(student, check, {"box_iou": slow_iou}, {"box_iou": closeness})

    Args:
        student: the side that is checked.
        check: calls the submission and compares; it takes the parts by their names. It must draw nothing at random.
        true: an oracle of each part by the name that the submission has for it.
        substitutes: by the same names, functions that take the same arguments and compute something else. The source of
            each is sent to the submission's process, where it finds `torch` and nothing else. It must not tell what
            the true function computes.

    Raises:
        CheckFailed, StudentError: as `check` failed with the true parts, if it fails with all choices.
    """
    try:
        check(**true)
    except (CheckFailed, StudentError) as first:
        works = _substituted(student, check, true, substitutes)
        substitute(student, {})
        if works is None:
            raise first from None


def parts_that_work(student: Proxy, check: Callable[..., None], true: Parts, substitutes: Parts) -> Parts:
    """The first choice of parts that `check` passes with, or the true parts. The arguments are `judge_by_parts`'s.

    Substitutes that were chosen stay in the submission until the end of the case.
    """
    try:
        check(**true)
    except (CheckFailed, StudentError):
        works = _substituted(student, check, true, substitutes)
        if works is not None:
            return works
        substitute(student, {})
    return true


def _substituted(student: Proxy, check: Callable[..., None], true: Parts, substitutes: Parts) -> Parts | None:
    """The first choice of substitutes that `check` passes with; None if there is none. The last choice stays in place.

    All substitutes come before some of them.
    """
    for count in range(len(substitutes), 0, -1):
        for names in combinations(substitutes, count):
            substitute(student, {name: _source(substitutes[name]) for name in names})
            parts = {**true, **{name: substitutes[name] for name in names}}
            try:
                check(**parts)
            except (CheckFailed, StudentError):
                continue
            return parts
    return None


@lru_cache(maxsize=64)
def _source(function: Function) -> str:
    return dedent(inspect.getsource(function))
