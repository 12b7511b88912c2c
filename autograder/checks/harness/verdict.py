"""Turns an exception raised in a check into an outcome, with words that its student may read.

No text from a worker reaches `message` or `hint`: an exception's text may carry hidden inputs. The text only serves to
choose among the hints of this file. It is kept in `detail`, for instructors.
"""

from __future__ import annotations

import builtins
import re
import sysconfig
import traceback
from dataclasses import dataclass

from autograder.course.outcome import Outcome
from autograder.errors import (
    CheckFailed,
    DeviceNeeded,
    ForbiddenUse,
    Location,
    ProtocolError,
    QuestionTimeSpent,
    StudentError,
    TimeSpent,
    TooNoisy,
    TooSlow,
    WorkerCrashed,
    WorkerOutOfMemory,
    WorkerTimeout,
)
from autograder.sandbox.channel.failures import OWN_KIND

__all__ = ["Verdict", "judge"]

# Packages of the grader that never look into an answer.
WITHOUT_ANSWERS = ("autograder.checks.timing.", "autograder.sandbox.grader.")


@dataclass(frozen=True)
class Verdict:
    """The part of a `CaseResult` that follows from the check's exception."""

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
        case StudentError(stub=True):
            return Verdict(Outcome.NOT_ATTEMPTED, "not attempted yet", location=_place(error.location))
        case StudentError():
            return _raised(error)
        case ForbiddenUse():
            hint = "Write the operation yourself, with indexing and arithmetic on tensors."
            return Verdict(Outcome.FORBIDDEN, str(error), hint, _place(error.location))
        case WorkerTimeout(importing=True, starved=False) if not isinstance(error, TimeSpent | QuestionTimeSpent):
            line = f" (line {error.location.line})" if error.location else ""
            message = f"importing your file did not end within {error.seconds:g} s{line}"
            hint = 'Put code that trains, waits or loops into a function, or below `if __name__ == "__main__":`.'
            return Verdict(Outcome.TIMEOUT, message, hint, _place(error.location))
        case WorkerTimeout():
            return _timed_out(error)
        case WorkerOutOfMemory():
            hint = "Look for a tensor that is much larger than inputs and outputs, or a list that only grows."
            return Verdict(
                Outcome.OUT_OF_MEMORY, "used more memory than this assignment allows", hint, detail=str(error)
            )
        case WorkerCrashed():
            hint = "Look for os._exit, sys.exit in a thread, or native code that was given a wrong size."
            return Verdict(Outcome.CRASHED, "the process that ran your code died", hint, detail=str(error))
        case ProtocolError():
            message = "your code wrote something to the grader's channel that is not an answer"
            return Verdict(Outcome.CRASHED, message, detail=str(error))
        case MemoryError():
            message = "what your code returned takes more memory than this assignment allows"
            hint = "Compare the sizes of what you return with what the docstring says."
            return Verdict(Outcome.OUT_OF_MEMORY, message, hint)
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
        ) if not _is_ours(error):
            # The reference has passed this check with these inputs, so the answer has an unexpected form.
            detail = "".join(traceback.format_exception(error, limit=-12))
            hint = "Compare what you return with what the docstring says: how many values, of which type and shape."
            return Verdict(Outcome.FAILED, "your function returned a result of an unexpected form", hint, detail=detail)
        case _:
            detail = "".join(traceback.format_exception(error, limit=-12))
            return Verdict(
                Outcome.GRADER_ERROR, "the grader failed here; this is not the student's fault", detail=detail
            )


