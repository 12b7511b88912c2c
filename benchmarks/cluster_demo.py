"""Grades one class three times: on this machine, on a cluster of one worker, and on one of two. `make cluster-demo`.

    python benchmarks/cluster_demo.py [--submissions N] [--json FILE]

A fourth run loses one of its two workers on the way. All four must give the same results, times aside. Each worker has
one core of its own, as a machine of a cluster has for each of its workers. Two workers are compared with one only where
this machine has two cores for them.

Each worker grades the reference once beside its first submissions. A small class shows little else.

Exit status: 0 all results are equal and two workers are fast enough, 1 they are not.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from courses import ROOT, Suite, fast_checks
from distributed import Client, LocalCluster
from facts import facts
from processes import run
from rich.console import Console
from rich.table import Table
from submissions import make_class
from tables import print_facts

LEAST_GAIN = 1.85  # of two workers over one
SEED = "7"
# Whatever else this machine's memory is used for, no worker is held up or ended for it.
LOCAL: dict[str, Any] = {"threads_per_worker": 1, "processes": True, "dashboard_address": None, "memory_limit": 0}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--submissions", type=int, default=160, metavar="N", help="in the class (160)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where to write the figures, too")
    args = parser.parse_args()
    console = Console()
    print_facts(facts(), console)
    with tempfile.TemporaryDirectory(prefix="cluster-") as scratch:
        found = _measure(Path(scratch), args.submissions)
    _print(found, console)
    if args.json:
        args.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    enough = (os.cpu_count() or 1) < 2 or found["gain"] >= LEAST_GAIN
    return 0 if found["equal"] and enough else 1


def _measure(scratch: Path, count: int) -> dict[str, Any]:
    suite = fast_checks(scratch / "course")
    make_class(suite, scratch / "submissions", count)
    make_class(suite, scratch / "first", 1)
    with LocalCluster(**LOCAL, n_workers=1) as running:  # so that each run below finds a verdict on the reference
        _grade(suite, scratch / "first", scratch / "out-first", ["--cluster", running.scheduler_address], 1)
    seconds: dict[str, float] = {}
    results: dict[str, Any] = {}
    for title, workers, killed in (
        ("this machine, one at a time", 0, False),
        ("a cluster of one worker", 1, False),
        ("a cluster of two workers", 2, False),
        ("two workers, one killed on the way", 2, True),
    ):
        out = scratch / f"out-{len(seconds)}"
        if workers:
            with LocalCluster(**LOCAL, n_workers=workers) as running:
                _give_cores(running.scheduler_address)
                meanwhile = _killing(running.scheduler_address, out, count // 4) if killed else None
                where = ["--cluster", running.scheduler_address]
                seconds[title] = _grade(suite, scratch / "submissions", out, where, workers, meanwhile)
        else:
            seconds[title] = _grade(suite, scratch / "submissions", out, ["--jobs", "1"], 1)
        results[title] = _results(out)
    first, *others = results.values()
    one, two = seconds["a cluster of one worker"], seconds["a cluster of two workers"]
    return {
        "submissions": count,
        "seconds_each": seconds,
        "graded": {title: len(found) for title, found in results.items()},
        "gain": round(one / two, 2),
        "equal": len(first) == count and all(other == first for other in others),
    }


def _grade(
    suite: Suite,
    submitted: Path,
    out: Path,
    options: list[str],
    workers: int,
    meanwhile: Callable[[threading.Event], None] | None = None,
) -> float:
    """Grade the class by the command line; returns seconds for each submission, start-up aside.

    Start-up ends with the first result of each worker.
    """
    words = ["--course", suite.course.root, "grade", suite.assignment.id, submitted, "--out", out]
    with _beside(meanwhile), _watched(out) as times:
        run([sys.executable, "-m", "autograder", *words, "--seed", SEED, *options], ROOT)
    return round((times[-1] - times[workers - 1]) / max(len(times) - workers, 1), 3)


def _give_cores(address: str) -> None:
    """Give each worker a core of its own, as far as there are cores."""
    cores = sorted(os.sched_getaffinity(0))
    with Client(address, set_as_default=False) as client:
        workers = sorted(client.scheduler_info(n_workers=-1)["workers"])
        for number, worker in enumerate(workers):
            client.run(_keep_to, cores[number % len(cores)], workers=[worker])


def _keep_to(core: int) -> None:
    """On a worker: run on this core only, with all threads, and with the processes that they start."""
    for thread in os.listdir("/proc/self/task"):
        os.sched_setaffinity(int(thread), {core})


@contextmanager
def _beside(what: Callable[[threading.Event], None] | None) -> Iterator[None]:
    """Do this beside the block; the event says that the block has ended."""
    ended = threading.Event()
    thread = threading.Thread(target=what, args=[ended]) if what else None
    if thread:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        if thread:
            thread.join()


@contextmanager
def _watched(out: Path) -> Iterator[list[float]]:
    """When each result appeared; filled in when the block ends."""
    times: list[float] = []
    yield times
    times += sorted(path.stat().st_mtime for path in out.glob("*/result.json"))


def _killing(address: str, out: Path, after: int) -> Callable[[threading.Event], None]:
    """Waits for so many results, then kills the process of one worker, unless the run has ended."""

    def kill(ended: threading.Event) -> None:
        while len(list(out.glob("*/result.json"))) < after:
            if ended.wait(0.05):
                return
        with Client(address, set_as_default=False) as client:
            os.kill(min(client.run(os.getpid).values()), signal.SIGKILL)

    return kill


def _results(out: Path) -> dict[str, Any]:
    """Every result by submission, without times, which are never the same twice."""

    def untimed(table: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in table.items() if not key.endswith("seconds")}

    paths = sorted(out.glob("*/result.json"))
    return {path.parent.name: json.loads(path.read_text(encoding="utf-8"), object_hook=untimed) for path in paths}


def _print(found: dict[str, Any], console: Console) -> None:
    table = Table("run", "graded", "seconds for each, start-up aside", title=f"{found['submissions']} submissions")
    for title, seconds in found["seconds_each"].items():
        table.add_row(title, str(found["graded"][title]), f"{seconds:.2f}")
    console.print(table)
    console.print(f"two workers are {found['gain']:.2f} times as fast as one (at least {LEAST_GAIN} is promised)")
    console.print("all results are equal, times aside" if found["equal"] else "results differ")


if __name__ == "__main__":
    sys.exit(main())
