"""`stats`, `similarity` and `gradebook erase --before`, as a person uses them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from autograder.submission.receive.filename import is_taken, safe_names
from tests.autograder.conftest import Toy, in_process
from tests.autograder.exports.conftest import PEOPLE, Class


def test_stats(klass: Class) -> None:
    said = klass.say("stats", "t1")
    assert "t1: 3 submissions" in said
    assert "grades: 4 people, 0 to 10" in said
    assert "kimms_340934_7001_kim-11-A1-O1" not in klass.say("stats", "t1", "--anonymous")
    data = json.loads(klass.say("stats", "t1", "--json", "--anonymous"))
    assert [(each["id"], each["full"], each["difficulty"]) for each in data["questions"]] == [
        ("double", 2, pytest.approx(2 / 3)),
        ("counter", 1, pytest.approx(1 / 3)),
    ]
    for name in (*PEOPLE.values(), "34093", "lee-12"):
        assert name not in json.dumps(data, ensure_ascii=False) + klass.say("stats", "t1", "--anonymous")


def test_similarity(toy: Toy, tmp_path: Path) -> None:
    for name in ("kim_m-11-A1-O1", "lee_s-12-A1-O1"):
        toy.submit(name)
    body = "".join(f"    x = x.sum({at}) * (x + {at}) / x[{at}]\n" for at in range(30))
    for name in ("choi_r-13-A1-O1", "oh_n-14-A1-O1"):
        toy.submit(name, source=f"# {name}\ndef double(x):\n{body}")
    status, said = in_process(toy, "similarity", "t1", toy.submitted, "--out", tmp_path)
    assert status == 0, said
    assert "4 answers, 1 pair shares" in said
    assert "choi_r-13-A1-O1  oh_n-14-A1-O1" in said
    page = (tmp_path / "similarity.html").read_text(encoding="utf-8")
    assert "<mark>" in page
    assert "kim_m" not in page
    status, said = in_process(toy, "similarity", "t1", toy.submitted, "--json")
    data = json.loads(said)
    assert [(pair["one"], pair["other"]) for pair in data["pairs"]] == [("choi_r-13-A1-O1", "oh_n-14-A1-O1")]
    status, said = in_process(toy, "similarity", "t1", tmp_path / "nowhere")
    assert status == 2


def test_similarity_of_what_the_book_holds(toy: Toy, tmp_path: Path) -> None:
    """Graded once, the submissions are not needed any more, and nobody's code stands in result.json."""
    body = "".join(f"    x = x.sum({at}) * (x + {at}) / x[{at}]\n" for at in range(30))
    toy.submit("kim_m-11-A1-O1")
    for name in ("choi_r-13-A1-O1", "oh_n-14-A1-O1"):
        toy.submit(name, source=f"# {name}\ndef double(x):\n{body}")
    out = tmp_path / "graded"
    done = toy.run("grade", "t1", toy.submitted, "--out", out)
    assert done.returncode == 0, done.stderr
    shutil.rmtree(toy.submitted)
    status, said = in_process(toy, "similarity", "t1", "--out", out)
    assert status == 0, said
    assert "3 answers, 1 pair shares" in said
    assert "choi_r-13-A1-O1  oh_n-14-A1-O1" in said
    assert "<mark>" in (out / "similarity.html").read_text(encoding="utf-8")
    assert "x.sum(7)" not in (out / "oh_n-14-A1-O1/result.json").read_text()
    status, said = in_process(toy, "similarity", "t1", "--out", tmp_path / "nowhere")
    assert status == 2
    assert "no gradebook here" in said


def test_a_term_is_erased(klass: Class) -> None:
    assert "wanted a date" in klass.say("gradebook", "erase", "--before", "March", status=2)
    assert "wanted a student's id, or" in klass.say("gradebook", "erase", status=2)
    assert "no person's last submission" in klass.say("gradebook", "erase", "--before", "2029-12-31", status=2)
    with klass.open() as book:
        before = sorted(score.cents for grading in book.facts().gradings for score in grading.scores)
    assert "erased: 6 people with 4 submissions" in klass.say("gradebook", "erase", "--before", "2030-01-01")
    with klass.open() as book:
        facts = book.facts()
    assert not [student for student in facts.students if student.name or student.number or student.email]
    assert sorted(score.cents for grading in facts.gradings for score in grading.scores) == before
    data = (klass.out / "gradebook.db").read_bytes()
    for name in (*PEOPLE.values(), "340934", "login11"):
        assert name.encode() not in data
    assert "no person's last submission" in klass.say("gradebook", "erase", "--before", "2031-01-01", status=2)


def test_who_came_later_stays(klass: Class) -> None:
    from autograder.course.result import SubmissionInfo

    with klass.open() as book:
        later = SubmissionInfo("kim-again", PEOPLE["11"], "11", "1", (), "2031-06-01T00:00:00+09:00")
        book.add_submission("t1", "another", later, "table")
    assert "erased: 3 people" in klass.say("gradebook", "erase", "--before", "2031-01-01")
    with klass.open() as book:
        assert sorted(student.key for student in book.facts().students if student.name) == ["11", "15", "16"]


def test_pages_that_name_nobody(klass: Class) -> None:
    klass.decide("comment", "김민수 did well", submission=1)
    klass.decide("hold", "김민수 is asked first", student="11")
    klass.decide("owner", ["12"], submission=2)
    said = klass.say("report", "t1", "--anonymous")
    folder = klass.out / "anonymous"
    assert str(folder) in said
    with klass.open() as book:
        codes = {student.key: student.code for student in book.facts().students}
    assert {path.name for path in folder.iterdir() if path.is_dir()} == {codes[key] for key in ("11", "12", "13")}
    pages = [path for path in folder.rglob("*") if path.is_file()]
    assert {path.name for path in pages} >= {"index.html", "term.html", "grades.csv", "report.html", "result.json"}
    for path in pages:
        text = path.read_text(encoding="utf-8-sig")
        for name in (*PEOPLE.values(), "kimms", "34093", "login11", "O&#34;Brien", "lee_LATE", "cmd-13"):
            if len(name) > 3 or not name.isascii():
                assert name not in text, (path, name)
    scores = [line.split(",")[5] for line in (folder / "grades.csv").read_text(encoding="utf-8-sig").splitlines()[1:]]
    assert sorted(scores) == ["0", "0", "10", "4"]
    page = (folder / "index.html").read_text(encoding="utf-8")
    for shown in ("on hold: not shown without names", codes["12"], ">Grade</th>", "Nothing came from"):
        assert shown in page, shown


def test_no_submission_can_have_a_name_that_results_need(klass: Class) -> None:
    """Whatever stands beside the submissions' folders has a name that no submission gets."""
    klass.say("report", "t1")
    klass.say("report", "t1", "--anonymous")
    klass.toy.submit("kim-11-A1-O1")
    klass.say("similarity", "t1", klass.toy.submitted)
    with klass.open() as book:
        names = {each.name for each in book.facts().submissions}
        beside = {path.name for path in klass.out.iterdir()} - names
    assert beside >= {"gradebook.db", "index.html", "term.html", "grades.csv", "similarity.html", "anonymous"}
    assert [name for name in beside if not (name.startswith(".") or is_taken(name))] == []
    assert is_taken("Gradebook.db.before-1")
    assert is_taken("gradebook.db-journal")
    found = safe_names([Path(f"{name}.zip") for name in (*beside, "TERM.html", "gradebook.db.before-1")])
    assert [name for name in found if is_taken(name)] == []
