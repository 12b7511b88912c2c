"""`autograder collect`, end to end on the toy course: from a student's folder to a zip that is graded."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from autograder.authoring.build import build_assignment, handout_files
from autograder.cli import main
from autograder.course.layout import Course
from autograder.errors import UsageError
from autograder.submission.collect.gather import zip_name
from tests.autograder.conftest import ROOT, TOY, Toy

NOTEBOOK = """\
# %%
# Fill these in.
name = ""
idnum = ""
option = 1
group = []

# %%
import torch
from toy import Counter, double

# %%
counter = Counter()
print("total", counter.add(torch.ones(3)).item())

# %% [markdown]
# **Question 1.** Why?

# %% [markdown] tags=["answer"]
# *Your answer:*

# %%
torch.save(double(torch.ones(2)), "doubled.pt")
"""

PUBLIC = '''\
"""Public checks."""

import pytest
import torch

from autograder.checks import assert_matches


@pytest.mark.question("double")
def test_double(student, reference, rng):
    x = rng.normal(3)
    assert_matches(student.double(x), reference.double(x))


@pytest.mark.question("counter")
def test_counter(student, reference, rng):
    x = rng.normal(3)
    assert_matches(student.Counter().add(x), reference.Counter().add(x))
'''

ANSWERS = {
    "    return SCALE * x\n": "double",
    "        self.total = self.total + double(x).sum()\n": "counter",
}
GIVEN = '\n\ndef halve(x: torch.Tensor) -> torch.Tensor:\n    """Given."""\n    return x / SCALE\n'


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The toy course with answers marked, a notebook and public checks; its handout is built."""
    root = tmp_path_factory.mktemp("made") / "course"
    shutil.copytree(TOY, root, ignore=shutil.ignore_patterns("__pycache__"))
    source = root / "solutions/t1_toy"
    text = (source / "toy.py").read_text() + GIVEN
    for line, question in ANSWERS.items():
        indent = line[: len(line) - len(line.lstrip())]
        assert text.count(line) == 1
        text = text.replace(line, f"{indent}# BEGIN SOLUTION {question}\n{line}{indent}# END SOLUTION\n")
    (source / "toy.py").write_text(text)
    manifest = (source / "assignment.toml").read_text()
    extra = 'module = "toy"\nnotebook = "toy.ipynb"\nartifacts = ["doubled.pt"]\n'
    (source / "assignment.toml").write_text(manifest.replace('module = "toy"\n', extra))
    (source / "toy.nb.py").write_text(NOTEBOOK)
    (source / "README.md").write_text("# Toys\n")
    (root / "tests/public/t1_toy").mkdir(parents=True)
    (root / "tests/public/t1_toy/test_toy.py").write_text(PUBLIC)
    course = Course(root)
    build_assignment(course, course.assignment("t1"))
    for name, data in handout_files(course, course.assignment("t1")).items():
        path = root / "handed_out" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return root


@pytest.fixture
def toy(made: Path, tmp_path: Path) -> Toy:
    shutil.copytree(made, tmp_path / "course")
    return Toy(tmp_path / "course")


class Student:
    """A student's folder, from the handout."""

    def __init__(self, toy: Toy, tmp_path: Path) -> None:
        self.toy, self.folder = toy, tmp_path / "과제 1"
        shutil.copytree(toy.root / "handed_out", self.folder)

    def solve(self) -> None:
        shutil.copy(self.toy.root / "solutions/t1_toy/toy.py", self.folder)
        self.write_cells({3: "Because."})

    def edit(self, old: str, new: str) -> None:
        path = self.folder / "toy.py"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    def write_cells(self, sources: dict[int, str] | None = None, add: str = "", name: str = "Kim Min-su") -> None:
        path = self.folder / "toy.ipynb"
        notebook = json.loads(path.read_text())
        who = f'name = "{name}"\nidnum = "2022-1234"\noption = 1\ngroup = []'
        notebook["cells"][0]["source"] = who
        for number, source in (sources or {}).items():
            notebook["cells"][number + 1 if number >= 3 else number]["source"] = source
        if add:
            notebook["cells"].append({"cell_type": "code", "id": "own", "metadata": {}, "source": add, "outputs": []})
        path.write_text(json.dumps(notebook))

    def collect(self, *words: str) -> int:
        return main(["collect", "--folder", str(self.folder), *words])

    @property
    def zip(self) -> Path:
        (path,) = self.folder.glob("*.zip")
        return path

    def handed_in(self, name: str) -> bytes:
        with zipfile.ZipFile(self.zip) as archive:
            return archive.read(name)

    def names(self) -> set[str]:
        return {path.name for path in self.folder.iterdir()}


