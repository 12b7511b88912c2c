"""A measured quantity: the values of its repetitions, their median and their range."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

__all__ = ["Figure", "Limit", "ratios"]


@dataclass(frozen=True)
class Figure:
    """One quantity, measured several times.

    Attributes:
        unit: "s", "ms", "MB", "x" or "".
    """

    values: tuple[float, ...]
    unit: str

    @property
    def median(self) -> float:
        return median(self.values)

    def __str__(self) -> str:
        digits = 2 if self.unit == "x" or (self.unit == "s" and self.median < 10) else 1
        if len(self.values) == 1:
            return f"{self.median:.{digits}f} {self.unit}"
        low, high = min(self.values), max(self.values)
        return f"{self.median:.{digits}f} {self.unit} ({low:.{digits}f} to {high:.{digits}f})"

    def as_json(self) -> dict[str, object]:
        return {"median": self.median, "values": list(self.values), "unit": self.unit}


@dataclass(frozen=True)
class Limit:
    """What a figure must keep to, judged by its median."""

    what: str
    figure: Figure
    at_least: float | None = None
    at_most: float | None = None

    @property
    def kept(self) -> bool:
        low = self.at_least is None or self.figure.median >= self.at_least
        return low and (self.at_most is None or self.figure.median <= self.at_most)

    @property
    def wanted(self) -> str:
        bounds = (("at least", self.at_least), ("at most", self.at_most))
        return " and ".join(f"{word} {bound:g} {self.figure.unit}" for word, bound in bounds if bound is not None)

    def as_json(self) -> dict[str, object]:
        bounds = {"at_least": self.at_least, "at_most": self.at_most}
        return {"what": self.what, **self.figure.as_json(), **bounds, "kept": self.kept}


def ratios(above: Figure, below: Figure) -> Figure:
    """The ratio of two quantities, repetition by repetition: each pair was measured in the same minutes."""
    pairs: Sequence[tuple[float, float]] = tuple(zip(above.values, below.values, strict=True))
    return Figure(tuple(top / bottom for top, bottom in pairs), "x")
