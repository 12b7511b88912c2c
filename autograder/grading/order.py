"""The settings of one run: made once by the command, and the same in every process and on every machine."""

from __future__ import annotations

import math
import os
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from autograder.course.layout import Course
from autograder.course.model import Assignment
from autograder.grading.libraries import preload

__all__ = ["Order", "available_cores"]

CPU_LIMIT = Path("/sys/fs/cgroup/cpu.max")  # "200000 100000" for two cores of a container, "max 100000" for no limit


def available_cores() -> int:
    """The cores that this process may use: those of its affinity, or fewer if its container has a limit."""
    cores = len(os.sched_getaffinity(0))
    with suppress(OSError, ValueError):
        quota, period = map(int, CPU_LIMIT.read_text().split())
        cores = min(cores, math.ceil(quota / period))
    return cores


@dataclass(frozen=True)
class Order:
    """An order to grade.

    Attributes:
        root: the course's folder.
        assignment: the folder name of the assignment.
        seed: inputs are drawn from it.
        submissions: their folder, in which a table may hold the times when they came.
        notebooks: run each submission's notebook too.
        device: the device on which running times are graded besides the CPU, "cpu" or "cuda".
        unsafe: grade even if a machine cannot confine student code.
        until: the end of the run, in seconds since the epoch: cases that are undecided by then are pending. None for no
            end.
        suite: the fingerprint of the hidden suite that the results are filed under; "" for any.
        jobs: questions of the reference that are graded at once; None for one on each core that is available.
        preload: modules that are imported once for all workers, from `on_this_machine`.
    """

    root: Path
    assignment: str
    seed: int
    submissions: Path | None = None
    notebooks: bool = False
    device: str = "cpu"
    unsafe: bool = False
    until: float | None = None
    suite: str = ""
    jobs: int | None = None
    preload: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, course: Course, assignment: Assignment, seed: int, submissions: Path | None = None, **settings: Any
    ) -> Order:
        """An order for an assignment; `settings` are any of the attributes from `notebooks` on."""
        folder = submissions.resolve() if submissions else None
        return cls(course.root.resolve(), assignment.name, seed, folder, **settings)

    def read(self) -> tuple[Course, Assignment]:
        """The course and the assignment. Raises UsageError if they do not exist."""
        course = Course.find(self.root)
        return course, course.assignment(self.assignment)

    def on_this_machine(self) -> Order:
        """The same order with the modules that this machine can import in advance."""
        return replace(self, preload=tuple(preload(*self.read(), notebooks=self.notebooks)))

    def to_json(self) -> str:
        return msgspec.json.encode(self, enc_hook=str).decode()

    @classmethod
    def from_json(cls, text: str) -> Order:
        """Read what `to_json` wrote. Raises msgspec.ValidationError for anything else."""
        return msgspec.json.decode(text, type=cls, dec_hook=lambda kind, value: kind(value))
