"""How a worker tells what went wrong: an exception as plain data, and in words what a rule covers."""

from __future__ import annotations

import traceback
from collections.abc import Collection, Mapping
from typing import Any

from autograder.course.model import Rule
from autograder.errors import Location, StudentError

__all__ = ["LABELS", "describe", "student_error"]

MAX_KIND, MAX_TEXT, MAX_TRACE = 80, 2_000, 8_000
# What a rule covers, in words for the student.
LABELS = {
    Rule.CONVOLUTION: "torch's convolution or unfold",
    Rule.POOLING: "torch's pooling",
    Rule.AUTOGRAD: "torch's autograd engine",
}


def describe(error: BaseException, own: Collection[str]) -> dict[str, Any]:
    """Type name, message, traceback, and the deepest line in the submission's own files.

    Args:
        error: the exception as it was raised. Its class is the submission's: `__str__` may raise or never end well.
        own: file names, as code objects carry them, that belong to the submission.
    """
    try:
        text = str(error)[:MAX_TEXT]
    except BaseException:
        text = "(its message cannot be printed)"
    try:
        trace = "".join(traceback.format_exception(error, limit=-12, chain=False))[-MAX_TRACE:]
    except BaseException:
        trace = ""
    file, line = "", 0
    if isinstance(error, SyntaxError) and str(error.filename) in own:
        file, line = str(error.filename), error.lineno or 0
    step = error.__traceback__
    while step is not None:
        if step.tb_frame.f_code.co_filename in own:
            file, line = step.tb_frame.f_code.co_filename, step.tb_lineno
        step = step.tb_next
    return {"kind": type(error).__name__[:MAX_KIND], "text": text, "trace": trace, "file": file, "line": line}


def student_error(description: Mapping[str, Any]) -> StudentError:
    """The grader's view of a description. Raises KeyError or TypeError where it is not one."""
    kind, text, trace = (str(description[key]) for key in ("kind", "text", "trace"))
    file, line = str(description["file"])[:MAX_TEXT], int(description["line"])
    name = file.replace("\\", "/").rpartition("/")[2]  # Windows, on a student's machine
    location = Location(name, line) if file else None
    return StudentError(kind[:MAX_KIND], text[:MAX_TEXT], trace[-MAX_TRACE:], location)
