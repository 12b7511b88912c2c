"""Runs the public checks of a sample class both ways that students have, and prints where these do not say the same.

    python -m tests.agreement a6
    python -m tests.agreement a6 --few

The two ways: `autograder check --json`, and otter's `grader.check` as the notebook's cells call it. Each runs in a fork
of this process, which has imported everything, and is ended after some times the CPU time of these imports, so later on
a slower machine: some samples hang, exit, or take all memory, and then both ways have to end alike. Checks that measure
running times are left out: two runs may differ. A question that trains is asked of one submission for each way in which
grading ends it: it takes most of the time. With --few, submissions are left out whose questions end in grading as
another one's do: passed and failed, say.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import io
import json
import math
import os
import re
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

from autograder import cli
from autograder.course.layout import Course
from autograder.course.model import Assignment
from autograder.errors import ArchiveError
from autograder.submission.receive.inbox import Inbox
from tests.submissions import golden
from tests.submissions.make_sample import make_sample

__all__ = ["Verdicts", "both_ways", "in_the_notebook", "main"]

ALL_IMPORTS, ONE_IMPORTS = 4, 2  # what checks may take, in times of the imports; the longest honest ones take 1.5
WALL_SECONDS = 600  # for one that sleeps
MEMORY = 1 << 30  # taking more would take seconds, and so end otherwise on a busy machine
TRAINING = {"a6": ("overfit",)}
# How a question ends in grading whose public checks end too.
HARMLESS = ("passed", "failed", "not_attempted", "too_slow")
Verdicts = dict[str, Any]  # question → case → whether it passes, or how the process ended


def one_of_each_kind(graded: dict[str, Any]) -> list[str]:
    """Submissions of which no two end in the same outcomes, and all that end in one: these may be refused as a whole.

    Args:
        graded: golden results by submission.
    """
    kinds = {name: frozenset(outcome for _, outcome in of["questions"].values()) for name, of in graded.items()}
    first = {kind: name for name, kind in reversed(kinds.items())}
    return [name for name, kind in kinds.items() if first[kind] == name or kind == {"error"}]


def both_ways(
    course: Course, assignment: Assignment, sample: Path, names: Sequence[str]
) -> Iterator[tuple[str, Verdicts, Verdicts]]:
    """The name of each of these submissions, and what the command line and the notebook say of it.

    Where the same files were handed in twice, checks run once.
    """
    inbox = Inbox.open(sample, assignment)
    questions = [question.id for question in assignment.questions if not question.budgets]
    known: dict[bytes, tuple[Verdicts, Verdicts]] = {}
    graded, ends = golden.read(assignment.id), set[tuple[str, str]]()
    for name in names:
        endings = {(id, graded[name]["questions"][id][1]) for id in TRAINING.get(assignment.id, ())}
        left_out = {id for id, _ in endings & ends}
        ends |= endings
        try:
            submission = inbox.receive(name)
        except ArchiveError:  # nobody could unzip it and check
            yield name, {}, {}
            continue
        files = {**submission.files, **submission.artifacts}
        digest = hashlib.sha256(repr(sorted(files.items())).encode()).digest()
        if digest not in known:
            with tempfile.TemporaryDirectory() as folder:
                asked = [question for question in questions if question not in left_out]
                ended = {id: outcome for id, (_, outcome) in graded[name]["questions"].items()}
                harmless = {id for id in asked if ended[id] in HARMLESS}
                known[digest] = _one(course, assignment, Path(folder) / "work", files, asked, harmless)
        yield name, *known[digest]


def _one(
    course: Course,
    assignment: Assignment,
    folder: Path,
    files: dict[str, bytes],
    questions: Sequence[str],
    harmless: Collection[str],
) -> tuple[Verdicts, Verdicts]:
    """In the handed-out folder, with the submission's files laid over it."""
    shutil.copytree(course.handout(assignment), folder)
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    for name in assignment.files:
        if name not in files:
            (folder / name).unlink()
    ways = (_on_the_command_line, _in_the_notebook)
    first, second = (_verdicts(way, folder, assignment, questions, harmless) for way in ways)
    return first, second


