"""Makes the zip for `otter run`: the same hidden checks, as an instructor would hand them to otter."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from contestants import OTTER, Cases
from courses import Suite, copy_course
from processes import run

__all__ = ["otter_zip"]

HERE = Path(__file__).parent

TEST_HEAD = """from hidden_checks.otter_checks import hidden_checks
from otter.test_files import test_case

OK_FORMAT = False
name = {question!r}
checks = hidden_checks({assignment!r}, {seed})
"""
TEST_CASE = """

@test_case(name={case}, points={points!r})
def case_{number}(env):
    checks.require(env, name, {case})
"""


def otter_zip(suite: Suite, cases: Cases, seed: int, folder: Path) -> Path:
    """Make the zip for `otter run`: a test file for each question, the hidden checks and the reference beside them."""
    support = folder / "hidden_checks"
    support.mkdir(parents=True)
    for name in ("inhouse.py", "otter_checks.py"):
        shutil.copyfile(HERE / name, support / name)
    copy_course(suite.course.root, suite.assignment.name, support / "course")
    shutil.copytree(suite.course.common, folder / "common", ignore=shutil.ignore_patterns("__pycache__"))
    tests = folder / "tests"
    tests.mkdir()
    for question in suite.assignment.questions:
        text = _otter_test(suite, question.id, cases[question.id], seed)
        (tests / f"{question.id}.py").write_text(text, encoding="ascii")
    run([OTTER, "generate", "-t", "tests", "-o", "autograder.zip", "--no-config", "hidden_checks", "common"], folder)
    return folder / "autograder.zip"


def _otter_test(suite: Suite, question: str, verdicts: Sequence[tuple[str, float, bool]], seed: int) -> str:
    whole = sum(weight for _, weight, _ in verdicts)
    points = suite.assignment.by_id[question].points
    blocks = [
        TEST_CASE.format(case=ascii(case), points=points * weight / whole, number=number)
        for number, (case, weight, _) in enumerate(verdicts, start=1)
    ]
    return TEST_HEAD.format(question=question, assignment=suite.assignment.name, seed=seed) + "".join(blocks)
