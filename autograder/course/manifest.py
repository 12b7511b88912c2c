"""Reads assignment.toml into `course.model`; a wrong one is refused with file, key, what was found and wanted."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

from autograder.course.model import Assignment, Limits, Option, Question, Rule, Visibility
from autograder.errors import ManifestError, UsageError

__all__ = ["load_assignment"]

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)
REQUIRED: Any = object()

QUESTION_ID = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
COMPONENT = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
FILE_NAME = re.compile(r"[\w-][\w.-]*")


def load_assignment(path: Path) -> Assignment:
    """Read one manifest.

    Raises:
        ManifestError: a key is missing, unknown, of the wrong type or out of range.
        UsageError: the file cannot be read, or is not TOML.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot be read: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path}: not TOML: {error}") from None
    return _assignment(_Table(path, "", data), path.parent.name)


class _Table:
    """A TOML table that is taken apart key by key; `done` refuses what nobody asked for."""

    def __init__(self, file: Path, prefix: str, data: dict[str, Any]) -> None:
        self.file, self.prefix, self.data = file, prefix, dict(data)

    def wrong(self, key: str, found: object, wanted: str) -> ManifestError:
        return ManifestError(self.file, self.prefix + key, found=found, wanted=wanted)

    def take(self, key: str, kind: type[T], wanted: str, default: Any = REQUIRED) -> T:
        if key not in self.data:
            if default is REQUIRED:
                raise self.wrong(key, "nothing", wanted)
            return default  # type: ignore[no-any-return]
        value = self.data.pop(key)
        if kind is float and type(value) is int:
            value = float(value)
        if type(value) is not kind:
            raise self.wrong(key, value, wanted)
        return value

    def text(
        self, key: str, pattern: re.Pattern[str] | None = None, wanted: str = "text", default: Any = REQUIRED
    ) -> str:
        value = self.take(key, str, wanted, default)
        if value != default and (not value.strip() or (pattern and not pattern.fullmatch(value))):
            raise self.wrong(key, value, wanted)
        return value

    def number(self, key: str, default: Any = REQUIRED, low: float = 0.0, high: float = math.inf) -> float:
        wanted = f"a number from {low:g} to {high:g}" if high < math.inf else f"a number of at least {low:g}"
        value = self.take(key, float, wanted, default)
        if not (math.isfinite(value) and low <= value <= high):
            raise self.wrong(key, value, wanted)
        return value

    def whole(self, key: str, default: Any = REQUIRED) -> int:
        value = self.take(key, int, "a whole number of at least 1", default)
        if value < 1:
            raise self.wrong(key, value, "a whole number of at least 1")
        return value

    def texts(self, key: str, pattern: re.Pattern[str], wanted: str) -> tuple[str, ...]:
        values = self.take(key, list, f"a list, each {wanted}", [])
        for index, value in enumerate(values):
            if not (isinstance(value, str) and pattern.fullmatch(value)):
                raise self.wrong(f"{key}[{index}]", value, wanted)
        return tuple(values)

    def choice(self, key: str, kind: type[E], default: E) -> E:
        value = self.take(key, str, _one_of(kind), default.value)
        if value not in list(kind):
            raise self.wrong(key, value, _one_of(kind))
        return kind(value)

    def tables(self, key: str) -> Iterator[_Table]:
        wanted = f"one [[{key}]] table or more"
        values = self.take(key, list, wanted)
        if not values or not all(isinstance(value, dict) for value in values):
            raise self.wrong(key, values, wanted)
        for index, value in enumerate(values):
            yield _Table(self.file, f"{self.prefix}{key}[{index}].", value)

    def done(self) -> None:
        for key in self.data:
            raise self.wrong(key, f"the unknown key {key}", "a key that the README of the course names")


def _one_of(kind: type[StrEnum]) -> str:
    return "one of " + ", ".join(member.value for member in kind)


def _assignment(table: _Table, name: str) -> Assignment:
    due = table.take("due", datetime, "a date and time with offset, 2022-12-02T23:59:00+09:00")
    if due.tzinfo is None:
        raise table.wrong("due", due.isoformat(), "a time zone too, 2022-12-02T23:59:00+09:00")
    assignment = Assignment(
        id=name.split("_")[0],
        name=name,
        number=table.whole("number"),
        title=table.text("title"),
        due=due,
        module=table.text("module", COMPONENT, "a Python module's name without .py"),
        notebook=table.text("notebook", FILE_NAME, "a file name", default=""),
        artifacts=table.texts("artifacts", FILE_NAME, "a file name"),
        questions=_questions(table),
        options=_options(table),
        limits=_limits(table),
    )
    table.done()
    return assignment


def _questions(table: _Table) -> tuple[Question, ...]:
    questions: list[Question] = []
    for entry in table.tables("questions"):
        known = [question.id for question in questions]
        question = Question(
            id=entry.text("id", QUESTION_ID, "lower-case words joined by hyphens"),
            title=entry.text("title"),
            points=entry.number("points"),
            component=entry.text("component", COMPONENT, "a dotted name in the submission, Conv.forward"),
            depends=entry.texts("depends", QUESTION_ID, "the id of a question"),
            rules=tuple(Rule(rule) for rule in entry.texts("rules", re.compile("|".join(Rule)), _one_of(Rule))),
            visibility=entry.choice("visibility", Visibility, Visibility.HINTS),
        )
        entry.done()
        if question.id in known:
            raise entry.wrong("id", question.id, "an id that no earlier question has")
        for other in question.depends:
            if other not in known:
                raise entry.wrong("depends", other, f"an earlier question's id: {', '.join(known) or 'none so far'}")
        questions.append(question)
    return tuple(questions)


def _options(table: _Table) -> tuple[Option, ...]:
    options: list[Option] = []
    for entry in table.tables("options"):
        option = Option(
            id=entry.text("id", re.compile(r"\d+"), 'digits in quotes, "1"'),
            title=entry.text("title"),
            scale=entry.number("scale", default=1.0, high=1.0),
            review=entry.take("review", bool, "true or false", False),
        )
        entry.done()
        if any(option.id == other.id for other in options):
            raise entry.wrong("id", option.id, "an id that no earlier option has")
        options.append(option)
    return tuple(options)


def _limits(table: _Table) -> Limits:
    entry = _Table(table.file, "limits.", table.take("limits", dict, "a [limits] table", {}))
    default = Limits()
    limits = Limits(
        call_seconds=entry.number("call_seconds", default.call_seconds, low=0.1),
        question_seconds=entry.number("question_seconds", default.question_seconds, low=0.1),
        import_seconds=entry.number("import_seconds", default.import_seconds, low=0.1),
        memory_mb=entry.whole("memory_mb", default.memory_mb),
        disk_mb=entry.whole("disk_mb", default.disk_mb),
        output_kb=entry.whole("output_kb", default.output_kb),
    )
    entry.done()
    return limits
