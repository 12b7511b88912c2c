"""Whether the grader's memory grows with the number of submissions."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from courses import ROOT, Suite
from figures import Figure
from processes import ENVIRONMENT
from submissions import make_copies

__all__ = ["Memory", "measure_memory"]

JOBS = 2
EVERY = 0.02  # seconds between two looks; a peak is kept by the kernel, so only the last moments go unseen
PARTS = ("command line", "grading process", "zygote")


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
    command = [sys.executable, "-m", "autograder", *map(str, [*words, *options])]
    began = time.perf_counter()
    peaks: dict[str, float] = {}
    with subprocess.Popen(command, cwd=ROOT, env=ENVIRONMENT, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            for part, pid in _parts(process.pid):
                peaks[part] = max(peaks.get(part, 0.0), _peak(pid))
            time.sleep(EVERY)
    if process.returncode or set(peaks) != set(PARTS):
        raise RuntimeError(f"{' '.join(command)}: status {process.returncode}, seen {', '.join(peaks) or 'nothing'}")
    return Memory(count, peaks, time.perf_counter() - began)


def _parts(cli: int) -> Iterator[tuple[str, int]]:
    yield "command line", cli
    for server in _children(cli, "autograder.grading.server"):
        yield "grading process", server
        for zygote in _children(server, "autograder.sandbox.zygote"):
            yield "zygote", zygote
            for inner in _children(zygote, "autograder.sandbox.zygote"):  # of a process namespace of its own
                yield "zygote", inner


def _children(pid: int, word: str) -> list[int]:
    """Child processes with this word in their command line."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
        return [int(child) for child in children if word in Path(f"/proc/{child}/cmdline").read_text()]
    except OSError:  # ended meanwhile
        return []


def _peak(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith("VmHWM:")), 0.0)
