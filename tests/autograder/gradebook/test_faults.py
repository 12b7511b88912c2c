"""What goes wrong around a book: processes that die, several graders, a full disk, damaged rows, a wrong clock."""

from __future__ import annotations

import os
import random
import resource
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from autograder.commands.grade import _alone
from autograder.course.outcome import Outcome
from autograder.course.result import CaseResult, QuestionResult, SubmissionInfo, SubmissionResult
from autograder.errors import UsageError
from autograder.gradebook import opening, tables
from autograder.gradebook.changes import as_released, changed
from autograder.gradebook.facts import Decision, Release, Terms
from autograder.gradebook.grades import State, grades
from autograder.gradebook.store import Book
from tests.autograder.conftest import ROOT, TOY, Toy, in_process

IDS = [f"q{number}" for number in range(12)]
TERMS = Terms("w1", "2022-12-02T14:59:00Z", 1200, dict.fromkeys(IDS, 100), {"1": 1.0}, frozenset())
DAY = "2022-12-01T00:00:00+09:00"
BOOKS = Path(__file__).parent / "books"


def info(number: int) -> SubmissionInfo:
    return SubmissionInfo(f"s{number}", f"Kim {number}", str(1000 + number), "1", submitted_at=DAY)


def result(number: int) -> SubmissionResult:
    questions = tuple(
        QuestionResult(id, id, 1.0, 1.0, Outcome.PASSED, (CaseResult(f"{id}[a]", Outcome.PASSED, "x" * 200),))
        for id in IDS
    )
    return SubmissionResult("w1", info(number), 12.0, 12.0, questions, 7, fingerprint=f"f{number}")


def work(address: str | Path, count: int, *, decide: bool = False) -> None:
    """What a run writes: whatever of `count` submissions has no grading yet."""
    with Book.open(address) as book:
        run = book.add_run("w1", "suite", 7, 7).id
        done = {each.submission for each in book.facts().gradings}
        for number in range(count):
            at = book.add_submission("w1", f"d{number}", info(number), "table")
            if at not in done:
                book.add_grading(run, at, result(number))
            if decide and number % 20 == 0:
                note = Decision(0, "", "kim", "command", "w1", "note", submission=at, value=f"{os.getpid()}")
                book.add_decisions([note])


