"""A day in the life of a book, with the commands that a person uses, on a toy course."""

from __future__ import annotations

import csv
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from autograder.cli import main
from autograder.course.layout import Course
from autograder.course.result import SubmissionInfo
from autograder.gradebook.facts import Decision, Facts, Student
from autograder.gradebook.grades import Grade, grades
from autograder.gradebook.settings import Settings
from autograder.gradebook.store import Book
from tests.autograder.conftest import TOY, Toy, in_process

HALF = ("return self.total", "return self.total + 1")
TABLE = """Student,ID,SIS User ID,Section,Toys (7),Other (8)
    Points Possible,,,,20,10
"Kim, M",1,11,X,,3
"Lee, S",2,12,X,4,
"Choi, R",3,13,X,,
"Oh, N",4,14,X,,
"""


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course with `submitted/` and `graded/`, graded once for all tests here: each works on a copy.

    Four people: in time, late by 29:45, option 2, and one who handed in nothing.
    """
    folder = tmp_path_factory.mktemp("day")
    shutil.copytree(TOY, folder / "course", ignore=shutil.ignore_patterns("__pycache__"))
    toy = Toy(folder / "course")
    manifest = toy.root / "solutions/t1_toy/assignment.toml"
    manifest.write_text(manifest.read_text().replace("scale = 0.5", "scale = 0.5\nreview = true"))
    toy.submit("kim_m-11-A1-O1")
    toy.submit("lee_s-12-A1-O1", HALF)
    toy.submit("choi_r-13-A1-O2")
    day = "2030-01-01"  # it is due on the 31st
    (toy.submitted / "submitted.csv").write_text(
        f"submission,submitted_at\nkim_m-11-A1-O1,{day}T00:00:00\nlee_s-12-A1-O1,2099-01-01T00:00:00\n"
        f"choi_r-13-A1-O2,{day}T00:00:00\n"
    )
    (toy.root / "course.toml").write_text("[late]\nsteps = [{ hours = 24, percent = 10 }, { percent = 30 }]\n")
    done = toy.run("grade", "t1", toy.submitted, "--out", folder / "graded")
    assert (done.returncode, done.stderr) == (0, "")
    return folder


@pytest.fixture
def toy(graded: Path, tmp_path: Path) -> Toy:
    shutil.copytree(graded / "course", tmp_path / "course")
    return Toy(tmp_path / "course")


@pytest.fixture
def book(graded: Path, tmp_path: Path) -> Path:
    """The folder of results, a copy."""
    shutil.copytree(graded / "graded", tmp_path / "graded")
    return tmp_path / "graded"


def views(out: Path) -> dict[str, bytes]:
    found = {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()}
    return {name: data for name, data in found.items() if not name.startswith(("gradebook.db", ".received"))}


def say(toy: Toy, *words: str | Path, status: int = 0) -> str:
    """What a command prints. Only grading needs a process of its own."""
    if words[0] == "grade":
        done = toy.run(*words)
        found, said = done.returncode, done.stdout + done.stderr
    else:
        found, said = in_process(toy, *words)
    assert found == status, said
    return said


def rows(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.reader(stream))


def test_a_day(toy: Toy, book: Path, tmp_path: Path) -> None:
    assert "7 from the checks" not in (book / "kim_m-11-A1-O1/report.html").read_text()
    assert "− 3 late by" in (book / "lee_s-12-A1-O1/report.html").read_text()

    # everything but the book may be deleted: the same bytes come back, and nothing is graded again
    before = views(book)
    for path in book.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif not path.name.startswith("gradebook.db"):
            path.unlink()
    say(toy, "report", "t1", "--out", book)
    assert views(book).keys() == before.keys()
    assert {name for name, data in views(book).items() if data != before[name]} == set()
    assert "3 of them kept from before" in say(toy, "grade", "t1", toy.submitted, "--out", book)

    # a roster, an extension, a read submission, points
    roster = tmp_path / "roster.csv"
    roster.write_text("id,name\n11,Kim\n12,Lee\n13,Choi\n14,Oh\n")
    say(toy, "gradebook", "roster", roster, "--out", book)
    said = say(toy, "gradebook", "--out", book)
    assert "2 graded, 1 held, 0 excused, 1 missing" in said
    assert "held: 13  option 2 waits for a person" in said

    # the school's table, filled: the held cell stays, points are scaled
    table = tmp_path / "canvas.csv"
    table.write_text(TABLE)
    by_title = table.read_text()
    for name in ("A1 (7)", "Assignment 1 (7)", "HW: assignment1 (7)"):
        assert "Toys (7)" in by_title
        table.write_text(by_title.replace("Toys (7)", name))
        said = say(toy, "export", "table", "t1", "--out", book, "--into", table, "--dry-run", status=1)
        assert "2 written" in said
    table.write_text(by_title)
    said = say(toy, "export", "table", "t1", "--out", book, "--into", table, status=1)
    assert "2 written (1 new, 1 changed, 0 same), 1 held" in said
    assert "changed: 12  4 → 2" in said
    assert [row[4] for row in rows(tmp_path / "canvas-filled.csv")] == ["Toys (7)", "20", "20", "2", "", ""]
    assert "0 of 4 differ" in say(toy, "diff", "t1", "--out", book)

    # decisions: by command, by table, in review.csv
    refused = say(toy, "gradebook", "set", "t1", "12", "extension", "48", "--out", book, status=2)
    assert "extension: found no reason" in refused
    say(
        toy,
        "gradebook",
        "set",
        "t1",
        "12",
        "extension",
        "2099-01-02T00:00:00",
        "--why",
        "ill",
        "--as",
        "kim",
        "--out",
        book,
    )
    sheet = (book / "review.csv").read_text(encoding="utf-8-sig")
    (book / "review.csv").write_text(sheet.replace(",0.5,", ",0.8,"))
    assert "1 decisions read from review.csv" in say(toy, "report", "t1", "--out", book)
    said = say(toy, "diff", "t1", "--out", book, status=1)
    assert "2 of 4 differ" in said
    assert "12  1     → 4      late 3 → 0: extension 2099" in said
    assert ', kim, "ill"' in said
    assert "13  held  → 8      review done: scale 0.8" in said
    assert json.loads((book / "choi_r-13-A1-O2/result.json").read_text())["score"] == 8
    assert "late by" not in (book / "lee_s-12-A1-O1/report.html").read_text().split("<main>")[0].replace("Late by", "")

    # filled again: only those cells differ
    first = rows(tmp_path / "canvas-filled.csv")
    say(toy, "export", "table", "t1", "--out", book, "--into", tmp_path / "canvas-filled.csv")
    second = rows(tmp_path / "canvas-filled-filled.csv")
    changed = [(row[2], row[4]) for old, row in zip(first, second, strict=True) if old != row]
    assert changed == [("12", "8"), ("13", "16")]
    assert "extension" in say(toy, "gradebook", "log", "t1", "12", "--out", book)

    # a mended check, and the class graded again: what changed is named, and nothing else is told anew
    checks = toy.root / "tests/hidden/t1_toy/test_toy.py"
    unfair, fair = "assert_equal(theirs.add(x), ours.add(x))", "theirs.add(x), ours.add(x)"
    assert unfair in checks.read_text()
    checks.write_text(checks.read_text().replace(unfair, fair))
    assert "3 graded" in say(toy, "grade", "t1", toy.submitted, "--out", book)
    said = say(toy, "diff", "t1", "--out", book, status=1).splitlines()
    assert said[0].endswith("1 of 4 differ")
    suites = [run.suite[:4] for run in stored(book).runs]
    changed_check = f"  12  4     → 10     counter 0 → 6: run 2 (suite {suites[0]}… → {suites[1]}…)"
    assert said[1:] == [changed_check]
    assert say(toy, "diff", "t1", "run1", "--out", book, status=1).splitlines()[1:] == [changed_check]
    assert "0 of 4 differ" in say(toy, "diff", "t1", "2099-01-01", "--out", book)
    long_ago = say(toy, "diff", "t1", "2020-01-01T00:00", "run1", "--out", book, status=1)
    assert "t1, 2020-01-01 00:00 → run 1" in long_ago
    assert "12  missing → 4" in long_ago
    assert "run 9: t1 has 1, 2" in say(toy, "diff", "t1", "run9", "--out", book, status=2)
    assert "found 'soon', wanted a release" in say(toy, "diff", "t1", "soon", "--out", book, status=2)
    filled = tmp_path / "canvas-filled-filled.csv"
    before = rows(filled)
    said = say(toy, "export", "table", "t1", "--out", book, "--into", filled)
    assert "3 written (0 new, 1 changed, 2 same), 0 held" in said
    after = rows(tmp_path / "canvas-filled-filled-filled.csv")
    changed = [(row[2], row[4]) for old, row in zip(before, after, strict=True) if old != row]
    assert changed == [("12", "20")]
    assert "0 of 4 differ" in say(toy, "diff", "t1", "--out", book)


def test_a_sheet_that_is_older_than_the_book(toy: Toy, book: Path) -> None:
    name = "choi_r-13-A1-O2"
    say(toy, "gradebook", "set", "t1", name, "scale", "0.7", "--as", "lee", "--out", book)
    sheet = (book / "review.csv").read_text(encoding="utf-8-sig")
    (book / "review.csv").write_text(sheet.replace(",0.5,", ",0.8,"))
    refused = say(toy, "report", "t1", "--out", book, status=2)
    assert "scale: found 0.8, but decision 1 by lee says 0.7" in refused
    assert ",0.8," in (book / "review.csv").read_text()


def test_a_sheet_that_nobody_edited_takes_what_the_book_says(toy: Toy, book: Path) -> None:
    """A row still shows the option's own scale: that is no decision of a person's."""
    name = "choi_r-13-A1-O2"
    say(toy, "gradebook", "set", "t1", name, "scale", "0.7", "--as", "lee", "--out", book)
    say(toy, "gradebook", "set", "t1", name, "note", "read", "--as", "lee", "--out", book)
    assert "decisions read" not in say(toy, "report", "t1", "--out", book)
    assert rows(book / "review.csv")[1][5:] == ["0.7", "read", "2"]
    say(toy, "gradebook", "set", "t1", name, "scale", "0.6", "--as", "lee", "--out", book)
    assert "decisions read" not in say(toy, "report", "t1", "--out", book)
    assert rows(book / "review.csv")[1][5:] == ["0.6", "read", "3"]
    assert len(stored(book).decisions) == 3


def test_a_scale_that_is_withdrawn_stays_withdrawn(toy: Toy, book: Path) -> None:
    """The sheet shows the option's own scale again; no later command takes the old cell for a new decision."""
    name = "choi_r-13-A1-O2"
    say(toy, "gradebook", "set", "t1", name, "scale", "0.7", "--out", book)
    say(toy, "report", "t1", "--out", book)
    say(toy, "gradebook", "set", "t1", name, "scale", "null", "--out", book)
    for _ in range(3):
        assert "decisions read" not in say(toy, "report", "t1", "--out", book)
        assert rows(book / "review.csv")[1][5:] == ["0.5", "", "2"]
    assert len(stored(book).decisions) == 2


