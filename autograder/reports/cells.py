"""Cells of tables that a spreadsheet opens.

Text that a submission chose could be taken for a formula by the spreadsheet that opens the file. An apostrophe is put
before every `=`, `+`, `-` or `@` (full-width forms too) that begins a cell's text, or follows a character in the text
that some locale takes for a separator. Scores are written as plain numbers and are never touched.
"""

from __future__ import annotations

import re

from autograder.reports.text import line

__all__ = ["number", "text"]

FORMULA = re.compile(r"(^|[,;\t|])(\s*)(?=[=+\-@＝＋－＠])")


def text(value: str, limit: int = 200) -> str:
    """Text that no spreadsheet takes for a formula, on one line."""
    return FORMULA.sub(r"\1\2'", line(value, limit))


def number(value: float) -> str:
    """As exact as the score itself: sums over this column must agree with the result."""
    return f"{value:.6f}".rstrip("0").rstrip(".")
