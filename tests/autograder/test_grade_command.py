"""`autograder grade`, end to end on a toy course: results, bad input, continuing, stopping."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from autograder.commands.interrupts import uninterrupted
from tests.autograder.conftest import ROOT, Toy

HALF = ("return self.total", "return self.total + 1")
HANG = ("return SCALE * x", "while True: pass")


def result(out: Path, name: str) -> dict[str, Any]:
    data: dict[str, Any] = json.loads((out / name / "result.json").read_text())
    return data


def scores(out: Path) -> dict[str, str]:
    with (out / "grades.csv").open(encoding="utf-8-sig", newline="") as stream:
        return {row["submission"]: row["score"] for row in csv.DictReader(stream)}


def test_a_class(toy: Toy, tmp_path: Path) -> None:
    """Every kind of submission gets its result, and none touches another's."""
    toy.submit("kim_full-1-A1-O1")
    toy.submit("lee_half-2-A1-O1", HALF)
    toy.submit("choi_other-3-A1-O2")
    toy.submit("han_stub-4-A1-O1", source='def double(x):\n    raise NotImplementedError("double")\n')
    toy.submit("jung_syntax-5-A1-O1", source="def double(x:\n")
    toy.submit("yoon_hangs-6-A1-O1", HANG)
    toy.submit("jang_exits-7-A1-O1", ("return SCALE * x", "import os; os._exit(0)"))
    toy.submit("lim_hungry-8-A1-O1", ("return SCALE * x", "return x + torch.ones(2**32)"))
    (toy.submitted / "oh_broken-9-A1-O1.zip").write_bytes(b"this is no zip")
    out = tmp_path / "reports"
    done = toy.run("grade", "t1", toy.submitted, "--out", out, "--seed", "5", "--profile")
    assert (done.returncode, done.stderr) == (0, "")
    assert "until the first submission could be graded" in done.stdout
    assert scores(out) == {
        "kim_full-1-A1-O1": "10",
        "lee_half-2-A1-O1": "4",
        "choi_other-3-A1-O2": "5",
        "han_stub-4-A1-O1": "0",
        "jung_syntax-5-A1-O1": "0",
        "yoon_hangs-6-A1-O1": "0",
        "jang_exits-7-A1-O1": "0",
        "lim_hungry-8-A1-O1": "0",
        "oh_broken-9-A1-O1": "0",
    }
    outcomes = {name: result(out, name)["questions"][0]["outcome"] for name in scores(out)}
    assert outcomes == {
        "kim_full-1-A1-O1": "passed",
        "lee_half-2-A1-O1": "passed",
        "choi_other-3-A1-O2": "passed",
        "han_stub-4-A1-O1": "not_attempted",
        "jung_syntax-5-A1-O1": "error",
        "yoon_hangs-6-A1-O1": "timeout",
        "jang_exits-7-A1-O1": "crashed",
        "lim_hungry-8-A1-O1": "out_of_memory",
        "oh_broken-9-A1-O1": "error",
    }
    full = result(out, "kim_full-1-A1-O1")
    assert {"receive", "clean", "start", "import", "calls", "reference", "checks"} <= full["phase_seconds"].keys()
    assert sum(full["phase_seconds"].values()) == pytest.approx(full["seconds"], rel=0.2, abs=0.2)
    assert full["schema"] == 2
    assert full["info"]["submission"] == full["submission"] == "kim_full-1-A1-O1"
    assert full["seed"] == 5
    assert full["assignment"] == "t1"
    assert full["isolation"]["level"] in "ABC"
    assert full["environment"]["torch"]
    syntax = result(out, "jung_syntax-5-A1-O1")["questions"][0]["cases"][0]
    assert syntax["message"] == "toy.py, line 1: '(' was never closed"
    assert syntax["location"] == "toy.py:1"
    assert "kim_full" in done.stdout
    assert (out / "index.html").exists()
    assert (out / "oh_broken-9-A1-O1" / "report.html").exists()