def test_a_new_sheet_shows_what_the_book_says(toy: Toy, book: Path) -> None:
    """The first report into an empty folder writes the same bytes as every later one."""
    name = "choi_r-13-A1-O2"
    say(toy, "gradebook", "set", "t1", name, "scale", "0.7", "--out", book)
    say(toy, "report", "t1", "--out", book)
    before = views(book)
    for path in book.iterdir():
        if path.name != "gradebook.db":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    say(toy, "report", "t1", "--out", book)
    assert rows(book / "review.csv")[1][5:] == ["0.7", "", "1"]
    assert views(book) == before


def test_a_group_without_an_erased_member(toy: Toy, book: Path) -> None:
    """The other's result stays; nothing of the erased person's name or id does, in the book and on the pages."""
    with Book.open(book / "gradebook.db") as opened:
        result = opened.result(1, SubmissionInfo("김민수-2022990111"))
        case = replace(result.questions[0].cases[0], message="김민수-2022990111.zip: by 김민수")
        question = replace(result.questions[0], cases=(case,))
        info = SubmissionInfo(
            *("김민수-2022990111", "김민수", "2022-990111", "1", (("15", "Lee"),)), notes=("김민수-2022990111: a note",)
        )
        number = opened.add_submission("t1", "another", info)
        opened.add_grading(opened.facts().gradings[0].run, number, replace(result, info=info, questions=(question,)))
        opened.add_decisions(
            [Decision(0, "", "kim", "command", "t1", "hold", "15", value="as 2022990111", why="like 김민수")]
        )
        opened.add_roster([Student("15", "15", "Lee"), Student("2022990111", "2022-990111", "김민수")])
    say(toy, "export", "json", "t1", "--to", book / "told.json", "--out", book, status=1)
    (book / "told.json").unlink()
    say(toy, "report", "t1", "--out", book)
    assert (book / "김민수-2022990111/result.json").exists()
    say(toy, "gradebook", "erase", "2022990111", "--out", book)
    facts = stored(book)
    assert next(each.name for each in facts.submissions if each.id == number).startswith("erased-")
    for name, data in views(book).items():
        for word in ("김민수", "2022990111", "2022-990111"):
            assert word not in name + data.decode(errors="replace"), (name, word)
    with Book.open(book / "gradebook.db") as opened:
        assert "김민수" not in str(opened.result(opened.facts().gradings[-1].id, info).questions)
    data = b"".join(path.read_bytes() for path in book.glob("gradebook.db*"))
    for word in ("김민수", json.dumps("김민수")[1:-1], "2022990111"):
        assert word.encode() not in data
    said = say(toy, "gradebook", "--out", book)
    assert [line for line in said.splitlines() if line.endswith(" is not on the roster") and "erased-" in line] == []


