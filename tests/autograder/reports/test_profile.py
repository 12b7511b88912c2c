"""The table of `--profile`."""

from __future__ import annotations

import io

from rich.console import Console

from autograder.course.result import SubmissionInfo, SubmissionResult
from autograder.reports import print_profile


def printed(*phases: dict[str, float]) -> list[str]:
    results = [
        SubmissionResult("x1", SubmissionInfo(f"s{number}"), 1.0, 1.0, (), 0, phase_seconds=each)
        for number, each in enumerate(phases)
    ]
    console = Console(file=io.StringIO(), width=140)
    print_profile(results, {"start": 2.5, "grade": 7.5}, console)
    return console.file.getvalue().splitlines()  # type: ignore[attr-defined]


def test_phases_in_their_order_with_shares() -> None:
    lines = printed({"calls": 1.0, "receive": 1.0}, {"calls": 5.0, "rest": 1.0}, {"calls": 2.0})
    rows = [line.split() for line in lines]
    assert [row[:4] for row in rows if row and row[0] in ("start", "grade", "class")] == [
        ["start", "2.50", "25", "%"],
        ["grade", "7.50", "75", "%"],
    ]
    assert [row[:6] for row in rows if row and row[0] in ("receive", "calls", "rest", "together", "races")] == [
        ["together", "10.00", "100", "%"],
        ["receive", "1.00", "10", "%", "0.000", "1.000"],
        ["calls", "8.00", "80", "%", "2.000", "5.000"],
        ["rest", "1.00", "10", "%", "0.000", "1.000"],
        ["together", "10.00", "100", "%", "2.000", "6.000"],
    ]


def test_a_run_that_graded_nothing() -> None:
    assert [line.strip() for line in printed() if "Seconds" in line] == ["Seconds of the run, by phase"]
