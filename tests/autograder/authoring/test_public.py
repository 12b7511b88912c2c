"""Public checks on a student's machine: verdicts, in words, again after an edit, and nothing else changed."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import otter
import pytest
import torch

from autograder.authoring.build import build_assignment
from autograder.checks.public.otter import PublicQuestion
from autograder.checks.public.run import public_results, render, run_public
from autograder.checks.sides.recorded import Recording, load_recording
from autograder.checks.sides.reference import digest
from autograder.course.model import Question
from autograder.course.outcome import Outcome
from autograder.errors import CheckFailed, GraderError, UsageError
from autograder.sandbox.channel.refs import Ref

QUESTION = Question("half", "Half", 4, "half", "halves")
HALF = 'raise NotImplementedError("half")'


class Student:
    """A student's copy of the handout."""

    def __init__(self, workshop) -> None:
        build_assignment(workshop.course, workshop.assignment)
        self.folder, self.file = workshop.handout, workshop.handout / "halves.py"
        self.stub = self.file.read_text()

    def writes(self, body: str, before: str = "") -> None:
        assert HALF in self.stub
        self.file.write_text(before + self.stub.replace(HALF, body))

    def outcomes(self, question: str | None = "half") -> set[Outcome]:
        return {case.outcome for case in run_public(self.folder, question)}


@pytest.fixture
def student(workshop):
    return Student(workshop)


def test_a_stub_is_not_attempted(student):
    cases = run_public(student.folder)
    assert [case.id for case in cases] == ["half[1]", "half[5]", "quarter"]
    assert {case.outcome for case in cases} == {Outcome.NOT_ATTEMPTED}
    assert cases[0].location == f"halves.py:{student.stub.split(HALF)[0].count(chr(10)) + 1}"


