"""The first run in an environment waits for the reference; later ones grade it beside the first submissions."""

from __future__ import annotations

import json
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from autograder.course.layout import Course
from autograder.errors import GraderError, UsageError
from autograder.grading.client import GradingProcess
from autograder.grading.order import Order
from autograder.grading.reference.verdict import Kept, ReferenceVerdict
from autograder.reports import to_confirm, unconfirmed
from tests.autograder.conftest import Toy

# A check that waits, after an answer, until a file says how it is to end. No digest holds what the file says.
WAITS = """
import os
import time
from pathlib import Path

import pytest
import torch

from autograder.errors import CheckFailed


@pytest.mark.question("double")
def test_waits(student):
    student.double(torch.ones(2))
    while not Path({flag!r}).exists():
        time.sleep(0.02)
    said = Path({flag!r}).read_text()
    if said == "die":
        os._exit(1)
    if said == "fail":
        raise CheckFailed("what the file says")
"""
# An answer that is graded without waiting.
RAISES = "def double(x):\n    raise NotImplementedError\n"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AUTOGRADER_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def flag(toy: Toy, tmp_path: Path, cache: Path) -> Path:
    """A course with a check that waits for this file, which is not there. An earlier run found the reference right."""
    flag = tmp_path / "flag"
    (toy.root / "tests/hidden/t1_toy/test_waits.py").write_text(WAITS.format(flag=str(flag)))
    flag.write_text("pass")
    with process(toy, 1):
        pass
    flag.unlink()
    return flag


def order(toy: Toy, seed: int) -> Order:
    course = Course.find(toy.root)
    return Order.of(course, course.assignment("t1"), seed)


def process(toy: Toy, seed: int) -> GradingProcess:
    return GradingProcess(order(toy, seed))


def test_a_second_run_does_not_wait_for_the_reference(toy: Toy, flag: Path) -> None:
    path = toy.submit("kim-1-A1-O1")
    with process(toy, 2) as grading:
        assert not flag.exists()  # the reference is still waiting for it
        flag.write_text("pass")
        assert grading.grade(path, "kim-1-A1-O1").score == 10


def test_a_reference_that_fails_after_all_ends_the_run_and_the_next_one_waits_again(
    toy: Toy, flag: Path, cache: Path
) -> None:
    path = toy.submit("kim-1-A1-O1")

    def until_it_ends(grading: GradingProcess) -> str:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            try:
                grading.grade(path, "kim-1-A1-O1")
            except UsageError as error:
                return str(error)
        return "it has not ended"

    with process(toy, 2) as grading, ThreadPoolExecutor(4) as executor:
        flag.write_text("fail")
        said = set(executor.map(until_it_ends, [grading] * 4))
    assert said == {"the reference fails double / waits: failed: what the file says"}
    assert not any(cache.rglob("*.json"))
    with pytest.raises(UsageError, match="the reference fails double / waits"), process(toy, 3):
        pass


def test_a_whole_run_ends_where_the_reference_fails_after_all(toy: Toy, flag: Path, tmp_path: Path) -> None:
    toy.submit("kim-1-A1-O1", source="import time\n\n\ndef double(x):\n    time.sleep(4)\n    return 2 * x\n")
    flag.write_text("fail")
    done = toy.run("grade", "t1", toy.submitted, "--out", tmp_path / "out", "--seed", "2")
    assert done.returncode == 2
    assert "the reference fails double / waits: failed: what the file says" in done.stderr


def test_a_run_that_is_done_first_waits_for_the_reference(toy: Toy, flag: Path, tmp_path: Path) -> None:
    """Its grades are written at once, but the command does not end well before they are known to hold."""
    toy.submit("kim-1-A1-O1", source=RAISES)
    out = tmp_path / "out"
    with ThreadPoolExecutor() as executor:
        done = executor.submit(toy.run, "grade", "t1", toy.submitted, "--out", out, "--seed", "2")
        wait_for(out / "kim-1-A1-O1/result.json")
        assert not done.done()
        flag.write_text("fail")
        result = done.result()
    assert result.returncode == 2
    assert "the reference fails double / waits: failed: what the file says" in result.stderr
    again = toy.run("grade", "t1", toy.submitted, "--out", out)  # every result is there
    assert again.returncode == 2
    assert "the reference fails double / waits: failed: what the file says" in again.stderr
    assert "These scores are not confirmed" in (out / "index.html").read_text()
    exported = toy.run("export", "csv", "t1", "--out", out, "--to", tmp_path / "grades.csv")
    assert (exported.returncode, (tmp_path / "grades.csv").exists()) == (2, False)
    assert "the reference is not graded yet under the seed of these results; run autograder grade" in exported.stderr
    flag.write_text("pass")
    for seconds in ("start", "open"):  # once the reference is right, nothing is waited for
        good = toy.run("grade", "t1", toy.submitted, "--out", out, "--profile")
        assert good.returncode == 0, good.stderr
        assert "1 graded, 1 of them kept from before" in good.stdout
        assert ("until the first submission could be graded" in good.stdout) == (seconds == "start")
    assert "not confirmed" not in (out / "index.html").read_text()
    assert toy.run("export", "csv", "t1", "--out", out, "--to", tmp_path / "grades.csv").returncode == 0


