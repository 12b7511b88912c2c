"""A school's table: read as it is, whatever its encoding and separator; and the roster in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from autograder.errors import UsageError
from autograder.gradebook.table import read_roster

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
    for wrong, said in (
        ("name\nKim\n", "wanted one called"),
        ("id\n7\n07-\n7-\n", "twice"),
        ("id,name\n,Kim\n", "no id"),
    ):
        path.write_text(wrong)
        with pytest.raises(UsageError, match=said):
            read_roster(path)
