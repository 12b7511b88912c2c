"""Copies of the course to measure on: all of an assignment's checks, or those of the usual, fast kind."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from autograder.course.layout import Course
from autograder.course.model import Assignment

__all__ = ["ROOT", "Suite", "copy_course", "every_check", "fast_checks", "toy_course"]

ROOT = Path(__file__).resolve().parents[1]
ASSIGNMENT = "a6_convolutional_networks"
# These train networks for seconds; every other check asks for single calls. Each list follows from the other: the
# grader refuses a check whose question is not there.
TRAINING_QUESTIONS = ("overfit", "half-minute")
TRAINING_CHECKS = ("test_training.py", "test_weights.py")
ARTIFACT_CHECKS = ("test_weights.py",)
# No other grader can measure running times; `verdicts.py` is about these.
SPEED_QUESTIONS = ("conv-speed", "pool-speed")
SPEED_CHECKS = ("test_speed.py",)
LITTER = shutil.ignore_patterns("__pycache__", ".*")


@dataclass(frozen=True)
class Suite:
    """A copy of the course with some or all of one assignment's checks.

    Attributes:
        title: what a reader calls it.
    """

    title: str
    course: Course
    assignment: Assignment

    @property
    def reference(self) -> Path:
        """Its file: the assignments that are measured have one."""
        return self.course.solution(self.assignment) / self.assignment.files[0]

    @property
    def artifacts(self) -> list[Path]:
        """Those of the reference's artifacts that are there."""
        folder = self.course.solution(self.assignment)
        return [folder / name for name in self.assignment.artifacts if (folder / name).is_file()]


def every_check(folder: Path) -> Suite:
    """All checks but those of running times; those of saved weights only where the reference has weights."""
    course = copy_course(ROOT, ASSIGNMENT, folder)
    _drop_questions(course, SPEED_QUESTIONS)
    suite = Suite("all checks but those of running times", course, course.assignment(ASSIGNMENT))
    _drop_checks(suite, SPEED_CHECKS)
    if len(suite.artifacts) == len(suite.assignment.artifacts):
        return suite
    _drop_checks(suite, ARTIFACT_CHECKS)
    return Suite("all checks but those of running times and saved weights", course, suite.assignment)


def fast_checks(folder: Path) -> Suite:
    """The checks of the usual kind: single calls, no training."""
    course = copy_course(ROOT, ASSIGNMENT, folder)
    whole = Suite("", course, course.assignment(ASSIGNMENT))
    _drop_checks(whole, (*TRAINING_CHECKS, *SPEED_CHECKS))
    _drop_questions(course, (*TRAINING_QUESTIONS, *SPEED_QUESTIONS))
    _keep_answers(course.handout(whole.assignment) / whole.assignment.files[0])
    return Suite("checks of the usual kind", course, course.assignment(ASSIGNMENT))


def _keep_answers(stub: Path) -> None:
    """What answers the dropped questions stays an answer, to another question: given code would be put back."""
    names = "|".join(map(re.escape, TRAINING_QUESTIONS))
    text = stub.read_text(encoding="utf-8")
    other = re.search(rf'NotImplementedError\("(?!{names})([^"]+)"\)', text)
    assert other is not None
    stub.write_text(re.sub(rf'NotImplementedError\("({names})"\)', other.group(0), text), encoding="utf-8")


def toy_course(folder: Path) -> Suite:
    """A course with two small questions, on which a grading takes next to nothing."""
    course = copy_course(ROOT / "tests" / "autograder" / "toy_course", "t1_toy", folder)
    return Suite("toy course", course, course.assignment("t1_toy"))


def copy_course(root: Path, assignment: str, folder: Path) -> Course:
    """What grading one assignment needs of a course."""
    parts = ("solutions/common", f"solutions/{assignment}", f"tests/hidden/{assignment}", f"assignments/{assignment}")
    for part in parts:
        if (root / part).is_dir():
            shutil.copytree(root / part, folder / part, ignore=LITTER)
    if (root / "solutions/rules.toml").is_file():
        shutil.copy(root / "solutions/rules.toml", folder / "solutions/rules.toml")
    return Course(folder)


def _drop_questions(course: Course, questions: tuple[str, ...]) -> None:
    manifest = course.root / "solutions" / ASSIGNMENT / "assignment.toml"
    manifest.write_text(_without(questions, manifest.read_text(encoding="utf-8")), encoding="utf-8")


def _drop_checks(suite: Suite, names: tuple[str, ...]) -> None:
    for name in names:
        (suite.course.hidden(suite.assignment) / name).unlink()


def _without(questions: tuple[str, ...], manifest: str) -> str:
    """The manifest's text without these questions' tables."""
    head, *tables = re.split(r"(?m)^(?=\[\[questions\]\])", manifest)
    ids = "|".join(map(re.escape, questions))
    return head + "".join(table for table in tables if not re.search(rf'(?m)^id = "({ids})"$', table))
