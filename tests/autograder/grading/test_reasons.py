"""Reasons that the handed-in files show: the message names them, and repeats no word of the worker."""

from __future__ import annotations

from autograder.course.outcome import Outcome
from autograder.course.result import CaseResult
from autograder.grading.reasons import explained

UNREAD = {"weights.pt": "larger than 32 MiB"}


def missing(text: str, outcome: Outcome = Outcome.ERROR) -> CaseResult:
    return CaseResult("c", outcome, "your code raised FileNotFoundError", "as before", detail=f"{text}\nTraceback …")


def test_an_artifact_that_could_not_be_read_is_not_called_missing() -> None:
    case = explained(missing("FileNotFoundError: weights.pt was not handed in"), {}, "m.py", UNREAD)
    assert case.message == "weights.pt cannot be read: larger than 32 MiB"
    assert case.hint == "Hand it in again."


def test_another_missing_file_keeps_its_reason() -> None:
    for text in ("other.pt was not handed in", "No such file or directory: 'weights.pt'", "weights.pt was not handed"):
        case = missing(f"FileNotFoundError: {text}")
        assert explained(case, {}, "m.py", UNREAD) == case
    failed = missing("FileNotFoundError: weights.pt was not handed in", Outcome.FAILED)
    assert explained(failed, {}, "m.py", UNREAD) == failed
