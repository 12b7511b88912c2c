"""Cases with weights: sizes as the handout's have half of a question's, however many others there are besides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

__all__ = ["each"]


def each(argument: str, question: str, items: Sequence[Any]) -> Any:
    """One case for each of some items under a question, each with the item's own `weight`."""
    marks = [pytest.mark.question(question, weight=item.weight) for item in items]
    params = [pytest.param(item, id=str(item), marks=mark) for item, mark in zip(items, marks, strict=True)]
    return pytest.mark.parametrize(argument, params)
