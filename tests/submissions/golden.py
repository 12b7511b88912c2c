"""Golden results of a sample class: what every submission gets, kept in a file and compared exactly.

    python -m tests.submissions.golden a6

makes the class, grades it under two seeds, and writes a6.golden.json beside this file. Scores must not hang on the seed
that inputs are drawn from: where they do, nothing is written and the submission is named. Read the difference to
the file before you commit it.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from autograder.course.layout import Course
from autograder.course.model import Assignment
from autograder.course.result import SubmissionResult
from autograder.errors import AutograderError, GraderError
from autograder.grading.client import GradingProcess
from autograder.grading.order import Order
from autograder.submission.receive.inbox import Inbox
from tests.submissions.make_sample import make_sample

__all__ = ["grade_class", "path", "read", "summarize"]

HERE = Path(__file__).parent
SEEDS = (1, 2)
AGAIN = 2


def grade_class(process: GradingProcess, folder: Path, assignment: Assignment, jobs: int = 2) -> list[SubmissionResult]:
    """Grade every submission in a folder, in order of name, without names of mistakes, which no score depends on.

    Running times that the machine was too busy to tell are measured again, as the next run into a folder would.
    """
    entries, grade = Inbox.open(folder, assignment).entries, partial(process.grade, named=False)
    with ThreadPoolExecutor(jobs) as executor:
        results = list(executor.map(grade, entries.values(), entries))
    for _ in range(AGAIN):
        results = [
            grade(entries[result.submission], result.submission) if result.too_noisy else result for result in results
        ]
    return results


def summarize(result: SubmissionResult) -> dict[str, Any]:
    """What of a result is kept: the score, whether it was late, and per question score and outcome."""
    questions = {question.id: [question.score, str(question.outcome)] for question in result.questions}
    return {"score": result.score, "late": result.info.late, "questions": questions}


def path(assignment: str) -> Path:
    """Where an assignment's golden results stand; `assignment` is its id."""
    return HERE / f"{assignment}.golden.json"


def read(assignment: str) -> dict[str, Any]:
    """Golden results by submission."""
    golden: dict[str, Any] = json.loads(path(assignment).read_text(encoding="utf-8"))
    return golden


def _write(assignment: str, golden: Mapping[str, Any]) -> None:
    text = json.dumps(golden, indent=1, ensure_ascii=False, sort_keys=True)
    path(assignment).write_text(text + "\n", encoding="utf-8")


def _graded_with(seed: int, folder: Path, course: Course, assignment: Assignment) -> dict[str, Any]:
    with GradingProcess(Order.of(course, assignment, seed, folder)) as process:
        return {result.submission: summarize(result) for result in grade_class(process, folder, assignment)}


def _differences(first: Mapping[str, Any], second: Mapping[str, Any]) -> Iterable[str]:
    for name in first:
        for question, verdict in first[name]["questions"].items():
            if verdict != second[name]["questions"][question]:
                yield f"{name}: {question}: {verdict} and {second[name]['questions'][question]}"


def main() -> int:
    parser = argparse.ArgumentParser(description="Grade a sample class and keep what everyone got.")
    parser.add_argument("assignment", metavar="ASSIGNMENT", help="an id, for example a6")
    args = parser.parse_args()
    try:
        course = Course.find(HERE)
        assignment = course.assignment(args.assignment)
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch) / assignment.id
            make_sample(course, assignment, folder)
            first, second = (_graded_with(seed, folder, course, assignment) for seed in SEEDS)
        if differences := list(_differences(first, second)):
            raise GraderError("scores hang on the seed:\n" + "\n".join(differences))
        _write(assignment.id, first)
    except AutograderError as error:
        print(f"golden: {error}", file=sys.stderr)
        return 1
    print(f"{len(first)} results in {path(assignment.id).name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
