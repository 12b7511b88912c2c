"""When a submission came in: whose word counts, and time zones."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from autograder.errors import UsageError
from autograder.submission.receive.lateness import arrival, read_submitted

DUE = datetime.fromisoformat("2022-12-02T23:59:00+09:00")
HEADER = "submission,submitted_at\n"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    "text, late",
    [("2022-12-02T23:59:00+09:00", False), ("2022-12-02T23:59:01+09:00", True), ("2022-12-02T14:59:00Z", False),
     ("2022-12-02T14:59:01Z", True), ("2022-12-02T23:59:00Z", True), ("2022-12-02T09:59:00-05:00", False),
     ("2022-12-02T23:59:00", False), ("2022-12-03 00:00", True)],
)  # fmt: skip
def test_the_deadline_is_a_moment_not_a_clock_reading(tmp_path: Path, text: str, late: bool) -> None:
    table = tmp_path / "submitted.csv"
    table.write_text(f"{HEADER}kim.zip,{text}\n")
    came = arrival(read_submitted(table, DUE.tzinfo)["kim"], None, [], DUE)
    assert came.late is late
    assert came.text.endswith("+09:00")
    assert came.notes == ()


def test_the_table_wins_over_name_and_files() -> None:
    came = arrival(at("2022-12-01T00:00:00+09:00"), at("2022-12-05T00:00:00"), [at("2022-12-09T00:00:00")], DUE)
    assert not came.late
    assert came.text == "2022-12-01T00:00:00+09:00"


def test_the_newest_file_counts_and_a_late_one_is_explained() -> None:
    files = [at("2022-12-02T23:00:00"), datetime(2022, 12, 2, 15, 0, tzinfo=UTC)]
    came = arrival(None, None, files, DUE)
    assert came.late
    assert came.text == "2022-12-03T00:00:00+09:00"
    assert "no submitted.csv" in came.notes[0]
    assert not arrival(None, None, files[:1], DUE).late


def test_the_time_in_a_name_wins_over_the_files() -> None:
    """Who unpacks a download may give all files the time of unpacking."""
    unpacked = [at("2022-12-20T00:00:00")]
    came = arrival(None, at("2022-12-02T23:59:00"), unpacked, DUE)
    assert (came.text, came.late, came.notes) == ("2022-12-02T23:59:00+09:00", False, ())
    after = arrival(None, at("2022-12-03T00:00:00"), unpacked, DUE)
    assert after.late
    assert "by the time in its name" in after.notes[0]


def test_a_learning_systems_mark_counts_unless_the_table_tells() -> None:
    """Files have what times their owner likes; who writes the table knows why."""
    early = [at("2022-12-01T00:00:00")]
    for files in ([], early):
        came = arrival(None, None, files, DUE, marked_late=True)
        assert came.late
        assert came.notes == ("the learning system marked it late",)
    excused = arrival(at("2022-12-01T00:00:00+09:00"), None, early, DUE, marked_late=True)
    assert not excused.late
    assert "marked it late" in excused.notes[0]
    nothing = arrival(None, None, [], DUE)
    assert (nothing.at, nothing.text, nothing.late, nothing.notes) == (None, "", False, ())


def test_a_table_from_a_spreadsheet(tmp_path: Path) -> None:
    table = tmp_path / "submitted.csv"
    rows = "name,submission,submitted_at\r\nx,김.zip,2022-12-01T00:00+09:00\r\n\r\ny,b ,2022-12-01T00:00\r\n"
    table.write_bytes(b"\xef\xbb\xbf" + rows.encode())
    times = read_submitted(table, DUE.tzinfo)
    assert times == {"김": at("2022-12-01T00:00+09:00"), "b": at("2022-12-01T00:00+09:00")}


@pytest.mark.parametrize(
    "text, line, says",
    [("", 1, "wanted columns"), ("submission,when\n", 1, "wanted columns"),
     (HEADER + "kim,yesterday\n", 2, "'yesterday'"),
     (HEADER + "a,2022-12-01T00:00Z\nkim,2022-12-02\n", 3, "'2022-12-02'"), (HEADER + "kim\n", 2, "submitted_at"),
     (HEADER + ",2022-12-01T00:00Z\n", 2, "name"),
     (HEADER + "a,2022-12-01T00:00Z\na.zip,2022-12-01T00:00Z\n", 3, "twice")],
)  # fmt: skip
def test_a_wrong_table_is_refused_with_its_line(tmp_path: Path, text: str, line: int, says: str) -> None:
    table = tmp_path / "submitted.csv"
    table.write_text(text)
    with pytest.raises(UsageError, match=says) as caught:
        read_submitted(table, DUE.tzinfo)
    assert str(caught.value).startswith(f"{table}:{line}: ")
    assert "\n" not in str(caught.value)


def test_a_table_that_is_no_text(tmp_path: Path) -> None:
    table = tmp_path / "submitted.csv"
    table.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="cannot be read"):
        read_submitted(table, DUE.tzinfo)
