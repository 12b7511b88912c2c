"""Runs a folder of checks with pytest inside this process, and leaves the process as it was.

This is for trusted code: the reference, when its answers are recorded, and a student's own file on the student's own
machine. It may run in a notebook's kernel, so modules, random states, output and working directory stay as they were.
"""

from __future__ import annotations

import builtins
import gc
import importlib
import io
import os
import random
import re
import sys
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from autograder.checks.harness import items as items_of
from autograder.checks.harness import plugin
from autograder.checks.harness.desk import Desk
from autograder.checks.public.shown import in_figures
from autograder.checks.sides.local import lies_in
from autograder.course.outcome import Outcome
from autograder.course.result import CaseResult
from autograder.errors import CheckFailed, GraderError, StudentError
from autograder.sandbox.session.importing.absent import no_input

__all__ = ["PublicCase", "Results", "run_checks"]

# The plugin is passed as a module, even if it is installed as an entry point, too. No other installed plugin, no
# configuration and no cache of this machine takes part.
OPTIONS = (
    *("-p", "no:autograder", "-p", "no:cacheprovider", "-p", "no:faulthandler"),
    *("-p", "no:unraisableexception", "-p", "no:threadexception"),
    *("--noconftest", "--import-mode=importlib", "--capture=sys", "--quiet", "-c", os.devnull),
)
PYTEST_SETTINGS = ("PYTEST_ADDOPTS", "PYTEST_PLUGINS", "PYTEST_CURRENT_TEST", "PYTEST_VERSION")
AUTOLOAD = "PYTEST_DISABLE_PLUGIN_AUTOLOAD"
ORDINARY = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED)
MAX_PRINTED = 2_000  # characters
NOT_SAVED = re.compile(r"FileNotFoundError: (\S+) was not handed in")


@dataclass(frozen=True)
class PublicCase(CaseResult):
    """A case whose input is public.

    Attributes:
        figures: the result, the wanted value and the input, if they are small; otherwise "".
    """

    figures: str = ""


class Results(dict[str, list[CaseResult]]):
    """Cases by question.

    Attributes:
        saved: question and id of the cases that run only if the notebook has saved a file.
    """

    saved: frozenset[tuple[str, str]] = frozenset()


def run_checks(
    checks: Path,
    desk: Desk,
    imports: Sequence[Path],
    question: str | None = None,
    starting: Callable[[str, str], None] | None = None,
    files: Collection[str] = (),
) -> Results:
    """Run the checks in a folder, in process.

    Args:
        checks: the folder of test_*.py files.
        desk: the objects behind their fixtures.
        imports: folders that checks and subject import from, before all others. The run imports its own copies: modules
            of these names that this process has imported already do not change.
        question: only the checks of this question.
        starting: called with each case's question and id before it runs. It must not print to `sys.stdout` or
            `sys.stderr`.
        files: names of the files that the notebook has saved; a check of another file (`saved`) is left out.

    Returns:
        The cases by question, in the manifest's order, only questions that have any. They
        hold an exception's own text and the printed text: see `_Collector`.

    Raises:
        GraderError: the checks could not be collected.
        KeyboardInterrupt: the user interrupted a check; its traceback leads to the line that was running.
    """
    collector = _Collector(desk, checks, starting, files)
    # pytest gets only the folder's name, because it gives square brackets and colons in a path a meaning of its own.
    arguments = [*OPTIONS, "--rootdir", str(checks), checks.name]
    if question is not None:
        arguments += ["--question", question]
    log = io.StringIO()
    with (
        chdir(checks.parent),
        _undisturbed(),
        _imports_from([checks, *imports]),
        _frozen(),
        redirect_stdout(log),
        redirect_stderr(log),
    ):
        status = pytest.main(arguments, plugins=[plugin, collector])
    if status is pytest.ExitCode.INTERRUPTED and not collector.problems:
        raise collector.interrupt or KeyboardInterrupt
    if collector.problems or status not in ORDINARY:
        problem = "\n".join(collector.problems) or log.getvalue().strip()
        raise GraderError(f"{checks}: the checks cannot be run: {problem}")
    order = {known: [case for owner, case in collector.cases if owner == known] for known in desk.assignment.by_id}
    results = Results({known: cases for known, cases in order.items() if cases})
    results.saved = frozenset(collector.saved)
    return results