def test_a_second_run_continues(toy: Toy) -> None:
    """What is finished is kept with its seed; what was changed, added or asked for again is graded."""
    toy.submit("a")
    toy.submit("b", HALF)
    out = toy.submitted / "reports"  # beside the submissions, and none of them
    assert toy.run("grade", "t1", toy.submitted, "--out", out).returncode == 0
    before = {name: (out / name / "result.json").stat().st_mtime_ns for name in "ab"}
    seed = result(out, "a")["seed"]
    toy.submit("b")
    toy.submit("c")
    again = toy.run("grade", "t1", toy.submitted, "--out", out)
    assert "1 of them kept" in again.stdout
    assert scores(out) == {"a": "10", "b": "10", "c": "10"}
    assert (out / "a" / "result.json").stat().st_mtime_ns == before["a"]
    assert [result(out, name)["seed"] for name in "abc"] == [seed] * 3
    assert "earlier runs" not in again.stdout
    one = toy.run("grade", "t1", toy.submitted / "a.zip", "--out", out)
    assert f"also in {out}: 2 results of earlier runs without a submission here" in one.stdout
    assert scores(out) == {"a": "10"}
    assert toy.run("grade", "t1", toy.submitted, "--out", out, "--regrade").returncode == 0
    assert (out / "a" / "result.json").stat().st_mtime_ns != before["a"]


def test_a_run_that_ends_leaves_the_rest_to_the_next(toy: Toy, tmp_path: Path) -> None:
    toy.submit("kim-1-A1-O1")
    out = tmp_path / "reports"
    done = toy.run("grade", "t1", toy.submitted, "--out", out, "--minutes", "0.001")
    assert done.returncode == 0, done.stderr
    assert {question["outcome"] for question in result(out, "kim-1-A1-O1")["questions"]} == {"pending"}
    done = toy.run("grade", "t1", toy.submitted, "--out", out)
    assert done.returncode == 0, done.stderr
    assert scores(out) == {"kim-1-A1-O1": "10"}
    assert {question["outcome"] for question in result(out, "kim-1-A1-O1")["questions"]} == {"passed"}
    assert "wanted a number of minutes above 0" in toy.run("grade", "t1", out, "--out", out, "--minutes", "0").stderr


def test_changed_check_regrades_all(toy: Toy, tmp_path: Path) -> None:
    toy.submit("a")
    out = tmp_path / "reports"
    toy.run("grade", "t1", toy.submitted, "--out", out)
    check = toy.root / "tests/hidden/t1_toy/test_toy.py"
    check.write_text(check.read_text() + "\n# another check\n")
    assert "kept" not in toy.run("grade", "t1", toy.submitted, "--out", out).stdout


def test_a_changed_time_runs_no_code_again(toy: Toy, tmp_path: Path) -> None:
    toy.submit("kim-1-A1-O1")
    out = tmp_path / "out"
    assert toy.run("grade", "t1", toy.submitted, "--out", out).returncode == 0
    first = json.loads((out / "kim-1-A1-O1/result.json").read_text())
    for day, late in (("2150-01-01", True), ("2020-01-01", False)):
        (toy.submitted / "submitted.csv").write_text(f"submission,submitted_at\nkim-1-A1-O1,{day}T10:00:00+09:00\n")
        done = toy.run("grade", "t1", toy.submitted, "--out", out)
        assert "1 of them kept from before" in done.stdout
        now = json.loads((out / "kim-1-A1-O1/result.json").read_text())
        assert (now["late"], now["submitted_at"]) == (late, f"{day}T10:00:00+09:00")
        assert (now["seconds"], now["questions"]) == (first["seconds"], first["questions"])
        assert ("Late" in (out / "kim-1-A1-O1/report.html").read_text()) == late


def test_a_second_grading_says_what_changed(toy: Toy, tmp_path: Path) -> None:
    toy.submit("kim-1-A1-O1", ("return SCALE * x", "return x + 1"))
    toy.submit("lee-2-A1-O1")
    out = tmp_path / "out"
    toy.run("grade", "t1", toy.submitted, "--out", out)
    assert "Changed since" not in (out / "index.html").read_text()
    before = json.loads((out / "kim-1-A1-O1/result.json").read_text())["score"]
    toy.submit("kim-1-A1-O1")
    done = toy.run("grade", "t1", toy.submitted, "--out", out)
    line = next(line for line in done.stdout.splitlines() if line.startswith("changed: "))
    assert line.startswith(f"changed: kim-1-A1-O1 {before:g} → ")
    page = (out / "index.html").read_text()
    assert "Changed since the earlier grading <small>1</small>" in page


