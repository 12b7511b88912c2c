"""Plain pytest on a folder of checks: against the reference, or against a submission, confined."""

from __future__ import annotations

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
