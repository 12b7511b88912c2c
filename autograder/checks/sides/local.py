"""Modules that run in this process: the reference under its own checks, and a student's file at home."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import lru_cache, partial
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from types import CodeType, ModuleType
from typing import TypeAlias

from autograder.checks.sides.reference import Answers, Requests, TranscriptChannel
from autograder.course.layout import Course
from autograder.course.model import Assignment, Question
from autograder.errors import UsageError
from autograder.sandbox.local import LocalChannel
from autograder.sandbox.proxy import Channel
from autograder.sandbox.session.importing.statements import Statements
from autograder.submission.source.text import readable

__all__ = ["Load", "LocalSubject", "lies_in", "load_module", "reference_channels", "reference_loader", "sources_of"]


# Imports a module by its name.
Load: TypeAlias = Callable[[str], ModuleType]


class LocalSubject:
    """A module in this process, imported again for every case: the reference under its own checks, or a student's
    file on the student's machine. There is no sandbox.

    Args:
        load: imports a module by name, anew.
        files: submitted files that are not code.
    """

    def __init__(self, load: Load, files: dict[str, bytes] | None = None) -> None:
        self._load, self._files = load, files
        self.call_seconds = 0.0

    def channel(self, question: Question) -> Channel:
        return LocalChannel(self._load(question.module), files=self._files)

    def settle(self) -> None:
        pass  # every operation runs at once


def reference_channels(load: Load, answers: Answers) -> Callable[[Question, str], Channel]:
    """Opens the reference's module of a question behind the memo, for each case."""
    requests: Requests = {}
    return lambda question, case: TranscriptChannel(
        case, lambda: LocalChannel(load(question.module)), answers, requests
    )


def reference_loader(course: Course, assignment: Assignment) -> Load:
    """Imports a module of an assignment's reference by name, anew at every call."""
    sources = course.sources(assignment)
    return lambda module: load_module(sources[f"{module}.py"], course.common.parent)


def load_module(path: Path, beside: Path | None = None) -> ModuleType:
    """Import one file under its own name, whatever else is imported under that name.

    The file may import other files of its folder. It gets new ones each time, and nothing of them stays imported.

    Args:
        path: the file.
        beside: a folder whose packages it may import too, put first on `sys.path`.
    """
    if not path.is_file():
        raise UsageError(f"{path}: no such file")
    module = ModuleType(path.stem)
    module.__file__ = str(path)
    with _importable(beside) if beside else nullcontext(), _siblings(path.parent):
        sys.modules[path.stem] = module
        exec(_compiled(path, path.read_bytes()), module.__dict__)
    return module


@lru_cache(maxsize=32)
def _compiled(path: Path, source: bytes) -> CodeType:
    """Each case gets a module of its own, but the code is compiled once."""
    return compile(readable(source)[0], path, "exec", dont_inherit=True)


@contextmanager
def _siblings(folder: Path) -> Iterator[None]:
    """Import the files of a folder anew by their names. Afterwards, earlier modules of these names are put back."""
    names = {path.stem for path in folder.glob("*.py")}
    before = {name: sys.modules.pop(name) for name in names & sys.modules.keys()}
    try:
        with sources_of(folder):
            yield
    finally:
        for name in names & sys.modules.keys():
            del sys.modules[name]
        sys.modules.update(before)


@contextmanager
def sources_of(folder: Path, statements: Statements | None = None) -> Iterator[None]:
    """Let imports find the files of a folder first, as they are now: no compiled file is read or written.

    Args:
        statements: runs the files; None to run each as a whole.
    """
    finder = _SourceFinder(folder, statements)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


class _SourceFinder(MetaPathFinder, Loader):
    """Finds the files of one folder, and runs them from code that was compiled once."""

    def __init__(self, folder: Path, statements: Statements | None) -> None:
        self._folder, self._statements = folder, statements

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        file = self._folder / f"{fullname}.py"
        return spec_from_file_location(fullname, file, loader=self) if file.is_file() else None

    def exec_module(self, module: ModuleType) -> None:
        file = Path(str(module.__file__))
        source = file.read_bytes()
        run = partial(exec, _compiled(file, source), vars(module))
        if self._statements is None:
            run()
        else:
            self._statements.run(str(file), readable(source)[0], vars(module), run)


@contextmanager
def _importable(folder: Path) -> Iterator[None]:
    """Let imports look in `folder` first: another course's package of the same name is forgotten."""
    for package in {path.parent.name for path in folder.glob("*/__init__.py")} & sys.modules.keys():
        if not lies_in(sys.modules[package], folder):
            for name in [name for name in sys.modules if name.partition(".")[0] == package]:
                del sys.modules[name]
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))


def lies_in(module: ModuleType, folder: Path) -> bool:
    """True if a module was imported from a folder."""
    file = getattr(module, "__file__", None)
    return isinstance(file, str) and Path(file).resolve().is_relative_to(folder.resolve())
