"""Code laid out for a person who judges by its comments whether its author understood it: data with a JSON form."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import groupby

__all__ = ["CodeLine", "FunctionReading", "QuestionReading", "Reading"]


@dataclass(frozen=True)
class CodeLine:
    """A line of the student's file: what it does, and what its author says of it. Untrusted text.

    Attributes:
        number: counted from 1.
        code: without indentation that all lines of its function share; "" where the line is a comment alone.
        comment: the student's own; "" for none, and for one that was handed out.
    """

    number: int
    code: str
    comment: str = ""


@dataclass(frozen=True)
class FunctionReading:
    """One function.

    Attributes:
        name: dotted.
        line: of its `def`.
        code: how many lines do something.
        commented: how many of these have a comment of the student's own, beside them or right above.
        lines: all of it; empty where it stands with an earlier question already, and in result.json.
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
    """All of a submission. `cut`: how many lines were left out because there are far too many."""

    questions: tuple[QuestionReading, ...] = ()
    cut: int = 0

    @property
    def by_file(self) -> tuple[tuple[str, tuple[QuestionReading, ...]], ...]:
        """The questions, file by file."""
        return tuple((file, tuple(group)) for file, group in groupby(self.questions, lambda question: question.file))

    @property
    def functions(self) -> tuple[FunctionReading, ...]:
        """Every function once."""
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
        """Functions without one comment of the student's own."""
        return tuple(function.name for function in self.functions if not function.commented)

    def counts(self) -> Reading:
        """The same without the lines."""
        return replace(
            self,
            questions=tuple(
                replace(question, functions=tuple(replace(function, lines=()) for function in question.functions))
                for question in self.questions
            ),
        )