def _verdicts(
    way: Callable[[Path, Assignment, Sequence[str]], Verdicts],
    folder: Path,
    assignment: Assignment,
    questions: Sequence[str],
    harmless: Collection[str],
) -> Verdicts:
    """The harmless questions in one process, each other one alone; if that one does not live to tell, each alone."""
    quiet = [question for question in questions if question in harmless]
    together = _in_child(partial(way, folder, assignment, quiet), ALL_IMPORTS) if quiet else {}
    told = together if isinstance(together, dict) else {}
    for question in questions:
        if question not in told:
            alone = _in_child(partial(way, folder, assignment, [question]), ONE_IMPORTS)
            told[question] = alone[question] if isinstance(alone, dict) else alone
    return told


def _on_the_command_line(folder: Path, assignment: Assignment, questions: Sequence[str]) -> Verdicts:
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        status = cli.main(["check", *questions, "--json", "--folder", str(folder)])
    if status == 2:
        return dict.fromkeys(questions, "refused")
    told = {question["id"]: question["cases"] for question in json.loads(said.getvalue())["questions"]}
    asked = {question: in_the_notebook(folder, question) for question in questions}
    return {
        question: {case["id"]: case["outcome"] == "passed" for case in told[question] if case["id"] in asked[question]}
        for question in questions
    }


def in_the_notebook(folder: Path, question: str) -> set[str]:
    """The cases that a notebook's cell asks for; of the files that it saves, only the command line asks."""
    return set(re.findall(r'checks\.require\("(.*)"\)', (folder / f"tests/{question}.py").read_text(encoding="ascii")))


def _in_the_notebook(folder: Path, assignment: Assignment, questions: Sequence[str]) -> Verdicts:
    import otter

    os.chdir(folder)
    notebooks = {component.module: component.notebook for component in assignment.components}
    results = {}
    for question in questions:
        grader = otter.Notebook(notebooks[assignment.by_id[question].module])
        results[question] = grader.check(question).test_case_results
    if not any((folder / name).exists() for name in assignment.files):
        assert not any(result.passed for cases in results.values() for result in cases)
        return dict.fromkeys(questions, "refused")
    return {
        question: {result.test_case.name: bool(result.passed) for result in cases}
        for question, cases in results.items()
    }


@cache
def _imports_took() -> float:
    """Seconds of CPU: the measure of this machine. Whoever asks first imports them."""
    import otter  # noqa: F401  (forks find it imported, and torch too)
    import torch

    import autograder.checks.public.run  # noqa: F401

    torch.set_num_threads(1)
    return time.process_time()


def _in_child(work: Callable[[], Verdicts], imports: int) -> Verdicts | str:
    """What `work` returns in a fork of this process, or how that ended instead."""
    seconds = math.ceil(imports * _imports_took())
    with tempfile.TemporaryFile() as told:
        child = os.fork()
        if child == 0:
            _become_child(work, told.fileno(), seconds)
        _, status, _ = os.wait4(child, 0)
        told.seek(0)
        text = told.read()
    if text:
        verdicts: Verdicts = json.loads(text)
        return verdicts
    code = os.waitstatus_to_exitcode(status)
    ended = {-signal.SIGXCPU: "did not end", -signal.SIGALRM: "did not end"}
    return ended.get(code, f"ended with status {code}")


def _become_child(work: Callable[[], Verdicts], told: int, seconds: int) -> None:
    """Never returns."""
    status = 97
    try:
        quiet = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(quiet, descriptor)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 2))
        with open("/proc/self/statm") as file:
            mapped = int(file.read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (mapped + MEMORY, mapped + MEMORY))
        signal.alarm(WALL_SECONDS)
        os.write(told, json.dumps(work()).encode())
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 0
    finally:
        os._exit(status)


def main() -> int:
    """Returns 1 where the two ways say different things of some question."""
    _imports_took()
    course = Course.find(Path(__file__).parent)
    parser = argparse.ArgumentParser(description="Compare both ways in which students run public checks.")
    parser.add_argument("assignment", metavar="ASSIGNMENT", help="an id, for example a6")
    parser.add_argument("--few", action="store_true", help="only submissions that end in grading as no other does")
    args = parser.parse_args()
    assignment = course.assignment(args.assignment)
    graded, found = golden.read(assignment.id), {}
    names = one_of_each_kind(graded) if args.few else list(graded)
    with tempfile.TemporaryDirectory() as folder:
        make_sample(course, assignment, Path(folder) / "sample")
        for name, command, notebook in both_ways(course, assignment, Path(folder) / "sample", names):
            found[name] = {"command": command, "notebook": notebook}
    print(json.dumps(found, indent=1, ensure_ascii=False))
    return 0 if all(said["command"] == said["notebook"] for said in found.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
