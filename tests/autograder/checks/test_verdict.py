"""What went wrong in a case becomes an outcome and words that hold nothing a worker wrote."""

from __future__ import annotations

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.checks.harness.verdict import judge
from autograder.checks.timing.statistics import credit_at
from autograder.course.outcome import Outcome
from autograder.errors import (
    CheckFailed,
    DeviceNeeded,
    ForbiddenUse,
    GraderError,
    Location,
    ProtocolError,
    StudentError,
    WorkerCrashed,
    WorkerOutOfMemory,
    WorkerTimeout,
)
from autograder.sandbox.channel import wire


@pytest.mark.parametrize(
    "error, outcome",
    [
        (None, Outcome.PASSED),
        (CheckFailed("wrong"), Outcome.FAILED),
        (StudentError("ValueError"), Outcome.ERROR),
        (StudentError("NotImplementedError", "conv-forward", stub=True), Outcome.NOT_ATTEMPTED),
        (StudentError("NotImplementedError", "torch's own"), Outcome.ERROR),
        (ForbiddenUse("torch.conv2d"), Outcome.FORBIDDEN),
        (WorkerTimeout(3), Outcome.TIMEOUT),
        (WorkerOutOfMemory(), Outcome.OUT_OF_MEMORY),
        (WorkerCrashed(), Outcome.CRASHED),
        (ProtocolError(), Outcome.CRASHED),
        (DeviceNeeded("needs CUDA"), Outcome.PENDING),
        (GraderError("ours"), Outcome.GRADER_ERROR),
        (AssertionError("1 == 2"), Outcome.FAILED),
        (TypeError("cannot unpack"), Outcome.FAILED),
        (OSError("no space left"), Outcome.GRADER_ERROR),
        (KeyboardInterrupt(), Outcome.GRADER_ERROR),
    ],
)
def test_outcomes(error: Exception | None, outcome: Outcome) -> None:
    assert judge(error).outcome is outcome


def test_a_fault_of_the_grader_itself_is_no_wrong_answer() -> None:
    """What it measures times with handles no answers: an error there is nobody's mistake but its own."""
    with pytest.raises(AttributeError) as ours:
        credit_at(1.0, [None])  # type: ignore[list-item]
    assert judge(ours.value).outcome is Outcome.GRADER_ERROR
    with pytest.raises(ValueError, match="at least one") as theirs:
        statistics.fmean([])
    assert judge(theirs.value).outcome is Outcome.FAILED


SECRET = st.text(min_size=6, alphabet=st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF))


@given(SECRET, st.sampled_from(["StudentError", "WorkerCrashed", "ProtocolError", "WorkerOutOfMemory"]))
def test_text_of_a_worker_is_for_instructors(secret: str, kind: str) -> None:
    errors = {
        "StudentError": StudentError(secret, f"CUDA {secret}", secret),
        "WorkerCrashed": WorkerCrashed(secret),
        "ProtocolError": ProtocolError(secret),
        "WorkerOutOfMemory": WorkerOutOfMemory(secret),
    }
    verdict = judge(errors[kind])
    assert secret not in verdict.message + verdict.hint + verdict.location
    assert secret in verdict.detail


def test_familiar_mistakes_get_a_hint() -> None:
    verdict = judge(StudentError("AssertionError", "Torch not compiled with CUDA enabled", "", Location("a.py", 7)))
    assert verdict.message == "your code raised AssertionError"
    assert ".cuda()" in verdict.hint
    assert verdict.location == "a.py:7"


def test_limits_and_unreadable_files_are_named() -> None:
    error = StudentError(wire.TooMuch.__name__, "too much for one message: 67108872 bytes in 1 tensors", "")
    assert judge(error).message == "the answer is larger than grading can take"
    assert "64 MiB" in judge(error).hint
    for text in ("PytorchStreamReader failed reading zip archive", "Weights only load failed. Please file an issue"):
        assert "save it again" in judge(StudentError("UnpicklingError", text, "")).hint


def test_a_check_that_knows_its_case_adds_a_note_to_what_it_lets_pass() -> None:
    error = StudentError("RuntimeError", "The size of tensor a (3) must match", "")
    plain = judge(error).hint
    error.add_note("here the shortcut needs a convolution")
    assert plain != judge(error).hint == "here the shortcut needs a convolution"


def test_what_fails_at_the_import_is_told_so() -> None:
    error = StudentError("SystemExit", "0", "", Location("a.py", 7))
    assert judge(error).message == "your code raised SystemExit"
    error.importing = True
    verdict = judge(error)
    assert verdict.message == "importing your file raised SystemExit"
    assert "sys.exit()" in verdict.hint
