"""The public checks on a student's own machine: from the command line, and inside a notebook.

The folder holds the student's files, `assignment.toml`, and `public_checks/` with the checks and the reference's
recorded answers. Every run imports the student's files anew, so that an edit counts at once.
"""

from __future__ import annotations

import importlib
import sys
import types
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from textwrap import indent
from typing import Any

from autograder.checks.harness.desk import Desk
from autograder.checks.public.inprocess import run_checks
from autograder.checks.public.shown import NotedChannel
from autograder.checks.public.watched import Watch, WatchedChannel
from autograder.checks.sides.local import sources_of
from autograder.checks.sides.recorded import load_recording
from autograder.course.manifest import load_assignment
from autograder.course.model import Assignment, Question
from autograder.course.outcome import Outcome
from autograder.course.result import CaseResult
from autograder.course.rule import Rule
from autograder.course.rules import load_rules
from autograder.errors import CheckFailed, StudentError, UsageError
from autograder.sandbox.channel.failures import describe, student_error
from autograder.sandbox.local import LocalChannel
from autograder.sandbox.proxy import Channel
from autograder.sandbox.session.importing.importer import YOURS, SubmissionFinder
from autograder.sandbox.session.importing.own_names import own_names
from autograder.sandbox.session.importing.standins import standing_in, used_since
from autograder.sandbox.session.importing.statements import Statements
from autograder.submission.source.imports import broken_imports

__all__ = [
    "CHECKS",
    "MANIFEST",
    "RULES",
    "StudentFiles",
    "assignment_in",
    "explain",
    "public_results",
    "render",
    "rules_in",
    "run_public",
]

CHECKS, MANIFEST = "public_checks", "assignment.toml"
RULES = f"{CHECKS}/rules.toml"
MARKS = {
    Outcome.PASSED: "pass",
    Outcome.NOT_ATTEMPTED: "todo",
    Outcome.PENDING: "wait",
    Outcome.TOO_NOISY: "busy",
    Outcome.TOO_SLOW: "slow",
}


def run_public(folder: Path, question: str | None = None) -> list[CaseResult]:
    """The verdict of every public check of one question, or of all.

    `message` holds an exception's own text, and `detail` the printed text of the case: here the reader is the author.

    Args:
        folder: an assignment's folder, with the student's files in it.
        question: a question's id.

    Raises:
        UsageError: the folder is not an assignment's, none of the student's files is in it, there is no such question,
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
        starting: called with the question and the id of each case before it runs; see `inprocess.run_checks`.
    """
    folder = folder.resolve()
    assignment = assignment_in(folder)
    if question is not None and question not in assignment.by_id:
        raise UsageError(f"unknown question {question!r}; there are: {', '.join(assignment.by_id)}")
    recording = load_recording(folder / CHECKS)
    subject = StudentFiles(folder, assignment, rules_in(folder, assignment))
    desk = Desk(assignment, subject, recording.channel, recording.seed)
    modules = _modules_in(folder)
    with own_names(modules, str(folder), assignment.modules), _finding(modules, folder, subject.statements):
        return run_checks(folder / CHECKS, desk, [folder], question, starting, subject.artifacts)


def _modules_in(folder: Path) -> list[str]:
    """The student's modules in a folder, and in packages that have the name of a module of Python's own library."""
    packages = [path for path in folder.iterdir() if path.is_dir() and path.name in sys.stdlib_module_names]
    paths = [*folder.glob("*.py"), *(path for package in packages for path in package.rglob("*.py"))]
    return [path.relative_to(folder).as_posix() for path in paths]


@contextmanager
def _finding(modules: Iterable[str], folder: Path, statements: Statements) -> Iterator[None]:
    """Inside this block, an import finds the student's module even if another module has its name."""
    files = {name: (folder / name).read_bytes() for name in modules}
    finder = SubmissionFinder(files, str(folder), statements=statements, only_yours=True)
    finder.install()
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        for name in [name for name in sys.modules if name.startswith(YOURS)]:
            del sys.modules[name]


