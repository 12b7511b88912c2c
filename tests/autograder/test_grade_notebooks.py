"""`autograder grade --notebooks`, end to end on a toy course with a notebook."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from distributed import LocalCluster

from tests.autograder.conftest import Toy
from tests.autograder.grading.notebooks import code, file_of, handed_out
from tests.autograder.test_cluster import LOCAL

STUB = 'raise NotImplementedError("double")'


@pytest.fixture
def course(toy: Toy) -> Toy:
    """The toy course with a notebook, built."""
    manifest = toy.root / "solutions/t1_toy/assignment.toml"
    named = manifest.read_text().replace('module = "toy"\n', 'module = "toy"\nnotebook = "toy.ipynb"\n')
    manifest.write_text(f"{named}\n[limits.notebook]\ncell_seconds = 4\n")
    handout = toy.root / "assignments/t1_toy"
    handout.mkdir(parents=True)
    (handout / "toy.py").write_text(toy.reference.replace("return SCALE * x", STUB))
    (handout / "toy.ipynb").write_bytes(file_of(handed_out()))
    return toy


def submit(course: Toy, name: str, notebook: bytes | None, *changes: tuple[str, str]) -> None:
    path = course.submit(name, *changes)
    if notebook is not None:
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr("toy.ipynb", notebook)


def result(out: Path, name: str) -> dict[str, Any]:
    data: dict[str, Any] = json.loads((out / name / "result.json").read_text())
    return data


def test_a_class_with_notebooks(course: Toy, tmp_path: Path) -> None:
    """Every kind of notebook gets its due, none costs points; a run that left them alone is done again, once."""
    answered = handed_out()
    answered[-1]["source"] = "Because <b onclick='x()'>two</b> <script>alert(1)</script>"
    submit(course, "kim_full-1-A1-O1", file_of(answered))
    submit(course, "lee_raises-2-A1-O1", file_of([*handed_out(), code("1 / 0")]))
    submit(course, "choi_ends-3-A1-O1", file_of([*handed_out(), code("import os\nos._exit(0)")]))
    submit(course, "han_none-4-A1-O1", None)
    submit(course, "jung_broken-5-A1-O1", b"{")
    submit(course, "oh_hangs-6-A1-O1", file_of(handed_out()), ("return SCALE * x", "while True: pass"))
    (course.submitted / "yoon_no-zip-7-A1-O1.zip").write_bytes(b"this is no zip")
    with zipfile.ZipFile(course.submitted / "lim_no-module-8-A1-O1.zip", "w") as archive:
        archive.writestr("toy.ipynb", file_of([*handed_out(), code("import common\nimport toy")]))
    out = tmp_path / "reports"
    plain = course.run("grade", "t1", course.submitted, "--out", out, "--seed", "5")
    assert (plain.returncode, plain.stderr) == (0, "")
    before = {path.name: result(out, path.name) for path in out.iterdir() if path.is_dir()}
    assert all(held["notebook"] is None for held in before.values())
    assert not list(out.rglob("notebook.html"))

    done = course.run("grade", "t1", course.submitted, "--out", out, "--notebooks")
    assert (done.returncode, done.stderr) == (0, "")
    after = {name: result(out, name) for name in before}
    assert {name: held["notebook"]["outcome"] for name, held in after.items()} == {
        "kim_full-1-A1-O1": "ran",
        "lee_raises-2-A1-O1": "raised",
        "choi_ends-3-A1-O1": "stopped",
        "han_none-4-A1-O1": "missing",
        "jung_broken-5-A1-O1": "unreadable",
        "oh_hangs-6-A1-O1": "raised",
        "yoon_no-zip-7-A1-O1": "missing",
        "lim_no-module-8-A1-O1": "raised",
    }
    said = after["lim_no-module-8-A1-O1"]["notebook"]["raised"][-1]["message"]
    assert said.startswith("toy was not handed in, and no package of that name is available in grading")
    assert {name: held["score"] for name, held in after.items()} == {
        name: held["score"] for name, held in before.items()
    }
    assert [cell["kind"] for cell in after["oh_hangs-6-A1-O1"]["notebook"]["raised"]] == ["TimeoutError"] * 2
    pages = {path.parent.name for path in out.rglob("notebook.html")}
    ran = {"kim_full-1-A1-O1", "lee_raises-2-A1-O1", "choi_ends-3-A1-O1", "oh_hangs-6-A1-O1"}
    assert pages == {*ran, "lim_no-module-8-A1-O1"}
    assert "cell 8" in (out / "lee_raises-2-A1-O1/report.html").read_text()
    assert 'href="notebook.html#cell-8"' in (out / "lee_raises-2-A1-O1/report.html").read_text()
    overview = (out / "index.html").read_text()
    assert 'href="kim_full-1-A1-O1/notebook.html"' in overview
    assert 'href="answers.html"' in overview
    answers = (out / "answers.html").read_text()
    assert "Because <b>two</b> &lt;script&gt;" in answers
    assert "1 of 5 answered" in answers

    for more in ([], ["--notebooks"]):
        again = course.run("grade", "t1", course.submitted, "--out", out, *more)
        assert "8 graded, 8 of them kept from before" in again.stdout
    assert result(out, "kim_full-1-A1-O1") == after["kim_full-1-A1-O1"]


def test_an_assignment_without_a_notebook_is_a_bad_argument(toy: Toy, tmp_path: Path) -> None:
    toy.submit("kim-1-A1-O1")
    done = toy.run("grade", "t1", toy.submitted, "--out", tmp_path / "reports", "--notebooks")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "autograder: --notebooks: t1_toy has no notebook\n"
    assert not (tmp_path / "reports").exists()


def test_a_notebook_that_was_not_built_is_a_bad_argument(course: Toy, tmp_path: Path) -> None:
    course.submit("kim-1-A1-O1")
    (course.root / "assignments/t1_toy/toy.ipynb").unlink()
    done = course.run("grade", "t1", course.submitted, "--out", tmp_path / "reports", "--notebooks")
    assert done.returncode == 2
    assert done.stderr.endswith("toy.ipynb is missing; make assignments\n")


def test_on_a_cluster_pages_come_back_too(course: Toy, tmp_path: Path) -> None:
    submit(course, "kim_full-1-A1-O1", file_of(handed_out()))
    with LocalCluster(**LOCAL, n_workers=1) as running:
        how = ["--cluster", running.scheduler_address, "--notebooks"]
        done = course.run("grade", "t1", course.submitted, "--out", tmp_path / "reports", *how)
    assert (done.returncode, done.stderr) == (0, "")
    assert result(tmp_path / "reports", "kim_full-1-A1-O1")["notebook"]["outcome"] == "ran"
    assert "twice tensor(4.)" in (tmp_path / "reports/kim_full-1-A1-O1/notebook.html").read_text()