def _is_ours(error: BaseException) -> bool:
    """True if the error comes from a part of the grader that handles no answers: measuring time, or sending."""
    libraries = tuple(sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib"))
    for frame, _ in reversed(list(traceback.walk_tb(error.__traceback__))):
        name = str(frame.f_globals.get("__name__"))
        if name.startswith("autograder."):
            return name.startswith(WITHOUT_ANSWERS)
        if not frame.f_code.co_filename.startswith(libraries):
            return False  # a check
    return False


# A call that timed out counts as waiting if it computed for less than this share of its seconds.
WAITING = 0.5


def _timed_out(error: WorkerTimeout) -> Verdict:
    """A call for which no time was left, or which gave no answer."""
    endless = "Look for a loop that does not end, or replace loops over pixels with operations on whole tensors."
    match error:
        case TimeSpent():
            message = f"not run: the submission has used up the {error.seconds:.0f} s that it may take in all"
            return Verdict(Outcome.TIMEOUT, message, endless)
        case QuestionTimeSpent():
            message = f"no time is left: the calls of this question have used up their {error.seconds:.0f} s"
            return Verdict(Outcome.TIMEOUT, message, endless)
    if error.starved:
        message = "the machine was too busy to run this"
        return Verdict(Outcome.TOO_NOISY, message, "It is run again when grading is run again.")
    message = f"no answer within {error.seconds:.1f} s; the reference needs a small part of this time"
    if error.computed is not None and error.computed < WAITING * error.seconds:
        message = f"no answer within {error.seconds:.1f} s, of which it computed for {error.computed:.1f} s"
        return Verdict(
            Outcome.TIMEOUT, message, "Your code waits for something: look for sleep, a lock, a queue or input."
        )
    return Verdict(Outcome.TIMEOUT, message, endless)


def _place(location: Location | None) -> str:
    return str(location) if location else ""


# A pattern in the text of a worker's exception, and a hint for the student.
EXCEPTION_HINTS = (
    (
        r"has no value: line \d+ of ",
        "That line runs when your file is imported: use only what is at hand there, or put it into a function.",
    ),
    (
        r"CUDA|NVIDIA driver|nvidia|XPU|MPS|device.*mps",
        "The grader chooses the device: use the device of the inputs, not .cuda().",
    ),
    (r'missing the required "forward"', "A module needs a method `forward`: look at how its name is spelled."),
    (r"not implemented for '", "An operation does not exist for tensors of this dtype: look at its inputs' dtype."),
    (r"EOF when reading a line|input\(\) is not available", "input() is not available: nobody can answer."),
    (r"[Pp]rocesses cannot be started", "Processes cannot be started here: no shell commands, and num_workers=0."),
    (r"urlopen error|name resolution|Name or service not known|[Nn]etwork is unreachable", "There is no network here."),
    (
        r"is not available in grading",
        "Your code uses a package that is not installed here; the assignment does not need it.",
    ),
    (r"No module named", "Import only what the assignment names, and hand in every file of your own that you import."),
    (
        r"was not handed in, and no package",
        "Hand in your own files beside the module; only the packages that the assignment names are here.",
    ),
    (r"is not in the course's", "The course's own files are used: put your own code into a file of your own."),
    (r"was not handed in", "A file that the notebook saves was not handed in."),
    (
        r"No such file or directory",
        "A file is missing: paths of your own machine do not exist on the grading machine.",
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
        "Two shapes do not fit together: follow the shapes step by step, for each of the case's sizes.",
    ),
    (
        r"PytorchStreamReader|Weights only load failed|invalid load key|pickle data was truncated",
        "A file that your code reads holds no tensors that torch can read: save it again, and hand in the new file.",
    ),
    (
        r"out of (range|bounds)",
        "An index is too large: look at where each loop ends, and at the axis that it runs over.",
    ),
    (r"positional argument|unexpected keyword|missing \d+ required", "Names and order of arguments are fixed."),
    (r"is not defined", "A name is used that has no value at that point: misspelled, not imported, or set elsewhere."),
    (r"has no attribute", "An object does not have this attribute: look at its type at that point."),
    (r"modified by an inplace operation|leaf Variable", "An operation changed a tensor in place."),
    (r"maximum recursion", "A function calls itself without end."),
)


# The error of the channel for an answer beyond its limits: 64 MiB, 10,000 tensors, 250,000 values, 32 levels.
TOO_MUCH = "TooMuch"
TOO_MUCH_HINT = (
    "One answer may have 64 MiB, 10,000 tensors and 250,000 other values. Use fewer parameters, "
    "or keep what belongs together in one tensor instead of lists of numbers or tensors."
)


def _raised(error: StudentError) -> Verdict:
    kind = error.kind if isinstance(getattr(builtins, error.kind, None), type) else OWN_KIND
    # A check may know a peculiarity of its case. Then it adds a note to the exception.
    known = next((hint for pattern, hint in EXCEPTION_HINTS if re.search(pattern, error.text)), "")
    hint = " ".join(getattr(error, "__notes__", ())) or known
    if kind in ("SyntaxError", "IndentationError", "TabError"):
        hint = "Python cannot read the file from there on."
    if kind == "SystemExit":
        hint = "It ends the program that uses your file: remove exit(), quit() and sys.exit()."
    if error.kind == "BdbQuit":
        hint = "It starts a debugger, which nobody can use here: remove breakpoint() and pdb.set_trace()."
    what = f"{'importing your file' if error.importing else 'your code'} raised {kind}"
    if error.kind == TOO_MUCH:
        what, hint = "the answer is larger than grading can take", TOO_MUCH_HINT
    return Verdict(Outcome.ERROR, what, hint, _place(error.location), f"{error}\n{error.trace}")
