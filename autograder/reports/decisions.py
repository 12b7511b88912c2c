"""review.csv: the scale that a person gives to each submission of an option that is read; kept from run to run.

A row is written once, with the option's own scale. Whatever a person changes in `scale`, `comment` or columns of
their own is never overwritten; only the facts beside it follow the grading. The comment is for the staff.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from autograder.course.model import Assignment
from autograder.course.result import SubmissionResult
from autograder.errors import UsageError
from autograder.reports.gradescsv import number, text

__all__ = ["COLUMNS", "DECISIONS", "Decisions", "queued"]

DECISIONS = "review.csv"
COLUMNS = ("submission", "name", "id", "option", "score before scale", "scale", "comment")
FACTS = COLUMNS[:5]
MOST_BYTES = 16 * 1024 * 1024


def queued(results: Sequence[SubmissionResult], assignment: Assignment) -> list[SubmissionResult]:
    """The submissions that a person is to read, in order of name."""
    found = [result for result in results if assignment.option(result.info.option).review]
    return sorted(found, key=lambda result: result.submission)


@dataclass(frozen=True)
class Decisions:
    """What stands in the file: columns in their order, and rows."""

    columns: Sequence[str] = COLUMNS
    rows: Sequence[Mapping[str, str]] = field(default_factory=tuple)

    @classmethod
    def read(cls, path: Path) -> Decisions:
        """Nothing where there is no such file. Raises UsageError, with row and column, where a cell makes no sense."""
        try:
            if path.stat().st_size > MOST_BYTES:
                raise UsageError(f"{path}: far too large")
            content = path.read_bytes().decode("utf-8-sig")
        except FileNotFoundError:
            return cls()
        except UnicodeDecodeError:
            raise UsageError(f"{path}: found other characters than UTF-8's; save it as “CSV UTF-8”") from None
        except OSError as error:
            raise UsageError(f"{path}: cannot be read: {error.strerror}") from None
        head = content.partition("\n")[0]
        table = list(csv.reader(io.StringIO(content, newline=""), delimiter=max(",;\t", key=head.count)))
        columns = [name.strip() for name in table[0]] if table else []
        for name in ("submission", "scale"):
            if columns.count(name) != 1:
                raise UsageError(f"{path}: row 1: found {', '.join(columns) or 'nothing'}; wanted one column {name}")
        decisions = cls(columns, [dict(zip(columns, row, strict=False)) for row in table[1:]])
        decisions._check(path)
        return decisions

    def scale(self, result: SubmissionResult) -> float | None:
        """What a person has decided, or left as it was written; None where there is no row, or the cell is empty."""
        cell = self._row(result).get("scale", "").strip()
        return _scale(cell) if cell else None

    def comment(self, result: SubmissionResult) -> str:
        return self._row(result).get("comment", "")

    def merged(self, results: Sequence[SubmissionResult], assignment: Assignment) -> str:
        """The file's text with the facts of today's queue, and with new rows below for those that have none yet."""
        queue = {text(result.submission): result for result in queued(results, assignment)}
        columns = [*self.columns, *(name for name in COLUMNS if name not in self.columns)]
        rows = [
            {**row, **_facts(queue[name])} if (name := row.get("submission", "")) in queue else row for row in self.rows
        ]
        known = {row.get("submission") for row in rows}
        for name, result in queue.items():
            if name not in known:
                rows.append({**_facts(result), "scale": number(assignment.option(result.info.option).scale)})
        sheet = io.StringIO()
        writer = csv.DictWriter(sheet, columns, restval="", extrasaction="ignore", lineterminator="\r\n")
        writer.writeheader()
        writer.writerows(rows)
        return sheet.getvalue()

    def _row(self, result: SubmissionResult) -> Mapping[str, str]:
        name = text(result.submission)
        return next((row for row in self.rows if row.get("submission") == name), {})

    def _check(self, path: Path) -> None:
        seen: dict[str, int] = {}
        for place, row in enumerate(self.rows, start=2):
            name, cell = row.get("submission", ""), row.get("scale", "").strip()
            if name and name in seen:
                raise UsageError(f"{path}: row {place}, submission: {name!r} stands in row {seen[name]} already")
            seen[name] = place
            if cell and _scale(cell) is None:
                raise UsageError(f"{path}: row {place}, scale: found {cell[:40]!r}, wanted a number from 0 to 1")


def _scale(cell: str) -> float | None:
    try:
        value = float(cell.replace(",", "."))
    except ValueError:
        return None
    return value if math.isfinite(value) and 0 <= value <= 1 else None


def _facts(result: SubmissionResult) -> dict[str, str]:
    before = round(sum(question.score for question in result.questions), 2)
    info = result.info
    values = (text(info.submission), text(info.name), text(info.id), text(info.option), number(before))
    return dict(zip(FACTS, values, strict=True))
