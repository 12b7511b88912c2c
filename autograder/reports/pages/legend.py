"""Label, sign, colour and meaning of every outcome, for pages and terminal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from autograder.course.outcome import Outcome

__all__ = ["LEGEND", "PARTLY", "Face"]


@dataclass(frozen=True)
class Face:
    """The display of one outcome.

    Attributes:
        sign: one character, different for each outcome, so that no reader depends on colours.
        tone: its tone in the stylesheet: good, bad, warn, calm, ours.
        meaning: one or two sentences for the student.
    """

    sign: str
    label: str
    tone: str
    meaning: str


LEGEND: Mapping[Outcome, Face] = MappingProxyType(
    {
        Outcome.PASSED: Face("✓", "passed", "good", "Your answer is right here."),
        Outcome.FAILED: Face("✗", "failed", "bad", "Your code ran, but its answer is wrong here."),
        Outcome.ERROR: Face("!", "error", "bad", "Your code raised an exception here."),
        Outcome.NOT_ATTEMPTED: Face(
            "–", "not attempted", "calm", "The NotImplementedError of the stub is still there."
        ),
        Outcome.TIMEOUT: Face(
            "T", "timeout", "warn", "No answer before the deadline: usually a loop is too slow or never ends."
        ),
        Outcome.OUT_OF_MEMORY: Face("M", "out of memory", "warn", "Your code asked for more memory than it may use."),
        Outcome.CRASHED: Face(
            "C",
            "crashed",
            "warn",
            "The process that ran your code ended, or its reply was not an answer.",
        ),
        Outcome.FORBIDDEN: Face("F", "forbidden", "bad", "Your code used something that this question rules out."),
        Outcome.TOO_SLOW: Face(
            "S", "too slow", "warn", "Your answer is right here, but takes longer than the running-time budget allows."
        ),
        Outcome.TOO_NOISY: Face(
            "N", "too noisy", "ours", "The machine was too busy to measure the speed of this. It costs you nothing."
        ),
        Outcome.BLOCKED: Face("B", "blocked", "calm", "A question that this one builds on has to work first."),
        Outcome.PENDING: Face(
            "?", "pending", "ours", "The grading machine lacks a device or data for this. It is graded later."
        ),
        Outcome.GRADER_ERROR: Face(
            "G", "grader error", "ours", "The grader itself failed. This is our mistake, and costs you nothing."
        ),
    }
)
# A question without mistakes that is not complete: some cases pass, and some meet the stub. It is not an outcome.
PARTLY = Face("◐", "partly", "calm", "Some of it is right, and some of it is still to write.")
