"""autograder build: makes the students' files from the solutions."""

from __future__ import annotations

import argparse
import sys

from rich.console import Console

from autograder.course.layout import Course

__all__ = ["add", "run"]

EXAMPLE = """example:
  autograder build a6
  autograder build --check
      prints the differences between assignments/ and the solutions, and exits with 1 if there are any
  autograder build a6 --rehearse
      runs the notebook on the solution and keeps its files beside the reference
"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "build",
        help="make assignments/ from solutions/",
        description="Make stubs, notebooks and public checks from the solutions.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("assignment", metavar="ASSIGNMENT", nargs="*", help="an id or a folder name (all of them)")
    parser.add_argument(
        "--check", action="store_true", help="write nothing; print a diff and exit with 1 if files differ"
    )
    parser.add_argument("--rehearse", action="store_true", help="run the notebook on the solution, and keep its files")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, console: Console) -> int:
    """Build or check. Returns 0, or 1 if `--check` found drift."""
    from autograder.authoring.build import build_assignment, check_assignment
    from autograder.authoring.rehearsal import keep_artifacts, rehearse

    course = Course.find(args.course)
    assignments = [course.assignment(which) for which in args.assignment or course.names()]
    if args.check:
        drift = "".join(check_assignment(course, assignment) for assignment in assignments)
        sys.stdout.write(drift)
        if drift:
            print("autograder: assignments/ is out of date; run: make assignments", file=sys.stderr)
        return 1 if drift else 0
    for assignment in assignments:
        if args.rehearse:
            for path in keep_artifacts(course, assignment, rehearse(course, assignment)):
                console.print(f"{path.relative_to(course.root)}: written by the notebook", highlight=False)
        drifts = build_assignment(course, assignment)
        where = course.handout(assignment).relative_to(course.root)
        console.print(
            f"{where}: {f'{len(drifts)} files brought up to date' if drifts else 'up to date'}", highlight=False
        )
    return 0
