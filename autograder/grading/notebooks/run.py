"""Runs a student's notebook once, from top to bottom, in a worker of its own, and reports the result.

The clean notebook runs with the student's cells, beside the student's module as it was graded, the given library, the
public checks, and the handed-in files. A notebook that is not made from the handed-out one runs unchanged.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

from markupsafe import escape

from autograder.course.layout import Course
from autograder.course.model import Assignment, Limits, NotebookLimits
from autograder.course.notebook import NotebookOutcome, NotebookRun, RaisedCell, StaleOutput, WrittenAnswer
from autograder.errors import (
    ProtocolError,
    SandboxError,
    StudentError,
    WorkerCrashed,
    WorkerOutOfMemory,
    WorkerTimeout,
)
from autograder.grading.notebooks.absent import absent_in_cells
from autograder.grading.notebooks.outputs import parting
from autograder.reports.bounded import bounded
from autograder.reports.pages.inert import inert_markdown
from autograder.reports.pages.notebook import render_notebook, warm_up
from autograder.sandbox import Package, Sandbox, Worker
from autograder.sandbox.channel.bundle import packed
from autograder.sandbox.grader.deadline import Allowance
from autograder.sandbox.grader.displayed import read_cell
from autograder.submission.clean.notebook import carry_cells, cells_order, who_says
from autograder.submission.clean.notebook_matching import Cell, begins, read_cells, text_of
from autograder.submission.paths import is_litter

__all__ = ["Notebooks"]

GRACE_SECONDS = 5.0  # for a cell to end after the order to stop
OPEN_SECONDS = 60.0
NO_PROCESSES = "NoProcesses"  # the error of a cell that starts a process. This limit is ours, so it is not counted
LAYOUT_SECONDS = 20.0
MAX_SOURCE = 200_000  # characters of a cell
MAX_SHOWN = 32 << 20  # characters of all outputs, images included
MAX_REPORTED, MAX_ANSWER, MAX_LINE = 20, 8_000, 200
MARKDOWN_IMAGES = ("image/png", "image/jpeg", "image/gif")


@dataclass(frozen=True)
class Notebooks:
    """Runs notebooks of one assignment.

    Args:
        handout: the handout's files by path: its notebooks and its public checks.
        until: the end of the whole run, in seconds of `time.monotonic`.
    """

    sandbox: Sandbox
    assignment: Assignment
    handout: Mapping[str, bytes] = field(repr=False)
    until: float = math.inf

    @classmethod
    def open(cls, course: Course, assignment: Assignment, sandbox: Sandbox, until: float = math.inf) -> Notebooks:
        folder = course.handout(assignment)
        paths = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
        handout = {name: path.read_bytes() for name, path in paths.items() if not is_litter(name)}
        warm_up()
        return cls(sandbox, assignment, handout, until)

    def run(
        self,
        notebook: str,
        received: bytes | None,
        package: Package,
        submission: str,
        theirs: Mapping[str, bytes] | None = None,
        unread: str = "",
    ) -> tuple[NotebookRun, str | None]:
        """Run one notebook. All its faults become part of the result.

        Args:
            notebook: its file name, as the assignment gives it.
            received: the notebook's file; None if none was handed in.
            package: the files beside it: the modules, the given library, artifacts.
            submission: the submission's name, for the page.
            theirs: the handed-in files, unchanged and with their given files, by path. A notebook that is not made from
                the handed-out one runs beside these.
            unread: the reason why a handed-in notebook could not be read.

        Returns:
            The result, and the page about the run, if there is something to show.
        """
        if received is None:
            if unread:
                return NotebookRun(NotebookOutcome.UNREADABLE, f"{notebook} cannot be read: {unread}"), None
            return NotebookRun(NotebookOutcome.MISSING, f"{notebook} was not handed in"), None
        try:
            script = _Script.of(self.handout[notebook], received)
        except ValueError as problem:
            return NotebookRun(NotebookOutcome.UNREADABLE, f"it cannot be read as a notebook: {problem}"), None
        component = next(each for each in self.assignment.components if each.notebook == notebook)
        running = _Running(script.cells, self.assignment.notebook_limits, component.artifacts)
        if not self.sandbox.layers["view"]:
            running.outcome, running.reason = NotebookOutcome.NOT_RUN, "this host gives workers no folder to write to"
        else:
            self._run(running, _theirs(package, theirs) if script.own and theirs else package)
        run = running.result(script, _formatted(script.answers))
        shown = {"cells": running.shown, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
        which = "the notebook" if len(self.assignment.notebooks) == 1 else notebook
        summary = f"{run.summary.capitalize()}. {run.reason}".rstrip()
        raised = [cell.cell for cell in run.raised]
        return run, render_notebook(shown, f"{submission}: {which}, run once", summary, raised)

    def _run(self, running: _Running, package: Package) -> None:
        limits = self.assignment.notebook_limits
        allowed = Limits(
            call_seconds=limits.cell_seconds, memory_mb=limits.memory_mb, disk_mb=limits.disk_mb, output_kb=64
        )
        checks = {path: data for path, data in self.handout.items() if path.startswith(("public_checks/", "tests/"))}
        given = {path: data for path, data in self.handout.items() if "/" not in path and not path.endswith(".py")}
        beside = {**package.files, **given, **checks}
        allowance = Allowance(limits.seconds + 2 * OPEN_SECONDS, self.until)
        with self.sandbox.spawn(Package({}, "", frozenset()), allowed, allowance=allowance) as worker:
            absent = absent_in_cells(running.cells, beside, self.assignment)
            running.all(worker, replace(package, files=beside, stand_ins=package.stand_ins | absent))


def _theirs(package: Package, theirs: Mapping[str, bytes]) -> Package:
    """The package with the handed-in files; a library of the student's own replaces the course's as a whole."""
    tops = {path.partition("/")[0] for path in theirs if "/" in path}
    kept = {path: data for path, data in package.files.items() if path.partition("/")[0] not in tops}
    return replace(package, files={**kept, **theirs})


@dataclass(frozen=True)
class _Script:
    """The cells to run, with the outputs that the student's notebook stores for them."""

    cells: Sequence[Cell]
    own: bool
    answers: tuple[WrittenAnswer, ...]
    order: tuple[int, int]

    @classmethod
    def of(cls, clean: bytes, received: bytes) -> _Script:
        """Make the script of a notebook. Raises ValueError if `received` is no notebook."""
        base, theirs = read_cells(clean), read_cells(received)["cells"]
        carried = carry_cells(base, theirs, who_says(received))
        if carried.foreign:
            return cls(theirs, True, (), cells_order(theirs))
        cells = carried.notebook["cells"]
        return cls(cells, False, tuple(_answers(base["cells"], cells)), cells_order(theirs))


