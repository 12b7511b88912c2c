"""An assignment of two modules, end to end: what is wrong with one module costs nothing in the other."""

from __future__ import annotations

import csv
import json
import os
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest

from autograder.authoring.build import build_assignment, handout_files
from autograder.cli import main
from autograder.course.layout import Course
from autograder.course.model import Assignment
from autograder.course.outcome import Outcome
from autograder.grading.client import GradingProcess
from autograder.grading.mutants.matrix import kill_matrix, load_mutants
from autograder.grading.order import Order

PARTS = Path(__file__).parent / "toy_parts"
FULL = {"span": 4, "rectangle": 4, "strip": 2}
FIRST_ONLY = {"span": 4, "rectangle": 0, "strip": 0}
NOTHING = {"span": 0, "rectangle": 0, "strip": 0}
RECTANGLE_ONLY = {"span": 0, "rectangle": 4, "strip": 0}
# `rectangle` rules out sorting, by the rule of the course's own; no other question does.
SORTS = {"areas__py": ("width * height", "width.reshape(-1).sort().values.reshape(width.shape) * height")}
# Statements that fail when the files are imported. `strip` uses a name of one.
FAILS = {
    "lengths__py": ("import torch\n", "import torch\nassert torch.zeros(1).is_cuda, 'needs a GPU'\n"),
    "areas__py": ("import torch\n", "import os\nimport torch\nos.chdir('/content/drive'); exit()\n"),
}
FAILS_IN_USE = {
    "areas__py": ("self.width * span(x)\n", "self.width * unit * span(x)\n\n\nunit = int('one')\n"),
}
SORTS_ELSEWHERE = {"lengths__py": ("x.max()", "x.sort().values[-1]")}


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> tuple[Course, Assignment]:
    """A copy of the toy course of two parts, built."""
    root = tmp_path_factory.mktemp("parts") / "course"
    course = Course(Path(shutil.copytree(PARTS, root, ignore=shutil.ignore_patterns("__pycache__"))))
    assignment = course.assignment("p1")
    build_assignment(course, assignment)
    return course, assignment


@pytest.fixture(scope="module")
def process(parts: tuple[Course, Assignment]) -> Any:
    with GradingProcess(Order.of(*parts, seed=1)) as process:
        yield process


def submit(parts: tuple[Course, Assignment], folder: Path, **changes: tuple[str, str] | str | None) -> Path:
    """A zip of the reference: `areas__py` replaces areas.py, a pair changes it, None leaves it out."""
    course, assignment = parts
    files = {name: (course.solution(assignment) / name).read_text() for name in assignment.files}
    files |= {name: (course.handout(assignment) / name).read_text() for name in assignment.notebooks}
    for key, change in changes.items():
        name = key.replace("__", ".")
        if isinstance(change, tuple):
            assert change[0] in files[name]
            files[name] = files[name].replace(*change)
        elif change is None:
            del files[name]
        else:
            files[name] = change
    path = folder / "submission.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path


@pytest.mark.parametrize(
    "changes, scores",
    [
        ({}, FULL),
        ({"areas__py": "def (:\n"}, FIRST_ONLY),
        ({"areas__py": ("import torch\n", "import torch\nclass A: raise RuntimeError\n")}, FIRST_ONLY),
        ({"areas__py": ("import torch\n", "import os\nos._exit(1)\n")}, FIRST_ONLY),
        ({"areas__py": ("import torch\n", "while True: pass\n")}, FIRST_ONLY),
        ({"areas__py": None}, FIRST_ONLY),
        ({"areas__py": ("width * height", "width + height")}, {**FULL, "rectangle": 0}),
        ({"areas__py": ("self.width * span(x)", "span(x)")}, {**FULL, "strip": 0}),
        ({"units__py": "SCALE = 0.0\n"}, FULL),
        (FAILS, FULL),
        (FAILS_IN_USE, {**FULL, "strip": 0}),
        ({"lengths__py": "def (:\n"}, RECTANGLE_ONLY),
        ({"lengths__py": ("import torch\n", "import torch\nclass A: raise RuntimeError\n")}, RECTANGLE_ONLY),
        ({"lengths__py": ("import torch\n", "import os\nos._exit(1)\n")}, RECTANGLE_ONLY),
        ({"lengths__py": ("import torch\n", "while True: pass\n")}, RECTANGLE_ONLY),
        ({"lengths__py": None}, RECTANGLE_ONLY),
        ({"lengths__py": "def (:\n", "areas__py": ("import torch\n", "class A: raise RuntimeError\n")}, NOTHING),
        (SORTS, {**FULL, "rectangle": 0}),
        (SORTS_ELSEWHERE, FULL),
    ],
    ids=[
        *("right", "syntax", "raises", "exits", "endless", "missing", "wrong", "later", "given-file"),
        *("fails-at-the-top", "fails-and-is-used"),
        *("imported-syntax", "imported-raises", "imported-exits", "imported-endless", "imported-missing", "both"),
        *("ruled-out", "ruled-out-elsewhere"),
    ],
)
def test_a_module_costs_its_own_questions(
    parts: tuple[Course, Assignment], process: GradingProcess, tmp_path: Path, changes: dict[str, Any], scores: Any
) -> None:
    result = process.grade(submit(parts, tmp_path, **changes), "submission")
    assert {question.id: question.score for question in result.questions} == scores
    assert result.integrity is not None
    there = [name for name in parts[1].files if changes.get(name.replace(".", "__"), "") is not None]
    assert list(result.integrity.modules) == there
    assert result.integrity.edited == (("units.py",) if "units__py" in changes else ())


