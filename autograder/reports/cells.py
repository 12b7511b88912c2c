"""Cells of tables for spreadsheets.

A spreadsheet could take text of a submission for a formula. An apostrophe is put before every `=`, `+`, `-` or `@`
(full-width forms too) at the beginning of a cell's text, and after every character that some locale uses as a
separator. Scores are written as plain numbers and never changed.
"""

from __future__ import annotations

import re

from autograder import rounding
from autograder.reports.text import line

__all__ = ["number", "text"]

FORMULA = re.compile(r"(^|[,;\t|])(\s*)(?=[=+\-@＝＋－＠])")


def text(value: str, limit: int = 200) -> str:
    """The text on one line, in a form that no spreadsheet takes for a formula."""
    return FORMULA.sub(r"\1\2'", line(value, limit))


def number(value: float) -> str:
    """The score with all its digits: sums over a column must agree with the result."""
    return rounding.number(value, 6)
