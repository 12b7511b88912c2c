"""The hidden checks' desk in one process with the submission, as graders usually have it: what ours is compared with.

Nothing lies between checks and submission, and the reference is called directly. This file also travels in the zip for
otter, so it imports nothing from beside it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

from autograder.checks.harness.desk import Desk
from autograder.checks.sides.local import LocalSubject, load_module
from autograder.checks.timing.rivals import LocalRivals
from autograder.checks.timing.sides import LocalSide
from autograder.course.layout import Course
from autograder.course.model import Assignment, Question
from autograder.errors import DeviceNeeded
from autograder.sandbox.local import LocalChannel
from autograder.sandbox.proxy import Channel

__all__ = ["TimedSubject", "artifacts_in", "inhouse_desk", "reference_module"]


def inhouse_desk(
    course: Course, assignment: Assignment, module: ModuleType, files: Mapping[str, bytes], seed: int
) -> Desk:
    """A desk for one submission in this process.

    Args:
        module: the submission, imported; the assignments that are measured have one module.
        files: its artifacts.
        seed: what inputs are drawn from; the same seed gives every contestant the same inputs.
    """
    reference = reference_module(course, assignment)
    subject = TimedSubject(lambda name: module, dict(files))
    rivals = Alone(subject, lambda name: module)
    return Desk(assignment, subject, lambda question, case: LocalChannel(reference), seed, rivals=rivals)


def reference_module(course: Course, assignment: Assignment) -> ModuleType:
    """The reference, imported."""
    return load_module(course.solution(assignment) / assignment.files[0], course.common.parent)


def artifacts_in(folder: Path, assignment: Assignment) -> dict[str, bytes]:
    """What was handed in besides code."""
    return {name: (folder / name).read_bytes() for name in assignment.artifacts if (folder / name).is_file()}


class TimedSubject(LocalSubject):
    """A module in this process, and the seconds that its calls take."""

    def channel(self, question: Question) -> Channel:
        return _Timed(super().channel(question), self)


class Alone(LocalRivals):
    """The submission without a baseline, for what is only to be done in so many steps."""

    def __init__(self, subject: TimedSubject, load: Callable[[str], ModuleType]) -> None:
        super().__init__(load)
        self._subject = subject

    def sides(self, *_: Any) -> NoReturn:
        raise DeviceNeeded("its running time is compared with the reference's when it is graded")

    def student(self, question: Question, device: str, seed: int) -> LocalSide:
        channel = self._subject.channel(question)
        channel.request("begin", {"seed": seed})
        return LocalSide(channel)


class _Timed:
    """A channel that adds the time of its requests to a subject's."""

    def __init__(self, channel: Channel, subject: LocalSubject) -> None:
        self._channel, self._subject = channel, subject

    def request(self, op: str, payload: dict[str, Any], timeout: float | None = None) -> Any:
        began = time.perf_counter()
        try:
            return self._channel.request(op, payload, timeout)
        finally:
            self._subject.call_seconds += time.perf_counter() - began
