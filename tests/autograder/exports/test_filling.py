"""A school's table: only cells of one column change, and the system that it is of reads exactly these scores."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.errors import UsageError
from autograder.exports.filling import System, fill, system_of
from autograder.gradebook.facts import Student
from autograder.gradebook.table import SchoolTable
from tests.autograder.exports.readers import MoodleRow, blackboard, canvas, moodle

CANVAS = """Student,ID,SIS User ID,SIS Login ID,Section,W6 Convolutional networks (98765),W7 (98766)
    Points Possible,,,,,50,100
"Kim, Minsu",340934,2022990111,kimms,GEV6135,,
"Han, Seoyeon",340935,2022990101,hansy,GEV6135,40,71.5
"""
MOODLE = """Identifier,Full name,Email address,Grade,Maximum Grade,Last modified (grade),Feedback comments
Participant 101,Kim Minsu,kim@x.ac.kr,,100,-,
Participant 102,Han Seoyeon,han@x.ac.kr,,100,-,"so, so"
"""
BLACKBOARD = (
    '"Last Name"\t"First Name"\t"Username"\t"W6 [Total Pts: 100 Score] |664617"\n'
    '"Kim"\t"Minsu"\t"kimms"\t""\n"Han"\t"Seoyeon"\t"hansy"\t"3"\n'
)
PEOPLE = (
    Student("2022990111", "2022990111", "Kim", "kim@x.ac.kr", "kimms"),
    Student("2022990101", "2022-990101", "Han", "han@x.ac.kr", "hansy"),
)


def table(tmp_path: Path, text: str, encoding: str = "utf-8") -> SchoolTable:
    path = tmp_path / "table.csv"
    path.write_bytes(text.encode(encoding))
    return SchoolTable.read(path)


def filled(table: SchoolTable, cells: dict[str, str | int], **how: str):
    return fill(table, PEOPLE, cells, title="Convolutional networks", names=("W6",), points=10000, **how)


def test_canvas(tmp_path: Path) -> None:
    found = filled(table(tmp_path, CANVAS), {"2022990111": 9759, "2022990101": "EX"})
    rows = CANVAS.splitlines()
    assert found.table.encoded().decode().splitlines() == [
        *rows[:2],
        '"Kim, Minsu",340934,2022990111,kimms,GEV6135,48.8,',
        '"Han, Seoyeon",340935,2022990101,hansy,GEV6135,EX,71.5',
    ]
    assert (found.new, found.changed, found.same, found.points) == (1, 1, 0, 50)
    assert found.replaced == (("2022990101", "40", "EX"),)


def test_canvas_same_at_two_decimals(tmp_path: Path) -> None:
    read = table(tmp_path, CANVAS.replace(",40,", ",40.00,"))
    found = filled(read, {"2022990101": 8000})
    assert (found.same, found.table) == (1, read)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_blackboard(tmp_path: Path, encoding: str) -> None:
    found = filled(table(tmp_path, BLACKBOARD, encoding), {"2022990111": 8775, "2022990101": 300})
    expected = BLACKBOARD.replace('"kimms"\t""', '"kimms"\t87.75')
    assert found.table.encoded() == expected.encode(encoding)
    assert (found.new, found.same) == (1, 1)


def test_moodle_finds_people_by_email(tmp_path: Path) -> None:
    found = filled(table(tmp_path, MOODLE), {"2022990101": 8775})
    assert found.table.encoded().decode() == MOODLE.replace("han@x.ac.kr,,100", "han@x.ac.kr,87.75,100")


def test_moodle_scales_to_the_row_s_maximum(tmp_path: Path) -> None:
    found = filled(table(tmp_path, MOODLE.replace(",,100", ",,20")), {"2022990111": 5000})
    assert found.table.cell(1, 3) == "10"


def test_who_is_not_in_the_table(tmp_path: Path) -> None:
    assert filled(table(tmp_path, CANVAS), {"77": 1000}).absent == ("77",)


@pytest.mark.parametrize(
    "text, how, said",
    [
        (CANVAS.replace("W6 Convolutional networks", "Paper"), {}, "--column"),
        (CANVAS.replace("W7", "W6 again"), {}, "several columns"),
        (CANVAS, {"column": "nope"}, "wanted one of"),
        (
            CANVAS.replace("2022990111", "1").replace("2022990101", "2").replace("kimms", "3").replace("hansy", "4"),
            {},
            "--id-column",
        ),
        (CANVAS.replace("hansy", "kimms").replace("kimms", "hansy", 1), {}, "name different people"),
        (CANVAS.replace(",50,", ",50 (read only),"), {}, "read only"),
        (CANVAS.replace("W6 Convolutional networks (98765)", "W6 Final Score"), {}, "drops"),
        (CANVAS.replace("W6 Convolutional networks (98765)", "W6 Override Status"), {}, "drops"),
        (CANVAS.replace(" (98765)", ""), {}, "a new assignment"),
        (CANVAS.replace("Section", "Group"), {}, "after “Section” only"),
        (CANVAS, {"column": "SIS Login ID"}, "after “Section” only"),
        (MOODLE.replace("Last modified (grade)", "Changed"), {}, "reads no worksheet"),
        (BLACKBOARD.replace(" |664617", ""), {}, "a new column"),
        (CANVAS.replace('yeon"', "yeon"), {}, "quotation mark"),
        (MOODLE + MOODLE.splitlines()[1] + "\n", {}, "two rows"),
    ],
)
def test_refuses(tmp_path: Path, text: str, how: dict[str, str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        filled(table(tmp_path, text), {"2022990111": 1000}, **how)


CELLS = st.text(
    st.characters(exclude_categories=("Cs",), exclude_characters="\r\n\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029\0"),
    max_size=8,
)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(CELLS, min_size=2, max_size=2), min_size=2, max_size=2), st.sampled_from(",;\t"))
def test_no_other_cell_changes(tmp_path_factory, extra: list[list[str]], separator: str) -> None:
    rows = [["id", "W6", "a", "b"], *([person.key, "", *more] for person, more in zip(PEOPLE, extra, strict=True))]
    text = io.StringIO()
    csv.writer(text, delimiter=separator).writerows(rows)
    read = table(tmp_path_factory.mktemp("drawn"), text.getvalue())
    assert [list(row) for row in read.rows] == rows
    found = filled(read, {"2022990111": 1234}, id_column="id")
    read_back = list(csv.reader(io.StringIO(found.table.encoded().decode(), newline=""), delimiter=separator))
    rows[1][1] = "12.34"
    assert read_back == rows


GRADES = {"2022990111": 9759, "2022990101": 8775}


@pytest.mark.parametrize("separator", [",", ";"])
@pytest.mark.parametrize("names", [False, True])
def test_canvas_reads_these_scores(tmp_path: Path, separator: str, names: bool) -> None:
    rows = [list(row) for row in csv.reader(io.StringIO(CANVAS))]
    if names:
        rows = [
            [*("LastName", "FirstName"), *rows[0][1:]],
            *([*row[0].partition(", ")[::2], *row[1:]] for row in rows[1:]),
        ]
    text = io.StringIO()
    csv.writer(text, delimiter=separator).writerows(rows)
    before, filled_in = canvas(text.getvalue().encode()), filled(table(tmp_path, text.getvalue()), GRADES)
    after = canvas(filled_in.table.encoded())
    assert filled_in.system is System.CANVAS
    assert after.grades == before.grades | {("340934", "98765"): "48.8", ("340935", "98765"): "43.88"}
    assert after.made == []


def test_canvas_leaves_out_what_we_refuse() -> None:
    """The reader that these tests believe in does what the refusals say that it does."""
    assert not canvas(
        CANVAS.replace("W6 Convolutional networks (98765)", "W6 Final Score (98765)").encode()
    ).grades.keys() & {("340934", "98765")}
    assert canvas(CANVAS.replace(",50,", ",50 (read only),").encode()).grades.keys() == {
        ("340934", "98766"),
        ("340935", "98766"),
    }
    assert canvas(CANVAS.replace(" (98765)", "").encode()).made == ["W6 Convolutional networks"]
    assert canvas(CANVAS.replace(",40,", ',"1,000",').encode()).grades["340935", "98765"] == "1.000"
    with pytest.raises(ValueError, match="header"):
        canvas(CANVAS.replace("Section", "Group").encode())


def test_moodle_reads_these_scores_and_the_first_line(tmp_path: Path) -> None:
    lines = {"2022990111": "97.59 from the checks = 97.59 of 100", "2022990101": "87.75 from the checks"}
    found = filled(table(tmp_path, MOODLE), GRADES, lines=lines)
    assert moodle(found.table.encoded()) == {
        "101": MoodleRow("97.59", "97.59 from the checks = 97.59 of 100"),
        "102": MoodleRow("87.75", "so, so"),  # a person's words stay
    }
    again = filled(found.table, GRADES, lines={"2022990111": "90 from the checks"})
    assert moodle(again.table.encoded())["101"].feedback == "90 from the checks"
    assert "before anybody grades" in found.notes[0]


def test_only_canvas_has_a_word_for_excused(tmp_path: Path) -> None:
    for text, system in ((MOODLE, System.MOODLE), (BLACKBOARD, System.BLACKBOARD)):
        read = table(tmp_path, text)
        found = filled(read, {"2022990101": "EX"})
        assert (system_of(read), found.table, found.excused) == (system, read, ("2022990101",))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_blackboard_reads_these_scores(tmp_path: Path, encoding: str) -> None:
    found = filled(table(tmp_path, BLACKBOARD, encoding), GRADES)
    assert blackboard(found.table.encoded()) == {("kimms", "664617"): "97.59", ("hansy", "664617"): "87.75"}


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 10000), min_size=2, max_size=2), CELLS, CELLS)
def test_drawn_tables_are_read_by_canvas(tmp_path_factory, scores: list[int], one: str, other: str) -> None:
    """Only the two cells differ for Canvas, whatever names and other scores stand there."""
    rows = [list(row) for row in csv.reader(io.StringIO(CANVAS.replace(",50,", ",100,")))]
    rows[2][0], rows[3][6] = f"x{one}", other
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    before = canvas(text.getvalue().encode())
    read = table(tmp_path_factory.mktemp("drawn"), text.getvalue())
    cells = dict(zip(("2022990111", "2022990101"), scores, strict=True))
    after = canvas(filled(read, cells).table.encoded())
    wanted = {("340934", "98765"): scores[0], ("340935", "98765"): scores[1]}
    assert {at: round(float(after.grades[at]) * 100) for at in wanted} == wanted
    assert {at: cell for at, cell in after.grades.items() if at not in wanted} == {
        at: cell for at, cell in before.grades.items() if at not in wanted
    }