def test_what_a_table_did_not_reach_is_not_released(toy: Toy, book: Path, tmp_path: Path) -> None:
    """A table of one section: the others were told nothing. Who handed in nothing was told a 0."""
    table = tmp_path / "canvas.csv"
    table.write_text("".join(line for line in TABLE.splitlines(keepends=True) if "Lee" not in line))
    say(toy, "gradebook", "roster", table, "--out", book)
    say(toy, "export", "table", "t1", "--out", book, "--into", table, "--missing", "0", status=1)
    assert [row[4] for row in rows(tmp_path / "canvas-filled.csv")] == ["Toys (7)", "20", "20", "", "0"]
    with Book.open(book / "gradebook.db") as opened:
        told = {each.student: (each.state, each.cents) for each in opened.released_grades(1)}
    assert told == {"11": ("graded", 1000), "13": ("held", None), "14": ("missing", 0)}
    said = say(toy, "diff", "t1", "--out", book, status=1)
    assert "1 of 4 differ" in said
    assert "12  nothing →" in said


def test_points_above_a_columns_maximum_are_a_bonus(toy: Toy, book: Path, tmp_path: Path) -> None:
    table = tmp_path / "canvas.csv"
    table.write_text(TABLE)
    say(toy, "gradebook", "set", "t1", "11", "adjust", "2", "--why", "bonus", "--out", book)
    say(toy, "export", "table", "t1", "--out", book, "--into", table, status=1)
    assert rows(tmp_path / "canvas-filled.csv")[2][4] == "24"


