"""autograder check in a student's folder: verdicts, what to fix first, exit status; and the notebook says the same."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import otter
import pytest

from autograder.checks.public.standing import Status, standing_of
from autograder.cli import main
from autograder.course.layout import Course
from autograder.course.outcome import Outcome
from autograder.course.result import CaseResult
from autograder.submission.receive.archive import read_submission
from tests.agreement import in_the_notebook
from tests.submissions.make_sample import make_sample

ROOT = Path(__file__).parents[2]
COURSE = Course.find(ROOT)
ASSIGNMENT = COURSE.assignment("a6")
MODULE = ASSIGNMENT.files[0]
FORWARD, SUM = 'raise NotImplementedError("conv-forward")', " + b.reshape(F, 1, 1)"


class Student:
    """A student's unzipped handout, and the command run in it."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.file = folder, folder / MODULE
        self._capsys = capsys
        self.status = 0
        shutil.copytree(COURSE.handout(ASSIGNMENT), folder, ignore=shutil.ignore_patterns("__pycache__"))

    def solves(self, old: str = "", new: str = "") -> None:
        """Write the reference, with one change."""
        text = (COURSE.solution(ASSIGNMENT) / MODULE).read_text(encoding="utf-8")
        assert old in text
        self.file.write_text(text.replace(old, new, 1), encoding="utf-8")

    def edits(self, old: str, new: str) -> None:
        text = self.file.read_text(encoding="utf-8")
        assert old in text
        self.file.write_text(text.replace(old, new, 1), encoding="utf-8")

    def line_of(self, text: str) -> int:
        return self.file.read_text(encoding="utf-8").split(text)[0].count("\n") + 1

    def says(self, *arguments: str) -> str:
        """What the command prints, on whichever stream."""
        self._capsys.readouterr()
        self.status = main(["check", "--folder", str(self.folder), *arguments])
        return "".join(self._capsys.readouterr())

    def data(self, *arguments: str) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self.says("--json", *arguments))
        return answer


