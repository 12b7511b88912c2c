"""The table of `autograder grade --profile`: the time of each phase of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from autograder.course.result import SubmissionResult
from autograder.phases import PHASES, RUN_PHASES
from autograder.reports.text import percent

__all__ = ["print_profile"]


def print_profile(results: Sequence[SubmissionResult], run: Mapping[str, float], console: Console) -> None:
    """Print the seconds of each phase of the run, and of each phase of the gradings.

    For the gradings there are four figures: all submissions together, the share, the median submission and the slowest.

    Args:
        results: the results of this run. Several may have been graded at once.
        run: the seconds of each phase of the run.
    """
    table = Table(box=SIMPLE_HEAD, title="Seconds of the run, by phase", title_justify="left")
    for heading in ("phase", "seconds", "share"):
        table.add_column(heading, justify="left" if heading == "phase" else "right")
    table.add_column("what is done")
    for name, what in RUN_PHASES.items():
        if run.get(name):
            table.add_row(name, f"{run[name]:.2f}", percent(run[name], sum(run.values())), what)
    table.add_row("together", f"{sum(run.values()):.2f}", "100 %", "")
    console.print(table)
    if not results:
        return
    spent = {name: [result.phase_seconds.get(name, 0.0) for result in results] for name in PHASES}
    whole = [sum(result.phase_seconds.values()) for result in results]
    table = Table(
        box=SIMPLE_HEAD, title=f"Seconds of the gradings, by phase; submissions: {len(results)}", title_justify="left"
    )
    for heading in ("phase", "all", "share", "median", "most"):
        table.add_column(heading, justify="left" if heading == "phase" else "right")
    table.add_column("what is done")
    for name, seconds in spent.items():
        if any(seconds):
            table.add_row(name, *_figures(seconds, percent(sum(seconds), sum(whole))), PHASES[name])
    table.add_row("together", *_figures(whole, "100 %"), "")
    console.print(table)


def _figures(seconds: Sequence[float], share: str) -> tuple[str, ...]:
    return f"{sum(seconds):.2f}", share, f"{median(seconds):.3f}", f"{max(seconds):.3f}"
