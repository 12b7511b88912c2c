"""The terminal's view of a class: progress during grading, and the table at the end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Self

from rich.box import SIMPLE_HEAD
from rich.columns import Columns
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar
from rich.table import Table
from rich.text import Text

from autograder.course.model import Assignment
from autograder.course.outcome import Outcome
from autograder.course.result import QuestionResult, SubmissionResult
from autograder.reports.findings.decisions import queued
from autograder.reports.findings.rescored import ScoreChange
from autograder.reports.findings.summary import summarize
from autograder.reports.pages.legend import LEGEND
from autograder.reports.text import line
from autograder.rounding import fixed, number

__all__ = ["Progress", "print_class"]

STYLES = {"good": "green", "bad": "red", "warn": "yellow", "calm": "bright_black", "ours": "magenta"}
SIGNS = "questions"
MIN_NAME, MAX_NAME = 16, 40
REASON_WIDTH = 160
MAX_CHANGES = 10
FIRST_ESTIMATE = 3  # submissions; with fewer, an estimate would be a guess


class Progress:
    """Progress over a batch, as a context manager: a bar on a terminal, one plain line per submission elsewhere.

    From the third submission on, it shows the remaining time.

    Args:
        total: submissions to be graded.
        expected: seconds that each submission took in an earlier run, by name; only their proportions count.
        at_once: the number of submissions that are graded at once.
        now: a clock, in seconds.

    >>> with Progress(2, Console()) as progress:
    ...     progress.finished(result)
    ...     progress.failed("lee-1-A6-O1", "not a zip archive")
    """

    def __init__(
        self,
        total: int,
        console: Console,
        *,
        expected: Mapping[str, float] | None = None,
        at_once: int = 1,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._console = console
        self._total, self._done = total, 0
        self._expected, self._now, self._began = dict(expected or {}), now, now()
        self._work = sum(self._expected.values()) or float(total)
        self._worked = self._took = 0.0  # the expected and the real seconds of the finished submissions
        self._at_once = max(1, min(at_once, total))
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._bar = Bar(
            *columns,
            TextColumn("{task.fields[left]}"),
            TextColumn("{task.fields[last]}", markup=False),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        self._task = self._bar.add_task("Grading", total=total, last="", left="")

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def finished(self, result: SubmissionResult) -> None:
        """One submission has its result, with the seconds that it took in this run."""
        points = (
            f"{number(result.score, 1)} of {number(result.max_score)}" if result.graded else "grader error: no grade"
        )
        self._step(result.submission, points, lasting=not result.graded, seconds=result.seconds)

    def failed(self, name: str, why: str) -> None:
        """One submission could not be graded; this line stays on the screen."""
        self._step(name, f"not graded: {line(why, REASON_WIDTH)}", lasting=True)

    def _step(self, name: str, result: str, lasting: bool, seconds: float | None = None) -> None:
        self._done += 1
        work = self._expected.get(name, 1.0)
        if seconds is None:
            self._work -= work  # a submission that was not graded has no time to learn from
        else:
            self._worked, self._took = self._worked + work, self._took + seconds
        what, left = f"{line(name, 60)}  {result}", self._left()
        if not self._console.is_terminal:
            width = len(str(self._total))
            self._plain(f"{self._done:{width}}/{self._total}  {what}{left and f'  ({left})'}")
            return
        if lasting:
            self._plain(what)
        self._bar.update(self._task, advance=1, last=what, left=left)

    def _left(self) -> str:
        """The remaining time, computed from the finished submissions and the expected time of each."""
        if self._done < FIRST_ESTIMATE or self._done >= self._total or not self._worked:
            return ""
        each, left = self._took / self._worked, self._work - self._worked
        # The time that has passed includes work on unfinished submissions. The estimate is at least half of their time.
        passed = self._now() - self._began
        seconds = max(each * self._work / self._at_once - passed, each * left / self._at_once / 2)
        return f"about {round(seconds / 60)} min left" if seconds >= 90 else f"about {max(round(seconds), 1)} s left"

    def _plain(self, what: str) -> None:
        self._console.print(Text(what), soft_wrap=True)


def print_class(
    results: Sequence[SubmissionResult],
    assignment: Assignment,
    console: Console,
    failures: Iterable[tuple[str, str]] = (),
    changes: Sequence[ScoreChange] = (),
    passed: Sequence[tuple[str, str]] = (),
) -> None:
    """Print the class table in order of name, the meaning of its signs, skipped files, and the class's figures."""
    results = sorted(results, key=lambda result: result.submission)
    failures = sorted(failures)
    console.print(Text(f"\nAssignment {assignment.number}: {line(assignment.title)}\n", "bold"))
    console.print(_table(results, failures, assignment, console.width))
    console.print()
    console.print(Columns(_columns(assignment), padding=(0, 2)))
    console.print(Columns(_signs(results), padding=(0, 2)))
    for name, why in failures:
        console.print(Text.assemble((line(name, 60), "bold"), f"  not graded: {line(why, REASON_WIDTH)}"))
    for change in changes[:MAX_CHANGES]:
        console.print(Text(f"changed: {line(str(change), REASON_WIDTH)}"), soft_wrap=True)
    if len(changes) > MAX_CHANGES:
        console.print(Text(f"changed: {len(changes) - MAX_CHANGES} more, on the class page"))
    for name, why in passed:
        console.print(Text.assemble("skipped: ", (line(name, 120), "bold"), f"  {line(why, REASON_WIDTH)}"))
    console.print(_figures(results, assignment, len(passed)))


