"""The queue for a person: what is laid out, and decisions that come back unharmed."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path

import pytest

from autograder.course.model import Assignment
from autograder.course.outcome import Outcome
from autograder.course.plain import from_plain, to_plain
from autograder.course.reading import CodeLine, FunctionReading, QuestionReading, Reading
from autograder.course.result import CaseResult, QuestionResult, SubmissionInfo, SubmissionResult
from autograder.errors import UsageError
from autograder.grading.scoring import reviewed
from autograder.reports import write_class, write_submission
from autograder.reports.findings.decisions import Decisions
from autograder.reports.pages.review import render_queue, render_reading

LINES = (CodeLine(4, "def hints(x):"), CodeLine(5, "", "twice"), CodeLine(6, "    return 2 * x"))
READING = Reading(
    (QuestionReading("hints", (FunctionReading("hints", 4, 2, 1, LINES), FunctionReading("f", 9, 3, 0))),)
)


def entry(submission: str = "kim", option: str = "2", reading: Reading | None = READING) -> SubmissionResult:
    info = SubmissionInfo(submission, "Kim", "2022123456", option)
    question = QuestionResult("hints", "The hints", 10, 8, Outcome.PASSED, (CaseResult("c", Outcome.PASSED),))
    scale = 0.5 if option == "2" else 1.0
    return SubmissionResult("a1", info, 8 * scale, 30, (question,), 1, scale, reading=reading)


def rows(sheet: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(sheet)))


def table(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "review.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def merged(decisions: Decisions, results: list[SubmissionResult], assignment: Assignment) -> str:
    """The text of the file with these results."""
    return decisions.merged(results, assignment).encoded().decode("utf-8-sig")


def test_a_new_queue_has_the_options_scale(small: Assignment) -> None:
    (row,) = rows(merged(Decisions(), [entry(), entry("lee", option="1")], small))
    assert row == {
        "submission": "kim",
        "name": "Kim",
        "id": "2022123456",
        "option": "2",
        "score before scale": "8",
        "scale": "0.5",
        "comment": "",
    }


def test_what_a_person_wrote_stays_and_facts_follow(small: Assignment, tmp_path: Path) -> None:
    written = "submission,scale,comment,seen by,score before scale\nkim,0.8,well said,TA 1,3\ngone,0.1,left,TA 2,9\n"
    decisions = Decisions.read(table(tmp_path, written))
    old, gone, new = rows(merged(decisions, [entry(), entry("lee")], small))
    assert (old["scale"], old["comment"], old["seen by"], old["score before scale"]) == (
        "0.8",
        "well said",
        "TA 1",
        "8",
    )
    assert (gone["submission"], gone["scale"], gone["score before scale"]) == ("gone", "0.1", "9")
    assert (new["submission"], new["scale"], new["seen by"]) == ("lee", "0.5", "")
    again = Decisions.read(table(tmp_path, merged(decisions, [entry(), entry("lee")], small)))
    assert merged(again, [entry(), entry("lee")], small) == merged(decisions, [entry(), entry("lee")], small)


@pytest.mark.parametrize(
    "cell, scale", [("0.8", 0.8), ("1", 1.0), (" 0 ", 0.0), ("", None), ("0.75000", 0.75)], ids=str
)
def test_a_scale_is_read(tmp_path: Path, cell: str, scale: float | None) -> None:
    assert Decisions.read(table(tmp_path, f"submission,scale\nkim,{cell}\n")).scale(entry()) == scale


def test_a_spreadsheet_with_semicolons(small: Assignment, tmp_path: Path) -> None:
    decisions = Decisions.read(table(tmp_path, "\ufeffsubmission;scale;comment\r\nkim;0,8;a, b\r\n"))
    assert (decisions.scale(entry()), decisions.comment(entry())) == (0.8, "a, b")
    again = merged(decisions, [entry()], small)
    assert again.splitlines()[1] == "kim;0,8;a, b;Kim;2022123456;2;8"


def test_cells_beyond_the_headings_stay(small: Assignment, tmp_path: Path) -> None:
    written = "submission,scale,,\nkim,0.8,seen,twice,and more\ngone,0.5,x\n"
    (head, kim, gone) = merged(Decisions.read(table(tmp_path, written)), [entry()], small).splitlines()
    assert head == "submission,scale,,,,name,id,option,score before scale,comment"
    assert kim == "kim,0.8,seen,twice,and more,Kim,2022123456,2,8,"
    assert gone == "gone,0.5,x"


@pytest.mark.parametrize(
    "text, message",
    [
        ("submission,scale\nkim,0.5\nlee,80\n", "row 3, scale: found '80', wanted a number from 0 to 1"),
        ("submission,scale\nkim,nan\n", "row 2, scale: found 'nan'"),
        ("submission,scale\nkim,-0.1\n", "row 2, scale: found '-0.1'"),
        ("submission,scale\nkim,half\n", "row 2, scale: found 'half'"),
        ("submission,scale\nkim,1\nkim,0\n", "row 3, submission: 'kim' is already in row 2"),
        ("name,scale\nkim,1\n", "row 1: found name, scale; wanted one column submission"),
        ("", "row 1: found nothing"),
        ('submission,scale,comment\nkim,0.5,"begun\nlee,0.9,\n', "line 3: cannot be read: unexpected end of data"),
        (f"submission,scale,comment\nkim,0.5,{'x' * 200_000}\n", "line 2: cannot be read: field larger"),
        ("submission,scale\n김,1\n".encode("cp949"), "characters that are not UTF-8"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_place(tmp_path: Path, text: str | bytes, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        Decisions.read(table(tmp_path, text))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_name_that_looks_like_a_formula_finds_its_row_again(small: Assignment, tmp_path: Path) -> None:
    sheet = merged(Decisions(), [entry("=1+1")], small).replace(",0.5,", ",0.9,")
    assert Decisions.read(table(tmp_path, sheet)).scale(entry("=1+1")) == 0.9


def test_a_decision_sets_the_score_and_says_so(small: Assignment) -> None:
    result = reviewed(entry(), small, 0.75)
    assert (result.scale, result.score) == (0.75, 6.0)
    assert result.info.notes == ("scale set by review: 0.75 instead of 0.5",)
    again = reviewed(result, small, 1.0)
    assert (again.score, again.info.notes) == (8.0, ("scale set by review: 1 instead of 0.5",))
    assert reviewed(again, small, None) == reviewed(again, small, 0.5) == entry()
    assert reviewed(entry(option="1"), small, 0.1) == entry(option="1")


def test_pages_and_table_on_disk(small: Assignment, tmp_path: Path) -> None:
    results = [entry(), entry("lee", reading=None), entry("choi", option="1", reading=None)]
    for result in results:
        write_submission(result, small, tmp_path)
    write_class(results, small, tmp_path)
    assert (tmp_path / "kim/review.html").is_file()
    assert not (tmp_path / "lee/review.html").exists()
    assert '"lines": []' in (tmp_path / "kim/result.json").read_text()
    assert "2 to be read by a person" in (tmp_path / "index.html").read_text()
    before = (tmp_path / "review.csv").stat().st_mtime_ns
    write_class(results, small, tmp_path)
    assert (tmp_path / "review.csv").stat().st_mtime_ns == before
    counts = replace(entry(), reading=READING.counts())
    page = (tmp_path / "kim/review.html").read_text()
    write_submission(counts, small, tmp_path)  # of an earlier run: the lines are on the page only
    assert (tmp_path / "kim/review.html").read_text() == page
    write_submission(entry(option="1", reading=None), small, tmp_path)  # graded anew, and nobody is to read it
    assert not (tmp_path / "kim/review.html").exists()


def test_a_table_that_breaks_during_a_run_is_left_alone(small: Assignment, tmp_path: Path) -> None:
    table(tmp_path, "submission,scale\nkim,lots\n")
    write_class([entry()], small, tmp_path)
    assert (tmp_path / "review.csv").read_text() == "submission,scale\nkim,lots\n"
    assert (tmp_path / "review.html").is_file()


def test_the_queue_says_what_is_open(small: Assignment, tmp_path: Path) -> None:
    decisions = Decisions.read(table(tmp_path, "submission,scale,comment\nkim,0.5,read it\nlee,0.5,\n"))
    page = render_queue([entry(), entry("lee"), entry("choi", option="1")], small, decisions)
    assert "1 of 2 are open" in page
    assert "decided: read it" in page
    assert "choi" not in page
    assert page.index('href="lee/review.html"') < page.index('href="kim/review.html"')
    assert "1 of 2 functions" in page


def test_code_stands_beside_its_comments(small: Assignment) -> None:
    page = render_reading(entry(), small)
    assert "<code>    return 2 * x</code>" in page
    assert '<tr class="said"><td class="num">5</td><td><code></code></td><td>twice</td></tr>' in page
    assert "<code>f</code> <small>line 9 · 0 of 3 lines commented · shown above</small>" in page
    assert "Functions without a comment of the student:</b> <code>f</code></p>" in page


def test_code_and_comments_are_inert(small: Assignment) -> None:
    text = "<script>alert(1)</script>\u202e{{ 7 * 7 }}"
    function = FunctionReading(text, 1, 1, 1, (CodeLine(1, text, text),))
    hostile = entry(reading=Reading((QuestionReading("hints", (function,)), QuestionReading("", (function,)))))
    page = render_reading(hostile, small)
    assert "<script>" not in page
    assert "\u202e" not in page
    assert "49" not in page


def test_a_reading_survives_json() -> None:
    assert from_plain(to_plain(READING), Reading) == READING
    assert SubmissionResult.from_json(entry().to_json()) == entry()
