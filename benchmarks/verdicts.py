"""Shows that verdicts on running time hold: code of a known ratio, on an idle machine and beside a busy core.

    python benchmarks/verdicts.py [--gradings 200] [--json FILE]

The course is made for it: its one answer does a piece of work over and over, the reference so many times, a
submission more or fewer times; so its true ratio is known, but for what any call costs. Submissions at 0.5, 0.9, 1.1
and 2 times the budget are graded in random order, as any submission is. `make bench-verdicts` runs this.

Exit status: 0 no verdict was wrong at 0.5 and 2 times the budget, 1 one was.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from facts import facts, load
from rich.console import Console
from rich.table import Table
from tables import print_facts

from autograder.checks.timing.statistics import TimeVerdict
from autograder.course.layout import Course
from autograder.grading.client import GradingProcess
from autograder.grading.order import Order

__all__ = ["Verdict", "main", "print_verdicts", "wrong"]

BUDGET = 2.0  # times the reference
PARTS = (0.5, 0.9, 1.1, 2.0)  # of the budget
SURE = (0.5, 2.0)  # where a wrong verdict is a fault
CONDITIONS = ("idle", "other cores busy")
TIMES = 300  # how often the reference does its work: a few milliseconds
SEED = 7
NAME = "v1_verdicts"

MANIFEST = f"""\
number = 1
title = "Verdicts"
due = 2030-01-31T23:59:00+09:00
module = "work"

[limits]
call_seconds = 20
question_seconds = 120

[[options]]
id = "1"
title = "Own work"

[[questions]]
id = "speed"
title = "How fast"
points = 1
component = "work"

[[questions.budgets]]
id = "work"
ratio = {BUDGET}
[questions.budgets.sizes.cpu]
rows = 64
"""
MODULE = """\
import torch


def work(x, w):
    for _ in range({times}):
        out = torch.tanh(x @ w)
    return out
"""
CHECK = """\
import pytest
import torch


@pytest.mark.question("speed")
def test_work(race):
    def draw(rng, size):
        shape = (size.rows, size.rows)
        return rng.normal(*shape, dtype=torch.float32), rng.normal(*shape, dtype=torch.float32)

    race("work", lambda who, x, w: who.work(x, w), draw)