def test_an_edit_counts_at_once_even_within_the_same_second(student):
    student.writes("answer = x / 2")
    assert student.outcomes() == {Outcome.PASSED}
    before = student.file.stat()
    student.writes("answer = x / 3")
    os.utime(student.file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert student.outcomes() == {Outcome.FAILED}
    student.writes("answer = x / 2")
    assert student.outcomes() == {Outcome.PASSED}


def test_one_question_or_all(student):
    student.writes("answer = x / 2")
    assert list(public_results(student.folder, "quarter-of")) == ["quarter-of"]
    results = public_results(student.folder)
    assert list(results) == ["half", "quarter-of"]
    text = render(results)
    assert "half: 2 of 2 pass" in text
    assert "quarter-of: 0 of 1 pass\n  todo  quarter  not attempted yet (halves.py:" in text
    assert text.endswith("Public checks: 2 passed, 1 not attempted")


def test_an_exception_is_told_with_its_text_and_line(student):
    student.writes("answer = x / {}['two']")
    cases = run_public(student.folder, "half")
    assert {(case.outcome, case.message) for case in cases} == {(Outcome.ERROR, "your code raised KeyError: 'two'")}
    line = student.stub.split(HALF)[0].count("\n") + 1
    assert f"your code raised KeyError: 'two' (halves.py:{line})" in render({"half": cases})
    assert "Traceback" not in render({"half": cases})


@pytest.mark.parametrize(
    "before, kind",
    [
        ("def broken(:\n", "SyntaxError"),
        ("import nowhere_to_be_found\n", "ModuleNotFoundError"),
        ("class A: raise SystemExit(0)\n", "SystemExit"),
        ("class A: open('not here')\n", "FileNotFoundError"),
        ("x = '\0'\n", "SyntaxError"),
    ],
)
def test_a_file_that_cannot_be_imported_is_an_error_of_every_case(student, before, kind):
    student.writes("answer = x / 2", before)
    cases = run_public(student.folder)
    assert {case.outcome for case in cases} == {Outcome.ERROR}
    assert all(kind in case.message for case in cases)


def test_a_file_that_the_notebook_has_not_saved_yet_is_left_to_do(student):
    student.writes("raise FileNotFoundError('net.pt was not handed in')")
    cases = run_public(student.folder, "half")
    assert {case.outcome for case in cases} == {Outcome.NOT_ATTEMPTED}
    assert {(case.message, case.hint) for case in cases} == {
        ("net.pt is not here yet", "Run the notebook: it writes the file.")
    }


def test_what_the_code_prints_is_shown_with_its_case_only(student, capsys):
    student.writes("print('size', x.numel()); answer = x / 3")
    cases = run_public(student.folder, "half")
    assert [case.detail for case in cases] == ["size 1", "size 5"]
    assert "Printed:\n" in render({"half": cases})
    student.writes("print('x' * 10**6); answer = x / 3")
    assert len(run_public(student.folder, "half")[0].detail) <= 2_000
    assert capsys.readouterr() == ("", "")


def test_own_files_beside_are_importable_and_new_every_time(student):
    helper = student.folder / "helper.py"
    for divisor, outcome in ((2, Outcome.PASSED), (3, Outcome.FAILED)):
        helper.write_text(f"DIVISOR = {divisor}\n")
        os.utime(helper, (divisor, divisor))
        student.writes("import helper; answer = x / helper.DIVISOR")
        assert student.outcomes() == {outcome}


def test_the_process_is_left_as_it_was(student, monkeypatch):
    """A notebook's kernel keeps its modules, random numbers, working directory, output and settings."""
    monkeypatch.chdir(student.folder)
    monkeypatch.setenv("PYTEST_ADDOPTS", "--no-such-option")
    mine = {name: types.ModuleType(name) for name in ("halves", "common", "helpers", "public_checks")}
    for name, module in mine.items():
        monkeypatch.setitem(sys.modules, name, module)
    student.writes("import os, torch; os.chdir('/'); torch.set_grad_enabled(False); torch.rand(3); answer = x / 2")
    (student.folder / "extra_module.py").write_text("")
    random.seed(1), np.random.seed(1), torch.manual_seed(1)
    before = (random.getstate(), str(np.random.get_state()), torch.get_rng_state().tolist())
    path, streams, hooks = list(sys.path), (sys.stdout, sys.stderr, sys.stdin), list(sys.meta_path)
    settings = dict(os.environ)
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    threads = torch.get_num_threads()
    torch.set_num_threads(threads + 1)
    files = {entry for entry in student.folder.rglob("*") if entry.name != "__pycache__"}

    assert student.outcomes() == {Outcome.PASSED}

    assert (random.getstate(), str(np.random.get_state()), torch.get_rng_state().tolist()) == before
    assert (sys.path, (sys.stdout, sys.stderr, sys.stdin), sys.meta_path) == (path, streams, hooks)
    assert torch.get_num_threads() == threads + 1
    torch.set_num_threads(threads)
    assert dict(os.environ) == settings
    assert not sys.dont_write_bytecode
    assert torch.is_grad_enabled()
    assert os.getcwd() == str(student.folder)
    assert all(sys.modules[name] is module for name, module in mine.items())
    assert not {"test_halves", "extra_module", "public_checks.test_halves"} & sys.modules.keys()
    assert set(student.folder.rglob("*")) == files, "no cache of pytest or bytecode is left"


def test_a_package_of_helpers_may_be_called_like_a_module_of_pythons(student):
    (student.folder / "token").mkdir()
    (student.folder / "token/__init__.py").write_text("from .deep import DIVISOR\n")
    (student.folder / "token/deep.py").write_text("import queue\nDIVISOR = queue.DIVISOR\n")
    for divisor, outcome in ((2, Outcome.PASSED), (3, Outcome.FAILED)):
        (student.folder / "queue.py").write_text(f"DIVISOR = {divisor}\n")
        student.writes("import token; from token.deep import DIVISOR; answer = x / max(token.DIVISOR, DIVISOR)")
        assert student.outcomes() == {outcome}


def test_an_interrupt_is_the_users(student):
    student.writes("raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        run_public(student.folder)


def test_a_conftest_or_configuration_of_the_students_changes_nothing(student):
    for name in ("conftest.py", "public_checks/conftest.py"):
        (student.folder / name).write_text("raise RuntimeError\n")
    (student.folder / "pytest.ini").write_text("[pytest]\naddopts = --no-such-option\n")
    student.writes("answer = x / 2")
    assert student.outcomes() == {Outcome.PASSED}


def test_otter_runs_the_checks_of_a_question_and_shows_why_they_fail(student, monkeypatch):
    monkeypatch.chdir(student.folder)
    grader = otter.Notebook("halves.ipynb")
    student.writes("answer = x / 2")
    assert grader.check("half").passed_all
    student.writes("print('<b>', len(x)); answer = x / 3")
    result = grader.check("half")
    assert [case.passed for case in result.test_case_results] == [False, False]
    assert [case.test_case.name for case in result.test_case_results] == ["half[1]", "half[5]"]
    assert "the output differs in 5 of 5 elements" in repr(result)
    for frame in ("CheckFailed", "Error at line", "checks.require", "case_1()"):
        assert frame not in repr(result), "otter's own frames say nothing to a student"
    assert "<b>" not in result._repr_html_()
    assert "not attempted yet (halves.py:" in repr(grader.check("quarter-of"))


ELSEWHERE = """
import sys

class Nowhere:
    def find_spec(self, name, path=None, target=None):
        if name in ("fcntl", "resource", "pwd", "psutil", "pyseccomp", "otter", "jupytext", "rich", "jinja2"):
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Nowhere())
from pathlib import Path
from autograder.checks.public.otter import PublicQuestion
from autograder.checks.public.run import public_results, render
print(render(public_results(Path(sys.argv[1]))))
"""


def test_a_students_machine_needs_neither_linux_nor_what_grading_and_authoring_need(student):
    student.writes("answer = x / 2")
    command = [sys.executable, "-c", ELSEWHERE, str(student.folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=Path(__file__).parents[3])
    assert done.stderr == ""
    assert done.stdout.endswith("Public checks: 2 passed, 1 not attempted\n")


def test_otter_outside_of_an_assignments_folder_says_so(student, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="not an assignment's folder"):
        PublicQuestion("half").require("half[1]")
    monkeypatch.chdir(student.folder)
    with pytest.raises(CheckFailed, match="not among the public checks"):
        PublicQuestion("half").require("half[17]")


def test_wrong_use_is_told_in_one_line(student, tmp_path):
    with pytest.raises(UsageError, match="not an assignment's folder"):
        run_public(tmp_path)
    with pytest.raises(UsageError, match="unknown question 'third'; there are: half, quarter-of"):
        run_public(student.folder, "third")
    student.file.unlink()
    with pytest.raises(UsageError, match=r"halves\.py: no such file"):
        run_public(student.folder)


@pytest.mark.parametrize("damage", [None, b"", b"AGF1", b"\x80\x04K\x01."])
def test_missing_or_damaged_answers_are_told_in_one_line(student, damage):
    file = student.folder / "public_checks/answers.bin"
    file.unlink() if damage is None else file.write_bytes(damage)
    with pytest.raises(UsageError, match=r"answers\.bin: .*unzip") as caught:
        run_public(student.folder)
    assert "\n" not in str(caught.value)


def test_a_check_out_of_step_with_its_answers_is_nobodys_fault(student):
    student.writes("answer = x / 2")
    helpers = student.folder / "public_checks/helpers.py"
    helpers.write_text("SIZES = [1, 6]\n")
    cases = {case.id: case for case in run_public(student.folder, "half")}
    assert cases["half[1]"].outcome is Outcome.PASSED
    assert cases["half[6]"].outcome is Outcome.GRADER_ERROR
    assert "recorded answers do not fit" in cases["half[6]"].message


def test_a_check_that_cannot_be_run_is_no_verdict(student):
    (student.folder / "public_checks/test_halves.py").write_text("import nowhere_to_be_found\n")
    with pytest.raises(GraderError, match="cannot be run"):
        run_public(student.folder)


def test_a_recording_comes_back_as_it_was_and_nothing_answers_from_another_request(student):
    recording = load_recording(student.folder / "public_checks")
    again = Recording.from_bytes(recording.to_bytes())
    assert again.to_bytes() == recording.to_bytes()
    assert again.answers.keys() == recording.answers.keys()
    channel = recording.channel(QUESTION, "half:half[1]")
    with pytest.raises(GraderError, match=r"half:half\[1\]: the recorded answers do not fit"):
        channel.request("get", {"target": None})


def test_what_a_check_does_to_an_answer_does_not_change_the_next_ones():
    key = digest((b"half:case", "get", {"target": Ref()}))
    recording = Recording(0, {key: torch.ones(3)})
    for _ in range(2):
        answer = recording.channel(QUESTION, "half:case").request("get", {"target": Ref()})
        assert torch.equal(answer, torch.ones(3))
        answer.zero_()


def test_what_the_notebook_saves_is_checked_once_it_is_there(workshop):
    """Not before, and not in the notebook, whose own cell comes first."""
    saved = """

@pytest.mark.question("half")
@pytest.mark.saved("halves.pt")
def test_saved(student):
    if artifact(student, "halves.pt") != [0.5]:
        raise CheckFailed("halves.pt holds something else")
"""
    checks = next(workshop.course.public(workshop.assignment).glob("test_*.py"))
    source = checks.read_text().replace("import assert_matches", "import CheckFailed, artifact, assert_matches")
    checks.write_text(source + saved)
    torch.save([0.5], workshop.course.solution(workshop.assignment) / "halves.pt")
    student = Student(workshop)
    student.writes("answer = x / 2")
    assert [case.id for case in run_public(student.folder, "half")] == ["half[1]", "half[5]"]
    assert "saved" not in (student.folder / "tests/half.py").read_text()
    for value, outcome in ([0.5], Outcome.PASSED), ([2.0], Outcome.FAILED):
        torch.save(value, student.folder / "halves.pt")
        *_, case = run_public(student.folder, "half")
        assert (case.id, case.outcome) == ("saved", outcome)


def test_what_was_got_wanted_and_put_in_is_shown_where_it_is_small(student):
    student.writes("answer = x / 3")
    small, _ = run_public(student.folder, "half")
    lines = small.figures.splitlines()
    assert [line.split()[0] for line in lines] == ["got", "wanted", "called", "1"]
    got, wanted, given = (float(lines[row].split()[1].strip("[]")) for row in (0, 1, 3))
    assert (got, wanted) == (pytest.approx(given / 3, abs=1e-3), pytest.approx(given / 2, abs=1e-3))
    assert "called    half, with" in lines
    assert lines[0] in render({"half": [small]})
    student.writes("answer = torch.zeros(100)")
    assert "a tensor" not in (figures := run_public(student.folder, "half")[1].figures)
    assert figures == "", "a large answer is not printed"
    student.writes("answer = x / 2")
    assert {case.figures for case in run_public(student.folder, "half")} == {""}
