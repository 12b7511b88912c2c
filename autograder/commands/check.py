"""autograder check: runs the public checks on a student's own machine."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from itertools import groupby
from pathlib import Path
from textwrap import wrap
from types import FrameType
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.live import Live
from rich.text import Text

from autograder.errors import GraderError, UsageError

if TYPE_CHECKING:  # torch takes seconds to import, and --help must not wait for it
    from autograder.checks.public.standing import QuestionStanding, Standing
    from autograder.course.model import Assignment
    from autograder.course.result import CaseResult

__all__ = ["add", "run"]

EXAMPLE = """example:
  autograder check
  autograder check conv-forward
      one question; exit status 0: every check passes, 1: some check does not
"""
SCHEMA, INTERRUPTED = 1, 130
WORDS = {
    "passed": ("passed", "green"),
    "not_attempted": ("to do", "yellow"),
    "partly": ("partly", "yellow"),
    "pending": ("waiting", "yellow"),
    "failed": ("failed", "red"),
    "grader_error": ("no check", "magenta"),
}
WORD_WIDTH = max(len(word) for word, _ in WORDS.values())
MIN_WIDTH = 40


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "check",
        help="run the public checks on your work",
        description="Run the public checks of an assignment's folder and show what to fix first.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("question", metavar="QUESTION", nargs="*", help="a question's id (all of them)")
    parser.add_argument("--folder", metavar="DIR", type=Path, default=Path(), help="the assignment's folder (this one)")
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.add_argument(
        "--junit", metavar="FILE", type=Path, help="write the cases as JUnit's XML too, for a CI server"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, console: Console) -> int:
    """Check and print. Returns 0 if every check that ran passes, 1 if not, 130 after Ctrl-C.

    On GitHub Actions, output of the student's code cannot act as a command, and mistakes are shown beside the code.
    """
    from autograder.checks.public.run import assignment_in
    from autograder.checks.public.standing import standing_of
    from autograder.commands.ci import GitHub, write_junit

    folder = args.folder.resolve()
    assignment = assignment_in(folder)
    if unknown := [question for question in args.question if question not in assignment.by_id]:
        raise UsageError(f"unknown question {unknown[0]!r}; the questions are: {', '.join(assignment.by_id)}")
    running, github = _Running(hidden=args.json), GitHub(sys.stderr if args.json else sys.stdout)
    with github.quiet():
        try:
            results = _results(folder, [known for known in assignment.by_id if known in args.question], running)
        except KeyboardInterrupt as stop:
            print(f"stopped{running.place(stop, folder)}", file=sys.stderr)
            return INTERRUPTED
        standing = standing_of(assignment, results)
        if args.json:
            print(json.dumps(_as_json(assignment, standing), indent=1))
        else:
            _print(assignment, standing, folder, _Speaker(console))
    github.tell(assignment, standing, folder)
    if args.junit:
        write_junit(args.junit, assignment, results)
    return 0 if standing.passed else 1


def _results(folder: Path, questions: list[str], running: _Running) -> dict[str, list[CaseResult]]:
    from autograder.checks.public.run import public_results

    wanted: list[str | None] = [*questions] or [None]
    results: dict[str, list[CaseResult]] = {}
    try:
        with running.shown():
            for question in wanted:
                results |= public_results(folder, question, running.starting)
    except GraderError as error:
        raise GraderError(_brief(str(error))) from None
    return results


class _Running:
    """Shows on a terminal which check is running. The line disappears at the end.

    It writes to the original terminal, because `sys.stdout` belongs to the checks while they run. A second Ctrl-C ends
    the process. This helps if the student's code catches the first one like any other exception.
    """

    def __init__(self, hidden: bool) -> None:
        self._console = Console(file=sys.stderr)
        self._live = Live(
            console=self._console, transient=True, auto_refresh=False, redirect_stdout=False, redirect_stderr=False
        )
        self._hidden = hidden or not self._console.is_terminal
        self._case, self._interrupted = "", False

    @contextmanager
    def shown(self) -> Iterator[None]:
        before = signal.signal(signal.SIGINT, self._interrupt)
        try:
            with nullcontext() if self._hidden else self._live:
                yield
        finally:
            signal.signal(signal.SIGINT, before)

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        if self._interrupted:
            self._console.show_cursor()
            os.write(self._console.file.fileno(), f"\nstopped in {self._case}\n".encode())
            os._exit(INTERRUPTED)
        self._interrupted = True
        raise KeyboardInterrupt

    def starting(self, question: str, case: str) -> None:
        self._case = f"{question}: {case}"
        if not self._hidden:
            self._live.update(Text(f"checking {self._case}", "bright_black", no_wrap=True), refresh=True)

    def place(self, stop: KeyboardInterrupt, folder: Path) -> str:
        """The line of the student's code at which it was stopped, for example an endless loop."""
        from autograder.sandbox.channel.failures import describe, student_error

        where = student_error(describe(stop, {str(path) for path in folder.glob("*.py")})).location
        return (f" in {self._case}" if self._case else "") + (f", at {where}" if where else "")


def _brief(problem: str) -> str:
    """The first line of pytest's output and its last error, without the traceback."""
    lines = [line for line in problem.splitlines() if line.strip()]
    errors = [line.removeprefix("E").strip() for line in lines if line.startswith("E ")]
    return f"{lines[0]} {errors[-1] if errors else ''}".strip() + "; unzip the assignment again beside your files"