def test_it_says_without_waiting_if_the_reference_is_confirmed(toy: Toy, flag: Path) -> None:
    with process(toy, 2) as grading:
        assert not grading.is_confirmed()
        flag.write_text("pass")
        grading.confirm()
        assert grading.is_confirmed()
    flag.unlink()
    with process(toy, 2) as grading:
        assert grading.is_confirmed()


def test_scores_of_a_stopped_run_are_confirmed_if_the_reference_was_graded(
    toy: Toy, flag: Path, tmp_path: Path
) -> None:
    """Seed 1 is that of the earlier run."""
    flag.write_text("pass")
    toy.submit("kim-1-A1-O1", source=RAISES)
    toy.submit("lee-2-A1-O1", source="import time\n\n\ndef double(x):\n    time.sleep(60)\n")
    out = tmp_path / "out"
    marker = unconfirmed(out, Course.find(toy.root).assignment("t1"), "cpu")
    with ThreadPoolExecutor() as executor:
        done = executor.submit(toy.run, "grade", "t1", toy.submitted, "--out", out, "--seed", "1", "--jobs", "2")
        wait_for(out / "kim-1-A1-O1/result.json")
        assert (done.done(), marker.exists()) == (False, False)
        done.result()
    for device in ("cpu", "cuda"):  # of runs with another suite, say
        unconfirmed(out, Course.find(toy.root).assignment("t1"), device).touch()
    again = toy.run("grade", "t1", toy.submitted, "--out", out, "--regrade")
    assert again.returncode == 0, again.stderr
    assert not list(out.glob(".unconfirmed-*"))


def test_the_page_names_the_command_that_confirms(toy: Toy, tmp_path: Path) -> None:
    assignment = Course.find(toy.root).assignment("t1")
    assert to_confirm(tmp_path, assignment) == ""
    for device, command in (("cuda", "autograder grade --device cuda"), ("cpu", "autograder grade")):
        unconfirmed(tmp_path, assignment, device).touch()
        assert to_confirm(tmp_path, assignment) == command


def test_a_run_that_reaches_its_end_still_waits_for_the_reference(toy: Toy, flag: Path) -> None:
    """What is undecided by then is pending, but the reference is not taken for right without a check."""
    path = toy.submit("kim-1-A1-O1", source=RAISES)
    flag.write_text("fail")
    over = replace(order(toy, 2), until=time.time() - 1)
    with GradingProcess(over) as grading:
        with suppress(UsageError):  # the reference may fail first
            grading.grade(path, "kim-1-A1-O1")
        with pytest.raises(UsageError, match="the reference fails double / waits: failed: what the file says"):
            grading.confirm()


def test_a_suite_that_changes_while_grading_starts_is_refused(toy: Toy, flag: Path) -> None:
    flag.write_text("pass")
    with pytest.raises(UsageError, match="was changed while grading started"):
        GradingProcess(replace(order(toy, 2), suite="0" * 32)).__enter__()


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGKILL])
def test_a_command_that_is_killed_leaves_no_process_behind(
    toy: Toy, tmp_path: Path, cache: Path, sign: signal.Signals
) -> None:
    """Also in a first run, which waits for the reference."""
    flag = tmp_path / "never"
    (toy.root / "tests/hidden/t1_toy/test_waits.py").write_text(WAITS.format(flag=str(flag)))
    toy.submit("kim-1-A1-O1")
    words = ["grade", "t1", str(toy.submitted), "--out", str(tmp_path / "out")]
    command = [sys.executable, "-m", "autograder", "--course", str(toy.root), *words]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
        until(lambda: len(processes_of(toy)) > 2)
        run.send_signal(sign)
    until(lambda: not processes_of(toy))


