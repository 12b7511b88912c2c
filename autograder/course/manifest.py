"""Reads assignment.toml into `course.model`. The error for a wrong one names file, key, found and wanted value."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection
from datetime import datetime
from pathlib import Path

from autograder.course.budgets import read_budgets
from autograder.course.model import Assignment, Component, Limits, NotebookLimits, Option, Question, Visibility
from autograder.course.table import REQUIRED, Table
from autograder.errors import UsageError

__all__ = ["load_assignment"]

QUESTION_ID = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
COMPONENT = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
MODULE = re.compile(r"(?!common$)[A-Za-z_]\w*", re.ASCII)  # `common` is the given library
NOTEBOOK = re.compile(r"[\w-][\w.-]*\.ipynb")
GIVEN = re.compile(r"(?:([a-z]\w*)/)?(?!common\.py$)([A-Za-z_]\w*\.py)", re.ASCII)  # from another assignment's folder
FILE_NAME = re.compile(r"[\w-][\w.-]*")


def load_assignment(path: Path, rules: Collection[str] | None = None) -> Assignment:
    """Read one manifest.

    Args:
        rules: the names of the course's rules; None if they are unknown, as in a handout. Then any name passes.

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
    return _assignment(Table(path, "", data), path.parent.name, rules)


def _assignment(table: Table, name: str, rules: Collection[str] | None) -> Assignment:
    due = table.take("due", datetime, "a date and time with offset, 2022-12-02T23:59:00+09:00")
    if due.tzinfo is None:
        raise table.wrong("due", due.isoformat(), "a time zone too, 2022-12-02T23:59:00+09:00")
    components = _components(table)
    given = _given(table, components, name)
    limits = Table(table.file, "limits.", table.take("limits", dict, "a [limits] table", {}))
    assignment = Assignment(
        id=name.split("_")[0],
        name=name,
        number=table.whole("number"),
        title=table.text("title"),
        due=due,
        components=components,
        questions=_questions(table, components, rules),
        options=_options(table),
        notebook_limits=_notebook_limits(limits),
        limits=_limits(limits),
        given=tuple(given),
        lent={file: folder for file, folder in given.items() if folder},
        late=table.take("late", dict, "a [late] table", {}),
    )
    table.done()
    return assignment


def _components(table: Table) -> tuple[Component, ...]:
    """From the `[[components]]` tables. Without them, the keys at the top of the manifest make one component."""
    if "components" not in table.data:
        return (_component(table),)
    for key in ("module", "notebook", "artifacts", "notebook_minutes"):
        if key in table.data:
            raise table.wrong(key, table.data[key], "this key inside of a [[components]] table")
    components: list[Component] = []
    for entry in table.tables("components"):
        component = _component(entry)
        entry.done()
        for key, mine, others in (
            ("module", [component.module], [other.module for other in components]),
            ("notebook", [component.notebook], [other.notebook for other in components]),
            ("artifacts", component.artifacts, [name for other in components for name in other.artifacts]),
        ):
            if taken := [name for name in mine if name and name.casefold() in map(str.casefold, others)]:
                raise entry.wrong(key, taken[0], "a name that no earlier component has")
        components.append(component)
    return tuple(components)


def _component(entry: Table) -> Component:
    return Component(
        module=entry.text("module", MODULE, "a Python module's name without .py"),
        notebook=entry.text("notebook", NOTEBOOK, "the file name of a notebook, upsampling.ipynb", default=""),
        artifacts=entry.texts("artifacts", FILE_NAME, "a file name"),
        notebook_minutes=entry.number("notebook_minutes", 0.0),
    )


def _given(table: Table, components: tuple[Component, ...], own: str) -> dict[str, str]:
    """The given files by name, each with the folder of the assignment that it comes from; "" for this assignment."""
    given: dict[str, str] = {}
    wanted = "the name of a Python file, boxes.py, or one of another assignment's, a1_boxes/boxes.py"
    for entry in table.texts("given", GIVEN, wanted):
        folder, _, name = entry.rpartition("/")
        if name in given:
            raise table.wrong("given", entry, "each file once")
        if name in [component.file for component in components]:
            raise table.wrong("given", entry, "a file that students do not write")
        if folder == own:
            raise table.wrong("given", entry, f"{name}: it lies in this assignment's own folder")
        given[name] = folder
    return given


def _questions(table: Table, components: tuple[Component, ...], rules: Collection[str] | None) -> tuple[Question, ...]:
    modules = [component.module for component in components]
    only = modules[0] if len(modules) == 1 else REQUIRED
    questions: list[Question] = []
    for entry in table.tables("questions"):
        known = [question.id for question in questions]
        question = Question(
            id=entry.text("id", QUESTION_ID, "lower-case words joined by hyphens"),
            title=entry.text("title"),
            points=entry.number("points"),
            component=entry.text("component", COMPONENT, "a dotted name in the submission, Conv.forward"),
            module=entry.text("module", wanted=f"one of {', '.join(modules)}", default=only),
            depends=entry.texts("depends", QUESTION_ID, "the id of a question"),
            rules=_rules(entry, rules),
            visibility=entry.choice("visibility", Visibility, Visibility.HINTS),
            budgets=read_budgets(entry),
        )
        entry.done()
        if question.module not in modules:
            raise entry.wrong("module", question.module, f"one of {', '.join(modules)}")
        if question.id in known:
            raise entry.wrong("id", question.id, "an id that no earlier question has")
        for other in question.depends:
            if other not in known:
                raise entry.wrong("depends", other, f"an earlier question's id: {', '.join(known) or 'none so far'}")
        questions.append(question)
    return tuple(questions)


def _rules(entry: Table, known: Collection[str] | None) -> tuple[str, ...]:
    names = entry.texts("rules", re.compile(r".+"), "the name of a rule")
    for index, name in enumerate(names):
        if known is not None and name not in known:
            wanted = f"one of {', '.join(known)}" if known else "no rule: solutions/rules.toml has none"
            raise entry.wrong(f"rules[{index}]", name, wanted)
    return names


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
        submission_seconds=entry.number("submission_seconds", default.submission_seconds),
        memory_mb=entry.whole("memory_mb", default.memory_mb),
        disk_mb=entry.whole("disk_mb", default.disk_mb),
        output_kb=entry.whole("output_kb", default.output_kb),
    )
    entry.done()
    return limits
