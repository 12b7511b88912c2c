"""Records the reference's answers to the public checks. Students' answers are compared with the recording.

The checks run with the reference as student, too. Every answer of the reference is recorded, and a public check that
the reference fails stops the build.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from autograder.checks.harness.desk import Desk
from autograder.checks.public.inprocess import run_checks
from autograder.checks.public.standing import FINE
from autograder.checks.sides.local import LocalSubject, reference_channels, reference_loader
from autograder.checks.sides.recorded import Recording
from autograder.checks.sides.reference import Answers
from autograder.course.layout import Course
from autograder.course.model import Assignment
from autograder.errors import GraderError, ProtocolError, UsageError
from autograder.sandbox.channel.tree import leaves

__all__ = ["PUBLIC_SEED", "Snapshot", "record", "settled"]

# Inputs of public checks are public: all students get the same inputs, every year.
PUBLIC_SEED = 0
# Tolerances for another processor, which sums in another order. They are relative to the largest number of the same
# dtype in the whole answer: a gradient that is zero up to rounding must not count as changed.
RELATIVE = {torch.float64: 1e-9, torch.float32: 1e-4, torch.float16: 1e-2, torch.bfloat16: 1e-1}
# Absolute tolerances: an answer this small may be nothing but the rounding error of numbers near one.
FLOOR = {torch.float64: 1e-10, torch.float32: 1e-6, torch.float16: 1e-3, torch.bfloat16: 1e-2}
# The dtype assumed for a Python float, which may come from a float32 tensor.
PLAIN = torch.float32


@dataclass(frozen=True)
class Snapshot:
    """The result of running the public checks on the reference.

    Attributes:
        recording: the reference's answers.
        cases: for each question, the ids of its cases in order. Cases about a file that the notebook saves are left
            out, since the notebook cannot run them before it has saved the file.
    """

    recording: Recording
    cases: Mapping[str, tuple[str, ...]]


def record(course: Course, assignment: Assignment) -> Snapshot:
    """Run an assignment's public checks with the reference and its artifacts as the submission.

    Two kinds of check do not stop the build. One fails because an artifact is missing: the notebook that writes the
    artifact runs in the built handout. The other measures a running time, and the machine is too busy to measure it: a
    recording holds answers and no times.

    Raises:
        UsageError: there are no public checks, they cannot run, or the reference fails one.
    """
    checks = course.public(assignment)
    if not checks.is_dir():
        raise UsageError(f"{checks}: no such folder: public checks belong there")
    answers: Answers = {}
    load, files = reference_loader(course, assignment), course.artifacts(assignment)
    desk = Desk(assignment, LocalSubject(load, files), reference_channels(load, answers), PUBLIC_SEED)
    try:
        results = run_checks(checks, desk, [course.common.parent, course.solution(assignment)], files=files)
    except GraderError as error:
        raise UsageError(str(error)) from None
    for question, cases in results.items():
        for case in cases:
            unwritten = any(name in case.message for name in set(assignment.artifacts) - files.keys())
            if case.outcome not in FINE and not unwritten:
                reason = (case.message or "for no reason given").splitlines()[0]
                problem = f"{question}: {case.id} does not pass on the reference: {case.outcome}: {reason}"
                raise UsageError(f"{checks}: {problem}")
    return Snapshot(
        Recording(PUBLIC_SEED, answers),
        {
            question: tuple(case.id for case in cases if (question, case.id) not in results.saved)
            for question, cases in results.items()
        },
    )


def settled(recording: Recording, earlier: bytes | None) -> bytes:
    """The recording's bytes, or the earlier bytes if both recordings are equal up to rounding.

    So a build on another machine, whose processor sums in another order, changes no file.
    """
    if earlier is not None:
        try:
            old = Recording.from_bytes(earlier)
        except (ProtocolError, ValueError):
            pass
        else:
            same = old.seed == recording.seed and old.answers.keys() == recording.answers.keys()
            if same and all(_alike(old.answers[key], recording.answers[key]) for key in old.answers):
                return earlier
    return recording.to_bytes()


def _alike(one: Any, other: Any) -> bool:
    """True if two answers are equal up to rounding."""
    scales: dict[torch.dtype, float] = {}
    for numbers in _floating(one):
        finite = numbers[numbers.isfinite()]
        largest = finite.abs().max().item() if finite.numel() else 0.0
        scales[numbers.dtype] = max(scales.get(numbers.dtype, 0.0), largest)
    return _close(one, other, {dtype: FLOOR[dtype] + RELATIVE[dtype] * scale for dtype, scale in scales.items()})


def _floating(value: Any) -> Iterator[torch.Tensor]:
    """The floating-point numbers in a value, as tensors."""
    for leaf in leaves(value):
        numbers = _numbers(leaf)
        if numbers is not None and numbers.dtype in RELATIVE:
            yield numbers


def _numbers(value: Any) -> torch.Tensor | None:
    if isinstance(value, np.ndarray):
        return torch.from_numpy(value)
    return torch.tensor(value, dtype=PLAIN) if isinstance(value, float) else value if torch.is_tensor(value) else None


def _close(one: Any, other: Any, atol: Mapping[torch.dtype, float]) -> bool:
    if type(one) is not type(other):
        return False
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(_close(*pair, atol) for pair in zip(one, other, strict=True))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_close(one[key], other[key], atol) for key in one)
    ours, theirs = _numbers(one), _numbers(other)
    if ours is None or theirs is None:
        return bool(one == other)
    if ours.shape != theirs.shape or ours.dtype != theirs.dtype:
        return False
    if ours.dtype not in RELATIVE:
        return torch.equal(ours, theirs)
    return torch.allclose(ours, theirs, rtol=RELATIVE[ours.dtype], atol=atol[ours.dtype], equal_nan=True)
