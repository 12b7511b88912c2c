"""Reads TOML tables key by key. The error for a missing, unknown or wrong key names file, key, found and wanted."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

from autograder.errors import ManifestError

__all__ = ["REQUIRED", "Table", "one_of"]

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)
REQUIRED: Any = object()  # as a default: the key must be there


class Table:
    """A TOML table whose keys are taken out one by one. `done` then refuses every key that is left."""

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
        value = self.take(key, str, one_of(kind), default.value)
        if value not in list(kind):
            raise self.wrong(key, value, one_of(kind))
        return kind(value)

    def tables(self, key: str, *, least: int = 1) -> Iterator[Table]:
        wanted = f"one [[{key}]] table or more"
        values = self.take(key, list, wanted, REQUIRED if least else [])
        if len(values) < least or not all(isinstance(value, dict) for value in values):
            raise self.wrong(key, values, wanted)
        for index, value in enumerate(values):
            yield Table(self.file, f"{self.prefix}{key}[{index}].", value)

    def subtables(self, key: str) -> Iterator[tuple[str, Table]]:
        """The names and tables in a table of tables."""
        values = self.take(key, dict, f"a [{key}.NAME] table or more")
        for name, value in values.items():
            if not isinstance(value, dict):
                raise self.wrong(f"{key}.{name}", value, "a table")
            yield name, Table(self.file, f"{self.prefix}{key}.{name}.", value)

    def done(self) -> None:
        for key in self.data:
            raise self.wrong(key, f"the unknown key {key}", "a key that docs/add-an-assignment.md names")


def one_of(kind: type[StrEnum]) -> str:
    return "one of " + ", ".join(member.value for member in kind)
