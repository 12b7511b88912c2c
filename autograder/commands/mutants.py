"""autograder mutants: whether the hidden checks catch wrong versions of the reference."""

from __future__ import annotations

import argparse
import json
import os
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from autograder.commands import arguments
from autograder.commands.linux import require_linux
from autograder.course.layout import Course
from autograder.errors import UsageError

if TYPE_CHECKING:  # grading needs Linux, and the command line must start on a student's machine too
    from autograder.grading.mutants import KillMatrix, Mutant

__all__ = ["add", "run"]

EXAMPLE = """example:
  autograder mutants a6 --only conv-
"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "mutants",
        help="grade wrong versions of the reference",
        description="Grade every mutant of the reference and say which hidden checks caught it.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("assignment", metavar="ASSIGNMENT", help="an id (a6) or a folder name")
    parser.add_argument("--only", metavar="PREFIX", default="", help="only mutants whose id begins so")
    parser.add_argument(
        "--jobs", metavar="N", type=arguments.count, default=os.cpu_count(), help="mutants at once (all cores)"
    )
    parser.add_argument("--seed", metavar="S", type=int, default=0, help="seed that inputs are drawn from (0)")
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, console: Console) -> int:
    """Print what caught each mutant. Returns 0 where each was caught by the check it names, else 1."""
    require_linux("grading")
    from autograder.grading.client import GradingProcess
    from autograder.grading.mutants import kill_matrix, load_mutants

    course = Course.find(args.course)
    assignment = course.assignment(args.assignment)
    mutants = [mutant for mutant in load_mutants(course, assignment) if mutant.id.startswith(args.only)]
    if not mutants:
        raise UsageError(f"--only: no mutant's id begins with {args.only!r}")
    with GradingProcess(course, assignment, args.seed) as process:
        matrix = kill_matrix(process.grade_as_it_is, mutants, assignment, course.solution(assignment), args.jobs)
    survivors = [mutant for mutant in mutants if not matrix.catches(mutant)]
    if args.json:
        print(json.dumps({"mutants": [_row(mutant, matrix) for mutant in mutants]}, indent=1))
    else:
        _print(mutants, matrix, console)
    return 1 if survivors else 0


def _row(mutant: Mutant, matrix: KillMatrix) -> dict[str, object]:
    return {
        "id": mutant.id,
        "why": mutant.why,
        "check": str(mutant.check),
        "caught": matrix.catches(mutant),
        "caught_by": sorted(map(str, matrix.functions(mutant.id))),
    }


def _print(mutants: list[Mutant], matrix: KillMatrix, console: Console) -> None:
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("mutant", "must be caught by", "caught", "by others too"):
        table.add_column(heading)
    for mutant in mutants:
        others = len(matrix.functions(mutant.id) - {mutant.check.function})
        sign = Text("yes", "green") if matrix.catches(mutant) else Text("no", "red")
        table.add_row(mutant.id, str(mutant.check), sign, str(others) if others else "")
    console.print(table)
    caught = sum(matrix.catches(mutant) for mutant in mutants)
    console.print(f"{caught} of {len(mutants)} caught by the check they name", highlight=False)