def test_a_note_may_be_about_a_person(toy: Toy, book: Path, tmp_path: Path) -> None:
    table = tmp_path / "canvas.csv"
    table.write_text(TABLE)
    say(toy, "gradebook", "roster", table, "--out", book)
    say(toy, "gradebook", "set", "t1", "14", "note", "moved to another school", "--out", book)
    assert "moved to another school" in say(toy, "gradebook", "log", "t1", "14", "--out", book)


def test_a_time_that_a_person_set_is_on_every_view(toy: Toy, book: Path, tmp_path: Path) -> None:
    say(toy, "gradebook", "set", "t1", "lee_s-12-A1-O1", "arrived", "2030-01-01T10:00", "--out", book)
    say(toy, "report", "t1", "--out", book)
    assert "Handed in 2030-01-01 10:00" in (book / "lee_s-12-A1-O1/report.html").read_text()
    say(toy, "export", "csv", "t1", "--out", book, "--to", tmp_path / "grades.csv", status=1)
    header, *people = rows(tmp_path / "grades.csv")
    (lee,) = (dict(zip(header, row, strict=True)) for row in people if "12" in row)
    assert (lee["submitted_at"][:16], lee["late"], lee["late_by"]) == ("2030-01-01T10:00", "no", "0")


def test_codes_are_in_an_order_of_their_own(toy: Toy, book: Path, tmp_path: Path) -> None:
    """That of names would tell whose they are."""
    say(toy, "export", "junit", "t1", "--out", book, "--to", tmp_path / "codes.xml", "--anonymous", status=1)
    suites = re.findall(r'<testsuite name="([^"]+)"', (tmp_path / "codes.xml").read_text())
    assert len(suites) == 3
    assert suites == sorted(suites)


