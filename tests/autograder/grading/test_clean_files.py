"""Given code comes from the handout when a class is graded: who edits it gains nothing, and loses nothing by it.

The measure is a check that trusts a given function, which no check of a course should: whoever bends that one passes.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.autograder.conftest import TOY, Toy

GIVEN = '''

class Meter:
    """Reads how far x is from what it should be. Given."""

    @staticmethod
    def gap(x: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
        return (x - wanted).abs().sum()
'''
TRUSTING = """

@pytest.mark.question("double")
def test_by_its_own_meter(student, reference, rng):
    x = rng.normal(3, dtype=torch.float32)
    wanted = reference.double(x)
    if student.Meter.gap(student.double(x), wanted) != 0:
        raise CheckFailed("the meter says no")
"""
STUB = (
    ("    return SCALE * x", '    raise NotImplementedError("double")'),
    ("        self.total = torch.zeros(())", '        raise NotImplementedError("counter")'),
    (
        "        self.total = self.total + double(x).sum()\n        return self.total",
        '        raise NotImplementedError("counter")',
    ),
)
WRONG = ("return SCALE * x", "return SCALE * x.sum() + 1")
BODY = "return (x - wanted).abs().sum()"
SHORT = (BODY, "return torch.zeros(())")
ALWAYS = "lambda x, wanted: torch.zeros(())"
REFERENCE = (TOY / "solutions/t1_toy/toy.py").read_text()
TOP = "import torch\n"
COLAB = f"from google.colab import drive\n{TOP}import torchvision\n\ndrive.mount('/content')\n"
CLASS: dict[str, list[tuple[str, str]]] = {
    "honest": [],
    "wrong": [WRONG],
    # Attacks 16 and 17: each would pass the trusting check if its given code was run.
    "edited": [WRONG, SHORT],
    "marked as an answer": [
        WRONG,
        (BODY, f"# BEGIN SOLUTION double\n        {SHORT[1]}\n        # END SOLUTION double"),
    ],
    "replaced later": [WRONG, (BODY, f"{BODY}\n\n\nMeter.gap = {ALWAYS}")],
    "replaced by another": [WRONG, (BODY, f"{BODY}\n\n\nclass Ｍeter:\n    gap = staticmethod({ALWAYS})")],
    "a letter that looks alike": [WRONG, ("class Meter", "class Мeter"), SHORT],
    # Honest work beside an edit: the edit is undone, and what breaks is told where the student wrote it.
    "honest with an edit": [SHORT],
    "breaks below an edit": [
        *(SHORT, (TOP, f"import math\n{TOP}")),
        ("    return SCALE * x", "    y = SCALE * x\n    return y.nothing"),
    ],
    "breaks in given code": [SHORT, ("return SCALE * x", "return Meter.gap(x, None)")],
    "for a notebook": [(TOP, COLAB)],
    "fails at the top": [
        (TOP, f"{TOP}import os\n\nos.chdir('/content/drive')\n"),
        ("class Meter", "exit()\n\n\nclass Meter"),
    ],
    "uses what failed": [
        *(SHORT, (TOP, f"import json\n{TOP}\nscales = json.load(open('scales.json'))\n")),
        ("return SCALE * x", "return scales[0] * x"),
    ],
    "uses what is not here": [(TOP, f"{TOP}import torchvision\n"), ("return SCALE * x", "return torchvision.twice(x)")],
}


def changed(text: str, *changes: tuple[str, str]) -> str:
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The class, graded in one run: the folder of reports."""
    folder = tmp_path_factory.mktemp("clean")
    shutil.copytree(TOY, folder / "course", ignore=shutil.ignore_patterns("__pycache__"))
    toy = Toy(folder / "course")
    reference = toy.root / "solutions/t1_toy/toy.py"
    reference.write_text(reference.read_text() + GIVEN)
    checks = toy.root / "tests/hidden/t1_toy/test_toy.py"
    checks.write_text(checks.read_text() + TRUSTING)
    handout = toy.root / "assignments/t1_toy"
    handout.mkdir(parents=True)
    (handout / "toy.py").write_text(changed(toy.reference, *STUB))
    for name, changes in CLASS.items():
        toy.submit(name, source=changed(toy.reference, *changes))
    done = toy.run("grade", "t1", toy.submitted, "--out", folder / "reports", "--seed", "5")
    assert (done.returncode, done.stderr) == (0, "")
    return folder / "reports"


