"""Text that cannot be written as UTF-8, and a page that cannot be made: neither costs another page."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple, NoReturn

import pytest

from autograder.course.encodable import all_encodable, encodable
from autograder.course.model import Assignment
from autograder.course.result import SubmissionResult
from autograder.reports import write_class, write_reports, write_submission
from autograder.reports.files import write
from autograder.submission.receive.identity import read_notebook
from autograder.submission.source.ipynb import load_notebook
from tests.autograder.reports.test_files import named

HALF = "a\ud800b"
WHOLE = "a\N{REPLACEMENT CHARACTER}b"


class Pair(NamedTuple):
    text: str
    number: int


def test_only_lone_surrogates_are_replaced() -> None:
    assert encodable(HALF) == encodable("a\udc00b") == WHOLE
    assert encodable("김 😀") == "김 😀"
    assert encodable("\ud83d\ude00") == "😀"  # the two halves of one
    assert all_encodable({HALF: [HALF, (1, HALF), None]}) == {WHOLE: [WHOLE, (1, WHOLE), None]}
    pair = all_encodable(Pair(HALF, 1))
    assert type(pair) is Pair
    assert pair == Pair(WHOLE, 1)


def test_a_notebook_brings_none_in() -> None:
    cells = [{"cell_type": "markdown", "source": [HALF], "metadata": {HALF: HALF}}]
    notebook = load_notebook(json.dumps({"cells": cells}).encode())
    assert notebook["cells"] == [{"cell_type": "markdown", "source": [WHOLE], "metadata": {WHOLE: WHOLE}}]


def test_an_identity_brings_none_in() -> None:
    cell = {"cell_type": "code", "source": "name = 'a\\ud800b'\nidnum = '1'\ngroup = ['2 a\\udfffb']"}
    says = read_notebook(json.dumps({"cells": [cell]}).encode())
    assert WHOLE in repr(says)
    repr(says).encode()


def test_a_result_brings_none_in(small: Assignment) -> None:
    result = named(name=HALF, notes=(HALF,), members=((HALF, HALF),))
    read = SubmissionResult.from_json(json.loads(json.dumps(result.to_json())))
    assert (read.info.name, read.info.notes, read.info.members) == (WHOLE, (WHOLE,), ((WHOLE, WHOLE),))


def test_whatever_comes_is_written(small: Assignment, tmp_path: Path) -> None:
    bad = replace(named(submission="bad", name=HALF, notes=(HALF,)), attachments={"answers.html": HALF})
    assert write_reports([bad, named(submission="good")], small, tmp_path, [(HALF, HALF)]) == []
    for name in ("index.html", "grades.csv", "bad/report.html", "bad/answers.html", "good/report.html"):
        (tmp_path / name).read_text(encoding="utf-8")
    assert "good" in (tmp_path / "index.html").read_text(encoding="utf-8")


def test_a_page_that_cannot_be_made_says_so_and_takes_no_other_along(
    small: Assignment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object) -> NoReturn:
        raise RecursionError("too deep")

    monkeypatch.setattr(write, "render_student", fail)
    unmade: list[tuple[str, str]] = []
    write_submission(named(submission="one"), small, tmp_path, unmade)
    write_class([named(submission="one")], small, tmp_path, unmade=unmade)
    assert unmade == [("one/report.html", "RecursionError: too deep")]
    assert "could not be made" in (tmp_path / "one/report.html").read_text()
    assert json.loads((tmp_path / "one/result.json").read_text())["submission"] == "one"
    assert "could not be made" not in (tmp_path / "index.html").read_text()