@dataclass
class _Collector:
    """A pytest plugin for one run: puts the desk in place, and keeps each check's verdict.

    The reader is the author of the code, so two things are added that a hidden check's verdict never shows: the
    exception's own message, and, as `detail`, the end of the printed text.
    """

    desk: Desk
    checks: Path
    starting: Callable[[str, str], None] | None = None
    files: Collection[str] = ()
    saved: set[tuple[str, str]] = field(default_factory=set)
    cases: list[tuple[str, CaseResult]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    interrupt: KeyboardInterrupt | None = None
    _error: BaseException | None = None
    _printed: str = ""
    _call: dict[str, Any] = field(default_factory=dict)

    def pytest_configure(self, config: pytest.Config) -> None:
        config.stash[plugin.DESK] = self.desk

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        if isinstance(excinfo.value, KeyboardInterrupt):
            self.interrupt = excinfo.value

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Leave out checks of files that the notebook has not saved."""
        items[:] = [item for item in items if set(items_of.saved_files(item)) <= set(self.files)]
        self.saved = {
            (str(items_of.question_of(item)), items_of.case_id(item)) for item in items if items_of.saved_files(item)
        }

    def pytest_collection_finish(self) -> None:
        """Give the names of the checks' helpers to the subject, now that the checks have imported them."""
        sys.path[:] = [entry for entry in sys.path if entry != str(self.checks)]
        for name, module in list(sys.modules.items()):
            if lies_in(module, self.checks):
                del sys.modules[name]

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
        """Keep the exception, before the autograder's plugin replaces it by its verdict."""
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
        self._call = getattr(self.desk.subject, "last_call", {})
        self._call.clear()
        question = items_of.question_of(item)
        if self.starting and question:
            self.starting(question, items_of.case_id(item))
        outcome = yield
        if question is None:
            self.problems.append(f"{item.nodeid}: no question marker")
        else:
            self.cases.append((question, self._explained(plugin.case_of(item))))
        self._let_go()
        return outcome

    def _let_go(self) -> None:
        """Free the objects that the code held when it raised, so that the next case has memory."""
        if self._error is not None:
            self._error = None
            sys.last_value = sys.last_traceback = None
            gc.collect()

    def _explained(self, case: CaseResult) -> CaseResult:
        if case.outcome is Outcome.GRADER_ERROR:
            case = replace(case, message=str(self._error) or type(self._error).__name__)
        elif case.outcome is Outcome.ERROR and isinstance(self._error, StudentError):
            what = "importing your file" if self._error.importing else "your code"
            case = replace(case, message=f"{what} raised {self._error}".strip())
        if case.outcome is Outcome.ERROR and (missing := NOT_SAVED.search(str(self._error))):
            why, hint = f"{missing[1]} is not here yet", "Run the notebook: it writes the file."
            case = replace(case, outcome=Outcome.NOT_ATTEMPTED, message=why, hint=hint, location="")
        figures = in_figures(self._error, self._call) if isinstance(self._error, CheckFailed) else ""
        known = {each.name: getattr(case, each.name) for each in fields(CaseResult)}
        return PublicCase(**known | {"detail": self._printed.strip()[-MAX_PRINTED:]}, figures=figures)


@contextmanager
def _frozen() -> Iterator[None]:
    """Collect garbage only among objects made in this block: torch's modules would take most of a second each time."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Restore random states, environment and switches at the end of this block. `run_checks` restores the folder.

    In the block torch has one thread, as in a grader's worker: sums are the same, and small tensors are fast.
    """
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()
    settings = {name: os.environ.pop(name) for name in PYTEST_SETTINGS if name in os.environ}
    autoload = os.environ.get(AUTOLOAD)
    os.environ[AUTOLOAD] = "1"
    bytecode, gradients, threads = sys.dont_write_bytecode, torch.is_grad_enabled(), torch.get_num_threads()
    sys.dont_write_bytecode = True
    torch.set_num_threads(1)
    asked, builtins.input = builtins.input, no_input  # pytest would advise to use an option of its own
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
        builtins.input = asked
        sys.dont_write_bytecode = bytecode
        torch.set_grad_enabled(gradients)
        torch.set_num_threads(threads)


@contextmanager
def _imports_from(folders: Sequence[Path]) -> Iterator[None]:
    """Import the modules of these folders anew, and forget them afterwards."""
    names = {folder.name for folder in folders}.union(*map(_importable_names, folders))
    before, path = dict(sys.modules), list(sys.path)
    for name in before:
        if name.partition(".")[0] in names and not _is_elsewhere(name, before, folders):
            del sys.modules[name]
    sys.path[:0] = [str(folder) for folder in folders]
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path[:] = path
        for name in list(sys.modules):
            if name.partition(".")[0] in names and not _is_elsewhere(name, before, folders):
                del sys.modules[name]
        sys.modules.update({name: module for name, module in before.items() if name.partition(".")[0] in names})


def _is_elsewhere(name: str, before: Mapping[str, ModuleType], folders: Sequence[Path]) -> bool:
    """True if the top-level module of this name came from another folder before. It has to stay: `queue`, `torch`."""
    top = before.get(name.partition(".")[0])
    return top is not None and top.__spec__ is not None and not any(lies_in(top, folder) for folder in folders)


def _importable_names(folder: Path) -> set[str]:
    """Top-level modules and packages that a folder holds."""
    packages = {entry.parent.name for entry in folder.glob("*/*.py")}
    return packages | {entry.stem for entry in folder.glob("*.py")}
