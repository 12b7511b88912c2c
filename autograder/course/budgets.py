"""Reads a question's [[budgets]] tables: the permitted running times, their baselines, and their credit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any

from msgspec import Meta

from autograder.course.model import DEVICES, Band, Budget, BudgetKind, Id, Ratio, number, text
from autograder.course.table import Wrong, read_table

__all__ = ["read_budgets"]

NUMBERS = (int, float)
Sizes = dict[str, dict[str, Any]]  # by device, the keyword arguments of the check's draw function


@dataclass(frozen=True)
class _Table:
    """A [[budgets]] table. `ratio` alone makes one band with full credit."""

    id: Id
    sizes: Annotated[Sizes, Meta(min_length=1, description="a [sizes.NAME] table or more")]
    kind: BudgetKind = BudgetKind.RATIO
    baseline: Annotated[str, text(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", "reference, or a dotted name in its module")] = ""
    ratio: Ratio | None = None
    bands: Annotated[tuple[Band, ...], Meta(min_length=1, description="one [[bands]] table or more")] = ()
    seconds: Annotated[float, number(0.1)] | None = None

    def __post_init__(self) -> None:
        training = self.kind is BudgetKind.TRAINING
        for wrong in (*self._wrong_keys(training), *_wrong_bands(self.bands), *_wrong_sizes(self.sizes, training)):
            raise wrong

    def _wrong_keys(self, training: bool) -> Iterator[Wrong]:
        for key in ("baseline", "ratio", "bands") if training else ("seconds",):
            if value := getattr(self, key):
                yield Wrong(key, value, f"a key of a budget of the kind {self.kind}")
        if training and not self.seconds:
            yield Wrong("seconds", "nothing", "a number of at least 0.1")
        if not training and bool(self.ratio) == bool(self.bands):
            yield Wrong("ratio", self.ratio or "nothing", "a number, or else bands")

    @property
    def budget(self) -> Budget:
        whole = {device: dict(sizes) for device, sizes in self.sizes.items()}
        parts = {device: part for device, sizes in whole.items() if (part := sizes.pop("part", None))}
        parts = {device: whole[device] | part for device, part in parts.items()}
        bands = self.bands or ((Band(self.ratio, 1.0),) if self.ratio else ())
        baseline = self.baseline or "reference"
        return Budget(self.id, self.kind, baseline, bands, self.seconds, _frozen(whole), _frozen(parts))


@dataclass(frozen=True)
class _Tables:
    budgets: tuple[_Table, ...]

    def __post_init__(self) -> None:
        for index, budget in enumerate(self.budgets):
            if budget.id in [other.id for other in self.budgets[:index]]:
                raise Wrong(f"budgets[{index}].id", budget.id, "an id that no earlier budget of the question has")


def read_budgets(file: Path, tables: object, question: str) -> tuple[Budget, ...]:
    """The budgets of a question. `question` is its place in the file, `questions[1].`. Raises ManifestError."""
    return tuple(table.budget for table in read_table(file, {"budgets": tables}, _Tables, question).budgets)


def _wrong_bands(bands: Sequence[Band]) -> Iterator[Wrong]:
    if bands and bands[0].credit != 1.0:
        yield Wrong("bands[0].credit", bands[0].credit, "1 in the first band, which is the aim")
    for index, (before, band) in enumerate(pairwise(bands), start=1):
        if band.ratio < before.ratio * 1.1:
            wanted = f"at least a tenth more than the band before, {before.ratio:g}"
            yield Wrong(f"bands[{index}].ratio", band.ratio, wanted)
        if not 0 < band.credit < before.credit:
            wanted = f"more than 0 and less than the band before, {before.credit:g}"
            yield Wrong(f"bands[{index}].credit", band.credit, wanted)


def _wrong_sizes(sizes: Sizes, training: bool) -> Iterator[Wrong]:
    for device, table in sizes.items():
        place = f"sizes.{device}"
        if device not in DEVICES:
            yield Wrong(place, device, f"one of {', '.join(DEVICES)}")
        part = {} if training else table.get("part", {})
        if not isinstance(part, dict):
            yield Wrong(f"{place}.part", part, "a table of some of the sizes")
            continue
        for key, value in table.items():
            if part is not value and not _is_size(value):
                yield Wrong(f"{place}.{key}", value, "a number, a text, true or false, or a list of numbers")
            if not key.isidentifier() or key == "device":
                yield Wrong(f"{place}.{key}", key, "a Python name other than device")
        for key, value in part.items():
            if key not in table or not _is_size(value):
                yield Wrong(f"{place}.part.{key}", value, "another value of a key of the sizes around it")


def _is_size(value: object) -> bool:
    listed = isinstance(value, list) and all(type(item) in NUMBERS for item in value)
    return type(value) in (*NUMBERS, bool, str) or listed


def _frozen(sizes: Sizes) -> MappingProxyType[str, MappingProxyType[str, Any]]:
    return MappingProxyType({device: MappingProxyType(values) for device, values in sizes.items()})
