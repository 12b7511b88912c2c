"""What otter's test files call, beside a notebook: a question's public checks, run once, asked for case by case."""

from __future__ import annotations

import html
from pathlib import Path

from autograder.checks.public import explain, run_public
from autograder.checks.standing import FINE
from autograder.course.result import CaseResult
from autograder.errors import CheckFailed

__all__ = ["PublicQuestion"]


class PublicQuestion:
    """The public checks of one question on the folder that the notebook runs in."""

    def __init__(self, question: str) -> None:
        self._question = question
        self._cases: dict[str, CaseResult] | None = None

    def require(self, case: str) -> None:
        """Do nothing if this case passes, or could not be timed here.

        Raises:
            CheckFailed: it does not; the message tells why, escaped, since otter sets it into a page as it is.
            UsageError: the notebook does not run in an assignment's folder.
        """
        if self._cases is None:
            self._cases = {result.id: result for result in run_public(Path.cwd(), self._question)}
        if case not in self._cases:
            raise CheckFailed("this check is not among the public checks: unzip the assignment afresh")
        if self._cases[case].outcome not in FINE:
            raise CheckFailed(html.escape(explain(self._cases[case]), quote=False))
