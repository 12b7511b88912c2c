"""Makes a handout from a reference solution: stubs, notebooks, and public checks with recorded answers."""

from autograder.authoring.build import Drift, DriftKind, build_assignment, check_assignment, handout_files
from autograder.authoring.notebooks import build_notebook, notebook_text
from autograder.authoring.regions import strip_module

__all__ = [
    "Drift",
    "DriftKind",
    "build_assignment",
    "build_notebook",
    "check_assignment",
    "handout_files",
    "notebook_text",
    "strip_module",
]