def _answers(ours: Sequence[Cell], cells: Sequence[Cell]) -> list[WrittenAnswer]:
    """The written answers, each with its question: the given cell above it."""
    asked = [(above, cell) for above, cell in pairwise(ours) if _is_written_answer(cell)]
    answers = []
    for (above, blank), cell in zip(asked, filter(_is_written_answer, cells), strict=True):
        question, written = above["source"].strip().rpartition("\n\n")[2], text_of(cell)
        answers.append(WrittenAnswer(question[:MAX_ANSWER], written[:MAX_ANSWER] if written != text_of(blank) else ""))
    return answers


def _formatted(answers: Sequence[WrittenAnswer]) -> tuple[WrittenAnswer, ...]:
    """The answers with HTML; with plain text if the conversion takes too long."""
    texts = [text for answer in answers for text in (answer.question, answer.text)]
    try:
        pages = json.loads(bounded(LAYOUT_SECONDS, lambda: json.dumps([*map(inert_markdown, texts)])))
    except (TimeoutError, RuntimeError):
        pages = [f"<pre>{escape(text)}</pre>" for text in texts]
    pairs = zip(answers, zip(pages[::2], pages[1::2], strict=True), strict=True)
    return tuple(replace(answer, question_html=asked, html=wrote) for answer, (asked, wrote) in pairs)


