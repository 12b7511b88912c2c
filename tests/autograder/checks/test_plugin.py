"""Plain pytest on a folder of checks: against the reference, or against a submission, confined."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.autograder.conftest import Toy


def pytest_on(toy: Toy, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", *words, "tests/hidden/t1_toy"]
    return subprocess.run(command, cwd=toy.root, capture_output=True, text=True, timeout=120)


def test_reference_passes_in_this_process(toy: Toy) -> None:
    done = pytest_on(toy)
    assert done.returncode == 0
    assert "4 passed" in done.stdout


def test_submission_is_checked_confined(toy: Toy) -> None:
    peek = f"import os\nassert not os.path.exists({str(toy.root / 'solutions')!r})\nimport torch"
    path = toy.submit("a", ("import torch", peek), ("return self.total", "return self.total + 1"))
    done = pytest_on(toy, "--submission", str(path))
    assert done.returncode == 1
    assert "1 failed, 3 passed" in done.stdout
    assert "the numbers differ" in done.stdout
    only = pytest_on(toy, "--submission", str(path), "--question", "double")
    assert "3 passed, 1 deselected" in only.stdout


def test_a_submission_without_the_module_is_told_so(toy: Toy) -> None:
    path = toy.root / "handed in"
    path.mkdir()
    (path / "other.txt").write_text("no module")
    done = pytest_on(toy, "--submission", str(path))
    assert done.returncode == 1
    assert "toy.py is not in it" in done.stdout


def test_a_case_is_titled_by_its_docstring(toy: Toy) -> None:
    """The first sentence, or the name in words; variants share it, and ids stay as they are."""
    checks = toy.root / "tests/hidden/t1_toy/test_toy.py"
    docstrings = {
        "def test_double(student, reference, rng, shape):": "`double` returns\n    1.5 + 0.5 of x.  Not this.\n\nNor.",
        "def test_counter(student, reference, rng):": "Counts?",
    }
    text = checks.read_text()
    for head, docstring in docstrings.items():
        assert head in text
        text = text.replace(head, f'{head}\n    """{docstring}"""')
    checks.write_text(text)
    toy.submit("a")
    done = toy.run("grade", "t1", toy.submitted, "--out", toy.root / "out")
    assert done.returncode == 0, done.stderr
    (result,) = toy.root.glob("out/*/result.json")
    cases = [(case["id"], case["title"]) for q in json.loads(result.read_text())["questions"] for case in q["cases"]]
    assert cases == [
        ("double[vector]", "double returns 1.5 + 0.5 of x"),
        ("double[matrix]", "double returns 1.5 + 0.5 of x"),
        ("double_of_nothing", "double of nothing"),
        ("counter", "Counts?"),
    ]
    page = result.with_name("report.html").read_text()
    assert "double returns 1.5 + 0.5 of x" in page
    assert "Not this" not in page
    assert "double_of_nothing" not in page