def test_a_table_of_decisions(toy: Toy, book: Path, tmp_path: Path) -> None:
    table = tmp_path / "decisions.csv"
    table.write_text("student,kind,value,why\n11,adjust,-0.5,no notebook\n12,excused,yes,ill\n")
    refused = say(toy, "gradebook", "enter", "t1", table, "--out", book, status=2)
    assert "row 3, value of excused: found 'yes', wanted true" in refused
    with Book.open(book / "gradebook.db") as opened:
        assert not opened.facts().decisions
    table.write_text(table.read_text().replace("yes", "true"))
    say(toy, "gradebook", "enter", "t1", table, "--out", book)
    for format in ("csv", "json"):
        say(toy, "export", format, "t1", "--out", book, "--to", tmp_path / f"t1.{format}", status=1)
    data = json.loads((tmp_path / "t1.json").read_text())
    assert (data["schema"], data["assignment"], data["release"]) == (1, "t1", 2)
    assert [(row["id"], row["grade"], row["state"]) for row in data["grades"]] == [
        ("11", 9.5, "graded"),
        ("12", None, "excused"),
        ("13", None, "held"),
    ]
    header, *people = rows(tmp_path / "t1.csv")
    assert [(row[header.index("id")], row[header.index("grade")]) for row in people] == [
        ("11", "9.5"),
        ("12", ""),
        ("13", ""),
    ]


def test_a_table_says_which_assignment_it_is_about(toy: Toy, book: Path, tmp_path: Path) -> None:
    """A column, the argument, or the only assignment of the book."""
    table = tmp_path / "decisions.csv"
    table.write_text("student,kind,value,why,assignment\n11,adjust,-2.675,so,t1\n12,adjust,-1,so,\n")
    say(toy, "gradebook", "enter", table, "--out", book)
    assert [(each.student, each.assignment, each.value) for each in stored(book).decisions] == [
        ("11", "t1", -267),
        ("12", "t1", -100),
    ]
    table.write_text("student,kind,value,why,assignment\n11,adjust,-1,so,t9\n")
    assert "row 2, unknown assignment 't9'" in say(toy, "gradebook", "enter", table, "--out", book, status=2)
    with Book.open(book / "gradebook.db") as opened:
        opened.add_submission("t2", "d", SubmissionInfo("x"))
    table.write_text("student,kind,value,why\n11,adjust,-1,so\n")
    said = say(toy, "gradebook", "enter", table, "--out", book, status=2)
    assert "row 2, assignment: found nothing, wanted one of t1, t2" in said
    say(toy, "gradebook", "enter", "t1", table, "--out", book)
    assert len(stored(book).decisions) == 3


