"""Measures how long two versions of the grader take for the same classes, in turns. `make bench-versions OTHER=DIR`.

    python benchmarks/versions.py DIR [--rounds 2] [--loops 8] [--json FILE]

DIR is a checkout of the other version, with its environment (`make setup` there). The classes are the sample class of
assignment 6, and a class whose four timed answers all loop over windows. Before the rounds, each version grades one
submission, so that a version that keeps the verdict on the reference has it.

Exit status: 0 every limit is kept, 1 one is missed.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from courses import ROOT
from facts import facts
from figures import Figure, Limit, ratios
from processes import run
from rich.console import Console
from rich.table import Table
from styles_of_answers import LOOPS_OVER_WINDOWS
from submissions import make_answers
from tables import print_facts, print_limits

LEAST = {"sample class": 1.5, "every timed answer loops over windows": 3.0}  # times as fast as the other version
JOBS = 2


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("other", type=Path, metavar="DIR", help="a checkout of the other version, with its environment")
    parser.add_argument("--rounds", type=int, default=2, metavar="N", help="runs of each version on each class (2)")
    parser.add_argument("--loops", type=int, default=8, metavar="N", help="submissions with loops (8)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where to write the figures, too")
    args = parser.parse_args()
    console = Console()
    print_facts(facts(), console)
    versions = {"this version": ROOT, "the other version": args.other.absolute()}
    took: dict[tuple[str, str], list[float]] = {(kind, name): [] for kind in LEAST for name in versions}
    with tempfile.TemporaryDirectory(prefix="versions-") as scratch:
        classes = dict(zip(LEAST, _classes(Path(scratch), args.loops), strict=True))
        one = Path(scratch, "one")
        one.mkdir()
        first = min(classes["every timed answer loops over windows"].iterdir())
        (one / first.name).write_bytes(first.read_bytes())
        for name, root in versions.items():
            _grade(Path(scratch), root, one, f"{name}-first")
        for number in range(args.rounds):
            for kind, submitted in classes.items():
                for name, root in versions.items():
                    seconds = _grade(Path(scratch), root, submitted, f"{name}-{submitted.name}-{number}")
                    took[kind, name].append(seconds)
                    console.print(f"round {number + 1}, {kind}, {name}: {seconds:.1f} s", highlight=False)
    limits = _print({key: Figure(tuple(values), "s") for key, values in took.items()}, console)
    if args.json:
        seconds = {f"{kind}, {name}": values for (kind, name), values in took.items()}
        found = {"facts": facts(), "seconds": seconds, "limits": [limit.as_json() for limit in limits]}
        args.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return 0 if all(limit.kept for limit in limits) else 1


def _classes(scratch: Path, loops: int) -> Iterator[Path]:
    """The folders of both classes."""
    sample = scratch / "sample"
    run([sys.executable, ROOT / "tests/submissions/make_sample.py", "a6", sample], ROOT)
    yield sample
    answers = {f"loops{number}": f"# {number}\n\n{LOOPS_OVER_WINDOWS}" for number in range(1, loops + 1)}
    yield make_answers(scratch / "loops", answers)


def _grade(scratch: Path, root: Path, submitted: Path, name: str) -> float:
    """Seconds of one run of a version, from the start of the command to its end."""
    words = [root / ".venv/bin/python", "-m", "autograder", "grade", "a6", submitted, "--out", scratch / f"out {name}"]
    cache = {"AUTOGRADER_CACHE": str(scratch / f"cache {root.name}")}
    return run([*words, "--jobs", str(JOBS)], root, cache).seconds


def _print(took: dict[tuple[str, str], Figure], console: Console) -> list[Limit]:
    table = Table(title=f"Seconds for a class, {JOBS} submissions at once", title_justify="left")
    table.add_column("")
    for heading in ("this version", "the other version", "times as fast"):
        table.add_column(heading, justify="right")
    limits = []
    for kind, least in LEAST.items():
        ours, others = (took[kind, name] for name in ("this version", "the other version"))
        faster = ratios(others, ours)
        table.add_row(kind, str(ours), str(others), str(faster))
        limits.append(Limit(f"{kind}, times as fast as the other version", faster, at_least=least))
    console.print(table)
    print_limits(limits, console)
    return limits


if __name__ == "__main__":
    sys.exit(main())
