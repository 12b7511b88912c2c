"""A student's code beside its comments, for a reviewer who judges the author's understanding. Has a JSON form."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import groupby

__all__ = ["CodeLine", "FunctionReading", "QuestionReading", "Reading"]


@dataclass(frozen=True)
class CodeLine:
    """A line of the student's file, split into code and comment. Untrusted text.

    Attributes:
        number: counted from 1.
        code: without the indentation that all lines of its function share; "" if the line is only a comment.
        comment: the student's own comment; "" if there is none, or if it was handed out.
    """

    number: int
    code: str
    comment: str = ""


@dataclass(frozen=True)
class FunctionReading:
    """One function.

    Attributes:
        name: its dotted name.
        line: the line of its `def`.
        code: the number of lines with code.
        commented: the number of these lines with a comment of the student's own, beside them or right above.
        lines: all lines; empty if an earlier question shows the same function, and in result.json.
    """

    name: str
    line: int
    code: int
    commented: int
    lines: tuple[CodeLine, ...] = ()


@dataclass(frozen=True)
class QuestionReading:
    """The functions that answer a question; `id` is "" for functions that the student added to the file."""

    id: str
    functions: tuple[FunctionReading, ...]
    file: str = ""


@dataclass(frozen=True)
class Reading:
    """The reading of a submission. `cut` is the number of lines that were left out of a very long one."""

    questions: tuple[QuestionReading, ...] = ()
    cut: int = 0

    @property
    def by_file(self) -> tuple[tuple[str, tuple[QuestionReading, ...]], ...]:
        """The questions, grouped by file."""
        return tuple((file, tuple(group)) for file, group in groupby(self.questions, lambda question: question.file))

    @property
    def functions(self) -> tuple[FunctionReading, ...]:
        """The functions, each once."""
        found = {
            (question.file, function.name): function
            for question in self.questions
            for function in reversed(question.functions)
        }
        return tuple(found.values())

    @property
    def code(self) -> int:
        return sum(function.code for function in self.functions)

    @property
    def commented(self) -> int:
        return sum(function.commented for function in self.functions)

    @property
    def bare(self) -> tuple[str, ...]:
        """The functions without any comment of the student's own."""
        return tuple(function.name for function in self.functions if not function.commented)

    def counts(self) -> Reading:
        """A copy without the lines."""
        return replace(
            self,
            questions=tuple(
                replace(question, functions=tuple(replace(function, lines=()) for function in question.functions))
                for question in self.questions
            ),
        )
