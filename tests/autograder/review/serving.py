"""A book with a made-up class in it, and the review page served on loopback, as a browser sees it."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from html import unescape
from pathlib import Path

import httpx
import uvicorn

from autograder.commands.book.review import _listening
from autograder.course.layout import Course
from autograder.course.model import Assignment
from autograder.course.notebook import NotebookOutcome, NotebookRun
from autograder.course.reading import CodeLine, FunctionReading, QuestionReading, Reading
from autograder.course.result import SubmissionResult
from autograder.gradebook.facts import Decision, Student
from autograder.gradebook.settings import Settings
from autograder.gradebook.store import Book
from autograder.review.app import application
from autograder.review.desk import ReviewDesk
from autograder.review.guard import ReviewSession
from tests.autograder.reports.sample_class import make_class

__all__ = ["ASSIGNMENT", "EVIL", "Reviewer", "make_book", "make_desk", "serving"]

ASSIGNMENT = Course.find(Path(__file__)).assignment("a6")
EVIL = "\"'><script>alert(1)</script><img src=//evil.example/x onerror=alert(2)> 김 🙂"
READ = 5  # in `make_class`, whose option a person reads


def make_book(path: Path, size: int = 12) -> Book:
    """A class of which the sixth is to be read; its author means no good. Everybody is on the roster, and one more."""
    book = Book.open(path)
    run = book.add_run(ASSIGNMENT.id, "suite", None, 1)
    for place, result in enumerate(make_class(ASSIGNMENT, size)):
        result = _read(result) if place == READ else replace(result, sources={"conv.py": f"x = 1  # {EVIL}\n"})
        book.add_grading(run.id, book.add_submission(ASSIGNMENT.id, f"d{place}", result.info), result)
    known = book.facts().students
    book.add_roster([*known, Student("2022990999", "2022-990999", "Oh, Nara")])
    return book


def _read(result: SubmissionResult) -> SubmissionResult:
    lines = tuple(CodeLine(n, f"x = {n}  # {EVIL}", EVIL if n % 2 else "") for n in range(1, 7))
    reading = Reading((QuestionReading("conv-forward", (FunctionReading("Conv.forward", 1, 6, 3, lines),)),))
    case = replace(
        result.questions[0].cases[0], id="matches[evil]", message=EVIL, hint=EVIL, detail=f"Traceback {EVIL}"
    )
    first = replace(result.questions[0], cases=(case, *result.questions[0].cases[1:]))
    run = NotebookRun(NotebookOutcome.RAN, cells=2, run=2)
    return replace(
        result,
        info=replace(result.info, name=EVIL, option="2", notes=(f"a note {EVIL}",)),
        questions=(first, *result.questions[1:]),
        reading=reading,
        notebooks={next(iter(ASSIGNMENT.pages)): run},
    )


def make_desk(book: Book, out: Path, who: str = "kim", anonymous: bool = False) -> ReviewDesk:
    return ReviewDesk(book, Settings.read(Course.find(Path(__file__))), ASSIGNMENT, out, who, anonymous)


@dataclass(frozen=True)
class Reviewer:
    """A person's browser, signed in."""

    client: httpx.Client
    address: str
    session: ReviewSession
    assignment: Assignment = ASSIGNMENT

    def page(self, path: str) -> str:
        answer = self.client.get(path)
        assert answer.status_code == 200, answer.text
        return answer.text

    def form(self, path: str, id: str) -> dict[str, str]:
        """The hidden fields of a form, with its value and reason as they stand."""
        return form_of(self.page(path), id)

    def send(self, data: Mapping[str, str], **headers: str) -> httpx.Response:
        return self.client.post("/decide", data=dict(data), headers={"origin": self.address, **headers})

    def decide(self, path: str, id: str, value: str, why: str = "") -> httpx.Response:
        return self.send({**self.form(path, id), "value": value, "why": why})


def form_of(page: str, id: str) -> dict[str, str]:
    found = re.search(rf'<form[^>]* id="{re.escape(id)}"[^>]*>(.*?)</form>', page, re.DOTALL)
    assert found, f"no form {id}"
    fields = re.findall(r'<input(?: type="hidden")? name="(\w+)" value="([^"]*)"', found[1])
    return {name: unescape(value) for name, value in fields}


@contextmanager
def serving(desk: ReviewDesk, sign_in: bool = True) -> Iterator[Reviewer]:
    """The page on a free port of loopback, until the block is left."""
    session = ReviewSession()
    config = uvicorn.Config(
        application(desk, session), log_level="error", access_log=False, server_header=False, ws="none", lifespan="off"
    )
    server = uvicorn.Server(config)
    with _listening(0) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        with httpx.Client(base_url=address, timeout=60, trust_env=False) as client:
            if sign_in:
                assert client.get("/", params={"token": session.token}).status_code == 303
            try:
                yield Reviewer(client, address, session)
            finally:
                server.should_exit = True
                thread.join(30)


def decided(book: Book) -> list[tuple[str, object, str, str]]:
    """(kind, value, why, who) of every decision in the book."""
    return [(each.kind, each.value, each.why, each.who) for each in book.facts().decisions]


def by_hand(kind: str, value: object, **more: object) -> Decision:
    """A decision that somebody else enters on the command line."""
    return Decision(0, "", "lee", "command", ASSIGNMENT.id, kind, value=value, **more)  # type: ignore[arg-type]
