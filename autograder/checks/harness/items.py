"""Reads a check's own facts: its question, its id, its title, its weight."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from autograder.course.result import CaseResult

__all__ = ["case_id", "is_alone", "labelled", "question_of", "saved_files", "title_of", "weight_of"]

MARKER: pytest.StashKey[pytest.Mark | None] = pytest.StashKey()


def question_of(item: pytest.Item) -> str | None:
    """The id of the question that a check belongs to, or None for a test that is no check."""
    marker = _marker(item)
    return str(marker.args[0]) if marker else None


def _marker(item: pytest.Item) -> pytest.Mark | None:
    """The nearest `question` marker, looked up once: every grading needs it."""
    if MARKER not in item.stash:
        item.stash[MARKER] = item.get_closest_marker("question")
    return item.stash[MARKER]


def case_id(item: pytest.Item) -> str:
    """The name of a check within its question."""
    return item.name.removeprefix("test_")


def weight_of(item: pytest.Item) -> float:
    """A check's share of its question's points, relative to the others."""
    marker = _marker(item)
    return float(marker.kwargs.get("weight", 1.0)) if marker else 1.0


def is_alone(item: pytest.Item) -> bool:
    """True if a check is independent of the questions that its own question depends on."""
    marker = _marker(item)
    return bool(marker and marker.kwargs.get("alone", False))


def saved_files(item: pytest.Item) -> tuple[str, ...]:
    """Files of the notebook that a check tests: `@pytest.mark.saved("net.pt")`; () for most checks."""
    return tuple(str(name) for marker in item.iter_markers("saved") for name in marker.args)


def labelled(case: CaseResult, item: pytest.Item) -> CaseResult:
    """The case under the id, title and weight of a check."""
    return replace(case, id=case_id(item), title=title_of(item), weight=weight_of(item))


def title_of(item: pytest.Item) -> str:
    """The title of a check on the student's page: the first sentence of its docstring, else its name in words.

    >>> def test_keeps_float32(student):
    ...     "float32 inputs give float32 outputs. This remark is not part of the title."
    >>> _title(test_keeps_float32)  # called by `title_of`
    'float32 inputs give float32 outputs'
    """
    function = getattr(item, "function", None)
    return _title(function, getattr(item, "originalname", None) or item.name)


@cache
def _title(function: Callable[..., Any] | None, name: str = "") -> str:
    docstring = inspect.cleandoc(getattr(function, "__doc__", None) or "")
    text = " ".join(docstring.partition("\n\n")[0].split())
    first = re.split(r"(?<=[.!?]) (?=[A-Z])", text)[0].removesuffix(".").replace("`", "")
    return first or name.removeprefix("test_").replace("_", " ")