def test_a_rule_of_the_courses_own_holds_in_its_question(
    parts: tuple[Course, Assignment], process: GradingProcess, tmp_path: Path
) -> None:
    result = process.grade(submit(parts, tmp_path, **SORTS), "submission")
    (case,) = {(case.outcome, case.message, case.location) for case in result.questions[1].cases}
    assert case == (Outcome.FORBIDDEN, "used torch's sorting, which this question rules out", "areas.py:10")


def test_what_uses_a_broken_module_says_which(
    parts: tuple[Course, Assignment], process: GradingProcess, tmp_path: Path
) -> None:
    result = process.grade(submit(parts, tmp_path, lengths__py="def (:\n"), "submission")
    span, _, strip = (question.cases[0] for question in result.questions)
    assert span.message.startswith("lengths.py, line 1: ")
    assert strip.message == "your code raised ModuleNotFoundError: lengths could not be imported"
    assert strip.location == "areas.py:23"


def test_a_module_that_is_not_there_is_named(
    parts: tuple[Course, Assignment], process: GradingProcess, tmp_path: Path
) -> None:
    result = process.grade(submit(parts, tmp_path, areas__py=None), "submission")
    (case,) = result.questions[1].cases
    assert case.message == "areas.py was not handed in"
    assert any(note.startswith("areas.py is missing") for note in result.info.notes)


def test_given_code_is_put_back_in_each_module(
    parts: tuple[Course, Assignment], process: GradingProcess, tmp_path: Path
) -> None:
    result = process.grade(submit(parts, tmp_path, areas__py=("self.width = width", "self.width = 0.0")), "submission")
    assert result.score == 10
    assert result.integrity is not None
    assert [place.name for place in result.integrity.modules["areas.py"].restored] == ["Strip.__init__"]
    assert result.integrity.modules["lengths.py"].restored == ()
    assert json.loads(json.dumps(result.to_json()))["integrity"]["modules"].keys() == {"lengths.py", "areas.py"}


def test_a_mutant_is_of_its_questions_module(parts: tuple[Course, Assignment], process: GradingProcess) -> None:
    course, assignment = parts
    mutants = load_mutants(course, assignment)
    assert [mutant.file for mutant in mutants] == ["lengths.py", "areas.py", "areas.py"]
    matrix = kill_matrix(process.grade_as_it_is, mutants, assignment, course.solution(assignment))
    assert all(map(matrix.catches, mutants))


def student_folder(parts: tuple[Course, Assignment], folder: Path, **changes: tuple[str, str] | str) -> Path:
    """An unzipped handout in which everything is solved, but for the changes (see `submit`)."""
    course, assignment = parts
    for name, data in handout_files(course, assignment).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    for name in assignment.files:
        shutil.copy(course.solution(assignment) / name, folder / name)
    for key, change in changes.items():
        path = folder / key.replace("__", ".")
        text = path.read_text()
        path.write_text(text.replace(*change) if isinstance(change, tuple) else change)
    return folder


