"""What would cost points in what a student is about to hand in, each with what to do about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Protocol

from autograder.course.model import Assignment
from autograder.course.outcome import Outcome
from autograder.course.result import CaseResult
from autograder.submission.cells import cells_order
from autograder.submission.collect import STAGE, Gathered
from autograder.submission.identity import NotebookSays
from autograder.submission.intake import LARGE, MIB, ArchiveLimits

__all__ = ["Advice", "Failed", "Ran", "about_answers", "about_files", "about_run", "about_who"]

MOST_LISTED = 3
UNFINISHED = (Outcome.NOT_ATTEMPTED, Outcome.BLOCKED, Outcome.PENDING)


class Failed(Protocol):
    """A cell that failed, as `submission.kernel` tells it."""

    @property
    def number(self) -> int: ...
    @property
    def begins(self) -> str: ...
    @property
    def reason(self) -> str: ...
    @property
    def ended(self) -> bool: ...


@dataclass(frozen=True)
class Ran:
    """What came of running the notebook.

    Attributes:
        failed: the cells that did not do what they should.
        written: names of the files that it wrote, of those that are handed in.
    """

    failed: Sequence[Failed]
    written: Sequence[str]


@dataclass(frozen=True)
class Advice:
    """Something that would cost points, or a person's time, and what to do about it."""

    what: str
    do: str


def about_who(who: NotebookSays) -> Iterator[Advice]:
    """A group that the student who hands in is not in."""
    ids = [_plain(id) for id, _ in who.group]
    if ids and _plain(who.idnum) not in ids:
        yield Advice(f"the group does not list the id {who.idnum}", "Add yourself to the group too: one line each.")


def _plain(id: str) -> str:
    return "".join(filter(str.isalnum, id))


def about_answers(gathered: Gathered, results: Mapping[str, Sequence[CaseResult]]) -> Iterator[Advice]:
    """Answers that are missing or do not pass their public checks, and given code that was changed."""
    module, questions = gathered.module, gathered.assignment.by_id
    for part in module.missing:
        yield Advice(f"{part.name} is not in {gathered.assignment.module}.py", "Copy its stub back, and write it.")
    unfinished = [questions[id] for id, cases in results.items() if _unfinished(cases)]
    if unfinished:
        points = sum(question.points for question in unfinished)
        yield Advice(
            f"not attempted: {', '.join(question.id for question in unfinished)} ({points:g} points)",
            "They count as 0; the rest is graded all the same.",
        )
    for id, cases in results.items():
        passed = sum(case.outcome is Outcome.PASSED for case in cases)
        if passed < len(cases) and not _unfinished(cases):
            count = f"{id}: {passed} of {len(cases)} public checks pass"
            yield Advice(f"{count} ({questions[id].points:g} points)", f"autograder check {id} says what is wrong.")
    for part in module.restored:
        yield Advice(
            f"given code edited: {part}",
            "The course's own is handed in. Put what you need into a function of your own, and run the checks again.",
        )
    for path in gathered.edited:
        yield Advice(f"given file edited: {path}", "It is graded with the course's own; make your answers do without.")
    if not gathered.notebook:
        return
    if gathered.notebook.foreign:
        name = gathered.assignment.notebook
        yield Advice(f"{name} is not there, or not the one of this assignment", "The course's own is handed in.")
    for cell in () if gathered.notebook.foreign else gathered.notebook.restored:
        missing = cell.number == 0
        yield Advice(
            f"given {'cell removed: ' if missing else ''}{cell}{'' if missing else ' changed'}",
            "The course's own is handed in. Try things out in cells of your own.",
        )
    for cell in gathered.notebook.blank:
        yield Advice(f"no answer below {cell.begins}", "Write it into the notebook, in the cell below the question.")


def _unfinished(cases: Sequence[CaseResult]) -> bool:
    return all(case.outcome in UNFINISHED for case in cases)


def about_run(gathered: Gathered, ran: Ran | None) -> Iterator[Advice]:
    """Cells that failed; without a run, whether the outputs are those of one run from top to bottom."""
    if gathered.notebook is None:
        return
    if ran is None:
        unrun, late = cells_order(gathered.notebook.notebook["cells"])
        if unrun or late:
            yield Advice(
                f"the notebook was not run once from top to bottom: {unrun} cells not run, {late} out of turn",
                "Leave out --no-run, or restart the kernel, run all cells, and save.",
            )
        return
    for cell in ran.failed[:MOST_LISTED]:
        stop = "; nothing after it was run" if cell.ended else ""
        yield Advice(
            f"cell {cell.number} failed ({cell.begins[:50]}): {cell.reason[:200]}{stop}",
            f"Open {STAGE}/{gathered.assignment.notebook}, as it was run, and look at the cell.",
        )
    if len(ran.failed) > MOST_LISTED:
        more = f"{len(ran.failed) - MOST_LISTED} cells more failed"
        yield Advice(more, "Most of them, perhaps, for want of what the first ones would have made.")


def about_files(assignment: Assignment, files: Mapping[str, bytes], ran: Ran | None) -> Iterator[Advice]:
    """Result files that are absent or old, and files that are too large to be taken."""
    for name in assignment.artifacts:
        if name not in files:
            how = "Run the notebook: it writes the file." if ran is None else "See why its cell did not write it."
            yield Advice(f"{name} is not there", how)
        elif ran is not None and name not in ran.written:
            yield Advice(f"{name} is from an earlier run", "The notebook did not write it now. See why.")
    limits = ArchiveLimits()
    for path, data in files.items():
        most = limits.file_bytes if PurePosixPath(path).suffix in LARGE else limits.small_bytes
        if len(data) > most:
            yield Advice(f"{path} is larger than {most // MIB} MiB", "It will not be taken. Print less; save less.")
