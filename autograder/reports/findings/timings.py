"""Running times as text and geometry. The templates draw them as SVG."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from autograder.course.model import Assignment
from autograder.course.outcome import Outcome
from autograder.course.result import CaseResult, SubmissionResult
from autograder.reports.text import line
from autograder.rounding import number

__all__ = ["BudgetChart", "Row", "TimingView", "budget_charts", "timing_views"]

CLOCKS = {
    "cpu": "CPU time of the whole process, read from outside",
    "wall": "the grader's own clock",
    "events": "the GPU's clock, checked by the grader's own",
}
SHARES = {1.0: "full points", 0.75: "three quarters", 0.5: "half", 0.25: "a quarter"}
TICKS = (1, 2, 5)

NAMED = 8  # slow submissions that are named below a chart


@dataclass(frozen=True)
class Row:
    """Dots on one line. `dots` and `middle` are positions from 0 to 1."""

    label: str
    dots: tuple[float, ...]
    middle: float
    time: str


@dataclass(frozen=True)
class TimingView:
    """The measurement of one budget, for the student's page.

    Attributes:
        verdict: a word or two.
        ratio, interval: "3.4 x", "3.1 to 3.8"; empty if the deadline ended a call.
        bands: (largest ratio, share of the points) as text.
        edges, ticks: (position from 0 to 1, label) of the bands' edges, and of milliseconds per call.
        rows: the baseline's times and the submission's; empty if no pair was finished.
        facts: baseline, device, clock and number of pairs.
    """

    case: str
    outcome: Outcome
    verdict: str
    ratio: str
    interval: str
    bands: tuple[tuple[str, str], ...]
    facts: str
    rows: tuple[Row, ...] = ()
    edges: tuple[tuple[float, str], ...] = ()
    ticks: tuple[tuple[float, str], ...] = ()


@dataclass(frozen=True)
class BudgetChart:
    """One budget over a class.

    Attributes:
        dots: (position from 0 to 1, submission, "3.4 x", verdict) of each complete measurement.
        beyond: submissions that were ended at their deadline.
        slow: (submission, "546 x") of the slowest ones beyond the first band, the slowest first.
        more_slow: the number of others beyond the first band.
    """

    question: str
    budget: str
    dots: tuple[tuple[float, str, str, str], ...]
    slow: tuple[tuple[str, str], ...]
    more_slow: int
    beyond: tuple[str, ...]
    edges: tuple[tuple[float, str], ...]
    ticks: tuple[tuple[float, str], ...]


class _Scale:
    """A logarithmic scale over positive values, with a margin at both ends."""

    def __init__(self, values: Iterable[float]) -> None:
        values = list(values)
        self._low, self._high = math.log(min(values) / 1.15), math.log(max(values) * 1.15)

    def __call__(self, value: float) -> float:
        return round((math.log(value) - self._low) / (self._high - self._low), 4)

    def ticks(self, unit: str) -> tuple[tuple[float, str], ...]:
        """Labels at round values on the scale, at most about seven."""
        decades = range(math.floor(self._low / math.log(10)), math.ceil(self._high / math.log(10)) + 1)
        found = [10.0**decade * step for decade in decades for step in TICKS]
        shown = [value for value in found if self._low <= math.log(value) <= self._high]
        if len(shown) > 7:
            shown = [value for value in shown if f"{value:e}"[0] == "1"]
        return tuple((self(value), f"{value:g}{unit}") for value in shown)


def timing_views(cases: Sequence[CaseResult]) -> tuple[TimingView, ...]:
    """A view of every case that was timed."""
    return tuple(_view(case, case.timing) for case in cases if case.timing)


def budget_charts(results: Sequence[SubmissionResult], assignment: Assignment) -> tuple[BudgetChart, ...]:
    """A chart of every budget that was measured for somebody."""
    titles = {question.id: question.title for question in assignment.questions}
    found: dict[tuple[str, str], list[tuple[str, Mapping[str, Any]]]] = {}
    for result in results:
        for question in result.questions:
            for case in question.cases:
                if case.timing:
                    place = titles.get(question.id, question.id), str(case.timing["budget"])
                    found.setdefault(place, []).append((result.submission, case.timing))
    order = [question.title for question in assignment.questions]
    places = sorted(found, key=lambda place: (order.index(place[0]) if place[0] in order else len(order), place[1]))
    return tuple(_chart(*place, found[place]) for place in places)


def _view(case: CaseResult, timing: Mapping[str, Any]) -> TimingView:
    low, high = timing["interval"]
    reference = timing["baseline"] == "reference"
    whom = "the reference" if reference else str(timing["baseline"])
    pairs = f"{timing['pairs']} pair{'s' if timing['pairs'] != 1 else ''}"
    clock = f"{CLOCKS.get(timing['clock'], '')}; {pairs}" if timing["pairs"] else "no pair was finished"
    view = TimingView(
        case=line(case.title or case.id),
        outcome=case.outcome,
        verdict=str(timing["verdict"]),
        ratio=f"{timing['ratio']:.3g} ×" if timing["ratio"] else "",
        interval=f"{low:.3g} to {high:.3g}" if low and high else "",
        bands=_bands(timing),
        facts=f"against {line(whom, 60)} on {timing['device']}; {clock}",
    )
    ours, theirs = timing["baseline_ms"], timing["student_ms"]
    if not (ours and theirs and min(*ours, *theirs) > 0):
        return view
    middle = median(ours)
    scale = _Scale([*ours, *theirs, *(middle * ratio for ratio, _ in timing["bands"])])
    rows = tuple(
        Row(label, tuple(map(scale, times)), scale(median(times)), f"{median(times):.3g} ms")
        # A dotted name would not fit beside the drawing; the facts below have it.
        for label, times in (("the reference" if reference else "the baseline", ours), ("your code", theirs))
    )
    edges = tuple((scale(middle * ratio), f"{ratio:g} ×") for ratio, _ in timing["bands"])
    return TimingView(**{**vars(view), "rows": rows, "edges": edges, "ticks": scale.ticks(" ms")})


def _chart(question: str, budget: str, measured: Sequence[tuple[str, Mapping[str, Any]]]) -> BudgetChart:
    done = [(name, timing) for name, timing in measured if timing["ratio"]]
    bands = [ratio for ratio, _ in measured[0][1]["bands"]]
    scale = _Scale([1.0, *bands, *(timing["ratio"] for _, timing in done)])
    over = [(name, timing["ratio"]) for name, timing in done if bands and timing["ratio"] > bands[0]]
    slow = sorted(over, key=lambda pair: (-pair[1], pair[0]))
    return BudgetChart(
        question=line(question),
        budget=line(budget, 60),
        dots=tuple(
            (scale(timing["ratio"]), line(name, 80), f"{timing['ratio']:.3g} ×", str(timing["verdict"]))
            for name, timing in done
        ),
        slow=tuple((name, f"{ratio:.3g} ×") for name, ratio in slow[:NAMED]),
        more_slow=len(slow[NAMED:]),
        beyond=tuple(line(name, 80) for name, timing in measured if not timing["ratio"]),
        edges=tuple((scale(ratio), f"{ratio:g} ×") for ratio in bands),
        ticks=scale.ticks(" ×"),
    )


def _bands(timing: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple((f"{ratio:g} ×", SHARES.get(credit, f"{number(100 * credit)} %")) for ratio, credit in timing["bands"])
