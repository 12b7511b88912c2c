"""Splits a student's answers into lines of code and the student's own comments. No code is run.

A comment or docstring is the student's own if it is nowhere in the clean copy.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Collection, Iterable, Iterator, Mapping

from autograder.course.model import Assignment, Question
from autograder.course.reading import CodeLine, FunctionReading, QuestionReading, Reading
from autograder.submission.clean.module import CleanModule, Source
from autograder.submission.clean.module_pieces import Piece

__all__ = ["read_comments"]

MARKER = re.compile(r"(BEGIN|END) SOLUTION.*")  # a marker of the handout, not a comment on the code
MAX_LINES, MAX_LINE = 4_000, 300


def read_comments(sources: Mapping[str, Source], clean: Mapping[str, CleanModule], assignment: Assignment) -> Reading:
    """The reading of a submission: for each file the answers by question, then the student's added functions.

    Args:
        sources: the student's modules by file name, without those that cannot be parsed.
        clean: the handed-out modules by file name.
    """
    read = [
        _read(
            sources[component.file],
            clean.get(component.file),
            component.file,
            assignment.questions_in(component.module),
        )
        for component in assignment.components
        if component.file in sources
    ]
    return Reading(tuple(question for each in read for question in each.questions), sum(each.cut for each in read))


def _read(source: Source, clean: CleanModule | None, file: str, asked: Iterable[Question]) -> Reading:
    """One file."""
    given = dict(_functions(clean.source)) if clean else {}
    layout = _Layout(source, clean.source if clean else None)
    functions = dict(_functions(source))
    questions, shown = [], set[str]()
    for question in asked:
        own = [name for name in functions if _answers(name, question.id, question.component, clean, given)]
        read = tuple(layout.function(name, functions[name], name in shown) for name in own)
        questions.append(QuestionReading(question.id, read, file))
        shown.update(own)
    added = [name for name in functions if name not in shown and name not in given]
    read = tuple(layout.function(name, functions[name], False) for name in added)
    questions.append(QuestionReading("", read, file))
    return Reading(tuple(question for question in questions if question.functions), layout.cut)


def _answers(name: str, question: str, component: str, clean: CleanModule | None, given: Collection[str]) -> bool:
    """True if a function of the student's belongs to the answer to a question."""
    if clean and name in clean.answers:
        asked = clean.answers[name]
        return question in asked if asked else name == component or name.startswith(f"{component}.")
    return name not in given and (name == component or name.startswith(f"{component}."))


def _functions(source: Source) -> Iterator[tuple[str, Piece]]:
    """The functions with their dotted names, in order. In a dict, the last definition of a name remains."""
    yield from _inside(source, source.module, "")


def _inside(source: Source, pieces: Collection[Piece], prefix: str) -> Iterator[tuple[str, Piece]]:
    for piece in pieces:
        node = piece.definition
        if isinstance(node, ast.ClassDef):
            yield from _inside(source, source.members(node) or (), f"{prefix}{node.name}.")
        elif node is not None:
            yield prefix + node.name, piece


class _Layout:
    """The lines of one file, split into code and comment.

    Attributes:
        cut: the number of lines that were left out beyond the limit.
    """

    def __init__(self, source: Source, clean: Source | None) -> None:
        self._source = source
        self._comments = _comments(source)
        self._texts = _texts(source.tree)
        given = _comments(clean).values() if clean else ()
        self._given = {text.strip() for _, text in given} | (clean.known_lines if clean else frozenset())
        self._left, self.cut = MAX_LINES, 0

    def function(self, name: str, piece: Piece, shown: bool) -> FunctionReading:
        """One function. Its lines are left out if it was `shown` already."""
        lines = [line for number in range(piece.lead, piece.last + 1) for line in self._line(number, piece.indent)]
        while lines and not (lines[-1].code or lines[-1].comment):
            lines.pop()
        code, commented, above = 0, 0, False
        for line in lines:
            code += bool(line.code)
            commented += bool(line.code) and (above or bool(line.comment))
            above = bool(line.comment) and not line.code
        kept = [] if shown else lines[: self._left]
        self._left -= len(kept)
        self.cut += 0 if shown else len(lines) - len(kept)
        return FunctionReading(name[:MAX_LINE], piece.line, code, commented, tuple(kept))

    def _line(self, number: int, indent: str) -> Iterator[CodeLine]:
        """One line, or nothing for a line with only a handed-out comment or docstring."""
        text = self._source.lines[number - 1]
        if number in self._texts:
            words = text.strip().strip("\"'").strip()
            if words and text.strip() not in self._given:
                yield CodeLine(number, "", words[:MAX_LINE])
            return
        column, comment = self._comments.get(number, (len(text), ""))
        code = text[:column].rstrip().removeprefix(indent)
        own = comment.lstrip("#").strip() if comment.strip() not in self._given else ""
        own = "" if MARKER.fullmatch(own) else own
        if code or own or not comment:
            yield CodeLine(number, code[:MAX_LINE], own[:MAX_LINE])


def _comments(source: Source) -> Mapping[int, tuple[int, str]]:
    """Line number → the column and text of its comment."""
    found: dict[int, tuple[int, str]] = {}
    try:
        for token in tokenize.generate_tokens(io.StringIO("\n".join(source.lines)).readline):
            if token.type == tokenize.COMMENT:
                found[token.start[0]] = (token.start[1], token.string)
    except (tokenize.TokenError, SyntaxError):
        pass  # keep the comments found so far
    return found


def _texts(tree: ast.Module) -> frozenset[int]:
    """The lines of statements that are only a string: docstrings, and comments in the form of a string."""
    found: set[int] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Expr(value=ast.Constant(value=str())):
                found.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return frozenset(found)
