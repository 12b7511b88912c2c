"""A school's table: it is read as it is, one column is filled in, and the rest stays.

Canvas, Moodle and Blackboard let an instructor download a table and upload it again. It has their ids, columns,
language and encoding; only cells of one column change.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from autograder.errors import UsageError
from autograder.gradebook.facts import Student, key

__all__ = ["SchoolTable", "points_row", "read_roster"]

MAX_BYTES = 16 * 1024 * 1024
ENCODINGS = ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"), (b"\xef\xbb\xbf", "utf-8"))
BOMS = {encoding: mark for mark, encoding in ENCODINGS}
ID_NAMES = ("student id", "id number", "sis user id", "idnumber", "id", "number", "학번")
NAME_NAMES = ("name", "full name", "student", "student name", "이름", "성명")
EMAIL_NAMES = ("email", "e-mail", "email address", "mail", "이메일", "전자우편")
LOGIN_NAMES = ("login", "username", "user name", "sis login id", "login id", "아이디")


@dataclass(frozen=True)
class SchoolTable:
    """A table, with all that is needed to write it again unchanged.

    Attributes:
        rows: the header first; each row with as many cells as it had.
        raw: the text of each row with its line end; it is written again if no cell changed.
        encoding, marked: the encoding of the file, and whether it begins with a byte-order mark.
    """

    path: Path
    rows: tuple[tuple[str, ...], ...]
    raw: tuple[str, ...]
    separator: str = ","
    encoding: str = "utf-8"
    marked: bool = False

    @classmethod
    def read(cls, path: Path) -> SchoolTable:
        """Read UTF-8 or UTF-16, with commas, semicolons or tabs. Raises UsageError if that is impossible."""
        try:
            if path.stat().st_size > MAX_BYTES:
                raise UsageError(f"{path}: far too large for a table of a class")
            data = path.read_bytes()
        except OSError as error:
            raise UsageError(f"{path}: cannot be read: {error.strerror}") from None
        text, encoding, marked = _decoded(path, data)
        separator = max("\t;,", key=text.partition("\n")[0].count)
        raw, rows = [], []
        for line, cells in _records(path, text, separator):
            raw.append(line)
            rows.append(tuple(cells))
        if not rows:
            raise UsageError(f"{path}: found nothing, wanted a table with a header")
        return cls(path, tuple(rows), tuple(raw), separator, encoding, marked)

    @property
    def header(self) -> tuple[str, ...]:
        return self.rows[0]

    def cell(self, row: int, column: int) -> str:
        return self.rows[row][column] if column < len(self.rows[row]) else ""

    def column(self, name: str) -> int:
        """The place of the column with this exact name. Raises UsageError, which lists the existing ones."""
        found = [place for place, title in enumerate(self.header) if title.strip() == name.strip()]
        if len(found) != 1:
            raise UsageError(f"{self.path}: found {len(found)} columns {name!r}, wanted one of: {self.titles}")
        return found[0]

    @property
    def titles(self) -> str:
        return ", ".join(repr(title.strip()) for title in self.header)

    def with_cells(self, cells: Mapping[tuple[int, int], str]) -> SchoolTable:
        """The same table with new texts in some cells. Unchanged rows keep every byte."""
        rows, raw = list(self.rows), list(self.raw)
        for number in sorted({row for row, _ in cells}):
            old = list(self.rows[number])
            for (row, column), value in cells.items():
                if row == number:
                    old += [""] * (column + 1 - len(old))
                    old[column] = value
            if tuple(old) != self.rows[number]:
                rows[number] = tuple(old)
                raw[number] = _written(old, self.rows[number], self.raw[number], self.separator)
        return replace(self, rows=tuple(rows), raw=tuple(raw))

    def encoded(self) -> bytes:
        mark = BOMS[self.encoding] if self.marked else b""
        return mark + "".join(self.raw).encode(self.encoding)


def _decoded(path: Path, data: bytes) -> tuple[str, str, bool]:
    mark, encoding = next((each for each in ENCODINGS if data.startswith(each[0])), (b"", "utf-8"))
    data, marked = data[len(mark) :], bool(mark)
    try:
        return data.decode(encoding), encoding, marked
    except UnicodeDecodeError:
        raise UsageError(f"{path}: found other characters than UTF-8's or UTF-16's; save it as “CSV UTF-8”") from None


def _records(path: Path, text: str, separator: str) -> Iterable[tuple[str, list[str]]]:
    """Each row's text with its line end, and its cells. A quoted cell may hold line ends."""
    lines = (
        text.splitlines(keepends=True) if "\r" not in text else re.findall(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+$", text)
    )
    held = ""
    for line in lines:
        held += line
        if held.count('"') % 2:
            continue
        yield held, next(iter(csv.reader(io.StringIO(held, newline=""), delimiter=separator)), [])
        held = ""
    if held:
        raise UsageError(f"{path}: a quotation mark is opened and never closed")


def _written(cells: Sequence[str], before: Sequence[str], raw: str, separator: str) -> str:
    """A changed row in the style of the file: unchanged cells keep their quotation marks."""
    body = raw.rstrip("\r\n")
    ending, parts, start, quoted = raw[len(body) :], [], 0, False
    for at, char in enumerate(body):
        if char == '"':
            quoted = not quoted
        elif char == separator and not quoted:
            parts.append(body[start:at])
            start = at + 1
    parts.append(body[start:])
    kept = [
        parts[place]
        if place < len(before) and before[place] == cell and place < len(parts)
        else _quoted(cell, separator)
        for place, cell in enumerate(cells)
    ]
    return separator.join(kept) + ending


def _quoted(cell: str, separator: str) -> str:
    return '"' + cell.replace('"', '""') + '"' if any(char in cell for char in (separator, '"', "\n", "\r")) else cell


def points_row(table: SchoolTable) -> int | None:
    """The row `Points Possible` that Canvas puts below the header."""
    rows = range(1, min(4, len(table.rows)))
    return next((row for row in rows if table.cell(row, 0).strip().casefold() == "points possible"), None)


def read_roster(path: Path, id_column: str = "") -> tuple[Student, ...]:
    """The people of a school's table, or of one with `id,name,email`.

    Args:
        id_column: the header of the column with the id; "" finds it by its usual names.

    Raises:
        UsageError: there is no column of ids, or an id is missing or repeated.
    """
    table = SchoolTable.read(path)
    titles = [title.strip().casefold() for title in table.header]
    places = [_first(titles, names) for names in (ID_NAMES, NAME_NAMES, EMAIL_NAMES, LOGIN_NAMES)]
    id_place = places[0] = table.column(id_column) if id_column else places[0]
    if id_place is None:
        wanted = f"wanted one called {', '.join(ID_NAMES)}, or --id-column NAME"
        raise UsageError(f"{path}: found the columns {table.titles}; {wanted}")
    found: dict[str, Student] = {}
    for row in range(1, len(table.rows)):
        if row == points_row(table) or not any(cell.strip() for cell in table.rows[row]):
            continue
        number, name, email, login = (table.cell(row, each).strip() if each is not None else "" for each in places)
        if not key(number):
            raise UsageError(f"{path}: row {row + 1}: found no id, wanted one under {table.header[id_place]!r}")
        if key(number) in found:
            raise UsageError(f"{path}: row {row + 1}: {number} is there twice")
        found[key(number)] = Student(key(number), number, name, email, login, active=True)
    return tuple(found.values())


def _first(titles: Sequence[str], names: Sequence[str]) -> int | None:
    return next((titles.index(name) for name in names if name in titles), None)
