"""Records the reference's answers to the public checks, which students then check against.

The checks are run with the reference on both sides: whatever it is asked is written down, and a public check that
the reference itself does not pass stops the build.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from autograder.checks.harness.desk import Desk
from autograder.checks.public.inprocess import run_checks
from autograder.checks.sides.local import LocalSubject, reference_channels, reference_loader
from autograder.checks.sides.recorded import Recording
from autograder.checks.sides.reference import Answers
from autograder.course.layout import Course
from autograder.course.model import Assignment
from autograder.course.outcome import Outcome
from autograder.errors import GraderError, ProtocolError, UsageError
from autograder.sandbox.channel.tree import leaves

__all__ = ["PUBLIC_SEED", "Snapshot", "record", "settled"]

# Inputs of public checks are public too: every student, in every year, sees the same.
PUBLIC_SEED = 0
# Another processor rounds and sums otherwise; an answer that differs by more is another answer. Relative to the largest
# number of the same dtype in the whole answer: a gradient that is zero up to rounding says nothing beside the others.
RELATIVE = {torch.float64: 1e-9, torch.float32: 1e-4, torch.float16: 1e-2, torch.bfloat16: 1e-1}
# Where the whole answer is that small, it is what rounding leaves of numbers of order one.
FLOOR = {torch.float64: 1e-10, torch.float32: 1e-6, torch.float16: 1e-3, torch.bfloat16: 1e-2}
# A plain number may come from a tensor of float32, and its type does not say so.
PLAIN = torch.float32


@dataclass(frozen=True)
class Snapshot:
    """What one run of the public checks against the reference leaves.

    Attributes:
        recording: the reference's answers.
        cases: ids of the cases of each question, in the order in which they run; not of those about a file that the
            notebook saves, which it cannot be asked for before.
    """

    recording: Recording
    cases: Mapping[str, tuple[str, ...]]


def record(course: Course, assignment: Assignment) -> Snapshot:
    """Run an assignment's public checks with the reference as student, and with the files that it hands in.

    A file that its notebook has yet to write is no reason to stop: the notebook runs in what is built here.

    Raises:
        UsageError: there are none, they cannot be run, or the reference does not pass one.
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
            if case.outcome is not Outcome.PASSED and not unwritten:
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
    """The recording's bytes; the earlier ones where they tell the same up to rounding.

    So that building on another machine, whose processor sums in another order, changes nothing.
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
    """Whether two answers are one up to rounding."""
    scales: dict[torch.dtype, float] = {}
    for numbers in _floating(one):
        finite = numbers[numbers.isfinite()]
        largest = finite.abs().max().item() if finite.numel() else 0.0
        scales[numbers.dtype] = max(scales.get(numbers.dtype, 0.0), largest)
    return _close(one, other, {dtype: FLOOR[dtype] + RELATIVE[dtype] * scale for dtype, scale in scales.items()})


def _floating(value: Any) -> Iterator[torch.Tensor]:
    """All numbers of a value that rounding may change, in tensors."""
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
