"""Reads a question's [[budgets]] tables: the permitted running times, their baselines, and their credit."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Any, TypeAlias

from autograder.course.model import DEVICES, Band, Budget, BudgetKind
from autograder.course.table import Table

__all__ = ["CLOSEST", "read_budgets"]

# A ratio below this cannot be told from 1 on a machine with other work.
CLOSEST = 1.5
ID = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
BASELINE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
NUMBERS = (int, float)
Sizes: TypeAlias = MappingProxyType[str, MappingProxyType[str, Any]]


def read_budgets(question: Table) -> tuple[Budget, ...]:
    """The budgets in a question's table. Raises ManifestError."""
    budgets: list[Budget] = []
    for entry in question.tables("budgets", least=0):
        budget = _budget(entry)
        entry.done()
        if any(budget.id == other.id for other in budgets):
            raise entry.wrong("id", budget.id, "an id that no earlier budget of the question has")
        budgets.append(budget)
    return tuple(budgets)


def _budget(entry: Table) -> Budget:
    id = entry.text("id", ID, "lower-case words joined by hyphens")
    kind = entry.choice("kind", BudgetKind, BudgetKind.RATIO)
    if kind is BudgetKind.TRAINING:
        seconds = entry.number("seconds", low=0.1)
        sizes, _ = _sizes(entry, kind)
        return Budget(id, kind, seconds=seconds, sizes=sizes)
    sizes, parts = _sizes(entry, kind)
    return Budget(
        id,
        kind,
        baseline=entry.text("baseline", BASELINE, "reference, or a dotted name in its module", "reference"),
        bands=_bands(entry),
        sizes=sizes,
        parts=parts,
    )


def _bands(entry: Table) -> tuple[Band, ...]:
    """From `bands = [{ ratio, credit }, …]`. `ratio` alone makes one band with full credit."""
    if "bands" not in entry.data:
        return (Band(_ratio(entry), 1.0),)
    bands: list[Band] = []
    for band in entry.tables("bands"):
        found = Band(_ratio(band), band.number("credit", high=1.0))
        band.done()
        if not bands and found.credit != 1.0:
            raise band.wrong("credit", found.credit, "1 in the first band, which is the aim")
        if bands and found.ratio < bands[-1].ratio * 1.1:
            raise band.wrong("ratio", found.ratio, f"at least a tenth more than the band before, {bands[-1].ratio:g}")
        if bands and not 0 < found.credit < bands[-1].credit:
            raise band.wrong("credit", found.credit, f"more than 0 and less than the band before, {bands[-1].credit:g}")
        bands.append(found)
    return tuple(bands)


def _ratio(entry: Table) -> float:
    ratio = entry.number("ratio", high=1000.0)
    if ratio < CLOSEST:
        raise entry.wrong("ratio", ratio, f"at least {CLOSEST:g}: a busy machine cannot measure a smaller one")
    return ratio


def _sizes(entry: Table, kind: BudgetKind) -> tuple[Sizes, Sizes]:
    """For each device that is graded, the keyword arguments of the check's draw function: for all of the work, and for
    a part of it."""
    sizes: dict[str, MappingProxyType[str, Any]] = {}
    parts: dict[str, MappingProxyType[str, Any]] = {}
    for device, table in entry.subtables("sizes"):
        if device not in DEVICES:
            raise entry.wrong(f"sizes.{device}", device, f"one of {', '.join(DEVICES)}")
        part = table.take("part", dict, "a table of some of the sizes", {}) if kind is BudgetKind.RATIO else {}
        for key, value in table.data.items():
            if not _is_size(value):
                raise table.wrong(key, value, "a number, a text, true or false, or a list of numbers")
            if not key.isidentifier() or key == "device":
                raise table.wrong(key, key, "a Python name other than device")
        for key, value in part.items():
            if key not in table.data or not _is_size(value):
                raise table.wrong(f"part.{key}", value, "another value of a key of the sizes around it")
        sizes[device] = MappingProxyType(dict(table.data))
        if part:
            parts[device] = MappingProxyType({**table.data, **part})
    if not sizes:
        raise entry.wrong("sizes", "nothing", f"a table for one of {', '.join(DEVICES)}")
    return MappingProxyType(sizes), MappingProxyType(parts)


def _is_size(value: object) -> bool:
    listed = isinstance(value, list) and all(type(item) in NUMBERS for item in value)
    return type(value) in (*NUMBERS, bool, str) or listed
