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
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from autograder.course.layout import Course
from autograder.course.model import Assignment
from autograder.course.result import SubmissionResult
from autograder.errors import ArchiveError, AutograderError, GraderError
from autograder.grading.client import GradingProcess
from autograder.grading.order import Order
from autograder.grading.scoring import total
from autograder.submission.receive.inbox import Inbox
from tests.submissions.make_sample import make_sample

__all__ = ["grade_class", "path", "read", "summarize"]

HERE = Path(__file__).parent
SEEDS = (1, 2)
AGAIN = 2


def grade_class(process: GradingProcess, folder: Path, assignment: Assignment, jobs: int = 2) -> list[SubmissionResult]:
    """Grade every submission in a folder, in order of name, without names of mistakes, which no score depends on.

    Running times that the machine was too busy to tell are measured again, as the next run into a folder would. Some
    submissions hold the same files as another one, packed or named in another way. They are received and graded like
    all others, but only their first question's checks run again; the other questions get the verdicts on these files.
    """
    inbox, grade = Inbox.open(folder, assignment), partial(process.grade, named=False)
    first, twins = _by_files(inbox)
    with ThreadPoolExecutor(jobs) as executor:
        results = dict(zip(first, executor.map(grade, (inbox.entries[name] for name in first), first), strict=True))
    for _ in range(AGAIN):
        for name in first:
            if results[name].too_noisy:
                results[name] = grade(inbox.entries[name], name)
    for name, same in twins.items():
        asked = assignment.questions[0].id
        results[name] = _completed(grade(inbox.entries[name], name, [asked]), results[same], asked)
    return [results[name] for name in inbox.entries]


def _by_files(inbox: Inbox) -> tuple[list[str], dict[str, str]]:
    """The submissions whose files no earlier one holds, and for each other one the first one with the same files."""
    known: dict[str, str] = {}
    first, twins = [], {}
    for name in inbox.entries:
        try:
            received = inbox.receive(name)
        except ArchiveError:
            first.append(name)
            continue
        files = repr((sorted(received.files.items()), sorted(received.artifacts.items())))
        same = known.setdefault(files, name)
        if same == name:
            first.append(name)
        else:
            twins[name] = same
    return first, twins


def _completed(result: SubmissionResult, same: SubmissionResult, asked: str) -> SubmissionResult:
    """A result of one question, with the verdicts on the other questions from a submission with the same files."""
    verdicts = {question.id: question for question in same.questions}
    questions = tuple(question if question.id == asked else verdicts[question.id] for question in result.questions)
    return replace(result, questions=questions, score=total(questions, result.scale))


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
