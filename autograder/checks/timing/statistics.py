"""Decides if a running time is within its budget: pure statistics of the measured times.

Interleaved pairs of slices give ratios of the submission's time to the baseline's. Their median decides, with its
bootstrap interval. A verdict needs an interval that lies between two edges of bands, after `MIN_PAIRS` pairs at the
earliest. With fewer pairs, single pairs must differ from every edge by a factor, see `CLEAR`: the fewer the pairs, the
larger the factor. At `MAX_PAIRS` pairs, or when time is up, the verdict is "too noisy", unless the interval
lies between two edges.

Few pairs can suffice for this reason. If the true ratio were at an edge, half of all pairs would lie on each side of
it. It would be a rare coincidence that all five lie on one side, a factor of 1.5 away: pairs on one core vary by 3 to
10 %. The same holds for three pairs and a factor of 1.8.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from autograder.course.model import Band

__all__ = [
    "MAX_PAIRS",
    "MIN_CLEAR_PAIRS",
    "MIN_PAIRS",
    "Estimate",
    "Measured",
    "TimeVerdict",
    "credit_at",
    "decide",
    "due",
    "estimate",
    "few_long",
    "words",
]

MIN_CLEAR_PAIRS, MIN_PAIRS, MAX_PAIRS = 3, 15, 61  # pairs
# From so many ratios on, the interval leaves out the smallest and the largest. It then holds the true median at least
# 93 times in 100.
SEVERAL = 8
# From so many pairs on, the interval of `estimate` must differ from every edge by this factor.
CLEAR = {MIN_CLEAR_PAIRS: 1.8, 5: 1.5, 8: 1.3, 11: 1.2, MIN_PAIRS: 1.0}
EVERY = 4  # pairs between two looks at the interval: each look is one more chance of a wrong verdict
CONFIDENCE = 0.99
ERRORS, LEAST_SPREAD = 3.0, 0.2  # see `few_long`
RESAMPLES = 2000


class TimeVerdict(StrEnum):
    """The verdict on a submission's running time."""

    WITHIN = "within"  # the first band
    OVER = "over"  # a later band, or beyond the last
    TOO_NOISY = "too noisy to say"


@dataclass(frozen=True)
class Estimate:
    """The median of some ratios and its interval, see `estimate`."""

    ratio: float
    low: float
    high: float


@dataclass(frozen=True)
class Measured:
    """The measurement of one budget; `CaseResult.timing` is its JSON form.

    Attributes:
        budget, device, baseline: the budget's id, "cpu" or "cuda", and the name of the baseline.
        verdict: a `TimeVerdict`.
        credit: the share of the points that follows.
        ratio: median of the pairs' ratios; None if no pair was finished.
        interval: low and high; the high end is None if a call was ended at its deadline.
        bands: (ratio, credit) of each.
        pairs: the number of measured pairs.
        clock: "cpu" (the process's CPU time, read from outside), "wall" (the grader's clock), or "events" (CUDA's).
        core: the core that both sides were pinned to, or None.
        student_ms, baseline_ms: milliseconds per call, a figure for each pair.
        notes: remarks on the measurement for the instructor.
    """

    budget: str
    device: str
    baseline: str
    verdict: str
    credit: float
    ratio: float | None
    interval: tuple[float | None, float | None]
    bands: tuple[tuple[float, float], ...]
    pairs: int
    clock: str
    core: int | None
    student_ms: tuple[float, ...] = ()
    baseline_ms: tuple[float, ...] = ()
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        data = asdict(self)
        return {key: list(value) if isinstance(value, tuple) else value for key, value in data.items()}


def credit_at(ratio: float, bands: Sequence[Band]) -> float:
    """The credit for a known ratio."""
    return next((band.credit for band in bands if ratio <= band.ratio), 0.0)


def estimate(ratios: Sequence[float], seed: int) -> Estimate:
    """The median and its bootstrap interval. For few ratios the interval covers all of them, or all but the
    smallest and the largest.

    Args:
        ratios: at least one.
        seed: of the resampling, so that equal measurements give equal verdicts.
    """
    values = np.asarray(ratios, dtype=np.float64)
    if len(values) < MIN_PAIRS:
        outer = 1 if len(values) >= SEVERAL else 0
        inner = np.sort(values)[outer : len(values) - outer]
        return Estimate(float(np.median(values)), float(inner[0]), float(inner[-1]))
    chosen = np.random.default_rng(seed).integers(0, len(values), (RESAMPLES, len(values)))
    medians = np.median(values[chosen], axis=1)
    low, high = np.quantile(medians, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Estimate(float(np.median(values)), float(low), float(high))


def few_long(ratios: Sequence[float], calls: int) -> Estimate:
    """The geometric mean of the ratios of a few long calls, and an interval of three standard errors to each side.

    The spread of so few ratios may be small by chance. So the interval assumes a spread of at least 20 %, which is that
    of single calls on a busy machine. Example: two calls with ratios of 20 give the interval from 13 to 31.

    Args:
        ratios: of every call to the baseline's time before it, then of every call to that after it.
        calls: the number of calls, at least two.
    """
    logs = np.log(np.maximum(ratios, sys.float_info.min))
    spread = max(float(logs.std(ddof=1)), float(logs.reshape(2, calls).mean(axis=0).std(ddof=1)), LEAST_SPREAD)
    mean, error = float(logs.mean()), spread / math.sqrt(calls)
    low, ratio, high = (math.exp(mean + ERRORS * error * side) for side in (-1, 0, 1))
    return Estimate(ratio, low, high)


def due(pairs: int) -> bool:
    """True if it is time to look for a verdict.

    That is after each pair from `MIN_CLEAR_PAIRS` on, and after every fourth one from `MIN_PAIRS` on.
    """
    return pairs >= MIN_CLEAR_PAIRS if pairs < MIN_PAIRS else pairs >= MAX_PAIRS or (pairs - MIN_PAIRS) % EVERY == 0


def decide(found: Estimate, pairs: int, bands: Sequence[Band], *, last: bool = False) -> TimeVerdict | None:
    """The verdict after so many pairs. None means to continue; after the last pair it means too noisy."""
    if not (last or due(pairs)):
        return None
    clear = 1.0 if last else next(factor for least, factor in reversed(CLEAR.items()) if pairs >= least)
    if any(found.low < band.ratio * clear and found.high > band.ratio / clear for band in bands):
        return None
    return TimeVerdict.WITHIN if found.high <= bands[0].ratio else TimeVerdict.OVER


def words(found: Measured) -> str:
    """The sentence on a measurement that a student reads."""
    bounds = " to ".join(f"{end:.3g}" for end in found.interval if end is not None)
    whom = "the reference" if found.baseline == "reference" else found.baseline
    if found.ratio is None or found.interval[1] is None:
        sentence = f"more than {found.interval[0] or 0:.3g} x the time of {whom}"
    else:
        sentence = f"{found.ratio:.3g} x the time of {whom} ({bounds})"
    return f"{sentence}; {allowed(found.bands)}"


def allowed(bands: Sequence[tuple[float, float]]) -> str:
    """The points for each band in words: `full points up to 2 x, half up to 5 x`."""
    names = {1.0: "full points", 0.5: "half", 0.75: "three quarters", 0.25: "a quarter"}
    return ", ".join(f"{names.get(credit, f'{credit:.0%}')} up to {ratio:g} x" for ratio, credit in bands)
