"""What workers will import is seen in the reference and the notebook before the first of them is forked."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from autograder.course.layout import Course
from autograder.course.model import Component
from autograder.grading.libraries import preload
from tests.autograder.conftest import TOY

OPTIMIZERS = "torch._dynamo"
# In a process of its own: how many modules torch imports at the first operation on "meta" after this import.
AT_FIRST = """
import sys
import torch, {ahead}
before = len(sys.modules)
torch.zeros(3, device="meta") * 2
print(len(sys.modules) - before)
"""


def test_what_only_optimizers_need_is_imported_where_the_reference_has_one(tmp_path: Path) -> None:
    course = Course(shutil.copytree(TOY, tmp_path / "course"))
    assignment = course.assignment("t1")
    assert preload(course, assignment) == []
    module = course.solution(assignment) / assignment.files[0]
    module.write_text("import torch.optim as optim\n" + module.read_text())
    assert preload(course, assignment) == [OPTIMIZERS]
    module.unlink()
    assert preload(course, assignment) == []


def test_what_operations_on_meta_need_is_imported_where_a_check_asks_for_that_device(tmp_path: Path) -> None:
    course = Course(shutil.copytree(TOY, tmp_path / "course"))
    assignment = course.assignment("t1")
    (course.hidden(assignment) / "parts.py").write_text('DEVICE = "meta"\n')
    (ahead,) = preload(course, assignment)
    said = {
        name: subprocess.run([sys.executable, "-c", AT_FIRST.format(ahead=name)], capture_output=True, check=True)
        for name in ("sys", ahead)
    }
    assert int(said["sys"].stdout) > 100
    assert int(said[ahead].stdout) == 0


def test_what_notebooks_import_is_for_runs_with_notebooks(tmp_path: Path) -> None:
    course = Course(shutil.copytree(TOY, tmp_path / "course"))
    assignment = replace(course.assignment("t1"), components=(Component("toy", "toy.ipynb"),))
    clean = course.handout(assignment) / assignment.notebooks[0]
    clean.parent.mkdir(parents=True, exist_ok=True)
    clean.write_text('{"cells": [{"source": "import matplotlib"}]}')
    assert preload(course, assignment) == []
    ahead = preload(course, assignment, notebooks=True)
    assert {"IPython", "matplotlib.pyplot"} <= set(ahead)
    assert "otter" not in ahead
