"""What an earlier run of the notebooks depends on, and when it is taken for one that stands."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from autograder.submission.clean.notebook import CarriedNotebook, carry_notebook
from autograder.submission.collect.earlier import carried_over, depends_on, earlier_run, record_run
from autograder.submission.collect.gather import STAGE
from autograder.submission.collect.running import _span
from autograder.submission.receive.identity import NotebookSays


def notebook(cells: Sequence[tuple[str, str]], outputs: Sequence[Any] = ()) -> bytes:
    made = []
    for number, (kind, source) in enumerate(cells):
        code = {"outputs": list(outputs), "execution_count": 1 if outputs else None} if kind == "code" else {}
        made.append({"cell_type": kind, "id": f"c{number}", "metadata": {}, "source": source, **code})
    return json.dumps({"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode()


CELLS = [("code", "x = 1"), ("markdown", "Why?"), ("code", "print(x)")]


def carried(cells: Sequence[tuple[str, str]] = CELLS) -> dict[str, CarriedNotebook]:
    return {"toy.ipynb": carry_notebook(notebook(cells), None, NotebookSays())}


@pytest.fixture
def stage(tmp_path: Path) -> Path:
    folder = tmp_path / STAGE
    (folder / "public_checks").mkdir(parents=True)
    (folder / "data").mkdir()
    for name in ("toy.py", "public_checks/test_toy.py", "data/images", "net.pt"):
        (folder / name).write_text("1")
    (folder / "toy.ipynb").write_bytes(notebook(CELLS))
    return folder


@pytest.mark.parametrize("path", ["toy.py", "public_checks/test_toy.py", "data/images", "new.py", "data/new"])
def test_a_run_depends_on_every_file(stage: Path, path: str) -> None:
    before = depends_on(stage, carried())
    assert depends_on(stage, carried()) == before
    (stage / path).write_text("12")
    assert depends_on(stage, carried()) != before


def test_a_run_depends_on_the_code_of_a_notebook_and_not_on_its_text(stage: Path) -> None:
    before = depends_on(stage, carried())
    assert depends_on(stage, carried([CELLS[0], ("markdown", "Because."), CELLS[2]])) == before
    assert depends_on(stage, carried([("code", "x = 2"), *CELLS[1:]])) != before
    assert depends_on(stage, carried([*CELLS, ("code", "x")])) != before


def test_a_run_depends_on_the_environment(stage: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = depends_on(stage, carried())
    monkeypatch.setenv("QUICK_NOTEBOOK", "yes")
    assert depends_on(stage, carried()) != before


def record(stage: Path, failed: int = 0) -> None:
    record_run(stage, "digest", "2026-11-01T12:00:00+09:00", {"toy.ipynb": 80.04}, failed, ["toy.ipynb", "net.pt"])


def test_a_run_stands_for_what_it_depended_on(stage: Path) -> None:
    record(stage)
    earlier = earlier_run(stage.parent)
    assert earlier is not None
    assert (earlier.at, earlier.seconds) == ("2026-11-01T12:00:00+09:00", {"toy.ipynb": 80.04})
    assert earlier.stands("digest")
    assert not earlier.stands("another")
    assert earlier.files == {"toy.ipynb": notebook(CELLS), "net.pt": b"1"}


def test_a_run_does_not_stand_where_a_cell_failed_or_its_files_are_others(stage: Path) -> None:
    record(stage, failed=1)
    assert (earlier := earlier_run(stage.parent))
    assert not earlier.stands("digest")
    record(stage)
    (stage / "net.pt").write_text("2")
    assert (earlier := earlier_run(stage.parent))
    assert not earlier.stands("digest")
    (stage / "net.pt").unlink()
    assert (earlier := earlier_run(stage.parent))
    assert not earlier.stands("digest")


NONSENSE = ["", "{", "[]", '{"depends": 1}', '{"depends": "", "at": "", "seconds": {}, "failed": 0, "files": {}}']


@pytest.mark.parametrize("text", NONSENSE)
def test_a_record_of_nonsense_is_no_record(stage: Path, text: str) -> None:
    (stage / "run.json").write_text(text)
    assert earlier_run(stage.parent) is None


def test_outputs_are_carried_over_to_the_same_code_only() -> None:
    output = {"output_type": "stream", "name": "stdout", "text": "1\n"}
    now = carried([CELLS[0], ("markdown", "Because."), CELLS[2]])["toy.ipynb"].notebook
    made = carried_over(now, notebook(CELLS, [output]))
    assert [cell["source"] for cell in made["cells"]] == ["x = 1", "Because.", "print(x)"]
    assert [cell.get("outputs") for cell in made["cells"]] == [[output], None, [output]]
    with pytest.raises(ValueError, match="not the one that was run"):
        carried_over(now, notebook([("code", "x = 2")], [output]))


@pytest.mark.parametrize(
    "seconds, said", [(0.2, "1 s"), (59, "59 s"), (60, "1 min"), (80.4, "1 min 20 s"), (725, "12 min")]
)
def test_a_length_of_time_in_words(seconds: float, said: str) -> None:
    assert _span(seconds) == said
