"""autograder mutants: tests that the hidden checks catch wrong versions of the reference."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from autograder.commands import arguments
from autograder.commands.linux import require_linux
from autograder.course.layout import Course
from autograder.course.model import Assignment
from autograder.course.result import SubmissionResult
from autograder.errors import UsageError

if TYPE_CHECKING:  # grading needs Linux, but the command line must also start on a student's machine
    from autograder.grading.mutants.cost import Cost
    from autograder.grading.mutants.hints import Hinted
    from autograder.grading.mutants.matrix import KillMatrix, Mutant

__all__ = ["add", "run"]

EXAMPLE = """example:
  autograder mutants a6 --only conv-
  autograder mutants a6 --cost
"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "mutants",
        help="grade wrong versions of the reference",
        description="Grade every mutant of the reference and show which hidden checks caught it.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("assignment", metavar="ASSIGNMENT", help="an id (a6) or a folder name")
    parser.add_argument("--only", metavar="PREFIX", default="", help="only mutants whose id begins so")
    parser.add_argument(
        "--jobs", metavar="N", type=arguments.count, help="mutants at once (as many as there are cores)"
    )
    parser.add_argument("--seed", metavar="S", type=int, default=0, help="the seed for the inputs (0)")
    parser.add_argument(
        "--cost", action="store_true", help="show what each single mistake costs, of its question and of all points"
    )
    parser.add_argument("--hints", action="store_true", help="show the hint that a student with each mistake reads")
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, console: Console) -> int:
    """Print the checks that caught each mutant, or the cost of each, or the hint for a student with this mistake.

    Returns 0 if each was caught by the check that it names; with --cost, if none costs too much; with --hints, if no
    hint names a different mistake; else 1.
    """
    require_linux("grading")
    from autograder.grading.client import GradingProcess
    from autograder.grading.mutants.cost import costs
    from autograder.grading.mutants.matrix import kill_matrix, load_mutants
    from autograder.grading.order import Order, available_cores

    course = Course.find(args.course)
    assignment = course.assignment(args.assignment)
    mutants = [mutant for mutant in load_mutants(course, assignment) if mutant.id.startswith(args.only)]
    if not mutants:
        raise UsageError(f"--only: no mutant's id begins with {args.only!r}")
    if args.hints:
        return _hints(course, assignment, mutants, args, console)
    with GradingProcess(Order.of(course, assignment, args.seed)) as process:
        matrix = kill_matrix(
            process.grade_as_it_is, mutants, assignment, course.solution(assignment), args.jobs or available_cores()
        )
    if args.cost:
        found = costs(matrix, mutants, assignment)
        if args.json:
            print(json.dumps({"mutants": [_cost_row(cost) for cost in found]}, indent=1))
        else:
            _print_costs(found, console)
        return 1 if any(cost.too_much for cost in found) else 0
    survivors = [mutant for mutant in mutants if not matrix.catches(mutant)]
    if args.json:
        print(json.dumps({"mutants": [_row(mutant, matrix) for mutant in mutants]}, indent=1))
    else:
        _print(mutants, matrix, console)
    return 1 if survivors else 0


def _cost_row(cost: Cost) -> dict[str, object]:
    return {
        "id": cost.mutant.id,
        "question": cost.mutant.check.question,
        "of_question": cost.share,
        "of_all": cost.total,
        "by_question": cost.by_question,
        "point": cost.mutant.point,
        "too_much": cost.too_much,
    }


def _print_costs(found: list[Cost], console: Console) -> None:
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("mutant", "question", "of its question", "of 100", ""):
        table.add_column(heading)
    for cost in found:
        sign = Text("too much", "red") if cost.too_much else Text("its very point" if cost.mutant.point else "")
        table.add_row(cost.mutant.id, cost.mutant.check.question, f"{cost.share:.0%}", f"{cost.total:.1f}", sign)
    console.print(table)
    from autograder.grading.mutants.cost import MAX_OF_ALL, MAX_OF_QUESTION

    much = sum(cost.too_much for cost in found)
    limits = f"{MAX_OF_QUESTION:.0%} of its question, unless that is its very point, or {MAX_OF_ALL:g} of 100"
    console.print(f"{much} of {len(found)} cost more than {limits}", highlight=False)


def _hints(
    course: Course, assignment: Assignment, mutants: list[Mutant], args: argparse.Namespace, console: Console
) -> int:
    from autograder.grading.client import GradingProcess
    from autograder.grading.mutants.hints import hint_table
    from autograder.grading.order import Order, available_cores

    with GradingProcess(Order.of(course, assignment, args.seed)) as process:

        def grade(path: Path, name: str, questions: Sequence[str] | None, without: str) -> SubmissionResult:
            return process.grade_mutant(path, name, questions, without=without)

        rows = hint_table(grade, mutants, assignment, course.solution(assignment), args.jobs or available_cores())
    if args.json:
        facts = [{**vars(row), "mutant": row.mutant.id, "why": row.mutant.why} for row in rows]
        print(json.dumps({"mutants": facts}, indent=1))
    else:
        _print_hints(rows, console)
    return 1 if any(row.wrong for row in rows) else 0


def _print_hints(rows: Sequence[Hinted], console: Console) -> None:
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("mutant", "its mistake is named", "another is named", "hint else", "named without it"):
        table.add_column(heading)
    for row in rows:
        named = Text("no", "yellow") if row.valued else Text("no wrong value")
        if row.named or row.told:
            named = Text("yes" if row.named else "by the check", "green")
        others = Text("; ".join(row.wrong), "red"), Text(row.other), Text("; ".join(row.alone))
        table.add_row(row.mutant.id, named, *others)
    console.print(table)
    valued = [row for row in rows if row.valued]
    right, false = sum(row.named or row.told for row in valued), sum(bool(row.wrong) for row in rows)
    text = f"{right} of {len(valued)} mutants that give a wrong value are named, {false} by another's name"
    own = sum(row.told and not row.named for row in valued)
    console.print(
        f"{text}; {own} of them by the check itself; {sum(bool(row.alone) for row in rows)} answer as another "
        "mutant does in the cases that are looked at",
        highlight=False,
    )


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
