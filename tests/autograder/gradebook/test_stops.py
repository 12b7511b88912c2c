"""Commands that are stopped: by Ctrl-C or by a kill, at many moments. The book is as before or as after."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from sqlalchemy import select

from autograder.cli import main
from autograder.errors import UsageError
from autograder.gradebook import tables
from autograder.gradebook.facts import Decision, Student
from autograder.gradebook.store import Book
from tests.autograder.conftest import ROOT, TOY, Toy, in_process
from tests.autograder.gradebook.test_day import HALF, views
from tests.autograder.gradebook.test_faults import child, sound

ENGINE = str(ROOT / "autograder")
DRAWN = {"at", "recorded", "first_seen"}  # columns with the time of writing
STOPPED = "autograder: stopped by Ctrl-C; run the same command again\n"


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course and its folder of results, of two people, with a decision."""
    folder = tmp_path_factory.mktemp("stops")
    shutil.copytree(TOY, folder / "course", ignore=shutil.ignore_patterns("__pycache__"))
    toy = Toy(folder / "course")
    toy.submit("kim_m-11-A1-O1")
    toy.submit("lee_s-12-A1-O1", HALF)
    done = toy.run("grade", "t1", toy.submitted, "--out", folder / "graded")
    assert (done.returncode, done.stderr) == (0, "")
    with Book.open(folder / "graded/gradebook.db") as book:
        book.add_decisions([Decision(0, "", "kim", "command", "t1", "adjust", student="12", value=-50, why="secret")])
    assert in_process(toy, "report", "t1", "--out", folder / "graded")[0] == 0
    (folder / "roster.csv").write_text("id,name\n11,Kim\n12,Lee\n13,Choi\n")
    return folder


def content(path: Path) -> dict[str, list[dict[str, Any]]]:
    """The rows of a book, without times of writing; nothing where there is no book, or no row."""
    if not path.exists():
        return {}
    with Book.open(path) as book, book._reading() as connection:
        found = {}
        for table in tables.ALL:
            rows = connection.execute(select(table).order_by(*table.primary_key.columns)).mappings()
            found[table.name] = [{name: row[name] for name in row if name not in DRAWN} for row in rows]
            for row in found[table.name] if table.name == "student" else ():
                row["code"] = row["code"] if row["key"] in ("11", "12") else ""  # a new person's is drawn
    return {name: rows for name, rows in found.items() if rows}


class Moment:
    """Calls in this package are counted, and a signal is sent to this process at one of them."""

    def __init__(self, number: int, at: int) -> None:
        self.number, self.at, self.calls = number, at, 0

    def __call__(self, frame: FrameType, event: str, _: Any) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(ENGINE):
            self.calls += 1
            if self.calls == self.at:
                os.kill(os.getpid(), self.number)


def stopped(words: list[str], number: int, at: int, told: Path) -> int:
    """Run a command in a process of its own that gets a signal at a call; how it ended, as `waitpid` says it.

    Args:
        at: the number of the call; 0 for none, and beyond the last one the calls are only counted.
        told: the file for what it prints and for the number of its calls.
    """

    def act() -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a test run in the background ignores it
        moment, printed = Moment(number, at), io.StringIO()
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(printed):
            sys.setprofile(moment if at else None)
            status = main(words)
            sys.setprofile(None)
        told.write_text(json.dumps([status, printed.getvalue(), moment.calls]))

    return os.waitpid(child(act), 0)[1]


