"""A school's table: it is read as it is, one column is filled in, and the rest stays.

Canvas, Moodle and Blackboard let an instructor download a table and upload it again. It has their ids, columns,
language and encoding; only cells of one column change.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path

from autograder.errors import UsageError
from autograder.gradebook.facts import Student, key

__all__ = ["SchoolTable", "points_row", "read_roster"]

MAX_BYTES = 16 * 1024 * 1024
ENCODINGS = ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"), (b"\xef\xbb\xbf", "utf-8"))
BOMS = {encoding: mark for mark, encoding in ENCODINGS}
HINT = re.compile(r"sep=([,;\t])\r?\n", re.IGNORECASE)
ID_NAMES = ("student id", "id number", "sis user id", "idnumber", "id", "number", "학번")
NAME_NAMES = ("name", "full name", "student", "student name", "이름", "성명")
EMAIL_NAMES = ("email", "e-mail", "email address", "mail", "이메일", "전자우편")
LOGIN_NAMES = ("login", "username", "user name", "sis login id", "login id", "아이디")


@dataclass(frozen=True)
class _Record:
    """The text of one row: its cells as they are written, with quotation marks, and its line end."""

    cells: tuple[str, ...]
    end: str


@dataclass(frozen=True)
class SchoolTable:
    """A table, with all that is needed to write it again unchanged.

    Attributes:
        rows: the header first; each row with as many cells as it had.
        raw: the text of each row; it is written again if no cell changed.
        encoding, marked: the encoding of the file, and True if it begins with a byte-order mark.
        above: the line `sep=;` above the header, with which Excel tells the separator.
    """

    path: Path
    rows: tuple[tuple[str, ...], ...]
    raw: tuple[_Record, ...]
    separator: str = ","
    encoding: str = "utf-8"
    marked: bool = False
    above: str = ""

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
        hint = HINT.match(text)
        above, text = (hint[0], text[hint.end() :]) if hint else ("", text)
        separator = hint[1] if hint else max("\t;,", key=_outside_quotes(text).count)
        raw, rows = [], []
        for record in _records(path, text, separator):
            raw.append(record)
            rows.append(tuple(map(_value, record.cells)))
        if not rows:
            raise UsageError(f"{path}: found nothing, wanted a table with a header")
        return cls(path, tuple(rows), tuple(raw), separator, encoding, marked, above)

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
                texts = [
                    text if before == cell else _quoted(cell, self.separator)
                    for text, before, cell in zip_longest(raw[number].cells, self.rows[number], old, fillvalue="")
                ]
                raw[number] = replace(raw[number], cells=tuple(texts))
        return replace(self, rows=tuple(rows), raw=tuple(raw))

    def encoded(self) -> bytes:
        mark = BOMS[self.encoding] if self.marked else b""
        text = "".join(self.separator.join(record.cells) + record.end for record in self.raw)
        return mark + (self.above + text).encode(self.encoding)


def _decoded(path: Path, data: bytes) -> tuple[str, str, bool]:
    mark, encoding = next((each for each in ENCODINGS if data.startswith(each[0])), (b"", "utf-8"))
    data, marked = data[len(mark) :], bool(mark)
    try:
        return data.decode(encoding), encoding, marked
    except UnicodeDecodeError:
        raise UsageError(f"{path}: found other characters than UTF-8's or UTF-16's; save it as “CSV UTF-8”") from None


def _outside_quotes(text: str) -> str:
    """The first row, without text in quotation marks."""
    row = re.match(r'(?:"[^"]*(?:"|$)|[^"\n])*', text)
    return re.sub(r'"[^"]*(?:"|$)', "", row[0]) if row else ""


def _records(path: Path, text: str, separator: str) -> Iterator[_Record]:
    """The rows. A cell that begins with a quotation mark may hold separators and line ends."""
    cells: list[str] = []
    cell = re.compile(rf'("(?:[^"]|"")*(?:"|$))?[^{re.escape(separator)}\r\n]*')
    end = re.compile(r"\r\n|\r|\n|$")
    place = 0
    while place < len(text):
        found = cell.match(text, place)
        assert found is not None  # it may be empty
        if found[1] and (len(found[1]) < 2 or not found[1].endswith('"')):
            raise UsageError(f"{path}: a quotation mark is opened and never closed")
        cells.append(found[0])
        place = found.end()
        if text.startswith(separator, place):
            place += len(separator)
            if place < len(text):
                continue
            cells.append("")
        ending = end.match(text, place)
        assert ending is not None
        yield _Record(tuple(cells), ending[0])
        cells, place = [], ending.end()


def _value(cell: str) -> str:
    """A cell's text without the quotation marks around it, as Python's csv module reads it."""
    quoted = re.match(r'"((?:[^"]|"")*)"', cell)
    return quoted[1].replace('""', '"') + cell[quoted.end() :] if quoted else cell


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
    first, last = (_first(titles, (name,)) for name in ("first name", "last name"))  # as Blackboard has them
    if id_column:
        places[0] = table.column(id_column)
    id_place = places[0] = places[3] if places[0] is None else places[0]
    if id_place is None:
        wanted = f"wanted one called {', '.join(ID_NAMES)}, or --id-column NAME"
        raise UsageError(f"{path}: found the columns {table.titles}; {wanted}")
    found: dict[str, Student] = {}
    for row in range(1, len(table.rows)):
        number, name, email, login = (table.cell(row, each).strip() if each is not None else "" for each in places)
        if first is not None and last is not None and not name:
            name = " ".join(filter(None, (table.cell(row, each).strip() for each in (first, last))))
        if not key(number) and (not any((name, email, login)) or _is_nobody(table, row)):
            continue
        if not key(number):
            raise UsageError(f"{path}: row {row + 1}: found no id, wanted one under {table.header[id_place]!r}")
        if key(number) in found:
            raise UsageError(f"{path}: row {row + 1}: {number} is there twice")
        found[key(number)] = Student(key(number), number, name, email, login, active=True)
    if not found:
        raise UsageError(f"{path}: found nobody below the header, wanted the members of the course")
    return tuple(found.values())


def _is_nobody(table: SchoolTable, row: int) -> bool:
    """True for Canvas's row of points, and for its test student."""
    return table.cell(row, 0).strip().casefold() in ("points possible", "student, test", "test student")


def _first(titles: Sequence[str], names: Sequence[str]) -> int | None:
    return next((titles.index(name) for name in names if name in titles), None)
