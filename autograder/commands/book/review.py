"""autograder review: a page in the browser on which people decide."""

from __future__ import annotations

import argparse
import socket
from contextlib import suppress

from rich.console import Console
from rich.text import Text

from autograder.commands import arguments
from autograder.commands.linux import require_linux
from autograder.course.layout import Course
from autograder.errors import UsageError

__all__ = ["add", "run"]

HOST = "127.0.0.1"
EXAMPLE = """example:
  autograder review a6 --out graded/ --as kim
      prints an address; open it in a browser on this machine; Ctrl-C ends the page
  ssh -L 8000:127.0.0.1:8000 grader
      from another machine: a tunnel to the machine where `autograder review … --port 8000` runs
"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "review",
        help="decide on submissions in a browser",
        description="Show in a browser the queue of submissions that need a person, and store people's decisions.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("assignment", metavar="ASSIGNMENT", help="an id (a6) or a folder name")
    parser.add_argument("--out", metavar="DIR", type=arguments.path, required=True, help="the folder of results")
    parser.add_argument("--book", metavar="URL", default="", help="where the gradebook is (DIR/gradebook.db)")
    parser.add_argument("--as", dest="who", metavar="NAME", default="", help="who decides (your login name)")
    parser.add_argument("--anonymous", action="store_true", help="codes instead of names, ids and submissions' names")
    parser.add_argument("--port", metavar="N", type=_port, default=0, help="the port on this machine (a free one)")
    parser.set_defaults(run=run)


def _port(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 1 <= int(text) <= 65535):
        raise argparse.ArgumentTypeError(f"found {text}, wanted a number from 1 to 65535")
    return int(text)


def run(args: argparse.Namespace, console: Console) -> int:
    """Serve the page until Ctrl-C. Returns 0."""
    require_linux("the gradebook")
    from autograder.gradebook.settings import Settings
    from autograder.gradebook.store import Book, who
    from autograder.grading.recording import enter_sheet, has_results, read_in

    try:
        import uvicorn

        from autograder.review.app import application
        from autograder.review.desk import ReviewDesk
        from autograder.review.guard import ReviewSession
        from autograder.review.queue import entries
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] not in ("uvicorn", "starlette"):
            raise
        raise UsageError(f"review: {error.name} is not installed; pip install 'autograder[review]'") from None

    course = Course.find(args.course)
    assignment = course.assignment(args.assignment)
    settings = Settings.read(course)
    with Book.open(settings.book(args.book, args.out), create=has_results(args.out)) as book:
        if read_in(book, assignment, args.out):
            enter_sheet(book, assignment, args.out)
        desk = ReviewDesk(book, settings, assignment, args.out, args.who or who(), args.anonymous)
        now = desk.now()
        if not now.submissions:
            raise UsageError(f"{book.address}: this book has nothing of {assignment.id}")
        waiting = sum(bool(entry.reasons) for entry in entries(now))
        session = ReviewSession()
        with _listening(args.port) as listener:
            address = f"http://{HOST}:{listener.getsockname()[1]}/?token={session.token}"
            text = f"{waiting} of {len(now.submissions)} to look at; open once, in a browser on this machine: {address}"
            console.print(Text(text), soft_wrap=True)
            console.print(Text("Ctrl-C ends the page."), soft_wrap=True)
            config = uvicorn.Config(
                application(desk, session),
                log_level="error",
                access_log=False,
                server_header=False,
                proxy_headers=False,
                ws="none",
            )
            with suppress(KeyboardInterrupt):
                uvicorn.Server(config).run(sockets=[listener])
    again = f"autograder report {assignment.id} --out {args.out}"
    console.print(Text(f"ended; `{again}` writes the decisions on pages and into tables"), soft_wrap=True)
    return 0


def _listening(port: int) -> socket.socket:
    """A socket on the loopback interface only. Raises UsageError if the port is taken."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError as error:
        listener.close()
        raise UsageError(f"--port: {port} cannot be used: {error.strerror}") from None
    return listener
