"""What running a student's notebook yields: frozen data with a JSON form. It is evidence, and costs no points."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["NotebookOutcome", "NotebookRun", "RaisedCell", "StaleOutput", "WrittenAnswer"]


class NotebookOutcome(StrEnum):
    RAN = "ran"  # every cell, and none raised
    RAISED = "raised"  # to its end; some cells raised
    STOPPED = "stopped"  # at a cell: a limit, or the process died
    MISSING = "missing"  # none was handed in
    UNREADABLE = "unreadable"  # what was handed in is no notebook
    NOT_RUN = "not_run"  # this host has no private folder to run it in


@dataclass(frozen=True)
class RaisedCell:
    """A cell that raised, or at which the notebook was stopped.

    Attributes:
        cell: its number in the notebook as it was run, counted from 1, text cells included.
        begins: its first line.
        kind: the exception's type, or what ended the run: "timeout", "out_of_memory", "crashed".
        message: the first line of what it said.
    """

    cell: int
    begins: str
    kind: str
    message: str = ""


@dataclass(frozen=True)
class StaleOutput:
    """A cell whose stored output is not what the run put out; `stored` and `run` are where they part."""

    cell: int
    begins: str
    stored: str
    run: str


@dataclass(frozen=True)
class WrittenAnswer:
    """A question's answer in words.

    Attributes:
        question, text: in Markdown; `text` is "" where the placeholder was left as it is.
        question_html, html: what that looks like, made inert.
    """

    question: str
    text: str
    question_html: str = ""
    html: str = ""


@dataclass(frozen=True)
class NotebookRun:
    """One run of a notebook, from top to bottom.

    Attributes:
        reason: why it is not simply "ran"; one line.
        cells, run: code cells there are, and code cells that were run.
        raised: cells that raised, `raised_count` in all; the last is where a stopped run ended.
        seconds: wall-clock time of the run.
        compared: cells whose stored outputs were compared with the run's.
        different: those of them that put out something else; at most so many are kept as `different_count` says.
        not_stored, out_of_order: code cells that the student did not run, and not in their turn of one run.
        written: names of artifacts that the run wrote.
        answers: to the questions in words.
        own: whether the student's notebook was run as it is, since it is not made from the one handed out.
    """

    outcome: NotebookOutcome
    reason: str = ""
    cells: int = 0
    run: int = 0
    raised: tuple[RaisedCell, ...] = ()
    raised_count: int = 0
    seconds: float = 0.0
    compared: int = 0
    different: tuple[StaleOutput, ...] = ()
    different_count: int = 0
    not_stored: int = 0
    out_of_order: int = 0
    written: tuple[str, ...] = ()
    answers: tuple[WrittenAnswer, ...] = ()
    own: bool = False

    @property
    def summary(self) -> str:
        """In a few words: ran; 2 cells raised; stopped at cell 12; missing."""
        if self.outcome is NotebookOutcome.RAISED:
            return "1 cell raised" if self.raised_count == 1 else f"{self.raised_count} cells raised"
        if self.outcome is NotebookOutcome.STOPPED:
            return f"stopped at cell {self.raised[-1].cell}" if self.raised else "stopped"
        return self.outcome.value.replace("_", " ")
