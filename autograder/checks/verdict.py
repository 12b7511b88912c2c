"""What an exception raised in a check means: an outcome, and words that its student may read.

Nothing that a worker wrote reaches `message` or `hint`: its exception's text may carry hidden inputs. The text is
only looked at, to choose among hints that stand here; it is kept in `detail`, for instructors.
"""

from __future__ import annotations

import builtins
import re
import traceback
from dataclasses import dataclass

from autograder.course.outcome import Outcome
from autograder.errors import (
    CheckFailed,
    DeviceNeeded,
    ForbiddenUse,
    Location,
    ProtocolError,
    StudentError,
    TooNoisy,
    TooSlow,
    WorkerCrashed,
    WorkerOutOfMemory,
    WorkerTimeout,
)

__all__ = ["Verdict", "judge"]


@dataclass(frozen=True)
class Verdict:
    """The part of a `CaseResult` that follows from what the check raised."""

    outcome: Outcome
    message: str = ""
    hint: str = ""
    location: str = ""
    detail: str = ""
    credit: float = 0.0


def judge(error: BaseException | None) -> Verdict:
    """The verdict on a case whose check raised `error`, or nothing."""
    match error:
        case None:
            return Verdict(Outcome.PASSED, credit=1.0)
        case TooNoisy():
            return Verdict(Outcome.TOO_NOISY, error.message, error.hint, credit=error.credit)
        case TooSlow():
            return Verdict(Outcome.TOO_SLOW, error.message, error.hint, credit=error.credit)
        case CheckFailed():
            return Verdict(Outcome.FAILED, error.message, error.hint)
        case StudentError(kind="NotImplementedError"):
            return Verdict(Outcome.NOT_ATTEMPTED, "not attempted yet", location=_place(error.location))
        case StudentError():
            return _raised(error)
        case ForbiddenUse():
            hint = "Write the operation yourself, with indexing and arithmetic on tensors."
            return Verdict(Outcome.FORBIDDEN, str(error), hint, _place(error.location))
        case WorkerTimeout():
            message = f"no answer within {error.seconds:.1f} s, where the reference needs a small part of that"
            hint = "Look for a loop that does not end, or replace loops over pixels by operations on whole tensors."
            return Verdict(Outcome.TIMEOUT, message, hint)
        case WorkerOutOfMemory():
            hint = "Look for a tensor that is much larger than inputs and outputs, or a list that only grows."
            return Verdict(
                Outcome.OUT_OF_MEMORY, "used more memory than this assignment allows", hint, detail=str(error)
            )
        case WorkerCrashed():
            hint = "Look for os._exit, sys.exit in a thread, or native code that was given a wrong size."
            return Verdict(Outcome.CRASHED, "the process that ran your code died", hint, detail=str(error))
        case ProtocolError():
            message = "your code wrote something that is not an answer to the grader's channel"
            return Verdict(Outcome.CRASHED, message, detail=str(error))
        case DeviceNeeded():
            return Verdict(Outcome.PENDING, str(error))
        case (
            AssertionError()
            | ArithmeticError()
            | AttributeError()
            | LookupError()
            | RuntimeError()
            | TypeError()
            | ValueError()
        ):
            # The reference has passed this very check with these very inputs: it is the answer that has an odd form.
            detail = "".join(traceback.format_exception(error, limit=-12))
            hint = "Compare what you return with what the docstring says: how many values, of which type and shape."
            return Verdict(Outcome.FAILED, "the answer has a form that this check cannot take", hint, detail=detail)
        case _:
            detail = "".join(traceback.format_exception(error, limit=-12))
            return Verdict(
                Outcome.GRADER_ERROR, "the grader failed here; this is not the student's fault", detail=detail
            )


def _place(location: Location | None) -> str:
    return str(location) if location else ""


# What a worker's exception says, and what a student should look at then.
HINTS = (
    (r"CUDA|NVIDIA driver|nvidia", "The device is the grader's to choose: use the device of the inputs, not .cuda()."),
    (r"EOF when reading a line", "input() has nobody to ask here."),
    (r"No module named", "Import only what the assignment names, and hand in every file of your own that you import."),
    (r"was not handed in", "A file that the notebook saves is missing from what you handed in."),
    (
        r"No such file or directory",
        "A file is not there: paths of your own machine do not exist here.",
    ),
    (
        r"expected scalar type|same dtype|result type",
        "Two tensors differ in dtype: create new ones with the inputs' dtype.",
    ),
    (
        r"is invalid for input of size|view size",
        "A reshape does not fit the number of elements: are height and width, or the steps of each, mixed up?",
    ),
    (
        r"shapes cannot be multiplied|size of tensor|izes of tensors must|equal size|shape mismatch|broadcast|expand",
        "Two shapes do not fit together: follow them through, for inputs that are not square and for other channels.",
    ),
    (r"out of (range|bounds)", "An index runs past the end: check sizes with inputs that are not square."),
    (r"positional argument|unexpected keyword|missing \d+ required", "Names and order of arguments are fixed."),
    (r"has no attribute|is not defined", "A name is used that does not exist at that point."),
    (r"modified by an inplace operation|leaf Variable", "An operation changed a tensor in place."),
    (r"maximum recursion", "A function calls itself without end."),
)


def _raised(error: StudentError) -> Verdict:
    kind = error.kind if isinstance(getattr(builtins, error.kind, None), type) else "an exception of its own"
    # A check may know better what is special about its case: it adds a note to what it lets pass.
    known = next((hint for pattern, hint in HINTS if re.search(pattern, error.text)), "")
    hint = " ".join(getattr(error, "__notes__", ())) or known
    if kind == "SyntaxError":
        hint = "The file is not valid Python: open it and run it once before handing it in."
    return Verdict(Outcome.ERROR, f"your code raised {kind}", hint, _place(error.location), f"{error}\n{error.trace}")
