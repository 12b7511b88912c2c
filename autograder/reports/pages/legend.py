"""What every outcome is called, drawn as, and means to the person who reads it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from autograder.course.outcome import Outcome

__all__ = ["LEGEND", "PARTLY", "Face"]


@dataclass(frozen=True)
class Face:
    """How one outcome is shown.

    Attributes:
        sign: one character; it never depends on colour to be told apart from the others.
        tone: which of the stylesheet's tones it wears: good, bad, warn, calm, ours.
        meaning: one or two sentences for the student.
    """

    sign: str
    label: str
    tone: str
    meaning: str


LEGEND: Mapping[Outcome, Face] = MappingProxyType(
    {
        Outcome.PASSED: Face("✓", "passed", "good", "Your answer is right here."),
        Outcome.FAILED: Face("✗", "failed", "bad", "Your code ran and its answer is wrong here."),
        Outcome.ERROR: Face("!", "error", "bad", "Your code raised an exception here."),
        Outcome.NOT_ATTEMPTED: Face("–", "not attempted", "calm", "The stub's NotImplementedError is still there."),
        Outcome.TIMEOUT: Face(
            "T", "timeout", "warn", "No answer before the deadline: usually a loop that is too slow, or never ends."
        ),
        Outcome.OUT_OF_MEMORY: Face("M", "out of memory", "warn", "Your code asked for more memory than it may use."),
        Outcome.CRASHED: Face(
            "C",
            "crashed",
            "warn",
            "The process that ran your code ended, or sent back something that is not an answer.",
        ),
        Outcome.FORBIDDEN: Face("F", "forbidden", "bad", "Your code used something that this question rules out."),
        Outcome.TOO_SLOW: Face(
            "S", "too slow", "warn", "Your answer is right here, and takes longer than the running-time budget allows."
        ),
        Outcome.TOO_NOISY: Face(
            "N", "too noisy", "ours", "The machine was too busy to measure how fast this is. It costs you nothing."
        ),
        Outcome.BLOCKED: Face("B", "blocked", "calm", "A question that this one builds on has to work first."),
        Outcome.PENDING: Face(
            "?", "pending", "ours", "It needs a device or data that the grading machine lacks; it is graded later."
        ),
        Outcome.GRADER_ERROR: Face(
            "G", "grader error", "ours", "The grader itself failed. This is our mistake, and costs you nothing."
        ),
    }
)
# A question of which nothing is wrong: some cases pass, and some meet the stub. No outcome of its own.
PARTLY = Face("◐", "partly", "calm", "Some of it is right, and some of it is still to write.")
