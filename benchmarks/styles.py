"""Shows what right answers of many styles take: which earn all points of speed, and which none.

    python benchmarks/styles.py [--times 2] [--only a6]

Each style is a way to write one function. It takes the function's place in the reference and is graded as any
submission is, so many times. `make bench-verdicts` runs this.

Exit status: 0 each earns what it must, 1 one does not.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from facts import facts
from rich.console import Console
from rich.table import Table
from styles_of_answers import STYLES, Style
from tables import print_facts

from autograder.course.layout import Course
from autograder.course.outcome import Outcome
from autograder.grading.client import GradingProcess
from autograder.grading.mutants.matrix import settled
from autograder.grading.order import Order

__all__ = ["Found", "main"]

SEED = 7


@dataclass(frozen=True)
class Found:
    """What one style takes.

    Attributes:
        ratios: multiples of the baseline's time, a figure for each grading.
        credits: what each earned; None where the machine was too busy to say.
    """

    style: Style
    ratios: tuple[float, ...]
    credits: tuple[float | None, ...]

    @property
    def sound(self) -> bool:
        """Whether nothing that it earned is another thing than it must earn."""
        return self.style.earns is None or set(self.credits) <= {self.style.earns, None}


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Show what right answers of many styles take.")
    parser.add_argument("--times", type=int, default=2, choices=range(1, 100), metavar="N", help="gradings of each (2)")
    parser.add_argument("--only", metavar="ASSIGNMENT", choices=sorted(STYLES), help=f"one of {', '.join(STYLES)}")
    args = parser.parse_args(argv)
    console = Console(width=max(140, Console().width))
    print_facts(facts(), console)
    course = Course.find(Path(__file__))
    found = [each for id in STYLES if args.only in (None, id) for each in _measured(course, id, args.times)]
    _print(found, console)
    faults = [each for each in found if not each.sound]
    console.print(f"{len(faults)} of {len(found)} styles earn something else than they must", highlight=False)
    return 1 if faults else 0


def _measured(course: Course, id: str, times: int) -> list[Found]:
    assignment = course.assignment(id)
    reference = (course.solution(assignment) / assignment.files[0]).read_text(encoding="utf-8")
    found = []
    with (
        tempfile.TemporaryDirectory(prefix="styles-") as scratch,
        GradingProcess(Order.of(course, assignment, SEED)) as process,
    ):
        for number, style in enumerate(STYLES[id]):
            folder = Path(scratch) / str(number)
            folder.mkdir()
            (folder / assignment.files[0]).write_text(f"{reference}\n\n{style.source}", encoding="utf-8")
            asked = (style.question,)
            results = [settled(process.grade_as_it_is)(folder, str(number), asked) for _ in range(times)]
            questions = [next(each for each in result.questions if each.id == style.question) for result in results]
            cases = [next(case for case in question.cases if case.id == style.check) for question in questions]
            wrong = [case for case in cases if case.timing is None]
            if wrong:
                raise RuntimeError(f"{style.name}: {wrong[0].outcome}: {wrong[0].message} {wrong[0].detail}")
            told = tuple(case.timing["ratio"] or case.timing["interval"][0] for case in cases if case.timing)
            credits = tuple(None if case.outcome is Outcome.TOO_NOISY else case.credit for case in cases)
            found.append(Found(style, told, credits))
    return found


def _print(found: Sequence[Found], console: Console) -> None:
    table = Table(title="Right answers of many styles, as multiples of the baseline's time", title_justify="left")
    for heading in ("", "style"):
        table.add_column(heading)
    for heading in ("median, range", "earns", "must earn"):
        table.add_column(heading, justify="right")
    for each in found:
        ratios = f"{median(each.ratios):.1f} ({min(each.ratios):.1f} to {max(each.ratios):.1f})"
        earned = ", ".join(sorted({"too noisy" if credit is None else f"{credit:g}" for credit in each.credits}))
        wanted = "" if each.style.earns is None else f"{each.style.earns:g}"
        table.add_row(each.style.check, each.style.name, ratios, earned, wanted, style="" if each.sound else "red")
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
