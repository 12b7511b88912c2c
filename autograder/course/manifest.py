"""Reads assignment.toml into `course.model`. The error for a wrong one names file, key, found and wanted value."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

from msgspec import Meta

from autograder.course.budgets import read_budgets
from autograder.course.model import Assignment, Component, Limits, NotebookLimits, Option, Question, Text, Whole, text
from autograder.course.table import Wrong, read_table, read_toml
from autograder.errors import ManifestError

__all__ = ["load_assignment"]

# A file of this assignment's folder, or of another's: a1_boxes/boxes.py.
GIVEN = r"(?a:([a-z]\w*/)?(?!common\.py$)[A-Za-z_]\w*\.py)"
GIVEN_WANTED = "the name of a Python file, boxes.py, or one of another assignment's, a1_boxes/boxes.py"
DUE = Meta(tz=True, description="a date and time with a time zone, 2022-12-02T23:59:00+09:00")
ONLY_COMPONENT = ("module", "notebook", "artifacts", "notebook_minutes")  # at the top of a manifest without components


def _one_or_more(key: str) -> Meta:
    return Meta(min_length=1, description=f"one [[{key}]] table or more")


@dataclass(frozen=True)
class _Manifest:
    """The file, without the keys that stand for an only component. `questions` and `limits` are read afterwards."""

    number: Whole
    title: Text
    due: Annotated[datetime, DUE]
    questions: Annotated[tuple[dict[str, Any], ...], _one_or_more("questions")]
    options: Annotated[tuple[Option, ...], _one_or_more("options")]
    components: Annotated[tuple[Component, ...], _one_or_more("components")]
    given: tuple[Annotated[str, text(GIVEN, GIVEN_WANTED)], ...] = ()
    limits: dict[str, Any] = field(default_factory=dict)
    late: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for wrong in (*self._wrong_components(), *self._wrong_given(), *self._wrong_options()):
            raise wrong

    def _wrong_components(self) -> Iterator[Wrong]:
        for index, component in enumerate(self.components):
            earlier = self.components[:index]
            for key, mine, others in (
                ("module", [component.module], [other.module for other in earlier]),
                ("notebook", [component.notebook], [other.notebook for other in earlier]),
                ("artifacts", component.artifacts, [name for other in earlier for name in other.artifacts]),
            ):
                for name in mine:
                    if name and name.casefold() in map(str.casefold, others):
                        yield Wrong(f"components[{index}].{key}", name, "a name that no earlier component has")

    def _wrong_given(self) -> Iterator[Wrong]:
        names = [entry.rpartition("/")[2] for entry in self.given]
        for entry, name in zip(self.given, names, strict=True):
            if names.count(name) > 1:
                yield Wrong("given", entry, "each file once")
            if name in [component.file for component in self.components]:
                yield Wrong("given", entry, "a file that students do not write")

    def _wrong_options(self) -> Iterator[Wrong]:
        for index, option in enumerate(self.options):
            if option.id in [other.id for other in self.options[:index]]:
                yield Wrong(f"options[{index}].id", option.id, "an id that no earlier option has")


def load_assignment(path: Path, rules: Collection[str] | None = None) -> Assignment:
    """Read one manifest.

    Args:
        rules: the names of the course's rules; None if they are unknown, as in a handout. Then any name passes.

    Raises:
        ManifestError: a key is missing, unknown, of the wrong type or out of range.
        UsageError: the file cannot be read, or is not TOML.
    """
    name, data = path.parent.name, read_toml(path)
    only = {key: data.pop(key) for key in ONLY_COMPONENT if key in data}
    if "components" not in data:
        read_table(path, only, Component)
        data["components"] = [only]
    elif only:
        key, value = only.popitem()
        raise ManifestError(path, key, found=value, wanted="this key inside of a [[components]] table")
    manifest = read_table(path, data, _Manifest)
    lent = {entry.rpartition("/")[2]: entry.rpartition("/")[0] for entry in manifest.given}
    for file, folder in lent.items():
        if folder == name:
            wanted = f"{file}: it lies in this assignment's own folder"
            raise ManifestError(path, "given", found=f"{folder}/{file}", wanted=wanted)
    notebook = manifest.limits.pop("notebook", {})
    return Assignment(
        id=name.split("_")[0],
        name=name,
        number=manifest.number,
        title=manifest.title,
        due=manifest.due,
        components=manifest.components,
        questions=_questions(path, manifest, rules),
        options=manifest.options,
        limits=read_table(path, manifest.limits, Limits, "limits."),
        notebook_limits=read_table(path, notebook, NotebookLimits, "limits.notebook."),
        given=tuple(lent),
        lent={file: folder for file, folder in lent.items() if folder},
        late=manifest.late,
    )


def _questions(path: Path, manifest: _Manifest, rules: Collection[str] | None) -> tuple[Question, ...]:
    modules = [component.module for component in manifest.components]
    only = {"module": modules[0]} if len(modules) == 1 else {}
    questions: list[Question] = []
    for index, table in enumerate(manifest.questions):
        place, known = f"questions[{index}].", [question.id for question in questions]
        budgets = read_budgets(path, table.pop("budgets", []), place)
        question = replace(read_table(path, {**only, **table}, Question, place), budgets=budgets)
        for wrong in _wrong_question(question, modules, known, rules):
            raise wrong.at(path, place)
        questions.append(question)
    return tuple(questions)


def _wrong_question(
    question: Question, modules: Collection[str], known: Collection[str], rules: Collection[str] | None
) -> Iterator[Wrong]:
    """`known`: the ids of earlier questions."""
    if question.module not in modules:
        yield Wrong("module", question.module or "nothing", f"one of {', '.join(modules)}")
    if question.id in known:
        yield Wrong("id", question.id, "an id that no earlier question has")
    for id in question.depends:
        if id not in known:
            yield Wrong("depends", id, f"an earlier question's id: {', '.join(known) or 'none so far'}")
    for index, name in enumerate(question.rules):
        if rules is not None and name not in rules:
            wanted = f"one of {', '.join(rules)}" if rules else "no rule: solutions/rules.toml has none"
            yield Wrong(f"rules[{index}]", name, wanted)