def test_a_report_of_what_the_book_holds(toy: Toy, book: Path) -> None:
    """Without a name, every assignment of the book; several go into a folder each."""
    before = views(book)
    (book / "index.html").unlink()
    say(toy, "report", "--out", book)
    assert views(book) == before
    shutil.copytree(toy.root / "solutions/t1_toy", toy.root / "solutions/t2_toy")
    manifest = toy.root / "solutions/t2_toy/assignment.toml"
    manifest.write_text(manifest.read_text().replace("number = 1", "number = 2").replace("2030-", "2031-"))
    assert "nothing of t2" in say(toy, "report", "t1", "t2", "--out", book, status=2)
    with Book.open(book / "gradebook.db") as opened:
        opened.add_submission("t2", "d", SubmissionInfo("kim_m-11-A2-O1", "Kim", "11"))
    say(toy, "report", "--out", book)
    assert (book / "t1/kim_m-11-A1-O1/report.html").exists()
    assert {"index.html", "grades.csv"} <= {path.name for path in (book / "t2").iterdir()}


@pytest.mark.parametrize("name", ["roster", "set", "enter", "log", "erase", "copy"])
def test_every_help_has_an_example(toy: Toy, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["gradebook", name, "--help"])
    assert f"example:\n  autograder gradebook {name} " in capsys.readouterr().out


def test_what_is_not_in_the_book_decides_nothing(toy: Toy, book: Path) -> None:
    """An edited result.json changes no grade: the next run writes it again, and grades nothing."""
    before = views(book)
    path = book / "lee_s-12-A1-O1/result.json"
    path.write_text(path.read_text().replace('"score": 4.0', '"score": 10.0'))
    assert path.read_bytes() != before["lee_s-12-A1-O1/result.json"]
    assert "3 of them kept from before" in say(toy, "grade", "t1", toy.submitted, "--out", book)
    assert views(book) == before


def figures(out: Path) -> str:
    """What the class page says of the whole class."""
    page = (out / "index.html").read_text()
    return page[page.index("<dl") : page.index("</dl>")]


def test_a_person_is_erased(toy: Toy, book: Path) -> None:
    """The pages are written again without them, and the class's figures stay."""
    before = figures(book)
    assert "mean" in before.casefold()
    assert "written again without them" in say(toy, "gradebook", "erase", "12", "--out", book)
    assert "lee_s" not in say(toy, "gradebook", "--out", book)
    assert {name for name, data in views(book).items() if b"lee_s" in data} == set()
    assert not (book / "lee_s-12-A1-O1").exists()
    assert figures(book) == before
    assert b"lee_s" not in (book / "gradebook.db").read_bytes()
    assert "nobody in the book" in say(toy, "gradebook", "erase", "12", "--out", book, status=2)


def test_a_folder_of_before(toy: Toy, book: Path) -> None:
    """Results and a review.csv without a book: both are read in."""
    for path in book.glob("gradebook.db*"):
        path.unlink()
    sheet = (book / "review.csv").read_text(encoding="utf-8-sig")
    (book / "review.csv").write_text(sheet.replace(",0.5,", ",0.9,well said"))
    assert "3 of them kept" in say(toy, "grade", "t1", toy.submitted, "--out", book)
    with Book.open(book / "gradebook.db") as opened:
        facts = opened.facts()
        assert [(each.kind, each.value) for each in facts.decisions] == [("scale", 0.9), ("note", "well said")]
        assert len(facts.gradings) == 3
    assert rows(book / "review.csv")[1][5:] == ["0.9", "well said", "2"]