"""
BUSY = "while True: pass"


@dataclass(frozen=True)
class Verdict:
    """What became of one grading.

    Attributes:
        part: the true ratio, as a part of the budget.
        standing: "within", "over", or "too noisy to say".
        ratio: what was measured.
        seconds: of the whole grading, wall clock.
    """

    part: float
    condition: str
    standing: str
    ratio: float | None
    pairs: int
    seconds: float

    @property
    def right(self) -> str:
        return TimeVerdict.WITHIN.value if self.part < 1 else TimeVerdict.OVER.value


def main(argv: Sequence[str] | None = None) -> int:
    args = _parser().parse_args(argv)
    console = Console(width=max(140, Console().width))
    print_facts(facts(), console)
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="verdicts-") as scratch:
        course, submissions = _course(Path(scratch))
        with GradingProcess(Order.of(course, course.assignment(NAME), SEED, submissions)) as process:
            verdicts = list(_gradings(process, submissions, args.gradings))
    print_verdicts(verdicts, console)
    faults = [verdict for verdict in verdicts if verdict.part in SURE and wrong(verdict)]
    console.print(f"{len(faults)} wrong at {' and '.join(f'{part:g}' for part in SURE)} times the budget")
    console.print(f"measured in {time.perf_counter() - began:.0f} s; load at the end: {load()}", highlight=False)
    if args.json:
        rows = [asdict(verdict) for verdict in verdicts]
        args.json.write_text(json.dumps({"facts": facts(), "verdicts": rows}, indent=1) + "\n", encoding="utf-8")
    return 1 if faults else 0


def wrong(verdict: Verdict) -> bool:
    """Whether it says within of what is over, or the other way round; not to say is not wrong."""
    return verdict.standing not in (verdict.right, TimeVerdict.TOO_NOISY.value)


def print_verdicts(verdicts: Sequence[Verdict], console: Console) -> None:
    """A row for each condition and part of the budget."""
    table = Table(title=f"{len(verdicts)} verdicts on a budget of {BUDGET:g} x", title_justify="left")
    table.add_column("")
    for heading in ("true", "of budget", "gradings", "within", "over", "too noisy", "wrong", "pairs", "seconds"):
        table.add_column(heading, justify="right")
    table.add_column("measured: median, range", justify="right")
    for condition in CONDITIONS:
        for part in PARTS:
            row = [each for each in verdicts if (each.condition, each.part) == (condition, part)]
            if row:
                table.add_row(condition, f"{part * BUDGET:g} x", f"{part:g}", *_cells(row))
    console.print(table)


def _cells(row: Sequence[Verdict]) -> Iterator[str]:
    counts = Counter(verdict.standing for verdict in row)
    yield str(len(row))
    for standing in (TimeVerdict.WITHIN, TimeVerdict.OVER, TimeVerdict.TOO_NOISY):
        yield str(counts[standing.value])
    yield str(sum(map(wrong, row)))
    pairs = [verdict.pairs for verdict in row]
    yield f"{median(pairs):g} ({min(pairs)} to {max(pairs)})"
    yield f"{median(verdict.seconds for verdict in row):.1f}"
    ratios = [verdict.ratio for verdict in row if verdict.ratio is not None]
    yield f"{median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})" if ratios else "none"


def _course(folder: Path) -> tuple[Course, Path]:
    """The course, and a folder with one submission for each part of the budget."""
    submissions = folder / "submitted"
    files = {
        f"solutions/{NAME}/assignment.toml": MANIFEST,
        f"solutions/{NAME}/work.py": MODULE.format(times=TIMES),
        "solutions/common/__init__.py": "",
        f"tests/hidden/{NAME}/test_work.py": CHECK,
    }
    files |= {f"submitted/{part}/work.py": MODULE.format(times=round(part * BUDGET * TIMES)) for part in PARTS}
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return Course(folder), submissions


def _gradings(process: GradingProcess, submissions: Path, count: int) -> Iterator[Verdict]:
    """So many gradings, half of them in each condition, and of each equally many at every part of the budget."""
    cells = len(CONDITIONS) * len(PARTS)
    shares = [count // cells + (cell < count % cells) for cell in range(cells)]
    core = _grade(process, submissions, PARTS[0], "to warm up")[1]
    for number, condition in enumerate(CONDITIONS):
        turns = [part for index, part in enumerate(PARTS) for _ in range(shares[number * len(PARTS) + index])]
        random.Random(SEED).shuffle(turns)
        with _busy_but(core) if number else _nothing():
            for part in turns:
                yield _grade(process, submissions, part, condition)[0]


def _grade(process: GradingProcess, submissions: Path, part: float, condition: str) -> tuple[Verdict, int | None]:
    """One verdict, and the core that it was measured on."""
    began = time.perf_counter()
    result = process.grade(submissions / str(part), str(part))
    seconds = time.perf_counter() - began
    ((case,),) = (question.cases for question in result.questions)
    if case.timing is None:
        raise RuntimeError(f"nothing was timed: {case.outcome}: {case.message} {case.detail}")
    found = case.timing
    return Verdict(part, condition, found["verdict"], found["ratio"], found["pairs"], seconds), found["core"]


@contextmanager
def _busy_but(core: int | None) -> Iterator[None]:
    """Every core but this one at work for somebody else."""
    others = sorted(os.sched_getaffinity(0) - {core})
    burning = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in others]
    try:
        for process, other in zip(burning, others, strict=True):
            os.sched_setaffinity(process.pid, {other})
        yield
    finally:
        for process in burning:
            process.kill()
            process.wait()


@contextmanager
def _nothing() -> Iterator[None]:
    yield


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Show that verdicts on running time hold.")
    parser.add_argument("--gradings", type=_count, default=200, metavar="N", help="how many, in all (200)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every verdict to FILE")
    return parser


def _count(text: str) -> int:
    least = len(CONDITIONS) * len(PARTS)
    if not text.isdigit() or int(text) < least:
        raise argparse.ArgumentTypeError(f"found {text!r}, wanted a whole number of at least {least}")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
