"""What grading costs beyond the student's own calls, and how long a worker takes to be ready."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from courses import Suite
from figures import Figure, ratios
from inhouse import inhouse_desk, reference_module
from submissions import make_copies

from autograder.checks.public.inprocess import run_checks
from autograder.course.result import SubmissionResult
from autograder.grading.client import GradingProcess
from autograder.grading.order import Order
from autograder.sandbox import Sandbox
from autograder.sandbox.doctor import readiness

__all__ = ["Overhead", "measure_overhead", "measure_readiness"]

SEED = 7
READY_TIMES = 21


@dataclass(frozen=True)
class Overhead:
    """Grading copies of the reference one at a time in a warm process.

    Attributes:
        grading: from receiving the zip to having the result.
        calls: of these, seconds that the grader waited for the student's calls.
        ratio: grading over calls, copy by copy.
        inhouse: the same calls made in this process, with nothing between: no frames, no confinement.
        whole_ratio: grading over inhouse.
    """

    title: str
    grading: Figure
    calls: Figure
    inhouse: Figure

    @property
    def ratio(self) -> Figure:
        return ratios(self.grading, self.calls)

    @property
    def inhouse_ratio(self) -> Figure:
        return ratios(self.grading, self.inhouse)


def measure_overhead(suite: Suite, scratch: Path, times: int) -> Overhead:
    """Grade one copy to warm up, then `times` copies, and after each make its calls once in this process."""
    copies = make_copies(suite, scratch / "copies", times + 1)
    grading, calls, inhouse = [], [], []
    with GradingProcess(Order.of(suite.course, suite.assignment, SEED)) as process:
        process.grade(copies[0], copies[0].stem)
        _seconds_of_calls(suite)
        for path in copies[1:]:
            began = time.perf_counter()
            result = process.grade(path, path.stem)
            grading.append(time.perf_counter() - began)
            calls.append(_student_seconds(result))
            inhouse.append(_seconds_of_calls(suite))
    return Overhead(suite.title, *(Figure(tuple(values), "s") for values in (grading, calls, inhouse)))


def measure_readiness() -> Figure:
    """From asking for a worker to having it confined and listening."""
    with Sandbox() as sandbox:
        return Figure(tuple(1000 * seconds for seconds in readiness(sandbox, READY_TIMES)), "ms")


def _student_seconds(result: SubmissionResult) -> float:
    if result.score < result.max_score:
        raise RuntimeError(f"{result.submission}: a copy of the reference got {result.score} of {result.max_score}")
    return sum(case.student_seconds for question in result.questions for case in question.cases)


def _seconds_of_calls(suite: Suite) -> float:
    artifacts = {path.name: path.read_bytes() for path in suite.artifacts}
    module = reference_module(suite.course, suite.assignment)
    desk = inhouse_desk(suite.course, suite.assignment, module, artifacts, SEED)
    run_checks(suite.course.hidden(suite.assignment), desk, [suite.course.common.parent])
    return float(desk.subject.call_seconds)
