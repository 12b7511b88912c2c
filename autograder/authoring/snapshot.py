"""Records the reference's answers to the public checks, which students then check against.

The checks are run with the reference on both sides: whatever it is asked is written down, and a public check that
the reference itself does not pass stops the build.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from autograder.checks.desk import Desk, LocalSubject, reference_channels, reference_loader
from autograder.checks.inprocess import run_checks
from autograder.checks.recorded import Recording
from autograder.checks.transcript import Answers
from autograder.course.layout import Course
from autograder.course.model import Assignment
from autograder.course.outcome import Outcome
from autograder.errors import GraderError, ProtocolError, UsageError

__all__ = ["PUBLIC_SEED", "Snapshot", "record", "settled"]

# Inputs of public checks are public too: every student, in every year, sees the same.
PUBLIC_SEED = 0
# Another processor rounds and sums otherwise; an answer that differs by more is another answer.
RELATIVE = {torch.float64: 1e-9, torch.float32: 1e-4, torch.float16: 1e-2, torch.bfloat16: 1e-1}


@dataclass(frozen=True)
class Snapshot:
    """What one run of the public checks against the reference leaves.

    Attributes:
        recording: the reference's answers.
        cases: ids of the cases of each question, in the order in which they run.
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
        results = run_checks(checks, desk, [course.common.parent])
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
        {question: tuple(case.id for case in cases) for question, cases in results.items()},
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
            if old.seed == recording.seed and _alike(dict(old.answers), dict(recording.answers)):
                return earlier
    return recording.to_bytes()


def _alike(one: Any, other: Any) -> bool:
    if type(one) is not type(other):
        return False
    if isinstance(one, torch.Tensor):
        return one.shape == other.shape and one.dtype == other.dtype and _close(one, other)
    if isinstance(one, np.ndarray):
        return _alike(torch.from_numpy(one), torch.from_numpy(other))
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(_alike, one, other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_alike(one[key], other[key]) for key in one)
    if isinstance(one, float):
        return _close(torch.tensor(one, dtype=torch.float64), torch.tensor(other, dtype=torch.float64))
    return bool(one == other)


def _close(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Equal within a small part of the largest element."""
    if one.numel() == 0 or one.dtype not in RELATIVE:
        return torch.equal(one, other)
    finite = one[one.isfinite()]
    scale = finite.abs().max().item() if finite.numel() else 0.0
    relative = RELATIVE[one.dtype]
    return torch.allclose(one, other, rtol=relative, atol=relative * scale, equal_nan=True)