def processes_of(toy: Toy) -> list[str]:
    """The command lines of all grading processes of this course."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            found.append(path.read_bytes().decode(errors="replace"))
    return [line for line in found if "autograder.grading.server" in line and str(toy.root) in line]


def until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_seed_under_which_the_reference_was_graded_is_not_waited_for(toy: Toy, flag: Path) -> None:
    """Such as that of the first run, when a late submission is graded into the same folder."""
    path = toy.submit("kim-1-A1-O1", source=RAISES)
    flag.write_text("pass")
    with process(toy, 2) as grading:
        grading.confirm()
    flag.unlink()
    with process(toy, 2) as grading:
        grading.grade(path, "kim-1-A1-O1")
        grading.confirm()
        assert not flag.exists()  # the reference is still waiting for it
        flag.write_text("pass")


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 120
    while not path.exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_what_is_broken_is_told_though_a_job_was_left_unread(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process says so and ends while a job is on its way: the next look at its socket only finds a reset."""
    path = toy.submit("kim-1-A1-O1")
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    theirs.send(json.dumps({"broken": "the reference fails", "kind": "UsageError"}).encode())

    def end_without_reading() -> None:
        select.select([theirs], [], [])
        theirs.close()

    with process(toy, 1) as grading, ThreadPoolExecutor() as executor, ours, monkeypatch.context() as patch:
        ended = executor.submit(end_without_reading)
        patch.setattr(grading, "_control", ours)
        with pytest.raises(UsageError, match="the reference fails"):
            grading.grade(path, "kim-1-A1-O1")
        ended.result()


def test_a_check_that_ends_its_process_is_named(toy: Toy, tmp_path: Path, cache: Path) -> None:
    flag = tmp_path / "flag"
    flag.write_text("die")
    (toy.root / "tests/hidden/t1_toy/test_waits.py").write_text(WAITS.format(flag=str(flag)))
    with pytest.raises(GraderError, match="the process that graded the reference by double died"), process(toy, 1):
        pass
    assert not any(cache.rglob("*.json"))


@pytest.fixture
def calls(toy: Toy, tmp_path: Path) -> Path:
    """A file that grows with every call of the reference: no submission can write there."""
    calls = tmp_path / "calls"
    solution = toy.root / "solutions/t1_toy/toy.py"
    noted = f"    try:\n        open({str(calls)!r}, 'a').write('x')\n    except OSError:\n        pass\n"
    solution.write_text(toy.reference.replace("    return SCALE * x\n", noted + "    return SCALE * x\n"))
    return calls


def test_what_the_reference_answered_is_not_asked_again(toy: Toy, calls: Path, cache: Path) -> None:
    path = toy.submit("kim-1-A1-O1", source="def double(x):\n    return 2 * x\n")
    with process(toy, 1) as grading:
        asked = calls.stat().st_size
        assert asked > 0
        cases = grading.grade(path, "kim-1-A1-O1").questions[0].cases
        assert {case.outcome for case in cases} == {"passed"}
        assert calls.stat().st_size == asked


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"seconds": 3}', '{"seconds": {"double": "soon"}, "seeds": []}', '{"seconds": {}}']
)
def test_a_verdict_that_cannot_be_read_is_none(tmp_path: Path, text: str) -> None:
    verdict = ReferenceVerdict(tmp_path / "v.json")
    (tmp_path / "v.json").write_text(text)
    assert verdict.read() is None
    verdict.keep("t1", {"double": 0.25}, 7)
    assert verdict.read() == Kept({"double": 0.25}, (7,))
    verdict.keep("t1", {"double": 0.5}, 3)
    verdict.keep("t1", {"double": 0.75}, 7)
    assert verdict.read() == Kept({"double": 0.75}, (3, 7))
    assert json.loads((tmp_path / "v.json").read_text())["assignment"] == "t1"
    verdict.forget()
    verdict.forget()
    assert verdict.read() is None


def test_a_folder_that_cannot_be_written_to_keeps_nothing() -> None:
    verdict = ReferenceVerdict(Path("/dev/null/autograder/v.json"))
    verdict.keep("t1", {}, 1)
    verdict.forget()
    assert verdict.read() is None


def test_a_verdict_depends_on_suite_facts_and_variables(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = ReferenceVerdict.of("suite", {"torch": "2.6"}, {"cpu": "EPYC"})
    assert first.path.parent == cache / "references"
    assert first == ReferenceVerdict.of("suite", {"torch": "2.6"}, {"cpu": "EPYC"})
    others = [
        ReferenceVerdict.of("another", {"torch": "2.6"}, {"cpu": "EPYC"}),
        ReferenceVerdict.of("suite", {"torch": "2.7"}, {"cpu": "EPYC"}),
        ReferenceVerdict.of("suite", {"torch": "2.6"}, {"cpu": "Xeon"}),
    ]
    clocks = [{"gpu": "H200", "gpu_clock_mhz": clock} for clock in ("345", "1980")]
    assert len({ReferenceVerdict.of("suite", each) for each in clocks}) == 1
    monkeypatch.setenv("ATEN_CPU_CAPABILITY", "one that no run has")
    assert len({first, *others, ReferenceVerdict.of("suite", {"torch": "2.6"}, {"cpu": "EPYC"})}) == 5
