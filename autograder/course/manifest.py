"""Reads assignment.toml into `course.model`; a wrong one is refused with file, key, what was found and wanted."""

from __future__ import annotations

import re
import tomllib
from datetime import datetime
from pathlib import Path

from autograder.course.budgets import read_budgets
from autograder.course.model import Assignment, Limits, NotebookLimits, Option, Question, Rule, Visibility
from autograder.course.table import Table, one_of
from autograder.errors import UsageError

__all__ = ["load_assignment"]

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
    return _assignment(Table(path, "", data), path.parent.name)


def _assignment(table: Table, name: str) -> Assignment:
    due = table.take("due", datetime, "a date and time with offset, 2022-12-02T23:59:00+09:00")
    if due.tzinfo is None:
        raise table.wrong("due", due.isoformat(), "a time zone too, 2022-12-02T23:59:00+09:00")
    limits = Table(table.file, "limits.", table.take("limits", dict, "a [limits] table", {}))
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
        notebook_limits=_notebook_limits(limits),
        limits=_limits(limits),
    )
    table.done()
    return assignment


def _questions(table: Table) -> tuple[Question, ...]:
    questions: list[Question] = []
    for entry in table.tables("questions"):
        known = [question.id for question in questions]
        question = Question(
            id=entry.text("id", QUESTION_ID, "lower-case words joined by hyphens"),
            title=entry.text("title"),
            points=entry.number("points"),
            component=entry.text("component", COMPONENT, "a dotted name in the submission, Conv.forward"),
            depends=entry.texts("depends", QUESTION_ID, "the id of a question"),
            rules=tuple(Rule(rule) for rule in entry.texts("rules", re.compile("|".join(Rule)), one_of(Rule))),
            visibility=entry.choice("visibility", Visibility, Visibility.HINTS),
            budgets=read_budgets(entry),
        )
        entry.done()
        if question.id in known:
            raise entry.wrong("id", question.id, "an id that no earlier question has")
        for other in question.depends:
            if other not in known:
                raise entry.wrong("depends", other, f"an earlier question's id: {', '.join(known) or 'none so far'}")
        questions.append(question)
    return tuple(questions)


def _options(table: Table) -> tuple[Option, ...]:
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


def _notebook_limits(limits: Table) -> NotebookLimits:
    table = limits.take("notebook", dict, "a [limits.notebook] table", {})
    entry = Table(limits.file, f"{limits.prefix}notebook.", table)
    default = NotebookLimits()
    read = NotebookLimits(
        seconds=entry.number("seconds", default.seconds, low=1),
        cell_seconds=entry.number("cell_seconds", default.cell_seconds, low=1),
        memory_mb=entry.whole("memory_mb", default.memory_mb),
        disk_mb=entry.whole("disk_mb", default.disk_mb),
    )
    entry.done()
    return read


def _limits(entry: Table) -> Limits:
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
