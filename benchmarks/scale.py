"""Whether a submission of a large class costs what one of a small class costs. `make bench-scale` runs this.

    python benchmarks/scale.py [--sizes 50 500 2000] [--jobs 1 2] [--course toy|a6] [--part 8] [--no-otter]
                               [--json FILE] [--plot FILE]

Classes of each size are made from mutants of the reference, no two submissions with the same bytes, and graded by the
command line, with each number of jobs. Course `a6` has assignment 6's checks of the usual kind, which train nothing;
`toy` has two small questions, for sizes that would take hours otherwise. A fresh pytest and otter grade a part of such
a class of assignment 6, in the same run.

Exit status: 0 every limit is kept, 1 one is missed, or contestants gave different scores.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from comparison import compare
from courses import ROOT, Suite, fast_checks, toy_course
from facts import facts, load
from figures import Figure, Limit
from lineage import PARTS, cpu_seconds, parts, peak_mb
from processes import run
from rich.console import Console
from rich.table import Table
from tables import print_comparison, print_facts, print_limits

from autograder.course.layout import Course
from autograder.grading.mutants.matrix import load_mutants

__all__ = ["Scaled", "limits", "main"]

DEARER = 1.05  # what a submission of the largest class may cost, to one of the smallest
GROWTH_MB = 50.0
PAGE_MB = 20.0  # a browser opens a page of this size in seconds
TOY_MISTAKES = (
    "SCALE * x",
    "self.total + double(x)",
    "torch.zeros(())",
)  # each is left wrong in one submission of four


@dataclass(frozen=True)
class Scaled:
    """One class, graded once.

    Attributes:
        seconds, startup: wall-clock time of all of it, and before the first submission's turn.
        cpu: seconds of CPU time of all processes, after the start-up.
        peaks: MB of 10^6 bytes that each process that lives as long as the run had resident.
        page: MB of the class page.
    """

    submissions: int
    jobs: int
    seconds: float
    startup: float
    cpu: float
    peaks: Mapping[str, float]
    page: float

    @property
    def each(self) -> float:
        """Milliseconds of CPU time of a submission."""
        return 1000 * self.cpu / self.submissions


def main(argv: Sequence[str] | None = None) -> int:
    args = _parser().parse_args(argv)
    console = Console(width=max(140, Console().width))
    print_facts(facts(), console)
    began, sound = time.perf_counter(), True
    with tempfile.TemporaryDirectory(prefix="scale-") as scratch:
        suite = toy_course(Path(scratch, "course")) if args.course == "toy" else fast_checks(Path(scratch, "course"))
        sources = _sources(suite, args.course)
        found = []
        for count in args.sizes:
            submissions = Path(scratch, f"class-{count}")
            _write(suite, submissions, sources, count)
            for jobs in args.jobs:
                found.append(_grade(suite, submissions, Path(scratch, f"out-{count}-{jobs}"), count, jobs))
                console.print(f"{count} submissions, {jobs} at once: {found[-1].seconds:.0f} s", highlight=False)
        _print(suite.title, found, console)
        if args.part:
            usual = fast_checks(Path(scratch, "part"))
            beside = compare(usual, Path(scratch, "part-class"), args.part, 1, otter=args.otter)
            print_comparison(beside, console)
            sound = not beside.differences
    kept = limits(found)
    print_limits(kept, console)
    console.print(f"measured in {time.perf_counter() - began:.0f} s; load at the end: {load()}", highlight=False)
    if args.json:
        rows = [asdict(each) for each in found]
        wanted = [limit.as_json() for limit in kept]
        args.json.write_text(json.dumps({"facts": facts(), "classes": rows, "limits": wanted}, indent=1) + "\n")
    if args.plot:
        _plot(suite.title, found, args.plot)
    return 0 if sound and all(limit.kept for limit in kept) else 1


def limits(found: Sequence[Scaled]) -> list[Limit]:
    """What must hold of the largest class beside the smallest, for each number of jobs."""
    kept = []
    for jobs in sorted({each.jobs for each in found}):
        some = sorted((each for each in found if each.jobs == jobs), key=lambda each: each.submissions)
        few, many = some[0], some[-1]
        which = f"{many.submissions} submissions to {few.submissions}, {jobs} at once"
        kept.append(Limit(f"CPU time of each, {which}", Figure((many.each / few.each,), "x"), at_most=DEARER))
        growth = sum(many.peaks.values()) - sum(few.peaks.values())
        kept.append(Limit(f"memory, {which}", Figure((growth,), "MB"), at_most=GROWTH_MB))
        kept.append(Limit(f"class page, {many.submissions} submissions", Figure((many.page,), "MB"), at_most=PAGE_MB))
    return kept


def _sources(suite: Suite, course: str) -> list[str]:
    """The reference, and its mutants as far as this suite asks about them."""
    reference = suite.reference.read_text(encoding="utf-8")
    if course == "toy":
        return [reference, *(reference.replace(right, f"2 * ({right})") for right in TOY_MISTAKES)]
    whole = Course(ROOT)
    mutants = load_mutants(whole, whole.assignment(suite.assignment.name))
    return [reference, *(each.source for each in mutants if each.check.question in suite.assignment.by_id)]


def _write(suite: Suite, folder: Path, sources: Sequence[str], count: int) -> None:
    folder.mkdir()
    for number in range(1, count + 1):
        path = folder / f"student_{number:04}-{2022000000 + number}-A{suite.assignment.number}-O1.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            text = f"# handed in by student {number}\n{sources[number % len(sources)]}"
            archive.writestr(suite.assignment.files[0], text)


def _grade(suite: Suite, submissions: Path, out: Path, count: int, jobs: int) -> Scaled:
    """Raises RuntimeError where the command fails, or somebody has no result."""
    words = ["--course", suite.course.root, "grade", suite.assignment.id, submissions]
    options = ["--out", out, "--jobs", str(jobs), "--seed", "7"]
    peaks: dict[str, float] = {}
    unwaited: dict[int, float] = {}  # the zygote is killed at the end: its time, and its workers', is lost to us
    started: list[tuple[float, float]] = []  # when the first submission's turn came, and the CPU time until then

    def look(cli: int) -> None:
        used = 0.0
        for part, pid in parts(cli):
            peaks[part] = max(peaks.get(part, 0.0), peak_mb(pid))
            used += (seconds := cpu_seconds(pid))
            if part == "zygote":
                unwaited[pid] = max(unwaited.get(pid, 0.0), seconds)
        if not started and (out / "gradebook.db").exists():  # it is made when the reference has its full marks
            started.append((time.time(), used))

    ran = run([sys.executable, "-m", "autograder", *words, *options], ROOT, look=look)
    if set(peaks) != set(PARTS) or not started:
        raise RuntimeError(f"a part of the grader was never seen: there were {', '.join(peaks)}")
    if (graded := len(list(out.glob("*/result.json")))) != count:
        raise RuntimeError(f"of {count} submissions, {graded} have a result")
    cpu = ran.cpu + sum(unwaited.values()) - started[0][1]
    return Scaled(
        count, jobs, ran.seconds, started[0][0] - ran.began, cpu, peaks, (out / "index.html").stat().st_size / 1e6
    )


def _print(title: str, found: Sequence[Scaled], console: Console) -> None:
    table = Table(title=f"Classes made from mutants of the reference ({title})", title_justify="left")
    for heading in ("submissions", "at once", "all of it, s", "start-up, s", "CPU time of each, ms"):
        table.add_column(heading, justify="right")
    for heading in (*(f"{part}, MB" for part in PARTS), "class page, MB"):
        table.add_column(heading, justify="right")
    for each in found:
        peaks = (f"{each.peaks[part]:.0f}" for part in PARTS)
        figures = (f"{each.seconds:.1f}", f"{each.startup:.1f}", f"{each.each:.1f}", *peaks, f"{each.page:.2f}")
        table.add_row(str(each.submissions), str(each.jobs), *figures)
    console.print(table)


def _plot(title: str, found: Sequence[Scaled], path: Path) -> None:
    """Cost of a submission and memory, by the size of the class."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (cost, memory) = pyplot.subplots(1, 2, figsize=(9, 3), layout="constrained")
    for jobs in sorted({each.jobs for each in found}):
        some = [each for each in found if each.jobs == jobs]
        sizes = [each.submissions for each in some]
        cost.plot(sizes, [each.each for each in some], marker="o", label=f"{jobs} at once")
        memory.plot(sizes, [sum(each.peaks.values()) for each in some], marker="o", label=f"{jobs} at once")
        for axes in (cost, memory):
            axes.set_xscale("log")
            axes.set_xticks(sizes, map(str, sizes), minor=False)
            axes.set_xticks([], minor=True)
    cost.set(ylabel="CPU time of each, ms")
    memory.set(ylabel="peak memory together, MB")
    for axes in (cost, memory):
        axes.set(xlabel="submissions", ylim=(0, 1.1 * axes.get_ylim()[1]))
        axes.legend(loc="lower left")
    figure.suptitle(title)
    figure.savefig(path, dpi=120)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Show what a submission costs, by the size of its class.")
    parser.add_argument("--sizes", nargs="+", type=int, default=[50, 500, 2000], metavar="N", help="50 500 2000")
    parser.add_argument("--jobs", nargs="+", type=int, default=[1, 2], metavar="N", help="submissions at once (1 2)")
    parser.add_argument("--course", choices=("a6", "toy"), default="a6", help="assignment 6, or two small questions")
    parser.add_argument("--part", type=int, default=8, metavar="N", help="how many the others grade; 0 for none (8)")
    parser.add_argument("--no-otter", dest="otter", action="store_false", help="without otter")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure there, too")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the figures, as PNG or SVG")
    return parser


if __name__ == "__main__":
    sys.exit(main())