def moments(calls: int) -> Iterator[int]:
    """Moments over the whole command, more of them early, where a book is written before pages, and the last ones."""
    yield from sorted({max(1, calls >> halves) for halves in (8, 6, 5, 4, 3, 2, 1)})
    yield from (calls * 3 // 4, calls - 1, calls)


COMMANDS: dict[str, Callable[[Path], list[str]]] = {
    "erase": lambda at: ["gradebook", "erase", "12", "--out", str(at / "graded")],
    "copy": lambda at: ["gradebook", "copy", f"sqlite:///{at}/copy.db", "--out", str(at / "graded")],
    "roster": lambda at: ["gradebook", "roster", str(at / "roster.csv"), "--out", str(at / "graded")],
    "json": lambda at: ["export", "json", "t1", "--to", str(at / "t1.json"), "--out", str(at / "graded")],
    "table": lambda at: [
        *("export", "table", "t1", "--into", str(at / "roster.csv"), "--column", "grade", "--out", str(at / "graded"))
    ],
}
FILES = {"json": "t1.json", "table": "roster-filled.csv", "copy": "copy.db"}


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=["ctrl-c", "kill"])
def test_a_command_that_is_stopped(graded: Path, tmp_path: Path, name: str, number: int) -> None:
    def fresh(place: str) -> tuple[Path, list[str]]:
        at = tmp_path / place
        shutil.rmtree(at, ignore_errors=True)
        shutil.copytree(graded, at)
        if name == "table":
            (at / "roster.csv").write_text("id,name,grade\n11,Kim,\n12,Lee,\n")
        return at, ["--course", str(at / "course"), *COMMANDS[name](at)]

    told, before = tmp_path / "told.json", content(graded / "graded/gradebook.db")
    at, words = fresh("whole")
    assert stopped(words, number, 10**9, told) == 0
    status, printed, calls = json.loads(told.read_text())
    assert (status, printed) == (0, "")
    book, file = at / "graded/gradebook.db", at / FILES.get(name, "none")
    after = content(book)
    assert (after == before) == (name == "copy")
    assert file.exists() == (name in FILES)
    wanted = file.read_bytes() if name in ("json", "table") else content(file)
    pages = views(at / "graded")
    seen = set()
    for moment in moments(calls):
        at, words = fresh("stopped")
        book, file = at / "graded/gradebook.db", at / FILES.get(name, "none")
        told.unlink(missing_ok=True)
        ended = stopped(words, number, moment, told)
        if number == signal.SIGKILL:
            assert ended == signal.SIGKILL
        else:
            said = json.loads(told.read_text())[:2] if told.exists() else None
            # At the first call the command has not begun, and at the last ones it may have ended.
            assert said == [130, STOPPED] or (said is None and not 1 < moment < calls - 1)
        found = content(book)
        assert found in (before, after), f"call {moment} of {calls}"
        seen.add(found == after)
        if name in ("json", "table"):
            assert not file.exists() or file.read_bytes() == wanted
            assert not file.exists() or found == after, "a number that leaves is written down"
        else:
            assert content(file) in ({}, wanted)
        finished = {
            "copy": name == "copy" and bool(content(file)),
            "erase": found == after and views(at / "graded") == pages,
        }
        again = stopped(words, number, 0, told)
        assert (again, json.loads(told.read_text())[0]) == (0, 2 if finished.get(name) else 0), told.read_text()
        sound(book)
        if name in ("json", "table"):
            last = len(content(book)["release"])
            assert file.read_bytes() == wanted.replace(b'"release": 1', b'"release": %d' % last)
        else:
            assert (content(book), content(file)) == (after, wanted)
        assert views(at / "graded") == pages
        assert not list(at.glob("*.part*")) + list(at.rglob(".*.unfinished"))
        assert name != "erase" or b"secret" not in b"".join(
            each.read_bytes() for each in book.parent.glob(f"{book.name}*")
        )
    assert name == "copy" or seen == {True, False}, "moments before and after"


def test_an_erase_that_cannot_be_finished_is_said(graded: Path, tmp_path: Path) -> None:
    """An id that nobody has is wrong, whether or not somebody was erased before."""
    shutil.copytree(graded, tmp_path / "at")
    toy, out = Toy(tmp_path / "at/course"), tmp_path / "at/graded"
    assert in_process(toy, "gradebook", "erase", "12", "--out", out)[0] == 0
    before = views(out)
    assert in_process(toy, "gradebook", "erase", "12", "--out", out) == (
        2,
        "autograder: 12: nobody in the book has this id\n",
    )
    assert views(out) == before


def test_a_copy_leaves_nothing_where_it_fails(tmp_path: Path) -> None:
    with Book.open(tmp_path / "gradebook.db") as book:
        book.add_roster([Student("11", "11", "Kim")])
        (tmp_path / "copy.db.part-wal").mkdir()
        with pytest.raises(UsageError, match="cannot be written"):
            book.copy_to(f"sqlite:///{tmp_path}/copy.db")
    assert not (tmp_path / "copy.db").exists()
