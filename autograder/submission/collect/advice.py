"""Advice before handing in: the faults that would cost points, each with its remedy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Protocol

from autograder.course.model import Assignment
from autograder.course.outcome import Outcome
from autograder.course.result import CaseResult
from autograder.course.rule import Rule
from autograder.submission.clean.notebook import CarriedNotebook, cells_order
from autograder.submission.collect.gather import STAGE, Gathered
from autograder.submission.receive.identity import NotebookSays
from autograder.submission.receive.intake import LARGE, MIB, ArchiveLimits
from autograder.submission.source.parse import parse
from autograder.submission.source.rules import UseKind, scan_questions

__all__ = ["Advice", "Failed", "Ran", "about_answers", "about_files", "about_run", "about_source", "about_who"]

MAX_LISTED = 3
RESTORED = "The course's own is handed in. Put what you need into a function of your own, and run the checks again."
UNFINISHED = (Outcome.NOT_ATTEMPTED, Outcome.BLOCKED, Outcome.PENDING)


class Failed(Protocol):
    """A cell that failed, see `collect.kernel`."""

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
    """The result of running a notebook.

    Attributes:
        failed: the cells that failed.
        written: names of the artifacts that it wrote.
    """

    failed: Sequence[Failed]
    written: Sequence[str]


@dataclass(frozen=True)
class Advice:
    """A fault to fix before handing in, and its remedy.

    Attributes:
        costs: True if it costs points by itself. If False, a person who reads the submission may ask about it.
    """

    what: str
    do: str
    costs: bool = True


def about_who(who: NotebookSays) -> Iterator[Advice]:
    """Advice about a group that lacks the student who hands in."""
    ids = [_plain(id) for id, _ in who.group]
    if ids and _plain(who.idnum) not in ids:
        do = "Add yourself to the group too: one line each."
        yield Advice(f"the group does not list the id {who.idnum}", do, costs=False)


def _plain(id: str) -> str:
    return "".join(filter(str.isalnum, id))


def about_answers(gathered: Gathered, results: Mapping[str, Sequence[CaseResult]]) -> Iterator[Advice]:
    """Advice about answers that are missing or fail their public checks, and about changed given code."""
    questions = gathered.assignment.by_id
    for name in gathered.absent:
        yield Advice(f"{name} is missing", "Its stub is handed in. Copy your file into this folder.")
    for name, (_, problem) in gathered.unreadable.items():
        yield Advice(
            f"{name}, line {problem.line}: {problem}", "Python cannot read the file; it is handed in as it is."
        )
    for name, module in gathered.modules.items():
        for part in () if name in gathered.absent else module.missing:
            yield Advice(f"{part.name} is not in {name}", "Copy its stub back, and write it.")
    unfinished = [questions[id] for id, cases in results.items() if _unfinished(cases)]
    if unfinished:
        points = sum(question.points for question in unfinished)
        yield Advice(
            f"not attempted: {', '.join(question.id for question in unfinished)} ({points:g} points)",
            "They count as 0; the other questions are graded.",
        )
    for id, cases in results.items():
        passed = sum(case.outcome is Outcome.PASSED for case in cases)
        if passed < len(cases) and not _unfinished(cases):
            count = f"{id}: {passed} of {len(cases)} public checks pass"
            yield Advice(f"{count} ({questions[id].points:g} points)", f"autograder check {id} says what is wrong.")
    several = len(gathered.modules) > 1
    for name, module in gathered.modules.items():
        for part in module.restored:
            yield Advice(f"given code edited: {f'{name}, ' if several else ''}{part}", RESTORED, costs=False)
    for path in gathered.edited:
        yield Advice(
            f"given file edited: {path}",
            "The course's own file is used in grading: write your answers so that they work with it.",
            costs=False,
        )
    for name, notebook in gathered.notebooks.items():
        yield from _about_cells(name, notebook, f"{name}: " if len(gathered.notebooks) > 1 else "")


def _about_cells(name: str, notebook: CarriedNotebook, where: str) -> Iterator[Advice]:
    if notebook.foreign:
        yield Advice(
            f"{name} is missing, or not the one of this assignment",
            "The course's own notebook is handed in.",
            costs=False,
        )
    for cell in () if notebook.foreign else notebook.restored:
        missing = cell.number == 0
        yield Advice(
            f"{where}given {'cell removed: ' if missing else ''}{cell}{'' if missing else ' changed'}",
            "The course's own cell is handed in. Use cells of your own to try things out.",
            costs=False,
        )
    for cell in notebook.blank:
        do = "Write it into the notebook, in the cell below the question."
        yield Advice(f"{where}no answer below {cell.begins}", do, costs=False)


def about_source(gathered: Gathered, rules: Mapping[str, Rule]) -> Iterator[Advice]:
    """Advice about forbidden names in an answer. A person sees them, even if no check runs them."""
    several = len(gathered.modules) > 1
    for name, module in gathered.modules.items():
        tree = parse(module.source)
        questions = gathered.assignment.questions_in(name.removesuffix(".py"))
        for id, found in scan_questions(tree, questions, rules).items() if tree else ():
            where = f"{name}, " if several else ""
            for use in found[:MAX_LISTED]:
                what = (
                    "names what the question rules out"
                    if use.kind is UseKind.FORBIDDEN
                    else "looks like a way around a rule"
                )
                do = "A person will look at the line. Write the operation yourself, and delete code that is not needed."
                yield Advice(f"{where}line {use.line}, {id}: {use.what} {what}", do, costs=False)


def _unfinished(cases: Sequence[CaseResult]) -> bool:
    return all(case.outcome in UNFINISHED for case in cases)


def about_run(gathered: Gathered, runs: Mapping[str, Ran] | None) -> Iterator[Advice]:
    """Advice about failed cells or, without a run, about outputs that are not from one run from top to bottom."""
    several = len(gathered.notebooks) > 1
    for name, notebook in gathered.notebooks.items():
        if runs is not None:
            yield from _about_failed(name, runs[name], f"{name}: " if several else "")
            continue
        unrun, late = cells_order(notebook.notebook["cells"])
        if unrun or late:
            which = name if several else "the notebook"
            yield Advice(
                f"{which} was not run once from top to bottom: {unrun} cells not run, {late} out of turn",
                "Leave out --no-run, or restart the kernel, run all cells, and save.",
                costs=False,
            )


def _about_failed(name: str, ran: Ran, where: str) -> Iterator[Advice]:
    for cell in ran.failed[:MAX_LISTED]:
        stop = "; nothing after it was run" if cell.ended else ""
        yield Advice(
            f"{where}cell {cell.number} failed ({cell.begins[:50]}): {cell.reason[:200]}{stop}",
            f"Open {STAGE}/{name}, the notebook that was run, and look at the cell.",
            costs=False,
        )
    if len(ran.failed) > MAX_LISTED:
        more = f"{len(ran.failed) - MAX_LISTED} more cells failed"
        yield Advice(
            where + more, "Most are probably consequences of the first failures; fix those first.", costs=False
        )


def about_files(assignment: Assignment, files: Mapping[str, bytes], runs: Mapping[str, Ran] | None) -> Iterator[Advice]:
    """Advice about artifacts that are missing or old, and about files that are too large."""
    written = {name for ran in (runs or {}).values() for name in ran.written}
    for name in assignment.artifacts:
        if name not in files:
            how = "Run the notebook: it writes the file." if runs is None else "See why its cell did not write it."
            yield Advice(f"{name} is missing", how)
        elif runs is not None and name not in written:
            yield Advice(f"{name} is from an earlier run", "The notebook did not write it now. See why.")
    limits = ArchiveLimits()
    for path, data in files.items():
        most = limits.file_bytes if PurePosixPath(path).suffix in LARGE else limits.small_bytes
        if len(data) > most:
            yield Advice(f"{path} is larger than {most // MIB} MiB", "It will not be graded. Print less; save less.")
