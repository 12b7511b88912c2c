"""Grades as CSV and JSON: every column, no formula, no name where none is wanted."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.course.layout import Course
from autograder.exports.naming import Naming
from autograder.exports.plain import grade_rows, grades_table
from autograder.gradebook.facts import Facts, Member, StoredSubmission, Student
from autograder.gradebook.grades import Grade, State
from tests.autograder.conftest import TOY
from tests.autograder.exports.conftest import FORMULA, PEOPLE, Class, rows

GOLDEN = """submission,name,id,members,option,score,max_score,late,submitted_at,outcome,notes,double,counter,\
checks,late_by,days,percent,taken,adjust,grade,state,reasons
kimms_340934_7001_kim-11-A1-O1,김민수,11,,1,10,10,no,2030-01-01T00:00:00+09:00,passed,\
kimms_340934_7001_kim-11-A1-O1: a folder around the files; module read from toy.py,4,6,10,0,0,0.0,0,0,10,graded,
"""
POINTS = {"type": ["number", "null"], "multipleOf": 0.01}
TEXT = {"type": "string"}
ROW = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        **dict.fromkeys(("submission", "name", "id", "members", "option", "outcome", "notes", "reasons"), TEXT),
        **dict.fromkeys(("score", "checks", "grade"), POINTS),
        **{name: {"type": "number"} for name in ("max_score", "taken", "adjust")},
        "late": {"enum": ["yes", "no", ""]},
        "submitted_at": {"type": "string", "pattern": r"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d)?$"},
        "questions": {"type": "object", "additionalProperties": POINTS},
        "late_by": {"type": ["integer", "null"], "minimum": 0},
        "days": {"type": "integer", "minimum": 0},
        "percent": {"type": ["number", "null"]},
        "state": {"enum": [str(state) for state in State]},
    },
}
ROW["required"] = [*ROW["properties"]]
SCHEMA = {
    "type": "object",
    "required": ["schema", "assignment", "release", "policy", "grades"],
    "additionalProperties": False,
    "properties": {
        "schema": {"const": 1},
        "assignment": TEXT,
        "release": {"type": ["integer", "null"]},
        "policy": {"type": "object", "required": ["steps", "grace_minutes", "of", "counts", "free_days"]},
        "grades": {"type": "array", "items": ROW},
    },
}


def test_csv_has_every_column(klass: Class, tmp_path: Path) -> None:
    klass.say("export", "csv", "t1", "--to", tmp_path / "t1.csv")
    text = (tmp_path / "t1.csv").read_bytes().decode("utf-8-sig")
    assert "".join(text.splitlines(keepends=True)[:2]).replace("\r\n", "\n") == GOLDEN
    header, *people = rows((tmp_path / "t1.csv").read_bytes())
    found = [[row[header.index(name)] for name in ("id", "members", "score", "grade", "state")] for row in people]
    assert found == [
        ["11", "", "10", "10", "graded"],
        ["12", "", "4", "4", "graded"],
        ["13", "14 Choi, R", "0", "0", "graded"],
        ["14", f"13 {FORMULA}", "0", "0", "graded"],
        ["15", "", "", "", "excused"],
        ["16", "", "", "", "missing"],
    ]


def test_json_follows_its_schema(klass: Class, tmp_path: Path) -> None:
    klass.decide("points", 350, submission=2, question="counter")
    klass.say("export", "json", "t1", "--to", tmp_path / "t1.json")
    data = json.loads((tmp_path / "t1.json").read_text(encoding="utf-8"))
    jsonschema.validate(data, SCHEMA)
    assert data["release"] == 1
    lee = data["grades"][1]
    assert (lee["checks"], lee["grade"], lee["questions"]) == (7.5, 7.5, {"double": 4, "counter": 3.5})
    klass.say("export", "json", "t1", "--to", tmp_path / "dry.json", "--dry-run")
    assert not (tmp_path / "dry.json").exists()
    with klass.open() as book:
        assert len(book.releases("t1")) == 1


def test_a_file_that_must_stay_is_no_target(klass: Class) -> None:
    """The book and the cells that a person wrote are no place for an export, by whatever path they are named."""
    for name in ("gradebook.db", "gradebook.db-wal", "review.csv", "../graded/gradebook.db"):
        said = klass.say("export", "csv", "t1", "--to", klass.out / name, status=2)
        assert "an export would overwrite it" in said
    with klass.open() as book:
        assert (len(book.facts().submissions), book.releases()) == (3, ())


def test_an_assignment_that_nobody_handed_in_has_no_grades_to_tell(klass: Class, tmp_path: Path) -> None:
    """Nobody on the roster gets a 0 for it."""
    shutil.copytree(klass.toy.root / "solutions/t1_toy", klass.toy.root / "solutions/t2_toy")
    shutil.copytree(klass.toy.root / "tests/hidden/t1_toy", klass.toy.root / "tests/hidden/t2_toy")
    said = klass.say("export", "csv", "t2", "--missing", "0", "--to", tmp_path / "t2.csv", status=2)
    assert "this book has nothing of t2" in said
    assert not (tmp_path / "t2.csv").exists()


def test_a_dry_run_says_so(klass: Class, tmp_path: Path) -> None:
    said = klass.say("export", "csv", "t1", "--to", tmp_path / "t1.csv", "--dry-run")
    assert "is not written, and the book records nothing" in said
    assert not (tmp_path / "t1.csv").exists()


@pytest.mark.parametrize("format", ["csv", "json", "junit"])
def test_nobody_is_named(klass: Class, tmp_path: Path, format: str) -> None:
    klass.decide("hold", "김민수 copied from Han", student="12")
    said = klass.say("export", format, "t1", "--anonymous", "--to", tmp_path / "t1.x", status=1)
    text = (tmp_path / "t1.x").read_text(encoding="utf-8-sig")
    for name in (*PEOPLE.values(), "kimms", "34093", "login11", "lee-12", "cmd-13"):
        assert name not in text + said.replace(str(tmp_path), "")
    with klass.open() as book:
        codes = {student.code: student.key for student in book.facts().students}
    if format == "json":
        grades = json.loads(text)["grades"]
        assert [row["id"] for row in grades] == sorted(codes)  # an order of their own
        assert {codes[row["id"]]: row["grade"] for row in grades} == {
            "11": 10,
            "12": None,
            "13": 0,
            "14": 0,
            "15": None,
            "16": None,
        }


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=12), st.text("=+-@\t,;|＝ a1", max_size=8))
def test_no_text_is_a_formula(one: str, other: str) -> None:
    """Whatever stands in a column of text, no cell begins with what a spreadsheet would work out."""
    assignment = Course.find(TOY).assignment("t1")
    facts = Facts(
        (Student("1", one, other, code="AB2CD"), Student("2", other, one, code="AB2CE")),
        (StoredSubmission(5, "t1", "d", other or "x", one, (one, other)),),
        members=(Member(5, 0, "1", one, other), Member(5, 1, "2", other, one)),
    )
    grade = Grade("t1", "1", State.HELD, submission=5, reasons=(other, one), notes=(one,))
    content = grades_table(assignment, grade_rows(assignment, facts, [grade], Naming(facts)))
    ((_, *cells),) = rows(content)[1:]
    for cell in cells:
        assert not cell.lstrip().startswith(("=", "+", "-", "@", "＝", "＋", "－", "＠")), cell