def checked(folder: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    """What `autograder check` says of each question."""
    capsys.readouterr()
    main(["check", "--folder", str(folder), "--json"])
    data = json.loads(capsys.readouterr().out)
    assert [question["module"] for question in data["questions"]] == ["lengths", "areas", "areas"]
    return {question["id"]: question["status"] for question in data["questions"]}


@pytest.mark.parametrize(
    "changes, failing",
    [
        ({}, set()),
        ({"areas__py": "def (:\n"}, {"rectangle", "strip"}),
        ({"areas__py": ("import torch\n", "import torch\nclass A: raise RuntimeError\n")}, {"rectangle", "strip"}),
        ({"lengths__py": "def (:\n"}, {"span", "strip"}),
        ({"lengths__py": ("import torch\n", "import torch\nclass A: raise SystemExit\n")}, {"span", "strip"}),
        ({"areas__py": ("self.width * span(x)", "span(x)")}, {"strip"}),
        (FAILS, set()),
        (FAILS_IN_USE, {"strip"}),
        (SORTS, {"rectangle"}),
        (SORTS_ELSEWHERE, set()),
    ],
    ids=[
        *("right", "syntax", "raises", "imported-syntax", "imported-exits", "wrong", "fails-at-the-top"),
        *("fails-and-is-used", "ruled-out", "ruled-out-elsewhere"),
    ],
)
def test_check_at_home_says_what_grading_says(
    parts: tuple[Course, Assignment],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    changes: dict[str, Any],
    failing: set[str],
) -> None:
    said = checked(student_folder(parts, tmp_path / "home", **changes), capsys)
    assert said == {id: "failed" if id in failing else "passed" for id in ("span", "rectangle", "strip")}


def test_what_failed_at_the_top_is_told_alike(
    parts: tuple[Course, Assignment], process: GradingProcess, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    why = "line 26 of areas.py raised ValueError when the file was imported"
    strip = process.grade(submit(parts, tmp_path, **FAILS_IN_USE), "submission").questions[2].cases[0]
    assert strip.message == f"your code raised NameError: `unit` has no value: {why}"
    folder = student_folder(parts, tmp_path / "home", **FAILS_IN_USE)
    capsys.readouterr()
    main(["check", "--folder", str(folder)])
    said = " ".join(capsys.readouterr().out.split())
    assert f"your code raised NameError: unit has no value: {why}" in said


def test_collect_packs_all_parts_beside_a_broken_one(
    parts: tuple[Course, Assignment], tmp_path: Path, capsys: pytest.CaptureFixture[str], process: GradingProcess
) -> None:
    folder = student_folder(parts, tmp_path / "home", areas__py="def (:\n")
    words = ["--name", "Kim", "--id", "2026000001", "--option", "1", "--no-run", "--json"]
    status = main(["collect", "--folder", str(folder), *words])
    said = json.loads(capsys.readouterr().out)
    assert status == 1
    assert "areas.py" in json.dumps(said["warnings"])
    assert "lengths.py" not in json.dumps(said["warnings"])
    (path,) = folder.glob("*.zip")
    names = {os.path.basename(name) for name in zipfile.ZipFile(path).namelist()}
    assert {*parts[1].files, *parts[1].notebooks} <= names
    result = process.grade(path, "kim")
    assert {question.id: question.score for question in result.questions} == FIRST_ONLY


def test_a_class_is_graded_reviewed_and_reported_part_by_part(
    parts: tuple[Course, Assignment], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    course, _ = parts
    broken, other = tmp_path / "class/broken", tmp_path / "class/other"
    for folder in (broken, other):
        folder.mkdir(parents=True)
    submit(parts, broken, areas__py="def (:\n")
    submit(parts, other, lengths__ipynb=("option = 1", "option = 2"), areas__ipynb=("option = 1", "option = 2"))
    for folder in (broken, other):
        (folder / "submission.zip").rename(folder.with_suffix(".zip"))
        folder.rmdir()
    command = ["--course", str(course.root), "grade", "p1", str(tmp_path / "class"), "--out", str(tmp_path / "out")]
    assert main([*command, "--seed", "1"]) == 0, capsys.readouterr()
    table = (tmp_path / "out/grades.csv").read_text(encoding="utf-8-sig").splitlines()
    rows = {row["submission"]: row for row in csv.DictReader(table)}
    assert [rows["broken"][id] for id in FULL] == ["4", "0", "0"]
    assert float(rows["other"]["score"]) == 5
    page = (tmp_path / "out/broken/report.html").read_text()
    assert page.count("Nothing in this file could be graded.") == 1
    assert "Nothing could be graded" in (tmp_path / "out/index.html").read_text()
    assert "areas.py" in (tmp_path / "out/other/review.html").read_text()
    assert "lengths.py" in (tmp_path / "out/other/review.html").read_text()
    queue = (tmp_path / "out/review.csv").read_text(encoding="utf-8-sig")
    assert [row["submission"] for row in csv.DictReader(queue.splitlines())] == ["other"]


COUNTED = """

def counted(path, x):
    with open(path, "a") as file:
        file.write("computed once more\\n")
    return 10 * (x.amax() - x.amin())


@pytest.mark.question("span")
def test_counted(student, rng, memo):
    x = rng.normal(5)
    assert_matches(student.span(x), memo(counted, {path!r}, x))
"""


def test_oracles_compute_once_for_a_class(tmp_path: Path) -> None:
    """What was computed when the reference was graded, before any submission, is there for all of them."""
    root = shutil.copytree(PARTS, tmp_path / "course", ignore=shutil.ignore_patterns("__pycache__"))
    course, told = Course(root), tmp_path / "told"
    parts = course, course.assignment("p1")
    build_assignment(*parts)
    with (root / "tests/hidden/p1_parts/test_parts.py").open("a") as checks:
        checks.write(COUNTED.format(path=str(told)))
    with GradingProcess(Order.of(*parts, seed=1)) as process:
        results = [process.grade(submit(parts, tmp_path), f"student {number}") for number in range(2)]
    assert [result.score for result in results] == [10, 10]
    assert told.read_text().count("\n") == 1
