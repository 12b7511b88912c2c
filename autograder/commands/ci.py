"""The output of `check` for a CI server: JUnit's XML, and on GitHub a table and remarks beside the code."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from autograder.errors import UsageError
from autograder.files import whole

if TYPE_CHECKING:
    from autograder.checks.public.standing import Standing
    from autograder.course.model import Assignment
    from autograder.course.result import CaseResult

__all__ = ["GitHub", "write_junit"]


def write_junit(path: Path, assignment: Assignment, results: Mapping[str, Sequence[CaseResult]]) -> None:
    """Write the cases as JUnit's XML. Raises UsageError if the file cannot be written."""
    from autograder.exports.junit import Suite, junit

    cases = [(f"{assignment.id}.{question}", case) for question in results for case in results[question]]
    content = junit([Suite(assignment.title, cases, sum(case.seconds for _, case in cases))])
    try:
        with whole(path) as file:
            file.write(content)
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}") from None


class GitHub:
    """Prints commands for GitHub Actions if the program runs there; elsewhere it prints nothing.

    Args:
        to: the stream for commands. Standard output may be data for a script.
    """

    def __init__(self, to: TextIO) -> None:
        self._to = to
        self._here = os.environ.get("GITHUB_ACTIONS") == "true"

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """In this block, no printed line acts as a command."""
        if not self._here:
            yield
            return
        from autograder.exports import github

        token = secrets.token_hex(16)
        self._say(github.stop(token))
        try:
            yield
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            self._say(github.resume(token))

    def tell(self, assignment: Assignment, standing: Standing, folder: Path) -> None:
        """The table of questions, and a remark for each of the first cases that are wrong."""
        if not self._here:
            return
        from autograder.exports import github

        wrong = [
            (checked.question, case)
            for checked in standing.questions
            for case in checked.cases
            if case.outcome.value not in ("passed", "too_noisy", "not_attempted", "pending")
        ]
        for question, case in wrong[: github.MAX_REMARKS]:
            file, _, number = (case.location or f"{question.module}.py").partition(":")
            place = _from_workspace(folder / file)
            text = "\n".join(filter(None, (case.message or case.outcome.value, case.hint)))
            line = int(number) if number.isdecimal() else 0
            self._say(github.remark(github.Remark(place, line, f"{question.id}: {case.title or case.id}", text)))
        rows = [
            (
                checked.question.title,
                checked.status.value.replace("_", " "),
                f"{checked.passed} of {len(checked.cases)}",
                "" if checked.status.value == "passed" else checked.first.message,
            )
            for checked in standing.questions
        ]
        if target := os.environ.get("GITHUB_STEP_SUMMARY"):
            try:
                with Path(target).open("a", encoding="utf-8") as file_:
                    file_.write(github.summary(f"Assignment {assignment.number}: {assignment.title}", rows))
            except OSError as error:
                print(f"the summary cannot be written: {error.strerror}", file=sys.stderr)

    def _say(self, command: str) -> None:
        if self._here:
            print(command, file=self._to, flush=True)


def _from_workspace(path: Path) -> str:
    """A file's path as GitHub knows it: from the root of the repository."""
    root = Path(os.environ.get("GITHUB_WORKSPACE") or path.parent).resolve()
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name
