"""Measures the grader: against a fresh pytest and otter, its overhead, its memory. `make bench` runs this.

    python benchmarks/run.py [--quick] [--no-otter] [--only PART …] [--json FILE]

Exit status: 0 every limit is kept, 1 one is missed, or contestants gave different scores.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from comparison import Comparison, compare
from courses import every_check, fast_checks, toy_course
from facts import facts, load
from figures import Figure, Limit
from memory import Memory, measure_memory
from overhead import Overhead, measure_overhead, measure_readiness
from rich.console import Console
from tables import print_comparison, print_facts, print_limits, print_memory, print_overhead

__all__ = ["main"]

PARTS = ("others", "overhead", "memory")
# The promises, in the order of the tables.
FASTER_THAN_PYTEST = 5.0
OVERHEAD = 1.3
READY_MS = 60.0
GROWTH_MB = 50.0


@dataclass(frozen=True)
class Sizes:
    """How much is measured."""

    fast: int = 20
    rounds: int = 3
    every: int = 4  # checks that train take so long that fewer submissions tell as much
    copies: int = 3
    few: int = 20
    many: int = 200


QUICK = Sizes(fast=4, rounds=1, every=2, copies=1, few=5, many=25)


def main(argv: Sequence[str] | None = None) -> int:
    args = _parser().parse_args(argv)
    sizes = QUICK if args.quick else Sizes()
    console = Console(width=max(140, Console().width))
    found, began = facts(), time.perf_counter()
    print_facts(found, console)
    report: dict[str, Any] = {"facts": found, "sizes": asdict(sizes)}
    limits: list[Limit] = []
    sound = True
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        if "others" in args.only:
            sound = _others(Path(scratch), sizes, args.otter, console, report, limits)
        if "overhead" in args.only:
            _overhead(Path(scratch), sizes, console, report, limits)
        if "memory" in args.only:
            _memory(Path(scratch), sizes, console, report, limits)
    console.print()
    print_limits(limits, console)
    console.print(f"measured in {time.perf_counter() - began:.0f} s; load at the end: {load()}", highlight=False)
    if args.json:
        report["limits"] = [limit.as_json() for limit in limits]
        args.json.write_text(json.dumps(report, indent=1, default=_plain) + "\n", encoding="utf-8")
    return 0 if sound and all(limit.kept for limit in limits) else 1


def _others(
    scratch: Path, sizes: Sizes, otter: bool, console: Console, report: dict[str, Any], limits: list[Limit]
) -> bool:
    """Compare on the fast checks, then on all; returns whether the scores agree."""
    fast = compare(fast_checks(scratch / "fast"), scratch / "fast-class", sizes.fast, sizes.rounds, otter=otter)
    _show(fast, console)
    every = compare(every_check(scratch / "every"), scratch / "every-class", sizes.every, 1, otter=otter)
    _show(every, console)
    report["others"] = [fast, every]
    # What a further submission costs: the start-up is the same for twenty and for five hundred.
    speedup = fast.rows[0].warm_speedup
    assert speedup is not None
    limits.append(Limit(f"fresh pytest, {fast.title}, after start-up", speedup, at_least=FASTER_THAN_PYTEST))
    return not (fast.differences or every.differences)


def _show(comparison: Comparison, console: Console) -> None:
    console.print()
    print_comparison(comparison, console)


def _overhead(scratch: Path, sizes: Sizes, console: Console, report: dict[str, Any], limits: list[Limit]) -> None:
    suites = every_check(scratch / "overhead-every"), fast_checks(scratch / "overhead-fast")
    overheads = [measure_overhead(suite, scratch / f"overhead-{n}", sizes.copies) for n, suite in enumerate(suites)]
    ready = measure_readiness()
    console.print()
    print_overhead(overheads, ready, console)
    report["overhead"] = {"gradings": overheads, "ready": ready}
    limits.append(Limit(f"grading over its calls, {overheads[0].title}", overheads[0].ratio, at_most=OVERHEAD))
    limits.append(Limit("a worker is ready", ready, at_most=READY_MS))


def _memory(scratch: Path, sizes: Sizes, console: Console, report: dict[str, Any], limits: list[Limit]) -> None:
    suite = toy_course(scratch / "toy")
    few, many = (measure_memory(suite, scratch / f"toy-{count}", count) for count in (sizes.few, sizes.many))
    console.print()
    print_memory([few, many], console)
    report["memory"] = [few, many]
    growth = Figure((many.total.median - few.total.median,), "MB")
    limits.append(Limit(f"growth from {few.submissions} to {many.submissions} submissions", growth, at_most=GROWTH_MB))


def _plain(value: Any) -> Any:
    """JSON of what json does not know: figures with their median, other data by field."""
    if isinstance(value, Figure):
        return value.as_json()
    if isinstance(value, (Comparison, Overhead, Memory)):
        return {name: getattr(value, name) for name in value.__dataclass_fields__}
    return dict(value.__dict__)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Measure the grader.")
    parser.add_argument("--quick", action="store_true", help="few submissions, one round: to see that it runs")
    parser.add_argument("--no-otter", dest="otter", action="store_false", help="without otter")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure there, too")
    return parser


if __name__ == "__main__":
    sys.exit(main())