@pytest.fixture
def student(toy: Toy, tmp_path: Path) -> Student:
    return Student(toy, tmp_path)


def as_json(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(capsys.readouterr().out)
    return data


def test_the_clean_copy_is_in_the_handout_and_holds_no_check(student: Student) -> None:
    clean = student.folder / ".clean"
    assert {path.name for path in clean.iterdir()} == {"toy.py", "toy.ipynb", "common"}
    assert (clean / "toy.py").read_bytes() == (student.folder / "toy.py").read_bytes()


def test_a_solution_is_run_written_and_graded(
    student: Student, toy: Toy, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The whole way, with a result file of an earlier run in the folder, and a notebook that was never run."""
    student.solve()
    (student.folder / "doubled.pt").write_bytes(b"earlier")
    assert student.collect() == 0
    assert student.zip.name == "kim_min_su-20221234-A1-O1.zip"
    with zipfile.ZipFile(student.zip) as archive:
        assert archive.namelist() == ["doubled.pt", "toy.ipynb", "toy.py"]
    notebook = json.loads(student.handed_in("toy.ipynb"))
    assert [cell["execution_count"] for cell in notebook["cells"] if cell["cell_type"] == "code"] == [1, 2, 3, 4]
    assert "total 6.0" in json.dumps(notebook)
    assert notebook["cells"][4]["source"] == "Because."
    assert student.handed_in("doubled.pt") == (student.folder / "doubled.pt").read_bytes() != b"earlier"
    (kept,) = (student.folder / "kept").iterdir()
    assert (kept / "doubled.pt").read_bytes() == b"earlier"
    assert f"kept/{kept.name}/" in capsys.readouterr().out

    toy.submitted.mkdir()
    shutil.copy(student.zip, toy.submitted)
    done = toy.run("grade", "t1", toy.submitted, "--out", tmp_path / "reports")
    assert (done.returncode, done.stderr) == (0, "")
    with (tmp_path / "reports/grades.csv").open(encoding="utf-8-sig", newline="") as stream:
        (row,) = csv.DictReader(stream)
    assert (row["name"], row["id"], row["option"], row["score"]) == ("kim_min_su", "20221234", "1", "10")


def test_cells_that_fail_are_named_and_the_others_run(student: Student, capsys: pytest.CaptureFixture[str]) -> None:
    student.solve()
    student.write_cells(add="1 / 0")
    student.edit("self.total = torch.zeros(())", "self.total = None")  # an added line of an answer's class: given
    student.edit("self.total = self.total + double(x).sum()", 'raise KeyError("counter")')
    assert student.collect("--json") == 1
    data = as_json(capsys)
    assert [(cell["number"], cell["reason"]) for cell in data["run"]["failed"]] == [
        (3, "KeyError: 'counter'"),
        (7, "ZeroDivisionError: division by zero"),
    ]
    assert data["run"]["written"] == ["doubled.pt"]
    assert set(data["files"]) == {"doubled.pt", "toy.ipynb", "toy.py"}
    assert any("cell 3 failed" in warning["what"] for warning in data["warnings"])
    assert (student.folder / "submission/toy.ipynb").read_bytes() == student.handed_in("toy.ipynb")


def test_a_run_that_nothing_has_changed_since_is_handed_in_again(
    student: Student, capsys: pytest.CaptureFixture[str]
) -> None:
    student.solve()
    student.write_cells(add="import time\nprint('clock', time.time_ns())")
    assert student.collect() == 0
    assert "handed in again" not in capsys.readouterr().out
    first = ran(student)
    student.write_cells({3: "Because, and why."})
    assert student.collect() == 0
    said = capsys.readouterr().out
    assert "is handed in again: nothing that it depends on has changed" in said
    assert ran(student) == first
    assert "Because, and why." in student.handed_in("toy.ipynb").decode()
    with zipfile.ZipFile(student.zip) as archive:
        assert archive.namelist() == ["doubled.pt", "toy.ipynb", "toy.py"]
    assert student.collect("--rerun", "--json") == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["run_again"]
    assert "as the last one did (20" in told.err
    assert ran(student) != first
    student.edit("return SCALE * x", "return x * SCALE")
    assert student.collect("--json") == 0
    assert as_json(capsys)["run_again"]


def test_the_first_run_is_announced_with_what_the_manifest_says(
    student: Student, capsys: pytest.CaptureFixture[str]
) -> None:
    student.solve()
    manifest = student.folder / "assignment.toml"
    manifest.write_text(
        manifest.read_text().replace('notebook = "toy.ipynb"', 'notebook = "toy.ipynb"\nnotebook_minutes = 1.5')
    )
    assert student.collect() == 0
    assert "A run of the notebook takes about 1 min 30 s on one core without a GPU.\n" in capsys.readouterr().out


def ran(student: Student) -> list[Any]:
    """The outputs and counts of all code cells that were handed in."""
    cells = json.loads(student.handed_in("toy.ipynb"))["cells"]
    return [(cell["outputs"], cell["execution_count"]) for cell in cells if cell["cell_type"] == "code"]


def test_without_a_run_the_bytes_are_the_same_again(student: Student, capsys: pytest.CaptureFixture[str]) -> None:
    student.solve()
    (student.folder / "doubled.pt").write_bytes(b"weights")
    assert student.collect("--no-run") == 1
    assert "the notebook was not run once from top to bottom" in capsys.readouterr().out
    first = student.zip.read_bytes()
    assert student.collect("--no-run") == 1
    assert student.zip.read_bytes() == first
    assert student.handed_in("doubled.pt") == b"weights"
    (kept,) = (student.folder / "kept").iterdir()
    assert [path.name for path in kept.iterdir()] == ["submission"]


def test_a_stub_is_written_with_warnings(student: Student, capsys: pytest.CaptureFixture[str]) -> None:
    student.write_cells()
    assert student.collect("--no-run", "--json", "--option", "2", "--group", "20229 이 도아") == 1
    data = as_json(capsys)
    assert Path(data["zip"]).name == "kim_min_su-20221234-A1-O2.zip"
    warnings = [warning["what"] for warning in data["warnings"]]
    assert "not attempted: double, counter (10 points)" in warnings
    assert "doubled.pt is missing" in warnings
    assert "no answer below **Question 1.** Why?" in warnings
    assert "the group does not list the id 2022-1234" in warnings
    assert student.handed_in("group.txt").decode() == "20229 이 도아\n"
    assert 'option = 2\ngroup = ["20229 이 도아"]' in json.loads(student.handed_in("toy.ipynb"))["cells"][0]["source"]


def test_what_costs_points_and_what_a_person_misses_are_two_lists(
    student: Student, capsys: pytest.CaptureFixture[str]
) -> None:
    student.write_cells()
    assert student.collect("--no-run", "--group", "20229 이 도아") == 1
    said = capsys.readouterr().out
    costly, _, other = said.partition("A reader will miss this, or ask about it:\n")
    assert costly.startswith("This costs points:\n1. doubled.pt is missing\n")
    assert "2. not attempted: double, counter (10 points)\n" in costly
    assert other.startswith("1. the group does not list the id 2022-1234\n")
    assert "no answer below **Question 1.** Why?\n" in other
    assert said.endswith("2 things above would cost points: fix what you can, and run this again.\n")


def test_given_code_is_put_back_and_own_modules_come_along(
    student: Student, capsys: pytest.CaptureFixture[str]
) -> None:
    student.solve()
    student.edit("return x / SCALE", "return 0 * x")
    student.edit("import torch\n", "import torch\nimport mine\n")
    (student.folder / "mine.py").write_text("from package import deep\n")
    (student.folder / "package").mkdir()
    (student.folder / "package/__init__.py").write_text("deep = 1\n")
    (student.folder / "unused.py").write_text("x = 1\n")
    (student.folder / "common/__init__.py").write_text("SCALE = 3.0\n")
    before = (student.folder / "toy.py").read_bytes()
    student.collect("--no-run", "--json")
    data = as_json(capsys)
    assert set(data["files"]) == {"toy.py", "toy.ipynb", "mine.py", "package/__init__.py"}
    assert b"return x / SCALE" in student.handed_in("toy.py")
    assert b"import mine" in student.handed_in("toy.py")
    assert (student.folder / "toy.py").read_bytes() == before
    warnings = [warning["what"] for warning in data["warnings"]]
    assert any(warning.startswith("given code edited: halve, line ") for warning in warnings)
    assert "given file edited: common/__init__.py" in warnings
    assert not any("public checks" in warning for warning in warnings), "the checks run with the course's own library"


def test_failing_public_checks_are_told(student: Student, capsys: pytest.CaptureFixture[str]) -> None:
    student.solve()
    student.edit("return SCALE * x", "return SCALE + x")
    student.collect("--no-run", "--json")
    warnings = {warning["what"]: warning["do"] for warning in as_json(capsys)["warnings"]}
    assert warnings["double: 0 of 1 public checks pass (4 points)"] == "autograder check double says what is wrong."


def test_no_notebook_at_all_is_one_warning(student: Student, capsys: pytest.CaptureFixture[str]) -> None:
    (student.folder / "toy.ipynb").unlink()
    assert student.collect("--no-run", "--json", "--name", "Kim", "--id", "1", "--option", "1") == 1
    warnings = [warning["what"] for warning in as_json(capsys)["warnings"]]
    assert "toy.ipynb is missing, or not the one of this assignment" in warnings
    assert not any("given cell" in warning for warning in warnings)


def test_what_else_stands_in_the_cell_with_the_name_is_told(
    student: Student, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is not carried: a cell of the student's own that needs it fails, and this says why."""
    student.solve()
    path = student.folder / "toy.ipynb"
    notebook = json.loads(path.read_text())
    notebook["cells"][0]["source"] += "\nimport numpy as np\n%cd somewhere\n"
    path.write_text(json.dumps(notebook))
    student.collect("--no-run", "--json")
    warnings = [warning["what"] for warning in as_json(capsys)["warnings"]]
    assert 'given cell 1 (name = "Kim Min-su") changed' in warnings


def test_what_is_not_python_is_named_and_nothing_written(student: Student, capsys: pytest.CaptureFixture[str]) -> None:
    student.write_cells()
    student.edit('raise NotImplementedError("double")', "return (x")
    before = student.names()
    assert student.collect("--no-run") == 1
    assert "toy.py, line " in capsys.readouterr().err
    assert student.names() == before


def test_checks_that_cannot_be_run_do_not_lose_the_zip(student: Student, capsys: pytest.CaptureFixture[str]) -> None:
    student.solve()
    (student.folder / "public_checks/test_toy.py").write_text("import nothing_of_this_name\n")
    assert student.collect("--no-run") == 1
    assert "the public checks could not run" in capsys.readouterr().out
    assert student.handed_in("toy.py")


def test_a_folder_that_cannot_be_written_to(student: Student, capsys: pytest.CaptureFixture[str]) -> None:
    student.solve()
    (student.folder / "submission").mkdir()
    (student.folder / "kept").write_text("a file where a folder should be")
    assert student.collect("--no-run") == 2
    assert capsys.readouterr().err.count("\n") == 1


def nobody(student: Student) -> list[str]:
    return []


def no_clean_copy(student: Student) -> list[str]:
    shutil.rmtree(student.folder / ".clean")
    return ["--name", "Kim", "--id", "1"]


def no_such_option(student: Student) -> list[str]:
    return ["--name", "Kim", "--id", "1", "--option", "7"]


def no_digit(student: Student) -> list[str]:
    return ["--name", "Kim", "--id", "me"]


def no_member(student: Student) -> list[str]:
    return ["--name", "Kim", "--id", "1", "--group", "Lee"]


def no_notebook(student: Student) -> list[str]:
    (student.folder / "toy.ipynb").write_text("{}")
    return ["--name", "Kim", "--id", "1"]


def no_folder(student: Student) -> list[str]:
    return ["--folder", str(student.folder / "common")]


def no_zip(student: Student) -> list[str]:
    return ["--name", "Kim", "--id", "1", "--clean", str(student.folder / "README.md")]


@pytest.mark.parametrize(
    "make, message",
    [
        (nobody, "--name"),
        (no_clean_copy, "as --clean"),
        (no_such_option, "wanted one of 1, 2"),
        (no_digit, "wanted your student number"),
        (no_member, "wanted an id and a name"),
        (no_notebook, "cannot be read as a notebook"),
        (no_folder, "not an assignment's folder"),
        (no_zip, "cannot be read as a zip"),
    ],
)
def test_bad_arguments(student: Student, capsys: pytest.CaptureFixture[str], make: Any, message: str) -> None:
    words = make(student)
    before = student.names()
    assert student.collect("--no-run", *words) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.err.count("\n") == 1
    assert captured.out == ""
    assert student.names() == before


@pytest.mark.parametrize("form", ["zip", "folder"])
def test_another_clean_copy(student: Student, toy: Toy, tmp_path: Path, form: str) -> None:
    student.solve()
    shutil.rmtree(student.folder / ".clean")
    clean = toy.root / "assignments/t1_toy"  # its library is a link
    if form == "zip":
        clean = toy.root / "handed_out"
        clean = Path(shutil.make_archive(str(tmp_path / "handout"), "zip", clean.parent, clean.name))
    student.collect("--no-run", "--clean", str(clean))
    assert student.handed_in("toy.py") == (student.folder / "toy.py").read_bytes()


@pytest.mark.parametrize(
    "name, id, expected",
    [
        ("Kim Minsu", "2022123456", "kim_minsu-2022123456-A1-O1.zip"),
        ("  J. R. O'Hara-Smith ", "2022-12 3456", "j_r_o_hara_smith-2022123456-A1-O1.zip"),
        ("김 한별", "2022", "김_한별-2022-A1-O1.zip"),
        ("\u1100\u1175\u11b7", "2022", "김-2022-A1-O1.zip"),
        ("../../etc", "1/2", "etc-12-A1-O1.zip"),
    ],
)
def test_names_take_the_courses_form(toy: Toy, name: str, id: str, expected: str) -> None:
    assignment = Course(toy.root).assignment("t1")
    assert zip_name(name, id, assignment, "1") == expected


def test_a_name_of_nothing_is_refused(toy: Toy) -> None:
    with pytest.raises(UsageError, match="wanted letters"):
        zip_name("._-", "1", Course(toy.root).assignment("t1"), "1")


def test_it_works_where_linux_is_not(student: Student) -> None:
    student.solve()
    words = [sys.executable, str(ROOT / "tests/elsewhere.py"), "collect", "--no-run", "--folder", str(student.folder)]
    done = subprocess.run(words, capture_output=True, text=True, encoding="utf-8", timeout=300)
    assert (done.returncode, done.stderr) == (1, "")
    assert "doubled.pt is missing" in done.stdout
    assert student.handed_in("toy.py") == (student.folder / "toy.py").read_bytes()


def test_who_hands_in_is_asked_for_on_a_terminal(
    student: Student, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from rich.console import Console

    answers = {"Your name: ": "Kim", "Your student number: ": "77"}
    monkeypatch.setattr(Console, "is_terminal", property(lambda self: True))
    monkeypatch.setattr(Console, "input", lambda self, prompt: answers[prompt])
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    student.collect("--no-run")
    assert student.zip.name == "kim-77-A1-O1.zip"
