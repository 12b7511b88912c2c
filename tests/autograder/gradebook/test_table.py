"""A school's table: read as it is, whatever its encoding and separator; and the roster in it."""

from __future__ import annotations

import csv
import io
import random
from pathlib import Path

import pytest

from autograder.errors import UsageError
from autograder.gradebook.table import SchoolTable, read_roster

CANVAS = """Student,ID,SIS User ID,SIS Login ID,Section,W6 Convolutional networks (98765),W7 (98766)
    Points Possible,,,,,50,100
"Kim, Minsu",340934,2022990111,kimms,GEV6135,,
"Han, Seoyeon",340935,2022990101,hansy,GEV6135,40,71.5
"""


def test_roster(tmp_path: Path) -> None:
    path = tmp_path / "roster.csv"
    path.write_text("id,name,email\n2022-990101,한서연,han@x\n\n7,Kim,\n")
    assert [(each.key, each.name, each.email, each.active) for each in read_roster(path)] == [
        ("2022990101", "한서연", "han@x", True),
        ("7", "Kim", "", True),
    ]
    path.write_text(CANVAS)
    assert [(each.key, each.login) for each in read_roster(path)] == [("2022990111", "kimms"), ("2022990101", "hansy")]
    path.write_bytes("\ufeff학번;이름;이메일\r\n2022990104;김한별;kim@x\r\n".encode())
    assert [(each.key, each.name, each.email) for each in read_roster(path)] == [("2022990104", "김한별", "kim@x")]
    path.write_text("Matrikel,name\n7,Kim\n")
    assert [each.key for each in read_roster(path, "Matrikel")] == ["7"]
    path.write_text(
        "Student,ID,SIS User ID,SIS Login ID,Section,A6 (7)\n,,,,,Manual Posting\n    Points Possible,,,,,100\n"
        '"Kim, Minsu",4,2022990111,kimms,1,\n"Student, Test",9,,f00,1,\n'
    )
    assert [(each.key, each.name) for each in read_roster(path)] == [("2022990111", "Kim, Minsu")]
    path.write_text('"Last Name","First Name","Username","A6 |7"\n"Kim","Minsu","2022990111",""\n')
    assert [(each.key, each.name, each.login) for each in read_roster(path)] == [
        ("2022990111", "Minsu Kim", "2022990111")
    ]
    for wrong, said in (
        ("id,name\n", "found nobody"),
        ("name\nKim\n", "wanted one called"),
        ("id\n7\n07-\n7-\n", "twice"),
        ("id,name\n,Kim\n", "no id"),
    ):
        path.write_text(wrong)
        with pytest.raises(UsageError, match=said):
            read_roster(path)


def test_what_the_csv_module_reads_is_read_and_every_byte_stays(tmp_path: Path) -> None:
    """Drawn texts of separators, quotation marks, and characters that end a line elsewhere."""
    draw, path = random.Random(3), tmp_path / "table.csv"
    for _ in range(3000):
        text = "a" + "".join(draw.choice('ab"",,\n\r\u2028\x0b ;') for _ in range(draw.randint(1, 14)))
        path.write_text(text, encoding="utf-8", newline="")
        try:
            table = SchoolTable.read(path)
        except UsageError:
            continue
        assert table.encoded().decode() == text
        wanted = csv.reader(io.StringIO(text, newline=""), delimiter=table.separator)
        assert [list(row) for row in table.rows] == [row or [""] for row in wanted]


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ('id,note,a6\n7,C 5" x,\n', '7,C 5" x,4'),
        ('id,note,a6\n7,"S\u2028b",\n', '7,"S\u2028b",4'),
        ('id;"a, b, c, d";a6\n7;x;\n', "7;x;4"),
        ("sep=;\nid;note;a6\n7;x;\n", "7;x;4"),
    ],
)
def test_a_cell_is_filled_and_no_other_changes(tmp_path: Path, text: str, row: str) -> None:
    path = tmp_path / "table.csv"
    path.write_text(text, encoding="utf-8", newline="")
    table = SchoolTable.read(path)
    filled = table.with_cells({(1, 2): "4"}).encoded().decode()
    assert filled == text.rpartition("7")[0] + row + "\n"
