"""The three tables, as a terminal shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from comparison import Comparison
from figures import Figure, Limit
from memory import Memory
from overhead import Overhead
from rich.console import Console
from rich.table import Table
from rich.text import Text

__all__ = ["print_comparison", "print_facts", "print_limits", "print_memory", "print_overhead"]


def print_facts(facts: Mapping[str, str], console: Console) -> None:
    for name, value in facts.items():
        console.print(f"{name}: {value}", highlight=False)


def print_comparison(comparison: Comparison, console: Console) -> None:
    title = f"{comparison.submissions} submissions, {comparison.checks} checks each ({comparison.title}), "
    table = _table(f"{title}{comparison.jobs} at once")
    for heading in ("", "all of it", "CPU time", "of it start-up", "fresh pytest takes", "start-up left out"):
        table.add_column(heading, justify="left" if not heading else "right")
    for row in comparison.rows:
        figures = (row.seconds, row.cpu, row.startup, row.speedup, row.warm_speedup)
        table.add_row(row.name, *map(_text, figures))
    console.print(table)
    for difference in comparison.differences[:10]:
        console.print(f"scores differ: {difference}", style="red", highlight=False)
    if comparison.differences:
        console.print(f"void: {len(comparison.differences)} scores differ", style="red", highlight=False)
    else:
        names = ", ".join(row.name for row in comparison.rows)
        console.print(f"the same scores on every question of every submission: {names}", highlight=False)


def print_overhead(overheads: Sequence[Overhead], ready: Figure, console: Console) -> None:
    table = _table("One copy of the reference in a warm process")
    for heading in ("", "grading", "its calls", "ratio", "same calls in one process", "ratio"):
        table.add_column(heading, justify="left" if not heading else "right")
    for each in overheads:
        figures = (each.grading, each.calls, each.ratio, each.inhouse, each.inhouse_ratio)
        table.add_row(each.title, *map(_text, figures))
    console.print(table)
    console.print(f"a worker is confined and ready after {ready}", highlight=False)


def print_memory(memories: Sequence[Memory], console: Console) -> None:
    table = _table("Peak resident memory, MB")
    for heading in ("submissions", *memories[0].peaks, "together", "seconds"):
        table.add_column(heading, justify="right")
    for each in memories:
        peaks = (f"{peak:.1f}" for peak in each.peaks.values())
        table.add_row(str(each.submissions), *peaks, f"{each.total.median:.1f}", f"{each.seconds:.1f}")
    console.print(table)


def print_limits(limits: Sequence[Limit], console: Console) -> None:
    table = _table("Limits")
    for heading in ("", "found", "wanted", ""):
        table.add_column(heading)
    for limit in limits:
        verdict = Text("kept", "green") if limit.kept else Text("MISSED", "bold red")
        table.add_row(limit.what, str(limit.figure), limit.wanted, verdict)
    console.print(table)


def _table(title: str) -> Table:
    return Table(title=title, title_justify="left", title_style="bold", box=None, padding=(0, 2, 0, 0), show_edge=False)


def _text(figure: Figure | None) -> str:
    return "" if figure is None else str(figure)