def result(graded: Path, name: str) -> dict[str, Any]:
    data: dict[str, Any] = json.loads((graded / name / "result.json").read_text())
    return data


def restored(graded: Path, name: str) -> list[str]:
    return [place["name"] for place in result(graded, name)["integrity"]["module"]["restored"]]


def test_honest_work(graded: Path) -> None:
    honest = result(graded, "honest")
    assert honest["score"] == 10
    assert not honest["integrity"]["module"]["carried"]
    assert [place["name"] for place in honest["integrity"]["module"]["kept"]] == [
        "double",
        "Counter.__init__",
        "Counter.add",
    ]


@pytest.mark.parametrize(
    "name",
    ["edited", "marked as an answer", "replaced later", "replaced by another", "a letter that looks alike"],
)
def test_who_edits_given_code_gains_nothing(graded: Path, name: str) -> None:
    assert result(graded, "wrong")["score"] == 0
    assert result(graded, name)["score"] == 0
    assert any(place.startswith("Meter") for place in restored(graded, name))


def test_an_edit_costs_nothing_by_itself(graded: Path) -> None:
    assert result(graded, "honest with an edit")["score"] == 10
    assert restored(graded, "honest with an edit") == ["Meter.gap"]


def test_lines_are_those_of_the_students_own_file(graded: Path) -> None:
    case = result(graded, "breaks below an edit")["questions"][0]["cases"][0]
    assert case["location"] == "toy.py:11"
    assert 'toy.py", line 11' in case["detail"]


def test_what_raises_inside_given_code_is_told_at_the_students_line(graded: Path) -> None:
    case = result(graded, "breaks in given code")["questions"][0]["cases"][0]
    assert case["location"] == "toy.py:9"
    assert "of the clean copy, in gap" in case["detail"]


def test_imports_for_a_notebook_cost_nothing(graded: Path) -> None:
    found = result(graded, "for a notebook")
    assert found["score"] == 10
    assert found["integrity"]["stand_ins"] == ["google.colab", "torchvision"]
    assert "torchvision is imported and is not here; an empty stand-in took its place" in found["notes"]


def test_a_stand_in_that_is_used_says_what_it_is(graded: Path) -> None:
    case = result(graded, "uses what is not here")["questions"][0]["cases"][0]
    assert case["message"] == "your code raised ModuleNotFoundError: torchvision is not available in grading"
    assert "torchvision.twice was used" in case["detail"]


def test_a_statement_that_fails_costs_nothing_by_itself(graded: Path) -> None:
    found = result(graded, "fails at the top")
    assert found["score"] == 10
    skipped = "the statement was skipped, and costs only what uses the names that it sets"
    assert f"line 6 of toy.py raised FileNotFoundError when the file was imported: {skipped}" in found["notes"]
    line = changed(f"{REFERENCE}{GIVEN}", *CLASS["fails at the top"]).splitlines().index("exit()") + 1
    assert f"line {line} of toy.py raised SystemExit when the file was imported: {skipped}" in found["notes"]
    assert f"line {line} of toy.py raised SystemExit" in (graded / "fails at the top/report.html").read_text()


def test_what_uses_its_names_says_where_it_failed(graded: Path) -> None:
    found = result(graded, "uses what failed")
    case = found["questions"][0]["cases"][0]
    why = "line 6 of toy.py raised FileNotFoundError when the file was imported"
    assert case["message"] == f"your code raised NameError: `scales` has no value: {why}"
    assert case["detail"].startswith(f"NameError: scales has no value: {why}")
    assert "put it into a function" in case["hint"]
    assert [note.partition(": ")[0] for note in found["notes"] if "raised" in note] == [why]