def _is_written_answer(cell: Cell) -> bool:
    """True for a given cell with the tag. Cells that a student adds are carried without tags."""
    return cell["cell_type"] == "markdown" and "answer" in cell["metadata"].get("tags", ())


@dataclass
class _Running:
    """A notebook under way.

    Attributes:
        artifacts: the files that it may write and that are handed in.
        shown: its cells as the page shows them, each with its outputs.
    """

    cells: Sequence[Cell]
    limits: NotebookLimits
    artifacts: Sequence[str]
    shown: list[dict[str, Any]] = field(init=False)
    outcome: NotebookOutcome = NotebookOutcome.RAN
    reason: str = ""
    raised: list[RaisedCell] = field(default_factory=list)
    ran: list[int] = field(default_factory=list)  # places of the cells that were run
    written: tuple[str, ...] = ()
    seconds: float = 0.0
    room: int = MAX_SHOWN

    def __post_init__(self) -> None:
        self.shown = [_as_shown(cell, number) for number, cell in enumerate(self.cells, start=1)]

    def all(self, worker: Worker, package: Package) -> None:
        """Run every cell, unless one ends the worker or time is up."""
        limits, began = self.limits, time.monotonic()
        try:
            given = {
                "files": packed(package.files),
                "watched": list(self.artifacts),
                "stand_ins": sorted(package.stand_ins),
            }
            worker.request("open_notebook", given, OPEN_SECONDS)
            for place, cell in enumerate(self.cells):
                if cell["cell_type"] != "code" or not cell["source"].strip():
                    continue
                left = limits.seconds - worker.calls_seconds
                if left <= 0:
                    self._stop(place, "timeout", f"the notebook did not end within {limits.seconds:g} s")
                    return
                self._cell(worker, place, min(left, limits.cell_seconds))
                if self.outcome is NotebookOutcome.STOPPED:
                    return
            names = worker.request("written_files", {}, OPEN_SECONDS)
            self.written = tuple(name for name in self.artifacts if type(names) is list and name in names)
        except (SandboxError, ValueError) as error:  # the notebook could not be opened or closed
            self.outcome, self.reason = NotebookOutcome.STOPPED, _line(str(error))
        finally:
            self.seconds = round(time.monotonic() - began, 3)

    def _cell(self, worker: Worker, place: int, seconds: float) -> None:
        source = self.cells[place]["source"]
        if len(source) > MAX_SOURCE:
            self._raised(place, "not run", f"longer than {MAX_SOURCE} characters")
            return
        self.ran.append(place)
        try:
            payload = {"source": source.encode("utf-8", "replace").decode(), "seconds": seconds}
            outputs, left_out = read_cell(worker.request("run_cell", payload, seconds + GRACE_SECONDS))
        except StudentError as error:  # the shell did not handle the error, and the worker lives on
            self._raised(place, error.kind, error.text)
            return
        except WorkerOutOfMemory as error:
            if not worker.alive:
                self._stop(place, "out_of_memory", str(error))
                return
            self._raised(place, "MemoryError", str(error))
            return
        except WorkerTimeout:
            self._stop(place, "timeout", f"it did not end within {seconds:.0f} s")
            return
        except (WorkerCrashed, ProtocolError) as error:
            self._stop(place, "crashed", str(error))
            return
        self._keep(place, outputs, left_out)

    def _keep(self, place: int, outputs: list[dict[str, Any]], left_out: bool) -> None:
        for output in outputs:
            if output["output_type"] == "execute_result":
                output["execution_count"] = len(self.ran)
            if output["output_type"] == "error" and output["ename"] != NO_PROCESSES:
                self._raised(place, output["ename"], output["evalue"])
        self.room -= sum(_size(output) for output in outputs)
        if self.room < 0:
            outputs, left_out = [], True
        if left_out:
            outputs = [*outputs, _message("Some of this cell's output is left out: it is too large.")]
        self.shown[place] |= {"outputs": outputs, "execution_count": len(self.ran)}

    def _raised(self, place: int, kind: str, message: str) -> None:
        if self.outcome is NotebookOutcome.RAN:
            self.outcome = NotebookOutcome.RAISED
        cell = RaisedCell(place + 1, begins(self.cells[place]), _line(kind), _line(message))
        if not self.raised or self.raised[-1].cell != cell.cell:
            self.raised.append(cell)

    def _stop(self, place: int, kind: str, why: str) -> None:
        self._raised(place, kind, why)
        self.outcome, self.reason = NotebookOutcome.STOPPED, f"Cell {place + 1} ended the run: {_line(why)}."
        self.shown[place] |= {"outputs": [_message(f"{self.reason} Nothing below was run.")], "execution_count": None}

    def result(self, script: _Script, answers: tuple[WrittenAnswer, ...]) -> NotebookRun:
        stored = [place for place in self.ran if self.cells[place].get("outputs") and "outputs" in self.shown[place]]
        different = []
        for place in stored:
            if parted := parting(self.cells[place]["outputs"], self.shown[place]["outputs"]):
                different.append(StaleOutput(place + 1, begins(self.cells[place]), *map(_line, parted)))
        missing, late = script.order
        raised = (*self.raised[: MAX_REPORTED - 1], self.raised[-1]) if len(self.raised) > MAX_REPORTED else self.raised
        return NotebookRun(
            outcome=self.outcome,
            reason=self.reason
            or ("It is not based on the notebook of the handout, and ran as it is." if script.own else ""),
            cells=sum(cell["cell_type"] == "code" and bool(cell["source"].strip()) for cell in self.cells),
            run=len(self.ran),
            raised=tuple(raised),
            raised_count=len(self.raised),
            seconds=self.seconds,
            compared=len(stored),
            different=tuple(different[:MAX_REPORTED]),
            different_count=len(different),
            not_stored=missing,
            out_of_order=late,
            written=self.written,
            answers=answers,
            own=script.own,
        )


