"""Whether the grader's memory grows with the number of submissions."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from courses import ROOT, Suite
from figures import Figure
from lineage import PARTS, parts, peak_mb
from processes import run
from submissions import make_copies

__all__ = ["Memory", "measure_memory"]

JOBS = 2


@dataclass(frozen=True)
class Memory:
    """Peak resident memory of the processes that live as long as a run, in MB of 10^6 bytes."""

    submissions: int
    peaks: Mapping[str, float]
    seconds: float

    @property
    def total(self) -> Figure:
        return Figure((sum(self.peaks.values()),), "MB")


def measure_memory(suite: Suite, scratch: Path, count: int) -> Memory:
    """Grade `count` small submissions by the command line. Raises RuntimeError where that fails."""
    make_copies(suite, scratch / "submissions", count)
    words = ["--course", suite.course.root, "grade", suite.assignment.id, scratch / "submissions"]
    options = ["--out", scratch / "out", "--jobs", str(JOBS), "--seed", "7"]
    peaks: dict[str, float] = {}

    def look(cli: int) -> None:
        for part, pid in parts(cli):  # the kernel keeps each peak: only the last moments go unseen
            peaks[part] = max(peaks.get(part, 0.0), peak_mb(pid))

    ran = run([sys.executable, "-m", "autograder", *words, *options], ROOT, look=look)
    if set(peaks) != set(PARTS):
        raise RuntimeError(f"a part of the grader was never seen: there were {', '.join(peaks)}")
    _refuse_ungraded(suite, scratch / "out", count)
    return Memory(count, peaks, ran.seconds)


def _refuse_ungraded(suite: Suite, out: Path, count: int) -> None:
    """Memory that was not used for grading tells nothing: every copy must have its full marks."""
    scores = [json.loads(path.read_text(encoding="utf-8"))["score"] for path in out.glob("*/result.json")]
    if scores != [suite.assignment.max_score] * count:
        raise RuntimeError(f"of {count} copies of the reference, {len(scores)} were graded, some short of full marks")
