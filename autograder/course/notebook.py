"""The result of running a student's notebook: frozen data with a JSON form. It never changes the score."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["PAGELESS", "NotebookOutcome", "NotebookRun", "RaisedCell", "StaleOutput", "WrittenAnswer"]


class NotebookOutcome(StrEnum):
    RAN = "ran"  # all cells ran, and none raised
    RAISED = "raised"  # all cells ran, and some raised
    STOPPED = "stopped"  # a limit or the death of the process ended the run at a cell
    MISSING = "missing"  # no notebook was handed in
    UNREADABLE = "unreadable"  # the file is no notebook
    NOT_RUN = "not_run"  # this host has no private folder for the run


@dataclass(frozen=True)
class RaisedCell:
    """A cell that raised, or the cell at which the run was stopped.

    Attributes:
        cell: its number in the notebook that was run, counted from 1, text cells included.
        begins: its first line.
        kind: the exception's type, or the end of the run: "timeout", "out_of_memory", "crashed".
        message: the first line of the exception's message.
    """

    cell: int
    begins: str
    kind: str
    message: str = ""


@dataclass(frozen=True)
class StaleOutput:
    """A cell whose stored output differs from the run's. `stored` and `run` are the first parts that differ."""

    cell: int
    begins: str
    stored: str
    run: str


@dataclass(frozen=True)
class WrittenAnswer:
    """A question's answer in words.

    Attributes:
        question, text: in Markdown; `text` is "" if the student left the placeholder unchanged.
        question_html, html: both as HTML without anything active.
    """

    question: str
    text: str
    question_html: str = ""
    html: str = ""


PAGELESS = (NotebookOutcome.MISSING, NotebookOutcome.UNREADABLE)  # there is nothing to show


@dataclass(frozen=True)
class NotebookRun:
    """One run of a notebook, from top to bottom.

    Attributes:
        reason: one line that explains an outcome other than `ran`.
        cells, run: the number of code cells, and of those that were run.
        raised: the first cells that raised; `raised_count` counts all. A stopped run ended at the last one.
        seconds: wall-clock time of the run.
        compared: the number of cells whose stored outputs were compared with the run's.
        different: the first cells whose outputs differ; `different_count` counts all.
        not_stored: the number of code cells that the student did not run.
        out_of_order: the number of code cells that the student did not run in order from top to bottom.
        written: names of artifacts that the run wrote.
        answers: the written answers.
        own: True if the student's notebook was run unchanged, since it was not made from the handed-out one.
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
        """The outcome in a few words: "ran", "2 cells raised", "stopped at cell 12", "missing"."""
        if self.outcome is NotebookOutcome.RAISED:
            return "1 cell raised" if self.raised_count == 1 else f"{self.raised_count} cells raised"
        if self.outcome is NotebookOutcome.STOPPED:
            return f"stopped at cell {self.raised[-1].cell}" if self.raised else "stopped"
        return self.outcome.value.replace("_", " ")
