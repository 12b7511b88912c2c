"""Which libraries running notebooks needs, and which of them are imported ahead, once for all workers."""

from __future__ import annotations

import importlib.util

from autograder.course.layout import Course
from autograder.course.model import Assignment
from autograder.errors import UsageError

__all__ = ["preload", "require_notebooks"]

NEEDED = ("IPython", "matplotlib_inline", "nbconvert", "nbformat", "bleach")
# What takes seconds to import, by the word in a notebook that shows that it does.
AHEAD = {
    "": ("IPython", "autograder.sandbox.worker.notebook"),
    "matplotlib": ("matplotlib.pyplot", "matplotlib.backends.backend_agg", "matplotlib_inline.backend_inline"),
    "otter": ("otter", "pytest", "autograder.checks.public"),
}


def require_notebooks(course: Course, assignment: Assignment) -> None:
    """Raise UsageError where the assignment has no notebook, or a library that runs one is missing here."""
    if not assignment.notebook:
        raise UsageError(f"--notebooks: {assignment.name} has no notebook")
    if not (clean := course.handout(assignment) / assignment.notebook).is_file():
        raise UsageError(f"--notebooks: {clean} is missing; make assignments")
    for name in NEEDED:
        if not _installed(name):
            raise UsageError(f"--notebooks: {name} is not installed; pip install 'autograder[grader,notebook]'")


def preload(course: Course, assignment: Assignment) -> list[str]:
    """Modules that the assignment's notebook will import, as far as they are installed."""
    text = (course.handout(assignment) / assignment.notebook).read_text(encoding="utf-8")
    wanted = (module for word, modules in AHEAD.items() if word in text for module in modules)
    return [module for module in wanted if _installed(module.partition(".")[0])]


def _installed(name: str) -> bool:
    return importlib.util.find_spec(name) is not None