def child(act: Callable[[], None]) -> int:
    """A process that does something and ends; its number. No code of pytest runs in it afterwards."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            act()
            status = 0
        finally:
            os._exit(status)
    return pid


def sound(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("pragma integrity_check").fetchall() == [("ok",)]
        assert connection.execute("pragma foreign_key_check").fetchall() == []


def test_a_hundred_kills(tmp_path: Path) -> None:
    """Every submission is graded once, whenever the process dies."""
    path, draw = tmp_path / "gradebook.db", random.Random(5)
    Book.open(path).add_roster([])
    for _ in range(100):
        pid = child(lambda: work(path, 60))
        time.sleep(draw.uniform(0, 0.06))
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    work(path, 60)
    sound(path)
    with Book.open(path) as book:
        facts = book.facts()
    assert len(facts.submissions) == len(facts.gradings) == 60
    assert all(len(grading.scores) == 12 for grading in facts.gradings)
    assert {grade.cents for grade in grades(facts, [TERMS])} == {1200}


def test_several_graders_at_once(address: str) -> None:
    """Four write the same 150 submissions, and one of them is killed."""
    with Book.open(address) as book:
        book.add_roster([])
    pids = [child(lambda: work(address, 150, decide=True)) for _ in range(4)]
    time.sleep(0.3)
    os.kill(pids[0], signal.SIGKILL)
    ended = [os.waitpid(pid, 0)[1] for pid in pids]
    assert ended[1:] == [0, 0, 0]
    with Book.open(address) as book:
        facts = book.facts()
    assert len(facts.submissions) == len(facts.gradings) == 150
    assert sum(len(grading.scores) for grading in facts.gradings) == 1800
    assert len(facts.runs) == 1
    counts = Counter(decision.value for decision in facts.decisions)
    assert all(counts[str(pid)] == 8 for pid in pids[1:])
    if address.startswith("sqlite"):
        sound(Path(address.removeprefix("sqlite:///")))


def test_a_full_disk(tmp_path: Path) -> None:
    """The transaction is undone and said in one line; what was there stays."""
    path = tmp_path / "gradebook.db"
    work(path, 8)

    def fill() -> None:
        limit = sum(each.stat().st_size for each in tmp_path.iterdir()) // 2 + 40_000
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        with pytest.raises(UsageError, match="cannot be written"):
            work(path, 2000)

    assert os.waitpid(child(fill), 0)[1] == 0
    sound(path)
    with Book.open(path) as book:
        facts = book.facts()
    assert {f"s{number}" for number in range(8)} <= {each.name for each in facts.submissions}
    assert all(len(grading.scores) == 12 for grading in facts.gradings)
    work(path, 20)  # and it goes on where there is room again
    with Book.open(path) as book:
        assert len({each.submission for each in book.facts().gradings}) >= 20


def test_the_order_is_that_of_numbers_and_never_of_the_clock(tmp_path: Path) -> None:
    path = tmp_path / "gradebook.db"
    work(path, 1)
    with Book.open(path) as book:
        for value in (-100, -300):
            made = Decision(0, "", "kim", "command", "w1", "adjust", student="1000", value=value, why="so")
            book.add_decisions([made])
        with book.engine.begin() as connection:
            connection.execute(text("update decision set at = '1999-01-01T00:00:00Z' where id = 2"))
        (grade,) = grades(book.facts(), [TERMS])
    assert grade.cents == 900


OF_ALL = {("run", "id"), ("student", "active")}  # what every grade rests on: then all are held


def flipped(value: object) -> object:
    """A value with one bit of it changed."""
    if isinstance(value, str):
        return chr(ord(value[-1]) ^ 0x40) + value[:-1] if value else "\x01"
    if isinstance(value, bytes):
        return bytes([value[0] ^ 0x40]) + value[1:]
    return int(value or 0) ^ 0x40  # type: ignore[call-overload]


def no_utf8(value: object) -> object:
    """Text with a byte that is not UTF-8."""
    return str(value).encode() + b"\xff"


@pytest.mark.parametrize(
    "table, column, damage",
    [
        pytest.param(table.name, column.name, damage, id=f"{table.name}.{column.name}-{damage.__name__}")
        for table in tables.ALL
        for column in table.c
        for damage in ((flipped, no_utf8) if column.type.python_type is str else (flipped,))
    ],
)
def test_a_damaged_row_hurts_no_other(
    tmp_path: Path, table: str, column: str, damage: Callable[[object], object]
) -> None:
    """The first row is damaged: it is its own person's, or it is named; everybody else's grade is as before."""
    path = tmp_path / "gradebook.db"
    work(path, 5)
    with Book.open(path) as book:
        for student in ("1000", "1001"):
            made = Decision(0, "", "kim", "command", "w1", "adjust", student=student, value=-100, why="so")
            book.add_decisions([made])
        before = {grade.student: grade.cents for grade in grades(book.facts(), [TERMS])}
        book.add_release(Release(0, "", "kim", "w1", "csv", {}), as_released(grades(book.facts(), [TERMS])))
    with closing(sqlite3.connect(path)) as connection:
        first = f"rowid = (select min(rowid) from {table})"
        (value,) = connection.execute(f"select {column} from {table} where {first}").fetchone()
        as_text = "cast(? as text)" if isinstance(value, str) else "?"
        connection.execute(f"update {table} set {column} = {as_text} where {first}", (damage(value),))
        connection.commit()
    said = ""
    with Book.open(path) as book:
        try:
            facts = book.sound(book.facts())
            found = grades(facts, [TERMS])
            for release in book.releases():
                changed(book.released_grades(release.id), as_released(found), facts)
        except UsageError as error:
            said = str(error)
    if said:
        assert table in ("release", "told")  # which no grade rests on
        assert said.startswith(f"{table} 1: {column} is damaged")
        return
    others = {grade.student: grade.cents for grade in found if grade.student != "1000"}
    if (table, column) in OF_ALL and set(others.values()) == {None}:
        assert {grade.state for grade in found if grade.student != "1000"} == {State.HELD}
        return
    assert {student: cents for student, cents in before.items() if student != "1000"}.items() <= others.items()


@pytest.mark.parametrize("column", ["grading.result", "decision.value"])
def test_a_damaged_row_holds_the_grade_that_rests_on_it(tmp_path: Path, column: str) -> None:
    path, (table, cell) = tmp_path / "gradebook.db", column.split(".")
    work(path, 3)
    with Book.open(path) as book:
        made = Decision(0, "", "kim", "command", "w1", "adjust", student="1000", value=-100, why="so")
        book.add_decisions([made])
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"update {table} set {cell} = x'00ff' where id = 1")
        connection.commit()
    with Book.open(path) as book:
        found = {grade.student: grade for grade in grades(book.sound(book.facts()), [TERMS])}
    assert {student for student, grade in found.items() if grade.state is State.HELD} == {"1000"}
    reasons = {"grading.result": "not graded yet", "decision.value": "decision 1 (adjust) is damaged"}
    assert any(reasons[column] in reason for reason in found["1000"].reasons)


def test_a_damaged_score_holds_its_grade(tmp_path: Path) -> None:
    path = tmp_path / "gradebook.db"
    work(path, 5)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("update score set outcome = 'passee' where grading = 1 and place = 0")
        connection.commit()
    with Book.open(path) as book:
        found = grades(book.facts(), [TERMS])
    assert [grade.student for grade in found if grade.state is State.HELD] == ["1000"]


def test_every_released_schema_opens(tmp_path: Path) -> None:
    """Each book that a release made, kept as SQL: it opens, and its grades are as they were."""
    kept = sorted(BOOKS.glob("*.sql"))
    assert kept
    for each in kept:
        path = tmp_path / f"{each.stem}.db"
        with closing(sqlite3.connect(path)) as connection:
            connection.executescript(each.read_text(encoding="utf-8"))
        with Book.open(path) as book:
            found = {grade.student: (str(grade.state), grade.cents) for grade in grades(book.facts(), [TERMS])}
            assert found == {"1000": ("graded", 1100), "1001": ("graded", 1200)}
            assert book.releases()[0].who == "kim"


def test_a_copy_is_kept_of_an_older_book(tmp_path: Path) -> None:
    path = tmp_path / "gradebook.db"
    work(path, 2)
    opening._keep(path, "0")
    copy = tmp_path / "gradebook.db.before-0"
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    with Book.open(copy) as book:
        assert len(book.facts().gradings) == 2


@pytest.mark.parametrize("kind", ["nothing", "decision", "release"])
def test_make_clean_keeps_what_people_decided(tmp_path: Path, kind: str) -> None:
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    shutil.copy(ROOT / "Makefile", tmp_path / "Makefile")
    path = tmp_path / "reports/gradebook.db"
    work(path, 1)
    with Book.open(path) as book:
        if kind == "decision":
            book.add_decisions([Decision(0, "", "kim", "command", "w1", "note", submission=1, value="x")])
        if kind == "release":
            book.add_release(Release(0, "", "kim", "w1", "csv", {}), [])
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    words = ["make", "clean", f"PYTHON={sys.executable}"]
    done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert path.exists() == (kind != "nothing")
    assert ("reports/ stays" in done.stdout) == (kind != "nothing")


def test_two_runs_into_one_folder(tmp_path: Path) -> None:
    """The second is refused and writes nothing. The end of the first, even by a kill, frees the folder."""
    shutil.copytree(TOY, tmp_path / "course", ignore=shutil.ignore_patterns("__pycache__"))
    toy, out = Toy(tmp_path / "course"), tmp_path / "deep/graded"
    toy.submit("kim_m-11-A1-O1")
    with _alone(out):
        status, said = in_process(toy, "grade", "t1", toy.submitted, "--out", out)
        assert (status, "another `autograder grade` writes into" in said) == (2, True), said
        assert list(out.iterdir()) == []
    assert not out.exists(), "nothing was written"
    begun, told = os.pipe()

    def hold() -> None:
        with _alone(out):
            os.write(told, b"!")
            signal.pause()

    pid = child(hold)
    os.read(begun, 1)
    with pytest.raises(UsageError, match="wait for its end"), _alone(out):
        pass
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    with _alone(out):
        pass


ATTACK = """
import glob, os, sqlite3
FOUND = []
BOOK = {book!r}
for place in (BOOK, BOOK + "-wal", "gradebook.db", "../gradebook.db", "/proc/self/cwd/gradebook.db"):
    for mode in ("rb", "r+b", "ab", "wb"):
        try:
            with open(place, mode) as file:
                if mode == "rb":
                    FOUND.append(file.read())
                else:
                    file.write(b"0" * 4096)
        except OSError:
            pass
    try:
        connection = sqlite3.connect(place)
        connection.execute("delete from student")
        row = "(99, '', 'kim', 'command', 't1', 'adjust', '11', 0, '', '600', 'x', 0)"
        connection.execute("insert into decision values " + row)
        connection.commit()
    except Exception:
        pass