def assignment_in(folder: Path) -> Assignment:
    """The assignment that a student's folder holds. Raises UsageError if it holds none."""
    if not (folder / CHECKS).is_dir():
        raise UsageError(f"{folder}: not an assignment's folder: there is no {CHECKS}/ in it")
    return load_assignment(folder / MANIFEST)


def rules_in(folder: Path, assignment: Assignment) -> Mapping[str, Rule]:
    """The rules of an assignment's questions by name, from the folder. Raises UsageError if one is missing."""
    rules = load_rules(folder / RULES)
    for question in assignment.questions:
        for name in question.rules:
            if name not in rules:
                raise UsageError(f"{folder / RULES}: the rule {name!r} is not in it: unzip the assignment again")
    return rules


class StudentFiles:
    """A student's files as a subject: each is imported once, in this process, without a sandbox.

    If importing a file raises an exception, every case of its questions gets it. As in grading, a statement that raises
    is skipped if it is no import, function or class, a stand-in takes the place of a broken file in a file that imports
    it, and uses that a question rules out are refused.

    Attributes:
        statements: runs the files when they are imported.
    """

    def __init__(self, folder: Path, assignment: Assignment, rules: Mapping[str, Rule]) -> None:
        self._folder = folder
        if not any((folder / file).is_file() for file in assignment.files):
            raise UsageError(f"{folder / assignment.files[0]}: no such file: your answers belong there")
        self._own = frozenset(map(str, folder.glob("*.py")))
        self.statements = Statements(excuse=lambda error, uses: used_since(uses))
        self._watch = Watch(rules, self._own)
        self._written = {
            module: {question.component.partition(".")[0] for question in assignment.questions_in(module)}
            for module in assignment.modules
        }
        paths = {name: folder / name for name in assignment.artifacts}
        self.artifacts = {name: path.read_bytes() for name, path in paths.items() if path.is_file()}
        self._modules: dict[str, types.ModuleType | StudentError] = {}
        self.call_seconds = 0.0
        self.last_call: dict[str, Any] = {}  # the called object and its arguments; see `NotedChannel`

    def channel(self, question: Question) -> Channel:
        """A channel that holds no object of an earlier case."""
        if not (self._folder / f"{question.module}.py").is_file():
            raise CheckFailed(
                f"{question.module}.py is not in the folder", "Copy its stub from the handout, and write it."
            )
        module = self._module(question.module)
        if isinstance(module, StudentError):
            raise module
        channel = LocalChannel(module, self._own, self.artifacts)
        watched = WatchedChannel(channel, question.rules, self._written[question.module], self._watch)
        return NotedChannel(watched if question.rules else channel, self.last_call)

    def settle(self) -> None:
        pass  # every operation runs at once

    def _module(self, name: str) -> types.ModuleType | StudentError:
        """A module, or the error of its import, even with stand-ins for broken modules that it imports."""
        if name not in self._modules:
            self._modules[name] = self._imported(name)
            if isinstance(self._modules[name], StudentError):
                files = {path.name: path.read_bytes() for path in self._folder.glob("*.py")}
                broken = broken_imports(name, files, lambda each: not isinstance(self._imported(each), StudentError))
                if broken:
                    self._modules[name] = self._imported(name, broken)
        return self._modules[name]

    def _imported(self, name: str, broken: Iterable[str] = ()) -> types.ModuleType | StudentError:
        """Import from the present source: compiled code in a cache may be older than an edit of the same second."""
        try:
            with sources_of(self._folder, self.statements), self.statements.importing(), standing_in(broken):
                return importlib.import_module(name)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            raised = student_error(describe(error, self._own))
            raised.importing = True
            return raised


def explain(case: CaseResult) -> str:
    """A few lines on a case that does not pass: the cause, the place, the hint, the figures, and the printed text."""
    where = f" ({case.location})" if case.location else ""
    lines = [f"{case.message or case.outcome.value}{where}"]
    if case.hint:
        lines.append(f"Hint: {case.hint}")
    if figures := getattr(case, "figures", ""):
        lines.append(indent(figures, "  "))
    if case.detail:
        lines.append("Printed:\n" + indent(case.detail, "  "))
    return "\n".join(lines)


def _listed(case: CaseResult) -> str:
    """One case in a list: its mark and name, and the reason, below or, if it is short, beside."""
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
