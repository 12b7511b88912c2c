"""Explains to the author why Python cannot parse a file, with the line."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import warnings
from dataclasses import dataclass
from functools import lru_cache

from autograder.submission.source.parse import MAX_BYTES, decode, too_large

__all__ = ["Trouble", "trouble"]

HERE = f"{sys.version_info.major}.{sys.version_info.minor}"
SECONDS = 10.0
SHOWN = 60
CONFLICT = re.compile(r"(<{7}|>{7}|\|{7})( |$)|={7}$")
MAGIC = re.compile(
    r"\s*([\w, ]+=\s*)?(%{1,2}[A-Za-z]\w*|!{1,2}\s*[\w./~$])"  # also `files = !ls`
    r"|\s*(\?{1,2}\w|[\w.]+\?{1,2}\s*$|(pip3?|conda|mamba)\s+[a-z])"
)
PAGE = re.compile(r"\s*<(!doctype|html|head|body)\b", re.IGNORECASE)
INVISIBLE = {"U+00A0": "a non-breaking space", "U+200B": "a zero-width space", "U+FEFF": "a byte-order mark"}
CHARACTER = re.compile(r"invalid (?:non-printable )?character (?:'.' )?\(?(U\+[0-9A-F]{4,6})\)?")
# Syntax of later Pythons that can be recognized by its line alone.
LATER = (
    (re.compile(r"\s*type\s+[A-Za-z_]\w*\s*(\[[^=]*\])?\s*=[^=]"), "3.12", "the `type` statement"),
    (re.compile(r"\s*(async\s+def|def|class)\s+\w+\s*\["), "3.12", "type parameters in brackets"),
)
# Ruff's message about syntax of a later Python. Ruff knows the grammar of every version.
ADDED = re.compile(
    r"(?:Cannot (?:use |reuse )?)?(?P<what>.*?) on Python [\d.]+ \(syntax was added in Python (?P<since>3\.\d+)\)"
)
# In Python 2 the second name is that of a variable.
PYTHON_2 = re.compile(r"\s*except\s+[\w.]+\s*,\s*[a-z_]\w*\s*:")


@dataclass(frozen=True)
class Trouble:
    """A syntax error: `line` is counted from 1, `hint` may be ""."""

    line: int
    what: str
    hint: str


def trouble(source: bytes) -> Trouble | None:
    """The reason why a file is no Python; None if it compiles, or is too long to look at. No code is run."""
    if len(source) > MAX_BYTES:
        return None
    return _trouble(source)


@lru_cache(maxsize=64)  # all cases of a submission call it with the same source
def _trouble(source: bytes) -> Trouble | None:
    try:
        text = decode(source)
    except ValueError as problem:
        return Trouble(1, str(problem), "Save the file as UTF-8.")
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        return Trouble(
            line, "holds NUL bytes, perhaps from an interrupted copy", "Save the file again from your editor."
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
            if not too_large(tree):  # `return` outside a function parses, and does not compile
                compile(tree, "answer", "exec", dont_inherit=True)
    except SyntaxError as error:
        return _explained(error, text, lines)
    except (ValueError, RecursionError, MemoryError):
        return Trouble(1, "nested too deeply", "Look for an expression that was made by a program.")
    return None


def _explained(error: SyntaxError, text: str, lines: list[str]) -> Trouble:
    number = min(max(error.lineno or 1, 1), len(lines))
    line = lines[number - 1]
    if PAGE.match(text.lstrip("\ufeff")):
        return Trouble(1, "a web page, not Python", "Save the file itself; on GitHub, with “Download raw file”.")
    if text.lstrip().startswith("{") and '"cells"' in text:
        return Trouble(1, "a notebook, not Python", "Hand in the .py file beside the notebook.")
    for place, each in enumerate(lines, start=1):
        if CONFLICT.match(each):
            return Trouble(
                place, f"a conflict marker of git: {_shown(each)}", "Choose one version, and delete the markers."
            )
    if MAGIC.match(line):
        return Trouble(
            number, f"{_shown(line)} is a notebook command, not Python", "Delete it, or keep it in the notebook."
        )
    if later := _later(error, text, line, number):
        return later
    if found := CHARACTER.search(error.msg or ""):
        name = INVISIBLE.get(found[1], f"the character {found[1]}")
        return Trouble(
            number, f"{name} ({found[1]}), which is no Python", "Type the line again: it was pasted from a page."
        )
    return Trouble(number, error.msg or "invalid syntax", "")


def _later(error: SyntaxError, text: str, line: str, number: int) -> Trouble | None:
    """The trouble of a file in a later Python's syntax; None if that is not its only error."""
    if PYTHON_2.match(line):
        return None
    found = next(((since, what) for pattern, since, what in LATER if pattern.match(line)), None)
    if found:
        return _written_for(number, *found)
    errors = _ruff_errors(text)
    since = [ADDED.search(message) for _, message in errors]
    if not errors or not all(since):
        return None  # the file has other errors, too
    (place, _), match = errors[0], since[0]
    assert match is not None
    latest = max((each["since"] for each in since if each), key=lambda version: int(version.split(".")[1]))
    return _written_for(place, latest, match["what"])


def _written_for(line: int, since: str, what: str) -> Trouble:
    hint = f"Rewrite the line in the syntax of Python {HERE}."
    return Trouble(line, f"written for Python {since}; graded with {HERE}: {what}", hint)


def _ruff_errors(text: str) -> list[tuple[int, str]]:
    """(line, message) of each error that Ruff's parser finds for this Python; none if Ruff is not installed."""
    try:
        from ruff import find_ruff_bin

        about = (
            "--isolated",
            "--no-cache",
            "--select=E9",
            "--output-format=json",
            f"--target-version=py{HERE.replace('.', '')}",
        )
        asked = subprocess.run(
            [find_ruff_bin(), "check", *about, "-"],
            input=text.encode(),
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
        found = json.loads(asked.stdout)
        return [(int(each["location"]["row"]), str(each["message"])) for each in found]
    except (ImportError, OSError, ValueError, KeyError, TypeError, subprocess.SubprocessError):
        return []


def _shown(line: str) -> str:
    text = "".join(char if char.isprintable() else "?" for char in line.strip())
    return f"`{text if len(text) <= SHOWN else text[: SHOWN - 1] + '…'}`"
