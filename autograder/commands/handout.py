"""autograder handout: makes the zip that students get."""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.console import Console

from autograder.commands import arguments
from autograder.course.layout import Course
from autograder.files import whole

__all__ = ["add", "run"]

EXAMPLE = """example:
  autograder handout a6 --out dist/
"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "handout",
        help="make the zip that students get",
        description="Pack an assignment, the files around it, and this package's wheel into one zip.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("assignment", metavar="ASSIGNMENT", help="an id (a6) or a folder name")
    parser.add_argument(
        "--out", metavar="DIR", type=arguments.path, default=Path("dist"), help="where the zip goes (dist)"
    )
    parser.add_argument(
        "--wheel", metavar="FILE", type=arguments.path, help="a wheel of autograder (built from its sources)"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, console: Console) -> int:
    """Build everything, then write the zip. Returns 0."""
    from autograder.authoring.handout import Wheel, build_wheel, handout_name, handout_zip

    course = Course.find(args.course)
    assignment = course.assignment(args.assignment)
    content = handout_zip(course, assignment, Wheel.read(args.wheel) if args.wheel else build_wheel())
    path = args.out / handout_name(assignment)
    args.out.mkdir(parents=True, exist_ok=True)
    with whole(path) as file:
        file.write(content)
    console.print(f"{path}: {len(content) / 1e6:.1f} MB", highlight=False, soft_wrap=True)
    return 0
