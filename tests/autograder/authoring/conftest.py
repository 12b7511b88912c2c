"""A small course to build handouts of: one question in a module, one more in a method, and a notebook."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from autograder.course.layout import Course
from autograder.course.model import Assignment

MANIFEST = """\
number = 1
title = "Halves"
due = 2030-01-31T23:59:00+09:00
module = "halves"
notebook = "halves.ipynb"
artifacts = ["halves.pt"]

[[options]]
id = "1"
title = "Own work"

[[questions]]
id = "half"
title = "A half"
points = 4
component = "half"

[[questions]]
id = "quarter-of"
title = "A quarter"
points = 6
component = "Quarter.of"
"""

SOLUTION = '''\
"""Halves."""

import torch
from common import TWO

# BEGIN SOLUTION
def private_helper(x):
    return x / TWO
# END SOLUTION


def half(x):
    """Half of x."""
    # BEGIN SOLUTION half
    answer = private_helper(x)
    # END SOLUTION
    return answer


class Quarter:
    """A quarter."""

    def __init__(self, offset=0.0):
        self.offset = offset

    def of(self, x):
        """A quarter of x, moved."""
        # BEGIN SOLUTION quarter-of
        return half(half(x)) + self.offset
        # END SOLUTION
'''

NOTEBOOK = """\
# ---
# jupyter:
#   anything: goes
# ---

# %% [markdown]
# # Halves
#
# See `halves.py`.

# %%
# %load_ext autoreload
# %autoreload 2
import otter
grader = otter.Notebook("halves.ipynb")

# %%
# BEGIN SOLUTION
secret_of_the_notebook = 42
# END SOLUTION
print("hello")

# %%
grader.check("quarter-of")

# %% [markdown] tags=["answer"]
# *Your answer:*

# %%
print("hello")

# %%
print("hello")
"""

CHECKS = '''\
"""Public checks of halves."""

import pytest
import torch
from helpers import SIZES

from autograder.checks import assert_matches


@pytest.mark.question("half")
@pytest.mark.parametrize("size", SIZES)
def test_half(student, reference, rng, size):
    x = rng.normal(size)
    assert_matches(student.half(x), reference.half(x))


@pytest.mark.question("quarter-of")
def test_quarter(student, reference, rng):
    x = rng.normal(2, 3)
    ours, theirs = reference.Quarter(offset=1.0), student.Quarter(offset=1.0)
    assert_matches(theirs.of(x), ours.of(x))
'''


@dataclass(frozen=True)
class Workshop:
    """The course, and its one assignment."""

    course: Course
    assignment: Assignment

    @property
    def source(self) -> Path:
        return self.course.solution(self.assignment)

    @property
    def handout(self) -> Path:
        return self.course.handout(self.assignment)

    @property
    def checks(self) -> Path:
        return self.course.public(self.assignment)

    def edit(self, file: Path, old: str, new: str) -> None:
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new))

    def tree(self) -> dict[str, bytes]:
        files = (path for path in self.handout.rglob("*") if path.is_file())
        return {path.relative_to(self.handout).as_posix(): path.read_bytes() for path in files}


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    files = {
        "solutions/t1_halves/assignment.toml": MANIFEST,
        "solutions/t1_halves/README.md": "# Halves\n",
        "solutions/t1_halves/halves.py": SOLUTION,
        "solutions/t1_halves/halves.nb.py": NOTEBOOK,
        "solutions/common/__init__.py": "TWO = 2.0\n",
        "solutions/common/__pycache__/stale.cpython-311.pyc": "x",
        "tests/public/t1_halves/test_halves.py": CHECKS,
        "tests/public/t1_halves/helpers.py": "SIZES = [1, 5]\n",
        "tests/hidden/t1_halves/test_hidden.py": "SECRET_CHECK = 1\n",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    course = Course(tmp_path)
    return Workshop(course, course.assignment("t1"))
