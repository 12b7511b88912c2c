"""grades.csv, the files on disk, and what a terminal prints."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from autograder.course.model import Assignment
from autograder.course.notebook import NotebookOutcome, NotebookRun, WrittenAnswer
from autograder.course.outcome import Outcome
from autograder.course.result import QuestionResult, SubmissionInfo, SubmissionResult
from autograder.errors import GraderError, UsageError
from autograder.files import clear, whole
from autograder.reports import (
    Progress,
    grades_csv,
    print_class,
    write_class,
    write_file,
    write_reports,
    write_submission,
)
from autograder.reports.files.gradescsv import COLUMNS
from autograder.reports.findings.concerns import Reason, concerns
from autograder.reports.findings.statistics import statistics


def read(sheet: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(sheet)))


def named(**info: object) -> SubmissionResult:
    question = QuestionResult("hints", "The hints", 10, 10 / 3, Outcome.FAILED)
    fields = {"submission": "kim", **info}
    return SubmissionResult("a1", SubmissionInfo(**fields), 10 / 3, 30, (question,), seed=1)  # type: ignore[arg-type]


def test_sheet_has_the_columns_it_promises(a6: Assignment, class16: list[SubmissionResult]) -> None:
    sheet = grades_csv(class16, a6)
    rows = read(sheet)
    assert sheet.splitlines()[0].split(",") == [*COLUMNS, *(question.id for question in a6.questions)]
    assert sheet == grades_csv(class16[::-1], a6)
    first = {row["submission"]: row for row in reversed(rows)}  # of each submission, who handed it in
    assert [*first][::-1] == sorted(one.submission for one in class16)
    for row, one in zip([*first.values()][::-1], sorted(class16, key=lambda one: one.submission), strict=True):
        if one.graded:
            assert float(row["score"]) == pytest.approx(one.score, abs=1e-6)
            for question in one.questions:
                assert float(row[question.id]) == pytest.approx(question.score, abs=1e-6)
        assert row["late"] == ("yes" if one.info.late else "no")
        assert row["name"] == one.info.name  # Korean ones among them


def test_our_own_fault_and_an_unreadable_zip_leave_the_score_empty(small: Assignment) -> None:
    broken = replace(named(), questions=(QuestionResult("hints", "", 10, 0, Outcome.GRADER_ERROR),))
    ours, unread = read(grades_csv([broken], small, [("lee", "not a zip")]))
    assert (ours["score"], ours["hints"], ours["outcome"]) == ("", "", "grader_error")
    assert (unread["submission"], unread["score"], unread["outcome"]) == ("lee", "", "not_graded")
    assert unread["notes"] == "not a zip"


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1", "-1", "@SUM(A1)", "  =1", "\t=1", "＝1", "a;=cmd|' /C calc'!A0", "a,@x", "a\n=1", "-"],
)
def test_no_text_becomes_a_formula(small: Assignment, text: str) -> None:
    result = named(submission=text, name=text, id=text, members=((text, text), ("2", text)), notes=("x", text))
    sheet = grades_csv([result], small, [(text, text)])
    for separator in ",;|\t":
        for cell in (cell for row in csv.reader(io.StringIO(sheet), delimiter=separator) for cell in row):
            assert not cell.strip(" \"'").startswith(tuple("=+-@＝＋－＠")) or cell.strip(' "').startswith("'")


def test_ordinary_text_is_left_alone(small: Assignment) -> None:
    result = named(name="Jean-Luc O'Neil, Jr.", id="2021-12345", members=(("1", "A"), ("2", "B")))
    row, *_ = read(grades_csv([result], small))
    assert (row["name"], row["id"], row["members"]) == ("Jean-Luc O'Neil, Jr.", "2021-12345", "1 A; 2 B")
    assert row["score"] == row["hints"] == "3.333333"


def test_every_member_of_a_group_has_a_row(small: Assignment) -> None:
    group = named(name="Lee", id="2021-1", members=(("20212", "Kim"), ("20211", "Lee Jiwoo"), ("20213", "Park")))
    rows = read(grades_csv([group, named(submission="alone", name="Choi", id="7")], small))
    assert [(row["submission"], row["name"], row["id"]) for row in rows] == [
        ("alone", "Choi", "7"),
        ("kim", "Lee", "2021-1"),  # once, though the group lists the id too
        ("kim", "Kim", "20212"),
        ("kim", "Park", "20213"),
    ]
    assert {row["score"] for row in rows} == {"3.333333"}
    assert [row["notes"] for row in rows] == [""] * 4


def test_who_is_in_two_submissions_keeps_both_and_is_noted(small: Assignment) -> None:
    own = named(submission="own", name="Kim", id="2021-2", notes=("late",))
    group = named(submission="group", name="Lee", id="20211", members=(("20212", "Kim"),))
    rows = {(row["submission"], row["name"]): row["notes"] for row in read(grades_csv([own, group], small))}
    assert rows == {("group", "Lee"): "", ("group", "Kim"): "also in own", ("own", "Kim"): "also in group; late"}
    twice = next(found.concerns for found in concerns([own, group], small) if found.reason is Reason.TWICE)
    texts = {concern.submission: concern.text for concern in twice}
    assert texts == {"group": "Kim is also in own", "own": "Kim is also in group"}


def test_nobody_without_an_id_is_taken_for_somebody_else(small: Assignment) -> None:
    sheet = grades_csv([named(submission=each, name="Kim", id="") for each in "ab"], small)
    assert [row["notes"] for row in read(sheet)] == ["", ""]


def test_a_question_named_like_a_column_hides_no_column(small: Assignment) -> None:
    header = grades_csv([], small).strip().split(",")
    assert header[-3:] == ["hints", "outcomes", "question score"]
    assert len(set(header)) == len(header)


def test_files_are_written_and_read_back(a6: Assignment, class16: list[SubmissionResult], tmp_path: Path) -> None:
    write_reports(class16, a6, tmp_path / "new" / "reports", [("nobody", "not a zip")])
    out = tmp_path / "new" / "reports"
    queue = {"review.html", "review.csv"}  # somebody took the option that a person reads
    names = {"index.html", "grades.csv", *queue, *(one.submission for one in class16)}
    assert {path.name for path in out.iterdir()} == names
    for one in class16:
        folder = out / one.submission
        assert {path.name for path in folder.iterdir()} == {"report.html", "result.json"}
        assert SubmissionResult.from_json(json.loads((folder / "result.json").read_text())) == one
    with (out / "grades.csv").open(encoding="utf-8-sig", newline="") as file:
        assert len({row["submission"] for row in csv.DictReader(file)}) == 17
    assert (out / "grades.csv").read_bytes().startswith(b"\xef\xbb\xbfsubmission,")


def test_the_class_page_has_the_figures(a6: Assignment, class16: list[SubmissionResult], tmp_path: Path) -> None:
    write_reports(class16, a6, tmp_path)
    page = (tmp_path / "index.html").read_text()
    figures = statistics(class16, a6, ())
    told = [each.discrimination for each in figures.questions if each.discrimination is not None]
    assert told
    for each in told:
        assert f"discrimination {each:.2f}" in page
    assert figures.alpha is not None
    assert f"<dd>{figures.alpha:.2f}: how well" in page
    write_reports(class16[:3], a6, tmp_path)  # too few people for a correlation
    assert "discrimination" not in (tmp_path / "index.html").read_text()


def test_writing_twice_gives_the_same_bytes(a6: Assignment, class16: list[SubmissionResult], tmp_path: Path) -> None:
    for out in (tmp_path / "a", tmp_path / "a", tmp_path / "b"):
        write_reports(class16, a6, out)
    files = [path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*") if path.is_file()]
    assert all((tmp_path / "a" / path).read_bytes() == (tmp_path / "b" / path).read_bytes() for path in files)


@pytest.mark.parametrize("name", ["", ".", "..", "../up", "a/b", "/root", "a\\b", "nul\0", "index.html"])
def test_a_name_that_is_no_folder_is_refused_before_anything_is_written(
    small: Assignment, tmp_path: Path, name: str
) -> None:
    out = tmp_path / "reports"
    with pytest.raises(GraderError, match="folder's name"):
        write_reports([named(submission="fine"), named(submission=name)], small, out)
    with pytest.raises(GraderError, match="folder's name"):
        write_submission(named(submission=name), small, out)
    assert not out.exists()


def test_attachments_lie_beside_the_result_and_not_in_it(small: Assignment, tmp_path: Path) -> None:
    result = replace(named(submission="one"), attachments={"notebook.html": "<p>김 \ud800</p>"})
    folder = write_submission(result, small, tmp_path)
    assert (folder / "notebook.html").read_text("utf-8") == "<p>김 �</p>"
    assert "attachments" not in json.loads((folder / "result.json").read_text())
    assert SubmissionResult.from_json(json.loads((folder / "result.json").read_text())) == replace(
        result, attachments={}
    )


def test_a_notebooks_page_goes_with_the_result_that_had_one(small: Assignment, tmp_path: Path) -> None:
    run = NotebookRun(NotebookOutcome.RAN, answers=(WrittenAnswer("Why?", "Because."),))
    with_notebook = replace(
        named(submission="one"), notebooks={"small.ipynb": run}, attachments={"notebook.html": "<p>"}
    )
    write_reports([with_notebook], small, tmp_path)
    assert (tmp_path / "one/notebook.html").exists()
    assert (tmp_path / "answers.html").exists()
    write_reports([replace(with_notebook, attachments={})], small, tmp_path)  # as it is read from an earlier run
    assert (tmp_path / "one/notebook.html").exists()
    write_reports([named(submission="one")], small, tmp_path)
    assert not (tmp_path / "one/notebook.html").exists()
    assert not (tmp_path / "answers.html").exists()


@pytest.mark.parametrize(
    "name", ["../x.html", "result.json", "report.html", "a/b.html", "", ".hidden", "x", "n.html\n"]
)
def test_an_attachment_is_a_plain_file_of_its_own(name: str, small: Assignment, tmp_path: Path) -> None:
    with pytest.raises(GraderError, match="cannot be an attachment's name"):
        write_submission(replace(named(submission="one"), attachments={name: "text"}), small, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_failed_write_leaves_the_old_file_and_nothing_else(
    small: Assignment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_class([named()], small, tmp_path)
    before = (tmp_path / "index.html").read_bytes()

    def full(self: Path, target: Path) -> Path:
        raise OSError("no space left")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(UsageError, match=r"grades\.csv: cannot be written: no space left"):
        write_class([named(name="another")], small, tmp_path)
    assert (tmp_path / "index.html").read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {"index.html", "grades.csv"}


def printed(results: list[SubmissionResult], assignment: Assignment, width: int) -> list[str]:
    console = Console(width=width, file=io.StringIO(), force_terminal=False)
    print_class(results, assignment, console, [("nobody", "not a zip")])
    return console.file.getvalue().splitlines()  # type: ignore[attr-defined]


@pytest.mark.parametrize("width", [60, 80, 100, 160])
def test_the_table_fits_and_has_everyone(a6: Assignment, class16: list[SubmissionResult], width: int) -> None:
    lines = printed(class16, a6, width)
    assert max(map(len, lines)) <= width
    text = "\n".join(lines)
    assert all(one.submission[:14] in text for one in class16)
    assert "nobody  not graded: not a zip" in text
    assert "✗ failed" in text
    for question in a6.questions:
        assert question.id in text


def test_at_120_columns_no_score_is_cut(a6: Assignment, class16: list[SubmissionResult]) -> None:
    rows = {line.split()[0]: line.split() for line in printed(class16, a6, 120) if line.strip()}
    for one in class16:
        cells = rows[one.submission]
        assert float(cells[2]) == pytest.approx(one.score, abs=0.05) if one.graded else cells[2] == "none"
        assert len([cell for cell in cells[3:] if cell != "late"]) == len(a6.questions)
        assert "…" not in " ".join(cells)


def test_progress_is_one_plain_line_each_in_a_log(class16: list[SubmissionResult]) -> None:
    console = Console(file=io.StringIO(), force_terminal=False, width=40)
    with Progress(3, console) as progress:
        progress.finished(class16[0])
        progress.failed("[/x]", "not a\nzip " + "y" * 500)
        progress.finished(next(one for one in class16 if not one.graded))
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert len(lines) == 3
    assert lines[0].endswith("100 of 100")
    assert lines[1].startswith("2/3  [/x]  not graded: not a zip")
    assert lines[2].endswith("grader error: no grade")


def test_progress_says_how_long_the_others_will_take(class16: list[SubmissionResult]) -> None:
    expected = {"a": 40.0, "b": 30.0, "c": 20.0, "d": 10.0, "e": 10.0}  # the longest come first
    lines = left(class16[0], expected, 1, {name: 2 * seconds for name, seconds in expected.items()}, (0, 180, 200))
    assert all("left" not in text for text in (*lines[:2], lines[-1]))
    assert lines[2].endswith("(about 40 s left)")  # 220 s for 110 parts, and 180 s have passed
    assert lines[3].endswith("(about 20 s left)")


def test_progress_knows_that_several_are_under_way(class16: list[SubmissionResult]) -> None:
    names = [f"s{number}" for number in range(32)]
    lines = left(
        class16[0], dict.fromkeys(names, 1.0), 16, dict.fromkeys(names[:18], 100.0), (0, *[100] * 14, 199, 200)
    )
    assert lines[2].endswith("(about 2 min left)")  # the second sixteen take 100 s, too
    assert lines[17].endswith("(about 44 s left)")  # it is time for the end: half of the work of fourteen


def left(
    one: SubmissionResult,
    expected: Mapping[str, float],
    at_once: int,
    took: Mapping[str, float],
    times: Iterable[float],
) -> list[str]:
    """The lines in a log for submissions with these expected and real seconds, if the clock shows these times."""
    console, clock = Console(file=io.StringIO(), force_terminal=False, width=80), iter(times)
    with Progress(len(expected), console, expected=expected, at_once=at_once, now=lambda: next(clock)) as progress:
        for name, seconds in took.items():
            progress.finished(replace(one, info=replace(one.info, submission=name), seconds=seconds))
    return console.file.getvalue().splitlines()  # type: ignore[attr-defined,no-any-return]


def test_progress_on_a_terminal_ends_clean_and_keeps_troubles(class16: list[SubmissionResult]) -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=80)
    with pytest.raises(KeyboardInterrupt), Progress(2, console) as progress:  # noqa: PT012
        progress.finished(class16[0])
        progress.failed("lee", "not a zip")
        raise KeyboardInterrupt
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert "lee  not graded: not a zip" in shown
    assert shown.rindex("\x1b[?25h") > shown.rindex("\x1b[?25l")  # the cursor is back


def killed_while_writing(path: Path) -> None:
    """A process that writes a file is killed in the middle."""
    begun, told = os.pipe()
    pid = os.fork()
    if pid == 0:
        with whole(path) as file:
            file.write(b"half")
            file.flush()
            os.write(told, b"!")
            signal.pause()
    os.read(begun, 1)
    os.close(begun)
    os.close(told)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def test_what_a_killed_process_left_is_removed_by_the_next(tmp_path: Path) -> None:
    for name in ("grades.csv", "학생의 긴 이름" * 10):
        killed_while_writing(tmp_path / name)
        assert len(list(tmp_path.iterdir())) == 1  # the second removed what the first left
    mine = tmp_path / ".notes.unfinished.txt"
    mine.write_text("a person's")
    with whole(tmp_path / "other.csv") as file:  # of another name than what was left
        file.write(b"all")
    assert {path.name for path in tmp_path.iterdir()} == {"other.csv", mine.name}


def test_a_file_that_is_being_written_stays(tmp_path: Path) -> None:
    """Two write at once into a folder, even the same file: both end well."""
    with whole(tmp_path / "a") as one:
        one.write(b"one")
        with whole(tmp_path / "a") as other:
            other.write(b"other")
        clear(tmp_path)
    assert (tmp_path / "a").read_bytes() == b"one"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_many_at_once(tmp_path: Path) -> None:
    """Processes that write, clear and are killed: no writer loses its file."""
    pids = []
    for number in range(4):
        pid = os.fork()
        if pid == 0:
            for _ in range(200):
                with whole(tmp_path / "shared") as file:
                    file.write(b"x" * number)
            os._exit(0)
        pids.append(pid)
    assert [os.waitpid(pid, 0)[1] for pid in pids] == [0] * 4
    assert [path.name for path in tmp_path.iterdir()] == ["shared"]


def test_links_pipes_and_folders(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("before")
    (tmp_path / "link").symlink_to("real")
    write_file(tmp_path / "link", "now")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "now"
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    write_file(tmp_path / "pipe", "through")
    assert (os.read(reader, 20), (tmp_path / "pipe").is_fifo()) == (b"through", True)
    os.close(reader)
    (tmp_path / "folder").mkdir()
    with pytest.raises(UsageError, match="folder: cannot be written"):
        write_file(tmp_path / "folder", "no")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "link", "pipe", "real"]


def test_pages_that_are_not_written_again_lose_what_a_kill_left_beside_them(small: Assignment, tmp_path: Path) -> None:
    write_reports([named()], small, tmp_path)
    killed_while_writing(tmp_path / "kim/report.html")
    assert len(list((tmp_path / "kim").iterdir())) == 3
    write_class([named()], small, tmp_path)
    assert sorted(path.name for path in (tmp_path / "kim").iterdir()) == ["report.html", "result.json"]
