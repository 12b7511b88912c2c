"""Runs an assignment's notebooks on the solution, from top to bottom, like a student whose answers are all right."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from nbformat import NotebookNode

from autograder.authoring.build import handout_files
from autograder.authoring.notebooks import build_notebook
from autograder.course.layout import Course
from autograder.course.model import Assignment
from autograder.errors import AuthoringError, UsageError
from autograder.submission.collect.kernel import run_cells

__all__ = ["Rehearsal", "keep_artifacts", "rehearse"]

CELL_SECONDS = 600
VERDICT = re.compile(r"(\S+) results:")


@dataclass(frozen=True)
class Rehearsal:
    """The result of running the notebooks on the solution.

    Attributes:
        notebooks: the notebooks with their outputs, by file name.
        artifacts: the assignment's artifacts that the notebooks wrote, by file name.
    """

    notebooks: dict[str, NotebookNode]
    artifacts: dict[str, bytes]


def rehearse(course: Course, assignment: Assignment) -> Rehearsal:
    """Run the solved notebooks, in order, in a copy of the handout with the reference in place of the stubs.

    Raises:
        UsageError: the assignment has no notebook.
        AuthoringError: a cell raised, did not end or killed the kernel, or a `grader.check` failed.
    """
    if not assignment.notebooks:
        raise UsageError(f"{assignment.name} has no notebook")
    paired = [component for component in assignment.components if component.notebook]
    sources = {component.notebook: course.notebook_source(assignment, component) for component in paired}
    notebooks = {name: build_notebook(path, list(assignment.by_id), solved=True) for name, path in sources.items()}
    with tempfile.TemporaryDirectory() as scratch, _one_thread():
        folder = Path(scratch)
        for name, content in handout_files(course, assignment).items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        for file in assignment.files:
            shutil.copy(course.solution(assignment) / file, folder)
        for name, notebook in notebooks.items():
            _run(notebook, sources[name], folder)
        written = {name: folder / name for name in assignment.artifacts}
        artifacts = {name: path.read_bytes() for name, path in written.items() if path.is_file()}
    return Rehearsal(notebooks, artifacts)


def _run(notebook: NotebookNode, source: Path, folder: Path) -> None:
    for cell in run_cells(notebook, folder, keep_going=False, cell_seconds=CELL_SECONDS):
        problem = f"the notebook does not run on the solution: {cell.reason} (cell {cell.number}: {cell.begins})"
        raise AuthoringError(source, 1, problem)
    if failed := _failed_checks(notebook):
        raise AuthoringError(source, 1, f"on the solution the notebook's own checks fail: {', '.join(failed)}")


def _failed_checks(notebook: NotebookNode) -> list[str]:
    """The questions whose `grader.check` failed. Otter prints the failure and raises nothing."""
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    texts = [output.get("data", {}).get("text/plain", "") for output in outputs]
    return [found[1] for text in texts if (found := VERDICT.match(text)) and "All test cases passed" not in text]


def keep_artifacts(course: Course, assignment: Assignment, rehearsal: Rehearsal) -> list[Path]:
    """Write the artifacts beside the reference, which is graded with them. Returns the paths of the files."""
    paths = []
    for name, content in rehearsal.artifacts.items():
        path = course.solution(assignment) / name
        path.write_bytes(content)
        paths.append(path)
    return paths


@contextmanager
def _one_thread() -> Iterator[None]:
    """Let kernels that are started in this block use one thread, so that a run takes as long as on one core."""
    before = {name: os.environ.get(name) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
    os.environ.update(dict.fromkeys(before, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
