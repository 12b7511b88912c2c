"""Geometry of the class page's histogram and heat map. The templates draw it as SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from autograder.course.model import Assignment
from autograder.course.outcome import Outcome
from autograder.course.result import QuestionResult, SubmissionResult

__all__ = ["Bar", "CellRun", "HeatMap", "Histogram", "heat_map", "histogram", "tone"]

SHADES = 5  # steps of the colour ramp above 0
MANY = 60  # from so many submissions on, the histogram has finer bins


@dataclass(frozen=True)
class Bar:
    """Scores in [low, high), the last bar's in [low, high]. `x`, `width`, `height` are parts of the plot, 0 to 1."""

    low: float
    high: float
    count: int
    x: float
    width: float
    height: float


@dataclass(frozen=True)
class Histogram:
    """`ticks` are (position 0 to 1, score); `median` is a position too."""

    bars: tuple[Bar, ...]
    ticks: tuple[tuple[float, float], ...]
    median: float


@dataclass(frozen=True)
class CellRun:
    """Neighbouring cells of one row of a heat map that look the same."""

    start: int
    length: int
    tone: str


@dataclass(frozen=True)
class HeatMap:
    """One row per question, one column per submission, best first."""

    rows: tuple[tuple[str, tuple[CellRun, ...]], ...]
    columns: int


def histogram(scores: Sequence[float], max_score: float, median: float) -> Histogram:
    """Counts of `scores` (at least one) in ten bins over 0 to `max_score`, in twenty for a large class."""
    top = max(max_score, *scores)
    bins = 20 if len(scores) >= MANY else 10
    counts = [0] * bins
    for score in scores:
        counts[min(max(math.floor(bins * score / top), 0), bins - 1) if top else bins - 1] += 1
    bars = tuple(
        Bar(top * index / bins, top * (index + 1) / bins, count, index / bins, 1 / bins, count / max(counts))
        for index, count in enumerate(counts)
    )
    ticks = tuple((step / 5, top * step / 5) for step in range(6))
    return Histogram(bars, ticks, median / top if top else 1.0)


def heat_map(results: Sequence[SubmissionResult], assignment: Assignment) -> HeatMap:
    """One row per question, one column per submission, best score first."""
    ranked = sorted(results, key=lambda result: (-result.score, result.submission))
    answers = [{question.id: question for question in result.questions} for result in ranked]
    return HeatMap(
        rows=tuple(
            (question.title, _runs([tone(found.get(question.id)) for found in answers]))
            for question in assignment.questions
        ),
        columns=len(ranked),
    )


def tone(question: QuestionResult | None) -> str:
    """The stylesheet's class for a cell: a step of the colour ramp, or "open" or "none" if there is no score."""
    if question is None:
        return "none"
    if question.outcome in (Outcome.GRADER_ERROR, Outcome.PENDING):
        return "open"
    if question.outcome is Outcome.NOT_ATTEMPTED and question.score <= 0:
        return "none"
    return f"s{_shade(question.score, question.points)}"


def _shade(score: float, points: float) -> int:
    """The step of the colour ramp for a score: 0 for nothing, 5 for full marks, 1 to 4 for the quarters between."""
    if score <= 0 or points <= 0:
        return 0
    return SHADES if score >= points else min(1 + int(4 * score / points), SHADES - 1)


def _runs(tones: Sequence[str]) -> tuple[CellRun, ...]:
    runs, start = [], 0
    for name, same in groupby(tones):
        length = len(list(same))
        runs.append(CellRun(start, length, name))
        start += length
    return tuple(runs)
