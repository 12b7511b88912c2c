"""Runs a folder of checks by pytest inside this process, and leaves the process as it was.

For what is trusted: the reference, when its answers are recorded, and a student's own file on the student's own
machine, perhaps in a notebook's kernel, whose modules, random states, output and working directory are the
student's to keep.
"""

from __future__ import annotations

import importlib
import io
import os
import random
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from autograder.checks import plugin
from autograder.checks.desk import Desk
from autograder.course.outcome import Outcome
from autograder.course.result import CaseResult
from autograder.errors import GraderError, StudentError

__all__ = ["run_checks"]

# The plugin is handed over as a module, whether or not it is installed as an entry point too. Nothing else that is
# installed, configured or cached on this machine takes part.
OPTIONS = (
    *("-p", "no:autograder", "-p", "no:cacheprovider", "-p", "no:faulthandler"),
    *("-p", "no:unraisableexception", "-p", "no:threadexception"),
    *("--noconftest", "--import-mode=importlib", "--capture=sys", "--quiet", "-c", os.devnull),
)
PYTEST_SETTINGS = ("PYTEST_ADDOPTS", "PYTEST_PLUGINS", "PYTEST_CURRENT_TEST", "PYTEST_VERSION")
AUTOLOAD = "PYTEST_DISABLE_PLUGIN_AUTOLOAD"
ORDINARY = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED)
MAX_PRINTED = 2_000  # characters


def run_checks(
    checks: Path,
    desk: Desk,
    imports: Sequence[Path],
    question: str | None = None,
    starting: Callable[[str, str], None] | None = None,
) -> dict[str, list[CaseResult]]:
    """Run the checks in a folder, in process.

    Args:
        checks: the folder of test_*.py files.
        desk: what their fixtures draw on.
        imports: folders that checks and subject import from, first of all; what this process has imported under
            the names in there stays as it is, and is imported anew for the run.
        question: only the checks of this question.
        starting: told each case's question and id before it runs; it must not print to `sys.stdout` or `sys.stderr`.

    Returns:
        The cases by question, in the manifest's order, only questions that have any. An exception's own text, and
        what the case printed, are in them: see `_Collector`.

    Raises:
        GraderError: the checks could not be collected.
        KeyboardInterrupt: the user interrupted a check; its traceback leads to the line that was running.
    """
    collector = _Collector(desk, starting)
    arguments = [*OPTIONS, "--rootdir", str(checks), str(checks)]
    if question is not None:
        arguments += ["--question", question]
    log = io.StringIO()
    with _undisturbed(), _imports_from([checks, *imports]), redirect_stdout(log), redirect_stderr(log):
        status = pytest.main(arguments, plugins=[plugin, collector])
    if status is pytest.ExitCode.INTERRUPTED and not collector.problems:
        raise collector.interrupt or KeyboardInterrupt
    if collector.problems or status not in ORDINARY:
        problem = "\n".join(collector.problems) or log.getvalue().strip()
        raise GraderError(f"{checks}: the checks cannot be run: {problem}")
    order = {known: [case for owner, case in collector.cases if owner == known] for known in desk.assignment.by_id}
    return {known: cases for known, cases in order.items() if cases}


@dataclass
class _Collector:
    """A pytest plugin for one run: puts the desk in place, and keeps each check's verdict.

    Here the reader is whoever wrote the code, so two things are added that a hidden check's verdict never shows: the
    exception's own message, and, as `detail`, the end of what the code printed.
    """

    desk: Desk
    starting: Callable[[str, str], None] | None = None
    cases: list[tuple[str, CaseResult]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    interrupt: KeyboardInterrupt | None = None
    _error: BaseException | None = None
    _printed: str = ""

    def pytest_configure(self, config: pytest.Config) -> None:
        config.stash[plugin.DESK] = self.desk

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        if isinstance(excinfo.value, KeyboardInterrupt):
            self.interrupt = excinfo.value

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.problems.append(f"{report.nodeid}: {report.longreprtext}")

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_setup(self) -> Iterator[None]:
        return (yield from self._noting())

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_call(self) -> Iterator[None]:
        return (yield from self._noting())

    def _noting(self) -> Iterator[None]:
        """Inside of the autograder's plugin, which puts its verdict in the exception's place."""
        try:
            return (yield)
        except BaseException as error:
            self._error = error
            raise

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._printed = report.capstdout + report.capstderr

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self._error, self._printed = None, ""
        question = plugin.question_of(item)
        if self.starting and question:
            self.starting(question, plugin.case_id(item))
        outcome = yield
        if question is None:
            self.problems.append(f"{item.nodeid}: no question marker")
        else:
            self.cases.append((question, self._explained(plugin.case_of(item))))
        return outcome

    def _explained(self, case: CaseResult) -> CaseResult:
        if case.outcome is Outcome.GRADER_ERROR:
            case = replace(case, message=str(self._error) or type(self._error).__name__)
        elif case.outcome is Outcome.ERROR and isinstance(self._error, StudentError):
            case = replace(case, message=f"your code raised {self._error}".strip())
        return replace(case, detail=self._printed.strip()[-MAX_PRINTED:])


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Give back random states, environment and switches as they were; the working directory pytest gives back.

    Meanwhile torch has one thread, as a grader's worker has: sums come out alike, and small tensors fast.
    """
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()
    settings = {name: os.environ.pop(name) for name in PYTEST_SETTINGS if name in os.environ}
    autoload = os.environ.get(AUTOLOAD)
    os.environ[AUTOLOAD] = "1"
    bytecode, gradients, threads = sys.dont_write_bytecode, torch.is_grad_enabled(), torch.get_num_threads()
    sys.dont_write_bytecode = True
    torch.set_num_threads(1)
    try:
        with warnings.catch_warnings():
            yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
        torch.set_rng_state(states[2])
        for name in PYTEST_SETTINGS:
            os.environ.pop(name, None)
        os.environ.update(settings)
        os.environ.pop(AUTOLOAD)
        if autoload is not None:
            os.environ[AUTOLOAD] = autoload
        sys.dont_write_bytecode = bytecode
        torch.set_grad_enabled(gradients)
        torch.set_num_threads(threads)


@contextmanager
def _imports_from(folders: Sequence[Path]) -> Iterator[None]:
    """Import what lies in these folders anew, and forget it afterwards."""
    names = {folder.name for folder in folders}.union(*map(_importable_names, folders))
    before, path = dict(sys.modules), list(sys.path)
    for name in before:
        if name.partition(".")[0] in names:
            del sys.modules[name]
    sys.path[:0] = [str(folder) for folder in folders]
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path[:] = path
        for name in list(sys.modules):
            if name.partition(".")[0] in names:
                del sys.modules[name]
        sys.modules.update({name: module for name, module in before.items() if name.partition(".")[0] in names})


def _importable_names(folder: Path) -> set[str]:
    """Top-level modules and packages that a folder holds."""
    packages = {entry.parent.name for entry in folder.glob("*/*.py")}
    return packages | {entry.stem for entry in folder.glob("*.py")}
