"""Turns a solution into a stub: the code between solution markers becomes `raise NotImplementedError`.

A region opens with `# BEGIN SOLUTION <question-id>` and closes with `# END SOLUTION`. Each marker is alone on its line
and indented like the code between. Inside a function the id is required: the region becomes a comment and
`raise NotImplementedError("<question-id>")`. Outside functions a region has no id and disappears, for example a helper
of the solution. All other text stays the same, byte for byte.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from autograder.errors import AuthoringError

__all__ = ["Region", "find_regions", "read_source", "strip_module", "strip_regions"]

# A comment that resembles a marker must be spelt exactly: an unnoticed marker would hand out an answer.
SUSPECT = re.compile(r"#[\W_]*(?:begin|end)[\W_]*solutions?\b", re.IGNORECASE)
MARKER = re.compile(r"(?P<indent> *)# (?P<verb>BEGIN|END) SOLUTION(?: (?P<question>[a-z0-9]+(?:-[a-z0-9]+)*))?")
COMMENT = re.compile(r"\s*#")
SPELLING = "'# BEGIN SOLUTION <question-id>' or '# END SOLUTION', alone on its line"

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Region:
    """Lines `first` to `last`, counted from 1, both markers included."""

    first: int
    last: int
    indent: str
    question: str | None


def read_source(file: Path) -> str:
    """The text of a source file. Its last line ends in a newline.

    Raises:
        AuthoringError: the file cannot be read, is not UTF-8, or has a byte order mark or a carriage return. These
            would make the handout differ from machine to machine.
    """
    try:
        data = file.read_bytes()
    except OSError as error:
        raise AuthoringError(file, 1, f"cannot be read: {error.strerror or error}") from None
    if (place := data.find(b"\r")) >= 0:
        raise AuthoringError(file, data.count(b"\n", 0, place) + 1, "a carriage return: save with Unix line ends (LF)")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise AuthoringError(file, data.count(b"\n", 0, error.start) + 1, "not UTF-8") from None
    if text.startswith("\ufeff"):
        raise AuthoringError(file, 1, "a byte order mark: save as UTF-8 without one")
    return text if text.endswith("\n") or not text else text + "\n"


def strip_module(source: str, file: Path, questions: Collection[str]) -> str:
    """The stub of a module.

    Args:
        source: the solution's text.
        file: its path, for messages.
        questions: the ids that regions may name.

    Raises:
        AuthoringError: the solution or its stub is not Python; a marker is misspelt, nested, unclosed or stray; an
            id is missing, unknown, or outside a function.
    """
    tree = _parse(source, file, 1)
    regions = find_regions(source, file, questions)
    functions = [node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
    for region in regions:
        _check_place(region, source, functions, file)
    stub = strip_regions(source, regions)
    try:
        compile(stub, str(file), "exec", dont_inherit=True)
    except SyntaxError as error:
        first = regions[0].first if regions else 1
        problem = f"without its solution regions this is not Python: {error.msg} at line {error.lineno} of the stub"
        raise AuthoringError(file, first, problem) from None
    return stub


def find_regions(
    source: str, file: Path, questions: Collection[str] | None = None, first_line: int = 1
) -> list[Region]:
    """The regions of a text, in order.

    Args:
        questions: the ids that regions may name; None for any.
        first_line: the line of the file at which the text starts.

    Raises:
        AuthoringError: a marker is misspelt, nested, unclosed or stray, or its id is unknown.
    """
    regions: list[Region] = []
    opened: Region | None = None
    for number, line in enumerate(source.split("\n"), start=1):
        if not SUSPECT.search(line):
            continue
        place = first_line + number - 1
        marker = MARKER.fullmatch(line)
        if marker is None:
            raise AuthoringError(file, place, f"a misspelt solution marker: wanted {SPELLING}")
        indent, question = marker["indent"], marker["question"]
        if marker["verb"] == "BEGIN":
            if opened:
                raise AuthoringError(
                    file, place, f"nested in the solution region that line {_at(opened, first_line)} opens"
                )
            if question is not None and questions is not None and question not in questions:
                raise AuthoringError(file, place, f"unknown question {question!r}; there are: {', '.join(questions)}")
            opened = Region(number, number, indent, question)
            continue
        if opened is None:
            raise AuthoringError(file, place, "END SOLUTION without a BEGIN SOLUTION before it")
        if question is not None and question != opened.question:
            raise AuthoringError(file, place, f"closes {question!r}, but line {_at(opened, first_line)} opens another")
        if indent != opened.indent:
            raise AuthoringError(file, place, f"indented otherwise than its BEGIN on line {_at(opened, first_line)}")
        regions.append(Region(opened.first, number, indent, opened.question))
        opened = None
    if opened:
        raise AuthoringError(file, _at(opened, first_line), "this solution region is never closed by END SOLUTION")
    return regions


def strip_regions(source: str, regions: Collection[Region]) -> str:
    """The text with each region replaced by a raise if it names a question, and removed if it does not."""
    lines = source.split("\n")
    for region in sorted(regions, key=lambda region: region.first, reverse=True):
        lines[region.first - 1 : region.last] = _stub_lines(region)
    return "\n".join(lines)


def _stub_lines(region: Region) -> list[str]:
    if region.question is None:
        return []
    return [
        f"{region.indent}# Your answer to {region.question} takes the place of the next line.",
        f'{region.indent}raise NotImplementedError("{region.question}")',
    ]


def _at(region: Region, first_line: int) -> int:
    return first_line + region.first - 1


def _parse(source: str, file: Path, first_line: int) -> ast.Module:
    try:
        return ast.parse(source, str(file))
    except SyntaxError as error:
        raise AuthoringError(file, first_line + (error.lineno or 1) - 1, f"not Python: {error.msg}") from None


def _check_place(region: Region, source: str, functions: Collection[Function], file: Path) -> None:
    """Raise AuthoringError for a region that is empty, crosses a function's border, or has an id in a wrong place."""
    lines = source.split("\n")
    code = [n for n in range(region.first + 1, region.last) if lines[n - 1].strip() and not COMMENT.match(lines[n - 1])]
    if not code:
        raise AuthoringError(file, region.first, "an empty solution region")
    inside_function = False
    for function in functions:
        start, end = function.lineno, function.end_lineno or function.lineno
        begins_before, ends_after = start < code[0] <= end, start <= code[-1] <= end
        if begins_before != ends_after and not code[0] <= start <= end <= code[-1]:
            raise AuthoringError(file, region.first, "a solution region must begin and end in the same function")
        inside_function |= begins_before
    if inside_function and region.question is None:
        raise AuthoringError(file, region.first, f"a region inside a function needs a question's id: {SPELLING}")
    if not inside_function and region.question is not None:
        problem = f"the region of {region.question!r} stands outside any function: its raise would end the import"
        raise AuthoringError(file, region.first, problem)
