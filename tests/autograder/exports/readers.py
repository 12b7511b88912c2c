"""How other programs read what is exported: their rules restated, each with the name of what it restates.

None of their code is here; what they do was read in their sources and documentation.
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass, field

RESERVED = ("Student", "LastName", "FirstName", "ID", "SIS User ID", "SIS Login ID", "Section", "Integration ID")
DROPPED = re.compile(
    "Current Score|Current Points|Current Grade|Final Score|Final Points|Final Grade|Override (Score|Grade|Status)"
)


@dataclass
class CanvasUpload:
    """What canvas-lms makes of a table: lib/gradebook_importer.rb.

    Attributes:
        grades: (Canvas's number of the student, of the assignment) → the cell.
        made: titles of assignments that would be new.
    """

    grades: dict[tuple[str, str], str] = field(default_factory=dict)
    made: list[str] = field(default_factory=list)


def canvas(data: bytes) -> CanvasUpload:
    """Raises ValueError where Canvas says “Invalid header row”."""
    text = data.decode("utf-8-sig")
    lines = [line for line in text.splitlines() if not re.fullmatch("[;, ]+", line)]  # csv_stream: skip_lines
    semicolons = {len(next(csv.reader([line], delimiter=";"))) for line in lines[:3]}
    commas = {len(next(csv.reader([line]))) for line in lines[:3]}
    # identify_delimiter: the one that gives more cells, the same number in each of the first lines
    many = len(semicolons) == 1 and max(semicolons) > (max(commas) if len(commas) == 1 else 0)
    rows = list(csv.reader(io.StringIO("\n".join(lines)), delimiter=";" if many else ","))
    rows = [[_decimal_comma_to_period(cell) for cell in row] for row in rows]
    header, found = rows[0], CanvasUpload()
    two_names = header[:2] == ["LastName", "FirstName"] and header[2] == "ID"
    if not (two_names or (header[0] == "Student" and header[1] == "ID")):  # row_has_student_headers?
        raise ValueError("invalid header row")
    count = 4 if two_names else 3  # update_column_count
    if re.search(r"SIS\s+Login\s+ID", header[count - 1]):
        count += 1
    elif re.search(r"SIS\s+User\s+ID", header[count - 1]) and re.search(r"SIS\s+Login\s+ID", header[count]):
        count += 3 if re.search(r"Integration\s+ID", header[count + 1]) else 2
    if "Section" not in header[count - 1]:  # last_student_info_column
        raise ValueError("invalid header row")
    columns, points = {}, next((row for row in rows[1:] if "Points Possible" in row[0]), [])
    for place in range(count, len(header)):
        if DROPPED.search(header[place]):  # strip_non_assignment_columns
            continue
        title = re.fullmatch(r"(.*)\((\d+)\)", header[place])  # Assignment.title_and_id
        if title is None:
            found.made.append(header[place])
        elif not (len(points) > place and re.search(r"read\s+only", points[place])):  # readonly_assignment?
            columns[place] = title[2]
    for row in rows[1:]:
        if "Points Possible" in row[0] or all(re.fullmatch(r"(?i)\s*(muted|manual posting.*)?\s*", c) for c in row):
            continue
        for place, assignment in columns.items():
            found.grades[row[2 if two_names else 1], assignment] = row[place].strip()  # process_submissions
    return found


def _decimal_comma_to_period(cell: str) -> str:
    """The converter of this name: of several separators the last counts as the decimal point."""
    if not re.fullmatch(r"-?[0-9.,]+%?", cell):
        return cell
    *parts, last = re.split("[,.]", cell)
    return f"{''.join(parts)}.{last}" if parts else last


@dataclass(frozen=True)
class MoodleRow:
    grade: str
    feedback: str | None


def moodle(data: bytes, hidden: str = "Participant ", record: str = "Identifier") -> dict[str, MoodleRow]:
    """What assignfeedback_offline_grade_importer reads (init, next), in English: by participant's number.

    Raises ValueError where the worksheet lacks a column that it needs. What update_grades skips is skipped.
    """
    rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"))))
    header = rows[0]
    if not {"Grade", record, "Last modified (grade)"} <= {*header}:
        raise ValueError("the file is not a worksheet")
    found = {}
    for row in rows[1:]:
        cells = dict(zip(header, row, strict=True))
        number = cells[record][len(hidden) :]
        if cells["Grade"] and float(cells["Grade"]) > float(cells.get("Maximum Grade", "100")):
            continue  # locallib.php, process_import_grades: more than the maximum is passed over
        found[number] = MoodleRow(cells["Grade"], cells.get("Feedback comments"))
    return found


def blackboard(data: bytes) -> dict[tuple[str, str], str]:
    """(Username, the column's number) → cell, by the rules of “work offline with grade data”.

    Raises ValueError where no column says who it is, or one without a number would be made anew.
    """
    text = data.decode("utf-16") if data[:2] in (b"\xff\xfe", b"\xfe\xff") else data.decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text), delimiter="\t" if "\t" in text.split("\n")[0] else ","))
    names = [cell.strip() for cell in rows[0]]
    found = {}
    for place, name in enumerate(names):
        if name in ("Last Name", "First Name", "Username", "Student ID", "Last Access", "Availability"):
            continue
        number = re.search(r"\[Total Pts: [^\]]*\] \|(\d+)$", name)
        if number is None:
            raise ValueError(f"{name}: a new column")
        for row in rows[1:]:
            found[row[names.index("Username")], number[1]] = row[place]
    return found