def without_book(out: Path) -> None:
    for path in out.glob("gradebook.db*"):
        path.unlink()


def now(toy: Toy, out: Path) -> tuple[Grade, ...]:
    return grades(stored(out), Settings.read(Course.find(toy.root)).all_terms())


def stored(out: Path) -> Facts:
    with Book.open(out / "gradebook.db") as opened:
        return opened.facts()


def old_folder(book: Path, names: dict[str, str], suite: str, seed: int, marked: bool) -> Path:
    """A folder of results as it was before there was a book, beside `book`: some of its submissions, renamed.

    Args:
        marked: with `run.json`, as grading wrote it then.
    """
    out = book.with_name("old")
    for before, name in names.items():
        shutil.copytree(book / before, out / name)
        path = out / name / "result.json"
        data = json.loads(path.read_text())
        for info in (data, data["info"]):
            info |= {"submission": name, "id": name.split("-")[1]}
        data["seed"] = seed
        digest = data["fingerprint"].rpartition("-")[2] + ("" if before == name else "f")
        data["fingerprint"] = f"{suite or data['fingerprint'].partition('-')[0]}-{seed}-{digest}"
        path.write_text(json.dumps(data))
    if marked:
        (out / "run.json").write_text(json.dumps({"assignment": "t1", "suite": suite, "seed": seed}))
    header, row = (book / "review.csv").read_text(encoding="utf-8-sig").splitlines()[:2]
    row = row.replace("choi_r-13-A1-O2", "oh_n-14-A1-O2").replace(",0.5,", ",0.9,well said")
    (out / "review.csv").write_text(f"{header}\n{row}\n")
    return out


@pytest.mark.parametrize("marked", [True, False])
def test_two_old_folders_into_one_book(toy: Toy, book: Path, marked: bool) -> None:
    """The results and the review.csv of the second are read in too, once, and outrank nothing that is there."""
    address = f"sqlite:///{book}/gradebook.db"
    before = {grade.student: grade.cents for grade in now(toy, book)}
    out = old_folder(book, {"lee_s-12-A1-O1": "jung_k-15-A1-O1", "choi_r-13-A1-O2": "oh_n-14-A1-O2"}, "0ld", 5, marked)
    said = say(toy, "report", "t1", "--out", out, "--book", address)
    assert "2 decisions read from review.csv" in said
    facts = stored(book)
    names = {each.id: each.name for each in facts.submissions}
    assert len(facts.gradings) == 5
    assert [(each.kind, names[each.submission], each.value) for each in facts.decisions] == [
        ("scale", "oh_n-14-A1-O2", 0.9),
        ("note", "oh_n-14-A1-O2", "well said"),
    ]
    after = {grade.student: grade.cents for grade in now(toy, book)}
    assert after == before | {"15": 100, "14": 900}
    assert not (out / "run.json").exists()
    say(toy, "report", "t1", "--out", out, "--book", address)
    assert stored(book) == facts  # once
    say(toy, "gradebook", "erase", "15", "--book", address)  # the folder is not told
    say(toy, "report", "t1", "--out", out, "--book", address)
    assert "15" not in {each.key for each in stored(book).students}
    assert "3 of them kept from before" in say(toy, "grade", "t1", toy.submitted, "--out", book), "no run began"


def test_an_old_folder_of_the_same_submissions(toy: Toy, book: Path) -> None:
    """Its gradings go in, and those of the book count."""
    own = {path.parent.name for path in book.glob("*/result.json")}
    before = [(grade.student, grade.cents, grade.grading) for grade in now(toy, book)]
    newest = stored(book).runs[0].suite
    for place, (suite, seed) in enumerate(((newest, 5), ("0ld", 6))):
        out = old_folder(book, {name: name for name in own}, suite, seed, marked=True)
        (out / "review.csv").unlink()
        say(toy, "report", "t1", "--out", out, "--book", f"sqlite:///{book}/gradebook.db")
        shutil.rmtree(out)
        assert len(stored(book).gradings) == 3 * (place + 2)
        assert [(grade.student, grade.cents, grade.grading) for grade in now(toy, book)] == before
        assert len(stored(book).submissions) == 3
    assert "3 of them kept from before" in say(toy, "grade", "t1", toy.submitted, "--out", book)


