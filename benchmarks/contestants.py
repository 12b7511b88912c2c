"""Who is compared: this grader, a fresh pytest for each submission, and otter; each grades a class alike."""

from __future__ import annotations

import json
import os
import sys
import time
import zipfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Protocol

from courses import ROOT, Suite
from lineage import cpu_seconds, parts
from processes import Ran, run

__all__ = ["OTTER", "Cases", "Contestant", "FreshPytest", "Otter", "Round", "Scores", "ThisGrader"]

Scores = Mapping[str, Mapping[str, float]]  # submission → question → points
Cases = Mapping[str, Sequence[tuple[str, float, bool]]]  # question → (case, weight, passed)

HERE = Path(__file__).parent
VERDICTS = "verdicts.json"
# `python -m pytest`, but for its exit status, which is 0 whatever the verdicts: they are in a file.
PYTEST = "import sys, pytest; sys.exit(pytest.main(sys.argv[1:]) not in (0, 1))"
OTTER = Path(sys.executable).with_name("otter")


@dataclass(frozen=True)
class Round:
    """One class, graded once.

    Attributes:
        seconds: wall-clock time of all of it.
        cpu: CPU time of all processes.
        startup: wall-clock time before the first submission's turn; 0 where there is no such phase.
    """

    seconds: float
    cpu: float
    scores: Scores
    startup: float = 0.0


class Contestant(Protocol):
    name: str

    def grade(self, submissions: Path, out: Path) -> Round:
        """Grade every zip in a folder; `out` is an empty folder to work in."""
        ...


@dataclass(frozen=True)
class ThisGrader:
    """`autograder grade`, the whole process: start-up, the reference's own grading, reports."""

    suite: Suite
    seed: int
    jobs: int
    name: str = "autograder grade"

    def grade(self, submissions: Path, out: Path) -> Round:
        words = ["grade", self.suite.assignment.id, submissions, "--out", out]
        options = ["--jobs", str(self.jobs), "--seed", str(self.seed)]
        course = ["--course", self.suite.course.root]
        started: list[float] = []  # when the first submission's turn came
        unwaited: dict[int, float] = {}  # the zygote is killed at the end: its time, and its workers', is lost to us

        def look(cli: int) -> None:
            for part, pid in parts(cli):
                if part == "zygote":
                    unwaited[pid] = max(unwaited.get(pid, 0.0), cpu_seconds(pid))
            if not started and (out / "gradebook.db").exists():
                started.append(time.time())

        ran = run([sys.executable, "-m", "autograder", *course, *words, *options], ROOT, look=look)
        # The book is made when the reference has its full marks, before the first submission's turn.
        startup = started[0] - ran.began
        results = [json.loads((out / path.stem / "result.json").read_text()) for path in _zips(submissions)]
        scores = {
            result["submission"]: {question["id"]: question["score"] for question in result["questions"]}
            for result in results
        }
        return Round(ran.seconds, ran.cpu + sum(unwaited.values()), scores, startup)


@dataclass(frozen=True)
class FreshPytest:
    """A new `python -m pytest` for each submission: the same checks, in one process with the submission."""

    suite: Suite
    seed: int
    jobs: int
    name: str = "fresh pytest each"

    def grade(self, submissions: Path, out: Path) -> Round:
        def one(path: Path) -> Ran:
            folder = out / path.stem
            with zipfile.ZipFile(path) as archive:
                archive.extractall(folder)
            return self.check(folder)

        began = perf_counter()
        ran = _side_by_side(one, _zips(submissions), self.jobs)
        seconds = perf_counter() - began
        scores = {path.stem: self._scores(self.verdicts(out / path.stem)) for path in _zips(submissions)}
        return Round(seconds, sum(each.cpu for each in ran), scores)

    def check(self, folder: Path) -> Ran:
        """Check the unpacked submission in `folder`."""
        checks = self.suite.course.hidden(self.suite.assignment)
        plugins = ["autograder.checks.harness.plugin", "pytest_submission", "no:cacheprovider"]
        options = ["-q", "--tb=no", "--import-mode=importlib", "-c", os.devnull]
        options += [part for plugin in plugins for part in ("-p", plugin)]
        wanted = ["--handed-in", folder, "--verdicts", folder / VERDICTS, "--run-seed", str(self.seed)]
        command = [sys.executable, "-c", PYTEST, checks, f"--rootdir={self.suite.course.root}", *options, *wanted]
        return run(command, ROOT, {"PYTHONPATH": str(HERE)})

    def verdicts(self, folder: Path) -> Cases:
        """What `check` wrote."""
        cases: Cases = json.loads((folder / VERDICTS).read_text())
        return cases

    def _scores(self, cases: Cases) -> Mapping[str, float]:
        questions = self.suite.assignment.by_id
        return {id: questions[id].points * _share(verdicts) for id, verdicts in cases.items()}


@dataclass(frozen=True)
class Otter:
    """`otter run` for each submission, on a zip with the same checks made by `otter generate`.

    Args:
        autograder: that zip.
    """

    suite: Suite
    autograder: Path
    jobs: int
    name: str = "otter run each"

    def grade(self, submissions: Path, out: Path) -> Round:
        def one(path: Path) -> Ran:
            (out / path.stem).mkdir()
            return run([OTTER, "run", "-a", self.autograder, "-o", out / path.stem, "--no-logo", path], out / path.stem)

        began = perf_counter()
        ran = _side_by_side(one, _zips(submissions), self.jobs)
        seconds = perf_counter() - began
        scores = {path.stem: self._scores(out / path.stem / "results.json") for path in _zips(submissions)}
        return Round(seconds, sum(each.cpu for each in ran), scores)

    def _scores(self, results: Path) -> Mapping[str, float]:
        tests = json.loads(results.read_text())["tests"]
        return {test["name"]: test["score"] for test in tests if test["name"] in self.suite.assignment.by_id}


def _share(verdicts: Sequence[tuple[str, float, bool]]) -> float:
    return sum(weight for _, weight, passed in verdicts if passed) / sum(weight for _, weight, _ in verdicts)


def _zips(submissions: Path) -> list[Path]:
    return sorted(submissions.glob("*.zip"))


def _side_by_side(one: Callable[[Path], Ran], paths: Sequence[Path], jobs: int) -> list[Ran]:
    with ThreadPoolExecutor(jobs) as executor:
        return list(executor.map(one, paths))
