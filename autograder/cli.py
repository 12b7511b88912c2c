"""The command line: arguments and exit codes only.

Exit status: 0 done; 1 the grader itself failed, a generated file is out of date, or a public check does not pass;
2 bad arguments or a broken assignment; 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from io import TextIOWrapper
from pathlib import Path
from typing import NoReturn

from rich.console import Console

from autograder import __version__
from autograder.commands import (
    arguments,
    build,
    check,
    collect,
    doctor,
    grade,
    handout,
    mutants,
)
from autograder.commands.book import diff, export, gradebook, report, review, similarity, stats
from autograder.errors import AutograderError, IsolationUnavailable, UsageError

__all__ = ["main"]

# In the order of `--help`.
COMMANDS = (
    *(check, collect, grade, report, review, gradebook, diff, export, stats, similarity),
    *(build, handout, doctor, mutants),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status.

    An error that the user can fix is printed to stderr as one line, without a traceback.

    If the reader of the output closes the pipe (`… | head`), the command ends silently, with status 1. Ctrl-C is one
    line on stderr, and status 130.
    """
    try:
        try:
            return _main(argv)
        finally:
            sys.stdout.flush()  # now: an error of Python's own flush at exit cannot be caught
    except KeyboardInterrupt:
        print("autograder: stopped by Ctrl-C; run the same command again", file=sys.stderr)
        return 130
    except BrokenPipeError:
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _main(argv: Sequence[str] | None) -> int:
    args = _parser().parse_args(argv)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # the encoding of a Windows pipe may lack Korean letters and ✓
    console = Console()
    try:
        return int(args.run(args, console))
    except (UsageError, IsolationUnavailable) as error:
        return _print_error(error, 2)
    except AutograderError as error:
        return _print_error(error, 1)


def _print_error(error: AutograderError, status: int) -> int:
    print(f"autograder: {error}", file=sys.stderr)
    return status


class _Parser(argparse.ArgumentParser):
    """Prints one line about a wrong argument instead of the whole usage text."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"autograder: {message}; see {self.prog} --help\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="autograder", description="Grades deep-learning course assignments.")
    parser.add_argument("--version", action="version", version=f"autograder {__version__}")
    parser.add_argument(
        "--course", metavar="DIR", type=arguments.path, default=Path(), help="a folder of the course (this one)"
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in COMMANDS:
        command.add(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
