"""Limits how many positions and line numbers a student reads of one question.

The student's code chooses where an answer is wrong and in which line an exception is raised. A few such places help to
find a mistake. All of them together could carry a whole hidden input onto the student's page.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from autograder.course.result import CaseResult

__all__ = ["MAX_LINES", "MAX_POSITIONS", "bounded"]

MAX_POSITIONS = 3  # of wrong elements, of a question
MAX_LINES = 3  # different ones of the submission's files, of a question
POSITION = re.compile(r", at \[[\d, ]+\]")


def bounded(case: CaseResult, earlier: Iterable[CaseResult]) -> CaseResult:
    """The case without the position or line that would be one too many after those of the question's earlier cases."""
    earlier = list(earlier)
    positions = sum(bool(POSITION.search(other.message)) for other in earlier)
    if positions >= MAX_POSITIONS:
        case = replace(case, message=POSITION.sub("", case.message))
    lines = {other.location for other in earlier if other.location}
    if case.location not in lines and len(lines) >= MAX_LINES:
        case = replace(case, location="")
    return case