for descriptor in glob.glob("/proc/*/fd/*"):
    try:
        if "gradebook" in os.readlink(descriptor):
            with open(descriptor, "r+b") as file:
                file.write(b"0" * 4096)
    except OSError:
        pass
for remove in (os.remove, os.unlink, lambda path: os.rename(path, path + "x"), lambda path: os.chmod(path, 0o777)):
    try:
        remove(BOOK)
    except OSError:
        pass


def double(x):
    raise ValueError("the book was read: " + str(any(b"SECRET" in data for data in FOUND)))


class Counter:
    pass
"""


def test_a_submission_cannot_reach_the_book(tmp_path: Path) -> None:
    """It tries to read, write, remove and rename the book from its worker: nothing of it happens."""
    shutil.copytree(TOY, tmp_path / "course", ignore=shutil.ignore_patterns("__pycache__"))
    toy, out = Toy(tmp_path / "course"), tmp_path / "graded"
    path = out / "gradebook.db"
    roster = tmp_path / "roster.csv"
    roster.write_text("id,name\n11,SECRET-KIM\n12,Lee\n")
    status, said = in_process(toy, "gradebook", "roster", roster, "--book", f"sqlite:///{path}")
    assert status == 0, said
    toy.submit("kim_m-11-A1-O1", source=ATTACK.replace("{book!r}", repr(str(path))))
    toy.submit("lee_s-12-A1-O1")
    done = toy.run("grade", "t1", toy.submitted, "--out", out)
    assert done.returncode == 0, done.stderr
    sound(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(out.stat().st_mode) == 0o700
    with Book.open(path) as book:
        facts = book.facts()
        assert facts.decisions == ()
        assert [(student.key, student.name) for student in facts.students if student.active] == [
            ("11", "SECRET-KIM"),
            ("12", "Lee"),
        ]
        assert [len(grading.scores) for grading in facts.gradings] == [2, 2]
    own = (out / "kim_m-11-A1-O1/result.json").read_text()
    assert "the book was read: False" in own, own  # it ran to its end
    assert "SECRET-KIM" not in own