def _as_shown(cell: Cell, number: int) -> dict[str, Any]:
    """A new cell with only the known fields of another one."""
    shown = {"cell_type": cell["cell_type"], "id": f"n{number}", "metadata": {"number": number}}
    shown["source"] = cell["source"][:MAX_SOURCE].encode("utf-8", "replace").decode()
    if cell["cell_type"] == "code":
        return {**shown, "outputs": [], "execution_count": None}
    attachments = cell.get("attachments")
    if cell["cell_type"] == "markdown" and isinstance(attachments, dict):
        kept = {str(name): _images(bundle) for name, bundle in attachments.items() if isinstance(bundle, dict)}
        shown["attachments"] = {name: bundle for name, bundle in kept.items() if bundle}
    return shown


def _images(bundle: Mapping[Any, Any]) -> dict[str, str]:
    return {kind: bundle[kind] for kind in MARKDOWN_IMAGES if isinstance(bundle.get(kind), str)}


def _size(output: Mapping[str, Any]) -> int:
    texts = (output.get("text"), *output.get("traceback", ()), *output.get("data", {}).values())
    return sum(len(text) for text in texts if isinstance(text, str))


def _message(text: str) -> dict[str, Any]:
    """A message of the grader below a cell."""
    return {"output_type": "stream", "name": "stderr", "text": text}


def _line(text: str) -> str:
    return next(iter(text.split("\n")), "")[:MAX_LINE].encode("utf-8", "replace").decode()
