"""Reads TOML into dataclasses. The error for a missing, unknown or wrong key names file, key, found and wanted.

The fields of a dataclass are the keys of its table. The field's type defines the allowed values. The `Meta` description
words the error:

    points: Annotated[float, Meta(ge=0, description="a number of at least 0")]

    assignment.toml: questions[1].points: found -1, wanted a number of at least 0
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from msgspec import ValidationError, convert, inspect

from autograder.course.plain import ONE_AT_A_TIME
from autograder.errors import ManifestError, UsageError

__all__ = ["Wrong", "read_table", "read_toml"]

T = TypeVar("T")


class Wrong(ValueError):
    """A value that does not fit the ones beside it. `__post_init__` of a dataclass raises it; `key` is relative."""

    def __init__(self, key: str, found: object, wanted: str) -> None:
        super().__init__(f"{key}: found {found!r}, wanted {wanted}")
        self.key, self.found, self.wanted = key, found, wanted

    def at(self, file: Path, place: str = "") -> ManifestError:
        """The error for people, once file and table are known."""
        return ManifestError(file, place + self.key, found=self.found, wanted=self.wanted)


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a file. Raises UsageError if it cannot be read, or is not TOML."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot be read: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path}: not TOML: {error}") from None


def read_table(file: Path, data: Any, kind: type[T], place: str = "") -> T:
    """A table as a `kind`.

    Args:
        place: the table's place in the file, `questions[1].`; "" for the whole file.

    Raises:
        ManifestError: a key is missing or unknown, or a value is wrong.
    """
    with ONE_AT_A_TIME:
        kinds = _kinds(kind)
        try:
            table = convert(data, kind, builtin_types=(datetime,))
        except ValidationError as error:
            raise _explained(file, data, kinds, place, error) from None
    _refuse_unknown_keys(file, data, kinds, place)
    return table


def _explained(file: Path, data: Any, kind: inspect.Type, place: str, error: ValidationError) -> ManifestError:
    """The error of msgspec, whose message ends with the path to the value, in the form of this package."""
    path = re.search(r" - at `\$([\w.\[\]]*)`$", str(error))
    for step in re.findall(r"\w+", path[1]) if path else ():
        if (inner := _inner(kind, step)) is None:
            break  # a table of free keys, or one kind of several: the error is about it as a whole
        if step.isdecimal():
            data, kind, place = data[int(step)], inner, f"{place.removesuffix('.')}[{step}]."
        else:
            data, kind, place = data[step], inner, f"{place}{step}."
    if isinstance(wrong := error.__cause__, Wrong):
        return wrong.at(file, place)
    if missing := re.search(r"required field `(\w+)`", str(error)):
        return ManifestError(file, place + missing[1], found="nothing", wanted=_wanted(_fields(kind)[missing[1]]))
    found = data.isoformat() if isinstance(data, date) else data
    return ManifestError(file, place.removesuffix("."), found=found, wanted=_wanted(kind))


def _refuse_unknown_keys(file: Path, data: Any, kind: inspect.Type, place: str) -> None:
    known = _fields(kind)
    for name in data if known else ():
        if name not in known:
            wanted = f"a key of this table: {', '.join(known)}"
            raise ManifestError(file, place + name, found=f"the unknown key {name}", wanted=wanted)
        _refuse_unknown_keys(file, data[name], known[name], f"{place}{name}.")
    for index, each in enumerate(data if isinstance(data, list) else ()):
        if (inner := _inner(kind, str(index))) is not None:
            _refuse_unknown_keys(file, each, inner, f"{place.removesuffix('.')}[{index}].")


_kinds: Callable[[Any], inspect.Type] = cache(inspect.type_info)


def _fields(kind: inspect.Type) -> dict[str, inspect.Type]:
    """The types of a dataclass's fields; empty for any other type."""
    bare = kind.type if isinstance(kind, inspect.Metadata) else kind
    return {field.name: field.type for field in bare.fields} if isinstance(bare, inspect.DataclassType) else {}


def _inner(kind: inspect.Type, step: str) -> inspect.Type | None:
    """The type of a field, or of a place in a list; None if the type does not say."""
    bare = kind.type if isinstance(kind, inspect.Metadata) else kind
    return bare.item_type if isinstance(bare, inspect.VarTupleType) else _fields(kind).get(step)


def _wanted(kind: inspect.Type) -> str:
    """The values that a type allows, in words: its description, else the words for its kind."""
    match kind:
        case inspect.Metadata(extra_json_schema={"description": str(wanted)}):
            return wanted
        case inspect.UnionType():
            return _wanted(kind.types[0])
        case inspect.EnumType():
            return f"one of {', '.join(kind.cls)}"
        case inspect.VarTupleType():
            return f"a list, each {_wanted(kind.item_type)}"
        case inspect.BoolType():
            return "true or false"
        case inspect.DataclassType() | inspect.DictType():
            return "a table"
    return "text"