def test_a_zygote_that_dies_is_not_blamed_on_the_reference(toy: Toy, tmp_path: Path) -> None:
    check = """
import time

import psutil
import pytest
import torch


@pytest.mark.question("double")
def test_after_the_zygote(student):
    for child in psutil.Process().parent().children():
        if "autograder.grading.server" not in child.cmdline():
            child.kill()
    time.sleep(1)  # its workers end with it
    student.double(torch.ones(2))
"""
    (toy.root / "tests/hidden/t1_toy/test_zygote.py").write_text(check)
    toy.submit("kim_full-1-A1-O1")
    done = toy.run("grade", "t1", toy.submitted, "--out", tmp_path / "reports")
    assert done.returncode == 1
    assert "the zygote, which workers are forked from, has ended" in done.stderr
    assert "the reference fails" not in done.stderr


def test_ctrl_c_keeps_what_is_finished(toy: Toy, tmp_path: Path) -> None:
    toy.submit("a")
    for name in "bcdefghijk":  # enough that they are not done before the signal comes
        toy.submit(name, HANG)
    out = tmp_path / "reports"
    words = ("grade", "t1", toy.submitted, "--out", out, "--jobs", "1")
    process = subprocess.Popen(toy.command(*words), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 240
    while not (out / "a" / "result.json").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    printed, complained = process.communicate(timeout=240)
    assert process.returncode == 130
    assert "finished and kept" in printed
    assert "Traceback" not in complained
    assert "a" in scores(out)
    assert not _left_behind(toy)
    for name in "bcdefghijk":
        toy.submit(name)
    again = toy.run(*words)
    assert "kept from before" in again.stdout
    assert scores(out) == dict.fromkeys("abcdefghijk", "10")


def test_what_is_being_written_is_written_before_ctrl_c_counts() -> None:
    handler = signal.getsignal(signal.SIGINT)
    done = []

    def written() -> None:
        with uninterrupted():
            for step in (1, 2):
                signal.raise_signal(signal.SIGINT)
                done.append(step)

    with pytest.raises(KeyboardInterrupt):
        written()
    assert done == [1, 2]
    assert signal.getsignal(signal.SIGINT) is handler


def _left_behind(toy: Toy) -> list[str]:
    """Command lines of this course's processes that still run, after they were given their time."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and int(entry.name) != os.getpid():
                try:
                    line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                except OSError:
                    continue
                if str(toy.root) in line:
                    found.append(line)
        if not found:
            return []
        time.sleep(0.1)
    return found


BAD = (
    *("nothing there", "no zip", "empty folder", "unknown assignment", "jobs", "no path", "too long", "no file"),
    *("out", "out below a file", "out of reach", "out is the class", "out is a submission", "out in a submission"),
    *("no cluster", "no address", "no number"),
)


@pytest.mark.parametrize("mode", BAD)
def test_bad_arguments(toy: Toy, tmp_path: Path, mode: str) -> None:
    """One clear line, exit 2, no traceback, nothing half-written."""
    toy.submit("a")
    folder = toy.submitted / "b"
    folder.mkdir()
    (folder / "toy.py").write_text(toy.reference)
    out = tmp_path / "reports"
    text = tmp_path / "x.zip"
    text.write_text("no zip")
    empty = tmp_path / "empty"
    empty.mkdir()
    words: dict[str, tuple[list[str | Path], str]] = {
        "nothing there": (["t1", tmp_path / "nothing"], "no such file or folder"),
        "no zip": (["t1", text], "not a zip"),
        "empty folder": (["t1", empty], "no submissions here"),
        "unknown assignment": (["t9", toy.submitted], "unknown assignment 't9'; this course has: t1_toy"),
        "jobs": (["t1", toy.submitted, "--jobs", "0"], "--jobs: found 0"),
        "no path": (["t1", ""], "SUBMISSIONS: found nothing, wanted a path"),
        "too long": (["t1", "x" * 300], "SUBMISSIONS: File name too long"),
        "no file": (["t1", "/dev/null"], "/dev/null: neither a zip nor a folder"),
        "out": (["t1", toy.submitted, "--out", text], "is not a folder"),
        "out below a file": (["t1", toy.submitted, "--out", text / "reports"], f"{text} is not a folder"),
        "out of reach": (["t1", toy.submitted, "--out", "/proc/reports"], "/proc"),
        "out is the class": (["t1", toy.submitted, "--out", toy.submitted], "holds submissions, or is inside one"),
        "out is a submission": (["t1", toy.submitted, "--out", folder], "holds submissions, or is inside one"),
        "out in a submission": (["t1", folder, "--out", folder / "reports"], "holds submissions, or is inside one"),
        "no cluster": (["t1", toy.submitted, "--cluster", ""], "--cluster: found '', wanted an address"),
        "no address": (["t1", toy.submitted, "--cluster", "host:port"], "--cluster: found 'host:port', wanted"),
        "no number": (["t1", toy.submitted, "--seed", "1.5"], "--seed: invalid int value"),
    }
    before = sorted(toy.submitted.rglob("*"))
    arguments, message = words[mode]
    if "--out" not in arguments:
        arguments += ["--out", out]
    done = toy.run("grade", *arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert not out.exists()
    assert sorted(toy.submitted.rglob("*")) == before


def test_entries_with_odd_names_end_no_run_and_loose_files_beside_the_results_are_rows(toy: Toy) -> None:
    toy.submit("a")
    for name in ("kimminsu_51_99_과제.py", "kimminsu_51_100_과제\u200b2.py", "park_52_101_과제.zip.part"):
        path = os.fsencode(toy.submitted) + b"/" + name.encode("utf-8" if "\u200b" in name else "cp949")
        Path(os.fsdecode(path)).write_text(toy.reference)
    out = toy.submitted / "reports"
    for _ in range(2):  # the second run finds the results among the submissions
        done = toy.run("grade", "t1", toy.submitted, "--out", out)
        assert done.returncode == 1, done.stdout + done.stderr
        assert "park_52_101_과제.zip.part" in done.stdout
        assert "Traceback" not in done.stderr
        assert sorted(scores(out)) == ["a", "kimminsu_51_100_files"]
        assert "park_52_101_과제.zip.part" in (out / "index.html").read_text()


@pytest.mark.parametrize(
    "left", [".received/x.zip .grades.csv.1.unfinished", "a/report.html"], ids=["hidden", "a page"]
)
def test_results_among_the_submissions_after_an_early_kill(toy: Toy, left: str) -> None:
    """Whatever a killed run left in its folder, the next run takes the folder for its own."""
    toy.submit("a")
    out = toy.submitted / "reports"
    for name in left.split():
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_bytes(b"")
    done = toy.run("grade", "t1", toy.submitted, "--out", out)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "reports" not in done.stdout.replace(str(out), "")
    assert {path.parent.name for path in out.glob("*/result.json")} == {"a"}


@pytest.mark.parametrize(
    "file, old, new, message",
    [
        ("solutions/t1_toy/assignment.toml", "points = 4", 'points = "4"', "assignment.toml: questions[0].points"),
        ("solutions/t1_toy/toy.py", "import torch", "import torches", "torches"),
        ("tests/hidden/t1_toy/test_toy.py", "import torch", "import torches", "torches"),
        ("tests/hidden/t1_toy/test_toy.py", '"counter"', '"contour"', "contour"),
        ("tests/hidden/t1_toy/test_toy.py", '@pytest.mark.question("counter")', "", "marked for None"),
    ],
)
def test_broken_assignment(toy: Toy, tmp_path: Path, file: str, old: str, new: str, message: str) -> None:
    toy.submit("a")
    path = toy.root / file
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    out = tmp_path / "reports"
    done = toy.run("grade", "t1", toy.submitted, "--out", out)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert not out.exists()
