"""Runs an assignment's clean notebooks in the stage, or reuses an earlier run that is still valid."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import nbformat

from autograder.course.model import Assignment
from autograder.submission.clean.notebook import notebook_bytes
from autograder.submission.collect.advice import Ran
from autograder.submission.collect.earlier import EarlierRun, carried_over, record_run
from autograder.submission.collect.gather import Gathered
from autograder.submission.collect.kernel import run_cells

__all__ = ["Done", "Telling", "again_message", "how_long", "run_notebooks", "taken_over"]

# Called with a notebook's name and its number of cells. The context's value is called before each cell.
Telling = Callable[[str, int], AbstractContextManager[Any]]


@dataclass(frozen=True)
class Done:
    """Notebooks that were run.

    Attributes:
        gathered: the gathered files, with outputs in the notebooks.
        runs: the result of each run, by file name.
        since: the end of the reused run, in ISO 8601; "" for a new run.
    """

    gathered: Gathered
    runs: Mapping[str, Ran]
    since: str = ""


def run_notebooks(gathered: Gathered, stage: Path, depends: str, telling: Telling) -> Done:
    """Run the notebooks in order. The stage keeps the outputs of each, however it ends. A complete run is recorded.

    Raises:
        KeyboardInterrupt: the user stopped it.
    """
    assignment = gathered.assignment
    notebooks, runs = dict(gathered.notebooks), {}
    seconds: dict[str, float] = {}
    for component in assignment.components:
        if not (name := component.notebook):
            continue
        notebook = nbformat.from_dict(notebooks[name].notebook)  # type: ignore[no-untyped-call]
        start = time.monotonic()
        try:
            with telling(name, len(notebook.cells)) as tell:
                failed = run_cells(notebook, stage, keep_going=True, before_cell=tell)
        finally:
            (stage / name).write_bytes(notebook_bytes(notebook))
        seconds[name] = round(time.monotonic() - start, 1)
        notebooks[name] = replace(notebooks[name], notebook=notebook)
        runs[name] = Ran(failed, _written(component.artifacts, stage))
    names = [*runs, *_written(assignment.artifacts, stage)]
    at = datetime.now().astimezone().isoformat(timespec="seconds")
    record_run(stage, depends, at, seconds, sum(len(ran.failed) for ran in runs.values()), names)
    return Done(replace(gathered, notebooks=notebooks), runs)


def _written(artifacts: tuple[str, ...], stage: Path) -> list[str]:
    return [name for name in artifacts if (stage / name).is_file()]


def taken_over(gathered: Gathered, stage: Path, earlier: EarlierRun) -> Done:
    """Put an earlier run of the same code into the stage: its outputs, with the present answers, and its artifacts."""
    assignment: Assignment = gathered.assignment
    notebooks, runs = dict(gathered.notebooks), {}
    for component in assignment.components:
        if not (name := component.notebook):
            continue
        outputs = carried_over(notebooks[name].notebook, earlier.files[name])
        notebooks[name] = replace(notebooks[name], notebook=outputs)
        (stage / name).write_bytes(notebook_bytes(outputs))
        written = [artifact for artifact in component.artifacts if artifact in earlier.files]
        for artifact in written:
            (stage / artifact).write_bytes(earlier.files[artifact])
        runs[name] = Ran([], written)
    names = [*runs, *_written(assignment.artifacts, stage)]
    record_run(stage, earlier.depends, earlier.at, earlier.seconds, 0, names)
    return Done(replace(gathered, notebooks=notebooks), runs, since=earlier.at)


def again_message(earlier: EarlierRun) -> str:
    """The message to a student whose earlier run is handed in again."""
    seconds = _span(sum(earlier.seconds.values()))
    return (
        f"The run of {_when(earlier.at)}, which took {seconds}, is handed in again: nothing that it depends on has "
        "changed. Your present written answers are handed in. autograder collect --rerun makes a new run."
    )


def how_long(assignment: Assignment, earlier: EarlierRun | None) -> str:
    """A sentence about a run's expected time: that of the last run, else the manifest's; "" if neither is known."""
    if earlier:
        return f"A run takes about {_span(sum(earlier.seconds.values()))}, as the last one did ({_when(earlier.at)})."
    minutes = sum(component.notebook_minutes for component in assignment.components)
    which = "all notebooks" if len(assignment.notebooks) > 1 else "the notebook"
    return f"A run of {which} takes about {_span(60 * minutes)} on one core without a GPU." if minutes else ""


def _span(seconds: float) -> str:
    """5 s, 1 min 20 s, 12 min."""
    whole = max(1, round(seconds))
    parts = [f"{whole // 60} min"] if whole >= 60 else []
    if whole < 600 and (whole % 60 or not parts):
        parts.append(f"{whole % 60} s")
    return " ".join(parts)


def _when(at: str) -> str:
    return f"{datetime.fromisoformat(at):%Y-%m-%d %H:%M}"