def test_a_folder_of_before_is_reported_without_its_submissions(toy: Toy, book: Path) -> None:
    before = views(book)
    without_book(book)
    sheet = (book / "review.csv").read_text(encoding="utf-8-sig")
    (book / "review.csv").write_text(sheet.replace(",0.5,", ",0.9,well said"))
    said = say(toy, "report", "t1", "--out", book)
    assert "2 decisions read from review.csv" in said
    facts = stored(book)
    assert [(each.kind, each.value) for each in facts.decisions] == [("scale", 0.9), ("note", "well said")]
    assert len(facts.gradings) == len(facts.submissions) == 3
    assert {each.source for each in facts.arrivals} == {"files"}
    assert {name for name, data in views(book).items() if data != before[name] and "choi" not in name} <= {
        "index.html",
        "term.html",
        "review.csv",
        "review.html",
        "grades.csv",
    }
    assert views(book).keys() == before.keys()
    assert stored(book).gradings == facts.gradings
    say(toy, "report", "t1", "--out", book)
    assert stored(book) == facts  # once


def test_results_of_older_checks_stay_in_the_book(toy: Toy, book: Path) -> None:
    """They hold no longer, and would be overwritten: what they said is not lost."""
    without_book(book)
    for place, path in enumerate(sorted(book.glob("*/result.json"))):
        text = json.loads(path.read_text())
        text["fingerprint"] = "0ld-" + text["fingerprint"].partition("-")[2] if place else text["fingerprint"]
        text["notes"] = ["scale set by review: 0.9 instead of 0.5"]
        path.write_text(json.dumps(text))
    (book / "lee_s-12-A1-O1/result.json").write_text("{")  # cannot be read, and is graded again
    (toy.submitted / "choi_r-13-A1-O2.zip").unlink()  # one that is not here any more
    said = say(toy, "grade", "t1", toy.submitted, "--out", book)
    assert "2 older results were read into the gradebook" in said
    facts = stored(book)
    suites = {run.id: run.suite for run in facts.runs}
    names = {each.id: each.name for each in facts.submissions}
    graded = sorted((names[each.submission], suites[each.run] == "0ld") for each in facts.gradings)
    assert graded == [
        ("choi_r-13-A1-O2", False),
        ("kim_m-11-A1-O1", False),
        ("kim_m-11-A1-O1", True),
        ("lee_s-12-A1-O1", False),
    ]
    assert not any(each.notes for each in facts.submissions)
    assert facts.runs[-1].suite != "0ld"


def test_a_kill_while_results_are_read_in(toy: Toy, book: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without_book(book)
    add, count = Book.add_grading, iter(range(9))

    def killed(self: Book, *words: object, **more: object) -> int:
        if next(count) == 2:
            raise KeyboardInterrupt
        return add(self, *words, **more)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(Book, "add_grading", killed)
        say(toy, "report", "t1", "--out", book, status=130)
    assert stored(book).submissions == ()
    say(toy, "report", "t1", "--out", book)
    assert len(stored(book).gradings) == 3


@pytest.mark.parametrize(
    "text, said",
    [
        ("[late]\nfree_days = 3\n", "say in course.toml where its book is"),
        ("[late]\ngrace = 3\n", "late.grace"),
        ("[gradebok]\n", "gradebok"),
        ("[late\n", "not TOML"),
    ],
)
def test_a_wrong_course_toml(toy: Toy, tmp_path: Path, text: str, said: str) -> None:
    toy.submit("kim_m-11-A1-O1")
    (toy.root / "course.toml").write_text(text)
    assert said in say(toy, "grade", "t1", toy.submitted, "--out", tmp_path / "graded", status=2)