@pytest.fixture
def student(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Student:
    return Student(tmp_path / "my assignment 과제", capsys)


def outcomes(data: dict[str, Any]) -> dict[str, dict[str, str]]:
    return {
        question["id"]: {case["id"]: case["outcome"] for case in question["cases"]} for question in data["questions"]
    }


def test_a_stub_is_to_do_and_says_where_to_begin(student: Student) -> None:
    said = student.says()
    assert student.status == 1
    lines = [line.split() for line in said.splitlines()]
    assert [line[2] for line in lines if line[:2] == ["to", "do"]] == list(ASSIGNMENT.by_id)
    assert "Write next: conv-forward, forward_by_hand\n  not attempted yet\n" in said
    assert f"  Where: Conv.forward, {MODULE}:{student.line_of(FORWARD)}\n    {FORWARD}\n" in said
    assert "Traceback" not in said
    assert not [line for line in said.splitlines() if line != line.rstrip()]


def test_a_right_answer_passes_and_only_what_was_asked_for_is_checked(student: Student) -> None:
    student.solves()
    said = student.says("kaiming", "conv-forward", "kaiming")
    assert student.status == 0
    assert [line.split() for line in said.splitlines() if " of " in line] == [
        ["passed", "conv-forward", "4", "of", "4"],
        ["passed", "kaiming", "5", "of", "5"],
    ]
    assert said.endswith("These checks pass; the other questions were not checked.\n")


def test_what_is_wrong_comes_before_what_is_to_do(student: Student) -> None:
    student.edits('raise NotImplementedError("conv-backward")', "print('so far'); return nothing")
    said = student.says("conv-forward", "conv-backward")
    assert student.status == 1
    assert "to do     conv-forward     0 of 4\n" in said
    assert "failed    conv-backward    0 of 4\n" in said
    assert "Fix first: conv-backward, " in said
    assert "your code raised NameError" in said
    assert (
        f"  Where: Conv.backward, {MODULE}:{student.line_of('return nothing')}\n    print('so far'); return nothing\n"
        in said
    )
    assert said.endswith("  Printed:\n    so far\n")
    assert "Traceback" not in said


def test_a_wrong_answer_names_the_place_to_look_at(student: Student) -> None:
    student.solves(SUM)
    said = student.says("conv-forward")
    assert "Fix first: conv-forward, forward_by_hand\n  the output differs in 2 of 2 elements" in said
    assert f"  Where: Conv.forward, {MODULE}\n    got       [[[[-2.],\n" in said
    assert "    wanted    [[[[-1.5],\n" in said
    assert "    called    Conv.forward, with\n      1       [[[[1., 2., 3.],\n" in said


@pytest.mark.parametrize("arguments", [(), ("pool-forward",)])
def test_a_file_that_is_not_python_is_one_message_with_its_line(student: Student, arguments: tuple[str, ...]) -> None:
    student.edits(FORWARD, "out = (x")
    said = student.says(*arguments)
    assert student.status == 1
    assert said.startswith(f"{MODULE}, line {student.line_of('out = (x')}: '(' was never closed\n\n    out = (x\n")
    assert len(said.splitlines()) == 5
    assert {case for question in outcomes(student.data(*arguments)).values() for case in question.values()} == {"error"}


def test_an_import_that_fails_is_told_once(student: Student) -> None:
    student.edits("import torch\n", "import torch\nimport nowhere_to_be_found\n")
    said = student.says()
    assert student.status == 1
    assert said.count("nowhere_to_be_found") == 2, "the message, and the line of the file"
    assert f"{MODULE}:{student.line_of('import nowhere')}\n    import nowhere_to_be_found\n" in said


def test_what_the_student_prints_and_raises_is_no_markup(student: Student) -> None:
    student.edits(FORWARD, "print('[bold]x[/bold] [/]'); raise ValueError('[red]no[/red] [/x]')")
    said = student.says("conv-forward")
    assert "your code raised ValueError: [red]no[/red] [/x]" in said
    assert "    [bold]x[/bold] [/]\n" in said


def test_wrong_use_is_one_line_and_status_2(student: Student, tmp_path: Path) -> None:
    said = student.says("conv-forward", "pool")
    assert (student.status, said.count("\n")) == (2, 1)
    assert "unknown question 'pool'; the questions are: conv-forward, " in said
    student.file.unlink()
    assert "no such file: your answers belong there" in student.says()
    assert student.status == 2
    student.folder = tmp_path
    assert "not an assignment's folder" in student.says()
    assert student.status == 2


def test_checks_that_cannot_be_run_are_told_without_a_traceback(student: Student) -> None:
    (student.folder / "public_checks/test_conv.py").write_text("import nowhere_to_be_found\n")
    said = student.says()
    assert (student.status, said.count("\n")) == (1, 1)
    assert "ModuleNotFoundError: No module named 'nowhere_to_be_found'; unzip the assignment again" in said


def test_an_interrupt_says_where_the_code_was(student: Student) -> None:
    student.edits(FORWARD, "import signal; signal.raise_signal(signal.SIGINT)")
    said = student.says()
    assert student.status == 130
    assert said == f"stopped in conv-forward: forward_by_hand, at {MODULE}:{student.line_of('import signal')}\n"


def test_a_second_interrupt_ends_code_that_catches_the_first(student: Student) -> None:
    loop = """
        import signal
        while True:
            try:
                signal.raise_signal(signal.SIGINT)
            except:
                pass
    """
    student.edits(FORWARD, loop.strip())
    command = [sys.executable, "-m", "autograder", "check", "--folder", str(student.folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr == "\nstopped in conv-forward: forward_by_hand\n"


def test_a_terminal_sees_colours_and_what_is_running(student: Student, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    plain = student.says("kaiming")
    assert "\x1b" not in plain
    assert "checking" not in plain
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    shown = student.says("kaiming")
    assert "checking kaiming: kaiming_dtype" in shown
    assert "\x1b[33m  to do" in shown
    json.loads(student.says("--json", "kaiming"))


def test_a_pipe_that_knows_no_unicode_gets_question_marks(student: Student) -> None:
    student.edits(FORWARD, "raise ValueError('세 ✓')")
    command = [sys.executable, "-m", "autograder", "check", "conv-forward"]
    env = os.environ | {"PYTHONIOENCODING": "ascii", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=student.folder, env=env, capture_output=True, timeout=300)
    assert (done.returncode, done.stderr) == (1, b"")
    assert b"your code raised ValueError: ? ?" in done.stdout


def test_data_for_scripts(student: Student) -> None:
    student.solves(SUM)
    data = student.data("conv-forward", "kaiming")
    assert student.status == 1
    assert (data["schema"], data["number"], data["passed"]) == (1, 6, False)
    assert data["first"] == {"question": "conv-forward", "case": "forward_by_hand"}
    wrong, right = data["questions"]
    assert (wrong["status"], wrong["passed"], wrong["points"]) == ("failed", 0, 10)
    assert (right["status"], right["passed"]) == ("passed", 5)
    assert wrong["cases"][0].keys() == {"id", "title", "outcome", "message", "hint", "location", "figures", "printed"}
    student.solves()
    assert student.data("conv-forward")["first"] is None
    assert student.status == 0


@pytest.mark.parametrize("command", ["grade a b --out c", "mutants a", "doctor"])
def test_what_needs_linux_says_so_on_another_system(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    assert main(command.split()) == 2
    assert "needs Linux; `check` and `collect`, which students use, run on Darwin too" in capsys.readouterr().err


# --- What to fix first ---------------------------------------------------------------------------------------


def first_of(**verdicts: str) -> tuple[str, str]:
    """The question and case that come first, of questions whose cases come out like this."""
    letters = {".": Outcome.PASSED, "-": Outcome.NOT_ATTEMPTED, "x": Outcome.FAILED, "g": Outcome.GRADER_ERROR}
    results = {
        name.replace("_", "-"): [CaseResult(f"case{n}", letters[letter]) for n, letter in enumerate(text)]
        for name, text in verdicts.items()
    }
    first = standing_of(ASSIGNMENT, results).first
    assert first is not None
    return first.question.id, first.first.id


def test_the_first_wrong_case_of_the_first_wrong_question() -> None:
    assert first_of(conv_forward="--", conv_backward=".-x", kaiming="x") == ("conv-backward", "case2")
    assert first_of(conv_forward="..", conv_backward=".--", kaiming="-") == ("conv-backward", "case1")


def test_what_a_question_builds_on_comes_before_it() -> None:
    assert "deep-net" in ASSIGNMENT.by_id["overfit"].depends
    assert first_of(conv_forward="-", deep_net="-", overfit="x") == ("deep-net", "case0")
    assert first_of(conv_forward="-", deep_net=".", overfit="x") == ("overfit", "case0")


def test_a_status_is_wrong_only_where_something_is() -> None:
    assert Status.of([Outcome.PASSED]) is Status.PASSED
    assert Status.of([Outcome.PASSED, Outcome.NOT_ATTEMPTED]) is Status.PARTLY
    assert Status.of([Outcome.NOT_ATTEMPTED, Outcome.NOT_ATTEMPTED]) is Status.NOT_ATTEMPTED
    assert Status.of([Outcome.PENDING, Outcome.NOT_ATTEMPTED]) is Status.PENDING
    assert Status.of([Outcome.ERROR, Outcome.NOT_ATTEMPTED]) is Status.FAILED
    assert Status.of([Outcome.ERROR, Outcome.GRADER_ERROR]) is Status.GRADER_ERROR


# --- The notebook says the same ------------------------------------------------------------------------------

# Right answers, a file that cannot be imported, and the handout. tests/test_agreement.py asks a whole class, and leaves
# out the questions with running times, which are asked here; but the one that trains for half a minute.
SAMPLE = ("han_seoyeon", "hwang_nari", "jang_minjae")
TIMED = [question.id for question in ASSIGNMENT.questions if question.budgets and question.id != "half-minute"]


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    made = make_sample(COURSE, ASSIGNMENT, tmp_path_factory.mktemp("sample") / "class")
    return {path.name.split("-")[0]: path for path in made}


@pytest.mark.parametrize("name", SAMPLE)
def test_the_notebook_gives_every_timed_case_the_same_verdict(
    student: Student, sample: dict[str, Path], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path, content in read_submission(sample[name]).items():
        if Path(path).suffix in (".py", ".pt"):
            (student.folder / path).write_bytes(content)
    ours = outcomes(student.data(*TIMED))
    monkeypatch.chdir(student.folder)
    grader = otter.Notebook(ASSIGNMENT.notebooks[0])
    assert TIMED
    for question in TIMED:
        cases = {case.test_case.name: case.passed for case in grader.check(question).test_case_results}
        both = in_the_notebook(student.folder, question)
        assert cases == {case: outcome == "passed" for case, outcome in ours[question].items() if case in both}


@pytest.mark.parametrize("name", ["layers", "networks", "test_conv", "conftest", "queue", "copy", "code", "autograder"])
def test_a_helper_may_be_called_like_anything(student: Student, name: str) -> None:
    """Like what the checks share, what Python has, and what checks."""
    (student.folder / f"{name}.py").write_text("def once(x):\n    return x\n")
    late = f"def _late(x):\n    from {name} import once as late\n    return late(x)\n"
    student.solves(SUM, " + _late(once(b)).reshape(F, 1, 1)")
    student.edits("import torch\n", f"import torch\nfrom {name} import once\n\n\n{late}\n")
    assert "passed" in student.says("conv-forward")
    assert student.status == 0


@pytest.mark.parametrize("name", ["[GEV6135] A6", "a::b", "(A6) *?"])
def test_a_folder_may_be_called_like_anything(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    student = Student(tmp_path / name, capsys)
    student.solves()
    assert "passed" in student.says("kaiming")
    assert student.status == 0
    monkeypatch.chdir(student.folder)
    assert main(["check", "kaiming"]) == 0
    assert Path.cwd() == student.folder


def test_nobody_answers_questions_here_either(student: Student) -> None:
    student.solves()
    student.edits("import torch\n", "import torch\nclass A: lr = input('learning rate? ')\n")
    said = student.says("kaiming")
    assert student.status == 1
    assert "importing your file raised EOFError: input() is not available" in said
