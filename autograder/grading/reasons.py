"""Explains a case that ended in an error from the submission's own source: the reason, and a name.

A worker's words may carry hidden inputs, so none of them is repeated. Everything here is read from the student's own
file, in the line of the error: a name is shown only if it is in this line.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from autograder.course.outcome import Outcome
from autograder.course.result import CaseResult
from autograder.sandbox.channel.failures import Skipped
from autograder.submission.source.text import readable
from autograder.submission.source.trouble import trouble

__all__ = ["explained"]

NOT_PYTHON = ("SyntaxError", "IndentationError", "TabError")
# Python's message on a name that it does not find, by the exception.
NAMES = {
    "NameError": r"name '(\w+)' is not defined",
    "UnboundLocalError": r"cannot access local variable '(\w+)'",
    "AttributeError": r"has no attribute '(\w+)'",
    "ImportError": r"cannot import name '(\w+)'",
    "ModuleNotFoundError": "",
}
SAID = {
    "NameError": "the name `{}` is not defined",
    "UnboundLocalError": "the name `{}` has no value yet",
    "AttributeError": "there is no attribute `{}`",
    "ImportError": "there is no `{}` to import",
}
ABSENT = re.compile(
    r"([\w.]+) (was not handed in|is not available in grading|could not be imported|is not in the course's [\w.]+)"
)
VALUELESS = re.compile(r"(\w+)[\w.]* has no value: ")  # text of a use of a name that a skipped statement binds
UNREADABLE = "Python cannot read the file from there on."
ARTIFACT = re.compile(r"(.+) was not handed in")
GET_IPYTHON = "get_ipython() exists only in notebooks"


def explained(
    case: CaseResult,
    files: Mapping[str, bytes],
    module: str,
    unread: Mapping[str, str] | None = None,
    skipped: Sequence[Skipped] = (),
) -> CaseResult:
    """The case with a message that names the mistake, if the handed-in files show it.

    Args:
        files: the submission's own, by path, as they were handed in.
        module: path of the module, for an error without a place.
        unread: the reason for each handed-in file that could not be read, by its name in the assignment.
        skipped: the statements that raised when the submission was imported, before it saw any input.
    """
    if case.outcome is not Outcome.ERROR:
        return case
    kind, _, text = case.detail.partition("\n")[0].partition(": ")
    if kind == "FileNotFoundError" and (name := ARTIFACT.fullmatch(text)) and (why := (unread or {}).get(name[1])):
        return replace(case, message=f"{name[1]} cannot be read: {why}", hint="Hand it in again.")
    file, _, number = case.location.rpartition(":")
    candidates = [path for path in files if path.rpartition("/")[2] == file] or [module]
    if kind in NOT_PYTHON or "source code string cannot contain null bytes" in text:
        for path in candidates:
            if path in files and (found := trouble(readable(files[path])[0])):
                where = path.rpartition("/")[2]
                message = f"{where}, line {found.line}: {found.what}"
                return replace(case, message=message, hint=found.hint or UNREADABLE, location=f"{where}:{found.line}")
        return case
    lines = [_line(files[path], int(number)) for path in candidates if path in files and number.isdigit()]
    if kind == "NameError" and (raised := next((each for each in skipped if str(each) in text), None)):
        name = VALUELESS.match(text)
        what = f"`{name[1]}` has no value: " if name and _is_in(name[1], lines) else ""
        return replace(case, message=f"{case.message}: {what}{raised}")
    if kind not in NAMES or not number.isdigit():
        return case
    if kind == "ModuleNotFoundError":
        return _absent(case, text, files)
    name = re.search(NAMES[kind], text)
    if name is None or not _is_in(name[1].rpartition(".")[2], lines):
        return case
    if name[1] == "get_ipython":
        return replace(case, message=f"your code raised NameError: {GET_IPYTHON}", hint="Delete the line.")
    if kind in SAID:
        return replace(case, message=f"{case.message}: {SAID[kind].format(name[1])}")
    return case


def _absent(case: CaseResult, text: str, files: Mapping[str, bytes]) -> CaseResult:
    """The case with the name of the missing module, if the submission's own files import it."""
    found = ABSENT.match(text)
    if found is None:
        return case
    last = re.escape(found[1].rpartition(".")[2])
    imported = re.compile(rf"^\s*(?:from|import)\b.*\b{last}\b".encode(), re.MULTILINE)
    if not any(imported.search(data) for path, data in files.items() if path.endswith(".py")):
        return case
    return replace(case, message=f"{case.message}: {found[1]} {found[2]}")


def _is_in(name: str, lines: Sequence[str]) -> bool:
    return any(re.search(rf"\b{re.escape(name)}\b", line) for line in lines)


def _line(source: bytes, number: int) -> str:
    lines = source.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return lines[number - 1] if 1 <= number <= len(lines) else ""
