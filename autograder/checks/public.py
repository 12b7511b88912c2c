"""The public checks on a student's own machine: from the command line, and inside a notebook.

The folder holds the student's file, `assignment.toml`, and `public_checks/` with the checks and the reference's
recorded answers. Every run imports the student's file anew, so that an edit counts at once.
"""

from __future__ import annotations

import sys
import types
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from textwrap import indent

from autograder.checks.desk import Desk
from autograder.checks.inprocess import run_checks
from autograder.checks.recorded import load_recording
from autograder.course.manifest import load_assignment
from autograder.course.model import Assignment, Question
from autograder.course.outcome import Outcome
from autograder.course.result import CaseResult
from autograder.errors import StudentError, UsageError
from autograder.sandbox.channel.failures import describe, student_error
from autograder.sandbox.local import LocalChannel
from autograder.sandbox.proxy import Channel

__all__ = [
    "CHECKS",
    "MANIFEST",
    "StudentFile",
    "assignment_in",
    "explain",
    "public_results",
    "render",
    "run_public",
]

CHECKS, MANIFEST = "public_checks", "assignment.toml"
MARKS = {
    Outcome.PASSED: "pass",
    Outcome.NOT_ATTEMPTED: "todo",
    Outcome.PENDING: "wait",
    Outcome.TOO_NOISY: "busy",
    Outcome.TOO_SLOW: "slow",
}


def run_public(folder: Path, question: str | None = None) -> list[CaseResult]:
    """The verdict of every public check of one question, or of all.

    `message` holds an exception's own text, and `detail` what the case printed: here the reader is the author.

    Args:
        folder: an assignment's folder, with the student's file in it.
        question: a question's id.

    Raises:
        UsageError: the folder is not an assignment's, the student's file is not in it, there is no such question,
            or the checks' files are damaged.
        GraderError: the checks themselves cannot be run.
        KeyboardInterrupt: the user interrupted the student's code.
    """
    return [case for cases in public_results(folder, question).values() for case in cases]


def public_results(
    folder: Path, question: str | None = None, starting: Callable[[str, str], None] | None = None
) -> dict[str, list[CaseResult]]:
    """As `run_public`, by question, in the manifest's order.

    Args:
        starting: told the question and the id of each case before it runs; see `inprocess.run_checks`.
    """
    folder = folder.resolve()
    assignment = assignment_in(folder)
    if question is not None and question not in assignment.by_id:
        raise UsageError(f"unknown question {question!r}; there are: {', '.join(assignment.by_id)}")
    recording = load_recording(folder / CHECKS)
    desk = Desk(assignment, StudentFile(folder, assignment), recording.channel, recording.seed)
    return run_checks(folder / CHECKS, desk, [folder], question, starting)


def assignment_in(folder: Path) -> Assignment:
    """The assignment that a student's folder holds. Raises UsageError where it holds none."""
    if not (folder / CHECKS).is_dir():
        raise UsageError(f"{folder}: not an assignment's folder: there is no {CHECKS}/ in it")
    return load_assignment(folder / MANIFEST)


class StudentFile:
    """A student's file as a subject: imported once, in this process, and confined by nothing.

    What the import raises, every case gets.
    """

    def __init__(self, folder: Path, assignment: Assignment) -> None:
        self._path = folder / f"{assignment.module}.py"
        if not self._path.is_file():
            raise UsageError(f"{self._path}: no such file: your answers belong there")
        self._own = frozenset(map(str, folder.glob("*.py")))
        paths = {name: folder / name for name in assignment.artifacts}
        self._artifacts = {name: path.read_bytes() for name, path in paths.items() if path.is_file()}
        self._module: types.ModuleType | StudentError | None = None
        self.call_seconds = 0.0

    def channel(self, question: Question) -> Channel:
        """A channel that holds no object of an earlier case."""
        if self._module is None:
            self._module = self._imported()
        if isinstance(self._module, StudentError):
            raise self._module
        return LocalChannel(self._module, self._own, self._artifacts)

    def settle(self) -> None:
        pass  # nothing is ever left to later

    def output(self) -> str:
        """Nothing: pytest captures what is printed in this process."""
        return ""

    def _imported(self) -> types.ModuleType | StudentError:
        """From the source as it is now: compiled code in a cache may be older than an edit of the same second."""
        module = types.ModuleType(self._path.stem)
        module.__file__ = str(self._path)
        sys.modules[module.__name__] = module
        try:
            exec(compile(self._path.read_bytes(), str(self._path), "exec", dont_inherit=True), module.__dict__)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            return student_error(describe(error, self._own))
        return module


def explain(case: CaseResult) -> str:
    """Why a case does not pass, from one line to a few: the cause, where, what to look at, what was printed."""
    where = f" ({case.location})" if case.location else ""
    lines = [f"{case.message or case.outcome.value}{where}"]
    if case.hint:
        lines.append(f"Hint: {case.hint}")
    if case.detail:
        lines.append("Printed:\n" + indent(case.detail, "  "))
    return "\n".join(lines)


def _listed(case: CaseResult) -> str:
    """One case in a list: its mark and name, and beneath, or beside where that is short, why."""
    line = f"{MARKS.get(case.outcome, 'FAIL')}  {case.id}"
    if case.outcome is Outcome.PASSED:
        return line
    if case.outcome is Outcome.NOT_ATTEMPTED:
        return f"{line}  {explain(replace(case, detail=''))}"
    return f"{line}\n{indent(explain(case), '      ')}"


def render(results: Mapping[str, Sequence[CaseResult]]) -> str:
    """All cases as plain text, a block for each question, and a line that sums up."""
    blocks = []
    for question, cases in results.items():
        passed = sum(case.outcome is Outcome.PASSED for case in cases)
        blocks.append(f"{question}: {passed} of {len(cases)} pass\n" + indent("\n".join(map(_listed, cases)), "  "))
    counts = Counter(case.outcome for cases in results.values() for case in cases)
    summary = ", ".join(
        f"{counts[outcome]} {outcome.value.replace('_', ' ')}" for outcome in Outcome if counts[outcome]
    )
    return "\n\n".join([*blocks, f"Public checks: {summary or 'none'}"])
