"""review.csv: the scale that a person gives to each submission that a person reads. Later runs keep it.

A row is written once, with the option's own scale. A person may change `scale`, `comment` and any further columns;
later runs never overwrite these. They update only the facts in the other columns. The separator stays the one that the
person's spreadsheet uses. The comment is for the staff.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from autograder.course.encodable import encodable
from autograder.course.model import Assignment
from autograder.course.result import SubmissionResult
from autograder.errors import UsageError
from autograder.reports.cells import number, text
from autograder.rounding import hundredths

__all__ = ["COLUMNS", "DECISIONS", "Decisions", "SheetRow", "Shown", "queued"]

DECISIONS = "review.csv"
COLUMNS = ("submission", "name", "id", "option", "score before scale", "scale", "comment")
FACTS = COLUMNS[:5]
MAX_BYTES = 16 * 1024 * 1024


def queued(results: Sequence[SubmissionResult], assignment: Assignment) -> list[SubmissionResult]:
    """The submissions that a person has to read, in order of name."""
    found = [result for result in results if assignment.option(result.info.option).review]
    return sorted(found, key=lambda result: result.submission)


# By submission, the gradebook's scale (None: the option's own), comment, and number of the newest decision.
Shown = Mapping[str, tuple[float | None, str, int]]
NUMBER = "decision"


@dataclass(frozen=True)
class SheetRow:
    """The content of a row. `decision` is the number of the decision that it shows; 0 for none."""

    submission: str
    scale: float | None
    comment: str
    decision: int


@dataclass(frozen=True)
class Decisions:
    """The content of the file: columns in order, and rows, which may be shorter or longer than the columns."""

    columns: Sequence[str] = COLUMNS
    rows: Sequence[Sequence[str]] = ()
    separator: str = ","

    @classmethod
    def read(cls, path: Path) -> Decisions:
        """Read the file; empty if there is none. Raises UsageError, with row and column, if a cell is invalid."""
        try:
            if path.stat().st_size > MAX_BYTES:
                raise UsageError(f"{path}: far too large")
            content = path.read_bytes().decode("utf-8-sig")
        except FileNotFoundError:
            return cls()
        except UnicodeDecodeError:
            raise UsageError(f"{path}: found characters that are not UTF-8; save the file as “CSV UTF-8”") from None
        except OSError as error:
            raise UsageError(f"{path}: cannot be read: {error.strerror}") from None
        separator = max(",;\t", key=content.partition("\n")[0].count)
        reader = csv.reader(io.StringIO(content, newline=""), delimiter=separator, strict=True)
        try:
            table = list(reader)
        except csv.Error as error:  # an open quotation mark would draw all following text into its cell
            raise UsageError(f"{path}: line {reader.line_num}: cannot be read: {error}") from None
        columns = [name.strip() for name in table[0]] if table else []
        for name in ("submission", "scale"):
            if columns.count(name) != 1:
                raise UsageError(f"{path}: row 1: found {', '.join(columns) or 'nothing'}; wanted one column {name}")
        decisions = cls(columns, table[1:], separator)
        decisions._check(path)
        return decisions

    def scale(self, result: SubmissionResult) -> float | None:
        """The scale in the file, changed by a person or not; None if there is no row or the cell is empty."""
        cell = self._cell(self._row(result), "scale").strip()
        return _scale(cell) if cell else None

    def is_open(self, result: SubmissionResult, assignment: Assignment) -> bool:
        """True if nobody has decided yet: the scale is still the option's own, and there is no comment."""
        scale = self.scale(result)
        return scale in (None, assignment.option(result.info.option).scale) and not self.comment(result).strip()

    def comment(self, result: SubmissionResult) -> str:
        return self._cell(self._row(result), "comment")

    def entries(self) -> Iterator[SheetRow]:
        """The content of each row, with the submission's name as the sheet shows it."""
        for row in self.rows:
            number = self._cell(row, NUMBER).strip()
            yield SheetRow(
                self._cell(row, "submission"),
                _scale(self._cell(row, "scale").strip()),
                self._cell(row, "comment"),
                int(number) if number.isdecimal() else 0,
            )

    def with_book(self, shown: Shown, assignment: Assignment) -> Decisions:
        """The rows with the gradebook's values, unless somebody changed a row after the decision that it shows."""
        if not any(self._stale(row, shown) for row in self.rows):
            return self
        columns = [*self.columns, *(name for name in ("comment", NUMBER) if name not in self.columns)]
        rows = []
        for row in self.rows:
            written = [*row, *[""] * (len(columns) - len(row))]
            if self._stale(row, shown):
                scale, comment, newest = shown[self._cell(row, "submission")]
                if scale is None and (option := self._cell(row, "option")):  # nobody decided, or it was withdrawn
                    scale = assignment.option(option).scale
                if scale is not None:
                    written[columns.index("scale")] = _kept(written[columns.index("scale")], scale)
                written[columns.index("comment")] = comment
                written[columns.index(NUMBER)] = str(newest)
            rows.append(written)
        return Decisions(columns, rows, self.separator)

    def _stale(self, row: Sequence[str], shown: Shown) -> bool:
        """True if the gradebook has a newer decision than the row shows."""
        newest = shown.get(self._cell(row, "submission"), (None, "", 0))[2]
        return newest > 0 and self._cell(row, NUMBER).strip() != str(newest)

    def without(self, names: Collection[str]) -> Decisions:
        """The decisions without the rows of these submissions."""
        shown = {text(name) for name in names}
        return replace(self, rows=[row for row in self.rows if self._cell(row, "submission") not in shown])

    def encoded(self) -> bytes:
        """The file's bytes."""
        sheet = io.StringIO()
        csv.writer(sheet, delimiter=self.separator, lineterminator="\r\n").writerows([self.columns, *self.rows])
        return ("\ufeff" + encodable(sheet.getvalue())).encode()

    def merged(self, results: Sequence[SubmissionResult], assignment: Assignment) -> Decisions:
        """The decisions with the facts of the current queue, and with new rows at the end for new submissions."""
        queue = {text(result.submission): result for result in queued(results, assignment)}
        unnamed = max(map(len, self.rows), default=0) - len(self.columns)
        columns = [*self.columns, *[""] * unnamed, *(name for name in COLUMNS if name not in self.columns)]
        known = {self._cell(row, "submission") for row in self.rows}
        rows = list(self.rows)
        for name, result in queue.items():
            if name not in known:
                own = {"submission": name, "scale": number(assignment.option(result.info.option).scale)}
                rows.append([own.get(column, "") for column in columns])
        current = ((row, queue.get(self._cell(row, "submission"))) for row in rows)
        written = [_with_facts(row, columns, graded) if graded else row for row, graded in current]
        return Decisions(columns, written, self.separator)

    def _row(self, result: SubmissionResult) -> Sequence[str]:
        name = text(result.submission)
        return next((row for row in self.rows if self._cell(row, "submission") == name), ())

    def _cell(self, row: Sequence[str], column: str) -> str:
        place = self.columns.index(column) if column in self.columns else len(row)
        return row[place] if place < len(row) else ""

    def _check(self, path: Path) -> None:
        seen: dict[str, int] = {}
        for place, row in enumerate(self.rows, start=2):
            name, cell = self._cell(row, "submission"), self._cell(row, "scale").strip()
            if name and name in seen:
                raise UsageError(f"{path}: row {place}, submission: {name!r} is already in row {seen[name]}")
            seen[name] = place
            if cell and _scale(cell) is None:
                raise UsageError(f"{path}: row {place}, scale: found {cell[:40]!r}, wanted a number from 0 to 1")


def _with_facts(row: Sequence[str], columns: Sequence[str], result: SubmissionResult) -> list[str]:
    """The row with the current facts of its submission."""
    before = sum(hundredths(question.score) for question in result.questions) / 100
    info = result.info
    values = (text(info.submission), text(info.name), text(info.id), text(info.option), number(before))
    written = [*row, *[""] * (len(columns) - len(row))]
    for name, value in zip(FACTS, values, strict=True):
        written[columns.index(name)] = value
    return written


def _kept(cell: str, scale: float) -> str:
    """The unchanged cell if it already has this scale, in any notation ("0,5" for 0.5); else the scale."""
    return cell if _scale(cell.strip()) == scale else number(scale)


def _scale(cell: str) -> float | None:
    try:
        value = float(cell.replace(",", "."))
    except ValueError:
        return None
    return value if math.isfinite(value) and 0 <= value <= 1 else None