def _not_python(path: Path) -> Text | None:
    """The syntax error of a file, with its place; None if the file is correct or missing."""
    from autograder.submission.source.text import readable
    from autograder.submission.source.trouble import trouble

    if not path.is_file():
        return None
    source, _ = readable(path.read_bytes())
    if found := trouble(source):
        line = source.decode("utf-8", "replace").splitlines()[found.line - 1 : found.line]
        shown = f"\n\n    {line[0].strip()}" if line and line[0].strip() else ""
        hint = f"{found.hint} " if found.hint else ""
        message = f": {found.what}{shown}\n\n{hint}Python cannot read the file: nothing in it was checked."
        return Text.assemble((f"{path.name}, line {found.line}", "bold"), message)
    try:
        compile(source, path.name, "exec", dont_inherit=True)
    except SyntaxError as error:  # parsed but not compiled, for example a stray `return`
        message = f": {error.msg}\n\nPython cannot read the file: nothing in it was checked."
        return Text.assemble((f"{path.name}, line {error.lineno or 1}", "bold"), message)
    return None


def _print(assignment: Assignment, standing: Standing, folder: Path, say: _Speaker) -> None:
    checked_files = dict.fromkeys(assignment.component_of(checked.question).file for checked in standing.questions)
    problems = [problem for file in checked_files if (problem := _not_python(folder / file))]
    if problems and len(problems) == len(checked_files):
        say.texts(problems)
        return
    say.line((f"Assignment {assignment.number}: {assignment.title}", "bold"))
    say.line()
    longest = max((len(checked.question.id) for checked in standing.questions), default=0)
    for module, questions in groupby(standing.questions, lambda checked: checked.question.module):
        if len(assignment.components) > 1:
            say.line((f"{module}.py", "bold"))
        for checked in questions:
            word, style = WORDS[checked.status]
            count = f"{checked.passed} of {len(checked.cases)}"
            say.line((f"  {word:<{WORD_WIDTH}}  ", style), f"{checked.question.id:<{longest}}  {count:>8}")
    say.line()
    if problems:
        say.texts(problems)
    elif standing.first:
        _print_first(standing.first, folder, say)
    elif len(standing.questions) == len(assignment.questions):
        say.line(("Every public check passes.", "green"))
    else:
        say.line(("These checks pass; the other questions were not checked.", "green"))


def _print_first(checked: QuestionStanding, folder: Path, say: _Speaker) -> None:
    """The next thing to do, in full: the cause, a hint, the place, and the printed text."""
    case, (_, style) = checked.first, WORDS[checked.status]
    to_do = checked.status in ("not_attempted", "partly")
    say.line(
        ("Write next: " if to_do else "Fix first: ", f"bold {style}"), (checked.question.id, "bold"), f", {case.id}"
    )
    say.paragraph(case.message or case.outcome.value)
    if case.hint:
        say.paragraph(f"Hint: {case.hint}")
    say.paragraph(f"Where: {checked.question.component}, {case.location or f'{checked.question.module}.py'}")
    say.block(_source_line(folder, case.location))
    say.block(getattr(case, "figures", ""))
    if case.detail:
        say.paragraph("Printed:")
        say.block(case.detail)


class _Speaker:
    """Prints lines unchanged and paragraphs wrapped. Text is never read as markup, and no line ends in spaces."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def line(self, *parts: str | tuple[str, str]) -> None:
        self._console.print(Text.assemble(*parts), soft_wrap=True)

    def texts(self, texts: Iterable[Text]) -> None:
        for text in texts:
            self._console.print(text, soft_wrap=True)

    def paragraph(self, text: str) -> None:
        for line in text.splitlines():
            for part in wrap(line, max(MIN_WIDTH, self._console.width - 2), break_long_words=False) or [""]:
                self.line(f"  {part}".rstrip())

    def block(self, text: str) -> None:
        for line in text.splitlines():
            self.line(f"    {line}".rstrip())


def _source_line(folder: Path, location: str) -> str:
    """The line of the student's file that a location names; "" if it cannot be read."""
    name, _, number = location.rpartition(":")
    try:
        line = (folder / name).read_text(encoding="utf-8").splitlines()[int(number) - 1]
    except (OSError, ValueError, IndexError):
        return ""
    return line.strip()


def _as_json(assignment: Assignment, standing: Standing) -> dict[str, Any]:
    first = standing.first
    return {
        "schema": SCHEMA,
        "number": assignment.number,  # not the id, which is the folder's name: the student may have renamed it
        "title": assignment.title,
        "passed": standing.passed,
        "questions": [_question(checked) for checked in standing.questions],
        "first": {"question": first.question.id, "case": first.first.id} if first else None,
    }


def _question(checked: QuestionStanding) -> dict[str, Any]:
    return {
        "id": checked.question.id,
        "title": checked.question.title,
        "module": checked.question.module,
        "points": checked.question.points,
        "status": checked.status.value,
        "passed": checked.passed,
        "cases": [
            {
                "id": case.id,
                "title": case.title,
                "outcome": case.outcome.value,
                "message": case.message,
                "hint": case.hint,
                "location": case.location,
                "figures": getattr(case, "figures", ""),
                "printed": case.detail,
            }
            for case in checked.cases
        ],
    }
