"""The command line: arguments and exit codes only.

Exit status: 0 done, 1 something could not be done through our own fault (or drift was found, or a
public check does not pass), 2 bad arguments or a
broken assignment, 130 stopped by Ctrl-C.
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

# In the order in which `--help` lists them.
COMMANDS = (
    *(check, collect, grade, report, review, gradebook, diff, export, stats, similarity),
    *(build, handout, doctor, mutants),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status.

    An error that people can fix is one line on stderr, without a traceback.

    Where whoever reads the output has left (`… | head`), the command ends without a word, with status 1.
    """
    try:
        try:
            return _main(argv)
        finally:
            sys.stdout.flush()  # here, where it can be caught: Python would do it last of all
    except BrokenPipeError:
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _main(argv: Sequence[str] | None) -> int:
    args = _parser().parse_args(argv)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a Windows pipe may know no Korean, and no tick either
    console = Console()
    try:
        return int(args.run(args, console))
    except (UsageError, IsolationUnavailable) as error:
        return _say(error, 2)
    except AutograderError as error:
        return _say(error, 1)
    except KeyboardInterrupt:
        return 130


def _say(error: AutograderError, status: int) -> int:
    print(f"autograder: {error}", file=sys.stderr)
    return status


class _Parser(argparse.ArgumentParser):
    """Says in one line what is wrong with an argument."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"autograder: {message}; {self.prog} --help says more\n")


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
