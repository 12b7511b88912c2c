"""Converts an exception in a worker to plain data, and the data to a StudentError or a `Skipped`."""

from __future__ import annotations

import builtins
import dis
import errno
import traceback
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from autograder.errors import Location, StudentError

__all__ = ["IMPORT_TOO_LONG", "OWN_KIND", "Skipped", "describe", "kind_of", "ran_out", "skipped", "student_error"]

IMPORT_TOO_LONG = "ImportTooLong"  # the exception's name if the worker itself ended a long import and knows its line
RAISE = dis.opmap["RAISE_VARARGS"]
MAX_KIND, MAX_TEXT, MAX_TRACE = 80, 2_000, 8_000
ALLOCATOR_COMPLAINTS = ("can't allocate memory", "not enough memory", "Cannot allocate memory", "out of memory")
OWN_KIND = "an exception of its own"  # in place of the name of an exception that is none of Python's


@dataclass(frozen=True)
class Skipped:
    """A statement that raised while its file was imported, and that was skipped.

    Attributes:
        place: the line at the top level of the file.
        kind: the name of a built-in exception, or `OWN_KIND`.
    """

    place: Location
    kind: str

    def __str__(self) -> str:
        return f"line {self.place.line} of {self.place.file} raised {self.kind} when the file was imported"


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
    kind = kind_of(error)[:MAX_KIND]
    return {"kind": kind, "text": text, "trace": trace, "file": file, "line": line, "stub": stub}


def _raises(step: TracebackType, own: Collection[str]) -> bool:
    """True if a step of a traceback is a `raise` statement in the submission's own files.

    A library may raise NotImplementedError, too: torch for an operation that a dtype or a device lacks.
    """
    code = step.tb_frame.f_code
    return code.co_filename in own and code.co_code[step.tb_lasti] == RAISE


def kind_of(error: BaseException) -> str:
    """The name of an exception's built-in base class: `OSError` for `URLError`.

    A class whose only built-in base is `Exception` keeps its own name.
    """
    kind = type(error)
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


def skipped(file: str, line: int, kind: str) -> Skipped:
    """A skipped statement, without the name of an exception that is the submission's own."""
    name = file.replace("\\", "/").rpartition("/")[2]
    return Skipped(Location(name, line), kind if isinstance(getattr(builtins, kind, None), type) else OWN_KIND)


def ran_out(error: BaseException) -> bool:
    """True if an exception tells of too little memory."""
    if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM):
        return True
    try:
        text = str(error)
    except BaseException:
        return False
    return isinstance(error, RuntimeError) and any(complaint in text for complaint in ALLOCATOR_COMPLAINTS)
