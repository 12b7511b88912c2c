"""The output for GitHub Actions: a table on the run's page, and remarks beside lines of code.

There, a printed line that begins with `::` is a command. The output of a student's code is between `stop` and
`resume`, or it could write remarks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from autograder.reports.text import line

__all__ = ["MAX_REMARKS", "Remark", "remark", "resume", "stop", "summary"]

MAX_REMARKS = 10  # GitHub shows ten remarks of a step
MAX_SUMMARY = 60_000  # bytes; above 1 MiB GitHub drops the whole table
CUT = "\n… cut: the log of this step has the rest.\n"
MARKDOWN = str.maketrans({each: f"&#{ord(each)};" for each in "&<>|`*_[]\\~#!@"})


@dataclass(frozen=True)
class Remark:
    """A fault at a place. `line` is 0 if unknown."""

    file: str
    line: int
    title: str
    message: str


def remark(each: Remark) -> str:
    """The command that shows a remark.

    >>> remark(Remark("a.py", 3, "1: sum", "100 %"))
    '::error file=a.py,line=3,title=1%3A sum::100 %25'
    """
    properties = {"file": each.file, **({"line": str(each.line)} if each.line else {}), "title": each.title}
    fields = ",".join(f"{name}={_property(value)}" for name, value in properties.items() if value)
    return f"::error {fields}::{_message(each.message)}"


def stop(token: str) -> str:
    """No printed line is a command from here on, until `resume` with the same token."""
    return f"::stop-commands::{token}"


def resume(token: str) -> str:
    return f"::{token}::"


def summary(title: str, rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown: question, status, number of passed checks, next fix. Markdown signs in its text are escaped.

    A table that would be too long is cut, with a note.
    """
    text = f"## {_cell(title)}\n\n| Question | Status | Checks | What to fix first |\n|---|---|---|---|\n"
    for row in rows:
        added = "| " + " | ".join(map(_cell, row)) + " |\n"
        if len((text + added + CUT).encode()) > MAX_SUMMARY:
            return text + CUT
        text += added
    return text


def _cell(text: str) -> str:
    return line(text, 500).translate(MARKDOWN)


def _message(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")
