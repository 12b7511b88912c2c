"""Finds the libraries that are imported in advance, once for all workers, and the libraries that notebooks need."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path

from autograder.course.layout import Course
from autograder.course.model import Assignment
from autograder.errors import UsageError

__all__ = ["preload", "require_notebooks"]

NEEDED = ("IPython", "matplotlib_inline", "nbconvert", "nbformat", "nh3")
# Modules that take seconds to import, by the word in a module, a hidden check or a notebook that shows the need.
BY_MODULES = {"torch.optim": ("torch._dynamo",)}  # torch imports it at the first step of an optimizer
BY_CHECKS = {'"meta"': ("torch._dynamo",)}  # it includes the modules that torch imports at the first use of "meta"
BY_NOTEBOOKS = {
    "": ("IPython", "autograder.sandbox.worker.notebook"),
    "matplotlib": ("matplotlib.pyplot", "matplotlib.backends.backend_agg", "matplotlib_inline.backend_inline"),
    "otter": ("otter", "pytest", "autograder.checks.public.run"),
}


def require_notebooks(course: Course, assignment: Assignment) -> None:
    """Raise UsageError if the assignment has no notebook, or a library that runs one is missing here."""
    if not assignment.notebooks:
        raise UsageError(f"--notebooks: {assignment.name} has no notebook")
    for notebook in assignment.notebooks:
        if not (clean := course.handout(assignment) / notebook).is_file():
            raise UsageError(f"--notebooks: {clean} is missing; make assignments")
    for name in NEEDED:
        if not _installed(name):
            raise UsageError(f"--notebooks: {name} is not installed; pip install 'autograder[grader,notebook]'")


def preload(course: Course, assignment: Assignment, *, notebooks: bool = False) -> list[str]:
    """Modules that submissions, and with `notebooks` their notebooks, will import, as far as they are installed."""
    wanted = [each for path in course.sources(assignment).values() for each in _shown(path, BY_MODULES)]
    wanted += [each for path in sorted(course.hidden(assignment).rglob("*.py")) for each in _shown(path, BY_CHECKS)]
    if notebooks:
        paths = (course.handout(assignment) / notebook for notebook in assignment.notebooks)
        wanted += [each for path in paths for each in _shown(path, BY_NOTEBOOKS)]
    wanted = list(dict.fromkeys(wanted))
    return [module for module in wanted if _installed(module.partition(".")[0])]


def _shown(path: Path, by: Mapping[str, Sequence[str]]) -> list[str]:
    """The modules that a file's words show to be needed; none if there is no such file, which grading will report."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeError):
        return []
    return [module for word, modules in by.items() if word in text for module in modules]


def _installed(name: str) -> bool:
    return importlib.util.find_spec(name) is not None
