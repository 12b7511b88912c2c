"""Lays out a student's answers line by line, with the student's own comments apart; no code is run.

Own is what the clean copy does not say: its comments and docstrings are the course's wherever they stand now.
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

MARKER = re.compile(r"(BEGIN|END) SOLUTION.*")  # says nothing of the code
MAX_LINES, LONGEST = 4_000, 300


def read_comments(sources: Mapping[str, Source], clean: Mapping[str, CleanModule], assignment: Assignment) -> Reading:
    """File by file, every answer under its question, and below these what the student added.

    Args:
        sources: the student's modules by file name; those that cannot be parsed, which nothing can be said of, are
            not there.
        clean: the modules as they were handed out, likewise.
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
    """Whether a function of the student's answers a question."""
    if clean and name in clean.answers:
        asked = clean.answers[name]
        return question in asked if asked else name == component or name.startswith(f"{component}.")
    return name not in given and (name == component or name.startswith(f"{component}."))


def _functions(source: Source) -> Iterator[tuple[str, Piece]]:
    """Functions by dotted name, in order; of several definitions of one name, the last."""
    yield from _inside(source, source.module, "")


def _inside(source: Source, pieces: Collection[Piece], prefix: str) -> Iterator[tuple[str, Piece]]:
    for piece in pieces:
        node = piece.definition
        if isinstance(node, ast.ClassDef):
            yield from _inside(source, source.members(node) or (), f"{prefix}{node.name}.")
        elif node is not None:
            yield prefix + node.name, piece


class _Layout:
    """Lines of one file, each taken apart into code and comment.

    Attributes:
        cut: how many lines were left out, once there were too many.
    """

    def __init__(self, source: Source, clean: Source | None) -> None:
        self._source = source
        self._comments = _comments(source)
        self._texts = _texts(source.tree)
        given = _comments(clean).values() if clean else ()
        self._given = {text.strip() for _, text in given} | (clean.known_lines if clean else frozenset())
        self._left, self.cut = MAX_LINES, 0

    def function(self, name: str, piece: Piece, shown: bool) -> FunctionReading:
        """One function; its lines are left out where it was `shown` already."""
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
        return FunctionReading(name[:LONGEST], piece.line, code, commented, tuple(kept))

    def _line(self, number: int, indent: str) -> Iterator[CodeLine]:
        """One line, or nothing for one that only says what was handed out."""
        text = self._source.lines[number - 1]
        if number in self._texts:
            said = text.strip().strip("\"'").strip()
            if said and text.strip() not in self._given:
                yield CodeLine(number, "", said[:LONGEST])
            return
        column, comment = self._comments.get(number, (len(text), ""))
        code = text[:column].rstrip().removeprefix(indent)
        own = comment.lstrip("#").strip() if comment.strip() not in self._given else ""
        own = "" if MARKER.fullmatch(own) else own
        if code or own or not comment:
            yield CodeLine(number, code[:LONGEST], own[:LONGEST])


def _comments(source: Source) -> Mapping[int, tuple[int, str]]:
    """Line → where its comment begins, and what it says."""
    found: dict[int, tuple[int, str]] = {}
    try:
        for token in tokenize.generate_tokens(io.StringIO("\n".join(source.lines)).readline):
            if token.type == tokenize.COMMENT:
                found[token.start[0]] = (token.start[1], token.string)
    except (tokenize.TokenError, SyntaxError):
        pass  # what was found so far is all that can be told
    return found


def _texts(tree: ast.Module) -> frozenset[int]:
    """Lines of statements that are nothing but text: docstrings, and comments written as such."""
    found: set[int] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Expr(value=ast.Constant(value=str())):
                found.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return frozenset(found)
