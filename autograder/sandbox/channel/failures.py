"""Converts an exception in a worker to plain data, and the data to a StudentError."""

from __future__ import annotations

import dis
import traceback
from collections.abc import Collection, Mapping
from types import TracebackType
from typing import Any

from autograder.errors import Location, StudentError

__all__ = ["IMPORT_TOO_LONG", "describe", "student_error"]

IMPORT_TOO_LONG = "ImportTooLong"  # the exception's name if the worker itself ended a long import and knows its line
RAISE = dis.opmap["RAISE_VARARGS"]
MAX_KIND, MAX_TEXT, MAX_TRACE = 80, 2_000, 8_000


def describe(error: BaseException, own: Collection[str]) -> dict[str, Any]:
    """Type name, message, traceback, the deepest line in the submission's own files, and True for a stub.

    Args:
        error: the exception. Its class may be the submission's own, and its `__str__` may raise.
        own: the submission's file names, as they appear in code objects.
    """
    try:
        text = str(error)[:MAX_TEXT]
    except BaseException:
        text = "(its message cannot be printed)"
    try:
        trace = "".join(traceback.format_exception(error, limit=-12, chain=False))[-MAX_TRACE:]
    except BaseException:
        trace = ""
    file, line, last = "", 0, None
    if isinstance(error, SyntaxError) and str(error.filename) in own:
        file, line = str(error.filename), error.lineno or 0
    step = error.__traceback__
    while step is not None:
        if step.tb_frame.f_code.co_filename in own:
            file, line = step.tb_frame.f_code.co_filename, step.tb_lineno
        step, last = step.tb_next, step
    stub = type(error) is NotImplementedError and last is not None and _raises(last, own)
    kind = _kind(type(error))[:MAX_KIND]
    return {"kind": kind, "text": text, "trace": trace, "file": file, "line": line, "stub": stub}


def _raises(step: TracebackType, own: Collection[str]) -> bool:
    """True if a step of a traceback is a `raise` statement in the submission's own files.

    A library may raise NotImplementedError, too: torch for an operation that a dtype or a device lacks.
    """
    code = step.tb_frame.f_code
    return code.co_filename in own and code.co_code[step.tb_lasti] == RAISE


def _kind(kind: type[BaseException]) -> str:
    """The name of an exception's built-in base class: `OSError` for `URLError`.

    A class whose only built-in base is `Exception` keeps its own name.
    """
    known = next((each.__name__ for each in type.mro(kind) if each.__module__ == "builtins"), "Exception")
    return kind.__name__ if known in ("Exception", "BaseException") else known


def student_error(description: Mapping[str, Any]) -> StudentError:
    """The StudentError of a description. Raises KeyError, TypeError or ValueError for data of another form."""
    kind, text, trace = (str(description[key]) for key in ("kind", "text", "trace"))
    file, line = str(description["file"])[:MAX_TEXT], int(description["line"])
    name = file.replace("\\", "/").rpartition("/")[2]  # Windows, on a student's machine
    location = Location(name, line) if file else None
    stub = description["stub"] is True
    return StudentError(kind[:MAX_KIND], text[:MAX_TEXT], trace[-MAX_TRACE:], location, stub=stub)