def _table(
    results: Sequence[SubmissionResult], failures: Sequence[tuple[str, str]], assignment: Assignment, width: int
) -> Table:
    """Names are cut to fit `width`. If too little width is left, questions show their signs only.

    Every cell is a Text, so that no name is read as markup.
    """
    for narrow, gap, enough in ((False, 2, MAX_NAME), (False, 1, MIN_NAME), (True, 1, MIN_NAME)):
        heads, rows = _cells(results, failures, assignment, narrow)
        widths = [max(len(head), *(row[index].cell_len for row in rows), 0) for index, head in enumerate(heads)]
        left = width - sum(widths[1:]) - gap * (len(widths) - 1)
        if left >= min(widths[0], enough):
            break
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, gap - 1, 0, 0))
    widths[0] = max(min(widths[0], left), MIN_NAME)
    for index, head in enumerate(heads):
        words = index in (0, len(heads) - 1) or head == SIGNS
        table.add_column(head, justify="left" if words else "right", no_wrap=True, width=widths[index])
    for row in rows:
        table.add_row(*row)
    return table


def _cells(
    results: Sequence[SubmissionResult], failures: Sequence[tuple[str, str]], assignment: Assignment, narrow: bool
) -> tuple[list[str], list[list[Text]]]:
    columns = [SIGNS] if narrow else [str(index) for index, _ in enumerate(assignment.questions, 1)]
    heads = ["submission", "option", f"/{number(assignment.max_score)}", *columns, ""]
    rows = [_row(result, assignment, narrow) for result in results]
    for name, _ in failures:
        unread = [Text(line(name, MAX_NAME), "red"), Text(), Text("none", "red")]
        rows.append(unread + [Text() for _ in heads[3:]])
    return heads, rows


def _row(result: SubmissionResult, assignment: Assignment, narrow: bool) -> list[Text]:
    found = {question.id: question for question in result.questions}
    cells = [_cell(found.get(question.id), narrow) for question in assignment.questions]
    return [
        Text(line(result.submission, MAX_NAME)),
        Text(line(result.info.option, 3)),
        Text(number(result.score, 1), "bold") if result.graded else Text("none", "magenta"),
        *([Text.assemble(*cells)] if narrow else cells),
        Text("late" if result.info.late else "", "yellow"),
    ]


def _cell(question: QuestionResult | None, narrow: bool) -> Text:
    """The score and the outcome's sign: "12" if all is right, "7.5✗", and only the sign for no points."""
    if question is None:
        return Text(" ")
    face = LEGEND[question.outcome]
    if question.outcome is Outcome.PASSED:
        return Text(face.sign if narrow else number(question.score, 1), style=STYLES[face.tone])
    partial = question.score > 0 and not narrow
    style = "yellow" if partial and face.tone == "bad" else STYLES[face.tone]
    return Text(f"{number(question.score, 1)}{face.sign}" if partial else face.sign, style=style)


def _columns(assignment: Assignment) -> list[Text]:
    return [Text(f"{index:2} {question.id}", "bright_black") for index, question in enumerate(assignment.questions, 1)]


def _signs(results: Sequence[SubmissionResult]) -> list[Text]:
    seen = {question.outcome for result in results for question in result.questions} - {Outcome.PASSED}
    faces = (LEGEND[outcome] for outcome in Outcome if outcome in seen)
    return [Text(f" {face.sign} {face.label}", STYLES[face.tone]) for face in faces]


def _figures(results: Sequence[SubmissionResult], assignment: Assignment, passed: int = 0) -> Text:
    summary = summarize(results, assignment)
    parts = [f"{summary.submissions} {'submission' if summary.submissions == 1 else 'submissions'}"]
    if summary.scores:
        scores = summary.scores
        parts.append(f"mean {fixed(scores.mean, 1)}, median {fixed(scores.median, 1)}")
        parts.append(f"quartiles {fixed(scores.lower, 1)} and {fixed(scores.upper, 1)}")
    if summary.late:
        parts.append(f"{summary.late} late")
    if queue := queued(results, assignment):
        parts.append(f"{len(queue)} to be read")
    if summary.pending:
        parts.append(f"{summary.pending} pending")
    if summary.graded < summary.submissions:
        parts.append(f"{summary.submissions - summary.graded} without a grade (grader error)")
    if passed:
        parts.append(f"{passed} skipped")
    return Text(" · ".join(parts))
