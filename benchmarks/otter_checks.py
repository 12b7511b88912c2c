"""What the test files in the zip for otter call: the hidden checks, run once in otter's kernel, asked for case by case.

Lies in the submission's folder while otter grades it, with a copy of the course beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from hidden_checks.inhouse import artifacts_in, inhouse_desk

from autograder.checks.public.inprocess import run_checks
from autograder.course.layout import Course
from autograder.course.outcome import Outcome

__all__ = ["HiddenChecks", "hidden_checks"]


@cache
def hidden_checks(assignment: str, seed: int) -> HiddenChecks:
    """The same object for every test file: the checks are run once."""
    return HiddenChecks(assignment, seed)


class HiddenChecks:
    """All hidden checks of an assignment, on whatever otter has executed."""

    def __init__(self, assignment: str, seed: int) -> None:
        self._assignment, self._seed = assignment, seed
        self._passed: set[tuple[str, str]] | None = None

    def require(self, env: Mapping[str, Any], question: str, case: str) -> None:
        """Raise AssertionError where this case does not pass.

        Args:
            env: the namespace that the submission was executed in.
        """
        if self._passed is None:
            self._passed = self._run(env)
        assert (question, case) in self._passed

    def _run(self, env: Mapping[str, Any]) -> set[tuple[str, str]]:
        course = Course(Path(__file__).parent / "course")
        assignment = course.assignment(self._assignment)
        module = ModuleType(assignment.modules[0])
        module.__dict__.update(env)
        module.__file__ = assignment.files[0]
        desk = inhouse_desk(course, assignment, module, artifacts_in(Path.cwd(), assignment), self._seed)
        results = run_checks(course.hidden(assignment), desk, [course.common.parent])
        return {
            (question, case.id)
            for question, cases in results.items()
            for case in cases
            if case.outcome is Outcome.PASSED
        }
