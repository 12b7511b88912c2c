"""Limits the number of positions, line numbers and kinds of exceptions that a student reads about one question.

The student's code chooses the place of a wrong element, and the line and kind of an exception. A few of them help to
find a mistake. All of them together could carry a whole hidden input onto the student's page.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from autograder.course.outcome import Outcome
from autograder.course.result import CaseResult

__all__ = ["MAX_KINDS", "MAX_LINES", "MAX_POSITIONS", "bounded"]

MAX_POSITIONS = 3  # of wrong elements, of a question
MAX_LINES = 3  # different ones of the submission's files, of a question
MAX_KINDS = 3  # of exceptions, of a question
OTHER_KIND = "your code raised an exception of another kind"
POSITION = re.compile(r", at \[[\d, ]+\]")


def bounded(case: CaseResult, earlier: Iterable[CaseResult]) -> CaseResult:
    """The case without a position, line or kind that exceeds the limit, counting the question's earlier cases."""
    earlier = list(earlier)
    positions = sum(bool(POSITION.search(other.message)) for other in earlier)
    if positions >= MAX_POSITIONS:
        case = replace(case, message=POSITION.sub("", case.message))
    lines = {other.location for other in earlier if other.location}
    if case.location not in lines and len(lines) >= MAX_LINES:
        case = replace(case, location="")
    if case.outcome is Outcome.ERROR:
        kinds = {(other.message, other.hint) for other in earlier if other.outcome is Outcome.ERROR}
        if (case.message, case.hint) not in kinds and len(kinds) >= MAX_KINDS:
            case = replace(case, message=OTHER_KIND, hint="")
    return case
