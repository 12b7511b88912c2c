"""A book of the toy course that nothing had to be graded for: people whose names are hard on every format."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path

import pytest

from autograder.course.layout import Course
from autograder.course.outcome import Outcome
from autograder.course.result import CaseResult, QuestionResult, SubmissionInfo, SubmissionResult
from autograder.gradebook.facts import Decision, Student
from autograder.gradebook.store import Book
from autograder.grading.scoring import score_questions, total
from tests.autograder.conftest import Toy, in_process

FORMULA = "=cmd|' /C calc'!A0"
PEOPLE = {
    "11": "김민수",
    "12": 'O"Brien_Lee',
    "13": FORMULA,
    "14": "Choi, R",
    "15": "Han",
    "16": "Oh",
}
WRONG = "the numbers differ: ,;\t@SUM(A1) % : ::error:: \x01 \ufffe <b>&amp;</b>"
DAY = "2030-01-01T00:00:00+09:00"  # the toy course's first is due on the 31st


@dataclass(frozen=True)
class Class:
    """A course, and the folder of its book."""

    toy: Toy
    out: Path

    def say(self, *words: str | Path, status: int = 0) -> str:
        """What `autograder WORDS… --out` prints."""
        found, said = in_process(self.toy, *words, "--out", self.out)
        assert found == status, said
        return said

    def open(self) -> Book:
        return Book.open(self.out / "gradebook.db")

    def decide(self, kind: str, value: object, *, student: str = "", submission: int = 0, question: str = "") -> None:
        with self.open() as book:
            book.add_decisions(
                [
                    Decision(0, "", "kim", "command", "t1", kind, student, submission, question, value, why="so"),
                ]
            )


def case(id: str, outcome: Outcome = Outcome.PASSED, message: str = "", **more) -> CaseResult:
    return CaseResult(id, outcome, message, seconds=0.41234, **more)


def result(toy: Toy, info: SubmissionInfo, double: Outcome, counter: Outcome) -> SubmissionResult:
    """What grading would have found."""
    assignment = Course.find(toy.root).assignment("t1")
    said = f"{WRONG} {info.submission}.zip of {info.name}"  # as an archive that cannot be read is named
    wrong = {"message": said, "hint": "Twice as much.", "location": "toy.py:3", "detail": f"SECRET of {info.name}"}
    cases = {
        "double": [
            case(f"double[{name}]", double, **({} if double is Outcome.PASSED else wrong))
            for name in ("vector", "matrix")
        ],
        "counter": [case("counter", counter, **({} if counter is Outcome.PASSED else wrong))],
    }
    questions: tuple[QuestionResult, ...] = score_questions(assignment, cases)
    scale = assignment.option(info.option).scale
    return SubmissionResult(
        "t1", info, total(questions, scale), 10, questions, 7, scale=scale, fingerprint="f", seconds=8.8125
    )


@pytest.fixture
def klass(toy: Toy, tmp_path: Path) -> Class:
    """Kim has everything, Lee half, a group of two handed in once, Han is excused, Oh has handed in nothing."""
    out = tmp_path / "graded"
    handed_in = (
        ("kimms_340934_7001_kim-11-A1-O1", "11", (), Outcome.PASSED, Outcome.PASSED),
        ("lee_LATE_340935_7002_lee-12-A1-O1", "12", (), Outcome.PASSED, Outcome.FAILED),
        ("cmd_340936_7003_cmd-13-A1-O1", "13", (("14", PEOPLE["14"]),), Outcome.TIMEOUT, Outcome.BLOCKED),
    )
    with Book.open(out / "gradebook.db") as book:
        run = book.add_run("t1", "suite", None, 7).id
        for name, id, members, double, counter in handed_in:
            notes = (f"{name}: a folder around the files", "module read from toy.py")
            info = SubmissionInfo(name, PEOPLE[id], id, "1", members, DAY, False, notes)
            number = book.add_submission("t1", f"digest-{id}", info, "table")
            book.add_grading(run, number, result(toy, info, double, counter))
        book.add_roster(Student(id, id, name, f"{id}@x.ac.kr", f"login{id}") for id, name in PEOPLE.items())
    made = Class(toy, out)
    made.decide("excused", True, student="15")
    return made


def rows(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))
