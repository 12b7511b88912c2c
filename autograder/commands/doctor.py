"""autograder doctor: tests which isolation layers hold on this host."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from autograder.commands.linux import require_linux

if TYPE_CHECKING:
    from autograder.sandbox import Report

__all__ = ["add", "run"]

EXAMPLE = """example:
  autograder doctor --json
      exit status 0: this host can grade a course; 1: it cannot, or an attempt to break out succeeded
"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "doctor",
        help="test which isolation layers work on this host",
        description="Test every isolation layer by using it, then try to break out, and print what held.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, console: Console) -> int:
    """Print the report. Returns 0 if this host can grade a course, else 1."""
    require_linux("confining code")
    from autograder.sandbox import diagnose

    report = diagnose()
    if args.json:
        print(json.dumps(report.as_json(), indent=1))
    else:
        _print(report, console)
    return 0 if report.ok else 1


def _print(report: Report, console: Console) -> None:
    console.print(Text(f"Level {report.level}: {report.as_json()['meaning']}", style="bold"))
    if report.problem:
        console.print(Text(report.problem))
    for title, rows in (
        ("Layers", [(layer.name, layer.holds, layer.why_not or layer.closes) for layer in report.layers]),
        ("Attempts from inside a worker", [(probe.name, probe.held, ", ".join(probe.got)) for probe in report.probes]),
    ):
        if rows:
            table = Table(title=title, title_justify="left", title_style="bold", box=None, show_header=False)
            for name, held, words in rows:
                sign = Text("held", "green") if held else Text("not held", "red")
                table.add_row(Text(name), sign, Text(words, "bright_black"))
            console.print(table)
    if report.ready_ms:
        console.print(f"A worker is ready in {report.ready_ms:g} ms.", highlight=False)
    if report.gpu:
        console.print(Text(f"GPU: {report.gpu}."))
