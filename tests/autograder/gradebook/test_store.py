"""The book in SQLite and in PostgreSQL: what goes in comes out, once, and the grades of both are the same."""

from __future__ import annotations

import ast
import json
import random
import sqlite3
import stat
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text

from autograder.course.outcome import Outcome
from autograder.course.result import CaseResult, QuestionResult, SubmissionInfo, SubmissionResult
from autograder.errors import UsageError
from autograder.gradebook import opening
from autograder.gradebook import store as store_module
from autograder.gradebook.changes import as_released
from autograder.gradebook.decisions import KINDS
from autograder.gradebook.erasing import older
from autograder.gradebook.facts import Decision, Facts, Release, Student, Terms, stamp
from autograder.gradebook.grades import State, grades
from autograder.gradebook.late import Counts, LateStep, Of, Policy
from autograder.gradebook.opening import network
from autograder.gradebook.store import Book, Damaged, Overtaken
from autograder.gradebook.tables import metadata

QUESTIONS = {"one": 3.0, "two": 5.5, "three": 1.5}
INFO = SubmissionInfo(
    "kim-1", "Kim \0 Min\ud800su", "2022-990111", "1", submitted_at="2022-12-03T09:00:00+09:00", late=True
)


DECISION = Decision(0, "", "kim", "page", "w1", "points", submission=1, question="one", value=1, why="x")


def result_of(scores: dict[str, float], outcome: Outcome = Outcome.PASSED, **more) -> SubmissionResult:
    questions = tuple(
        QuestionResult(
            id,
            id.title(),
            QUESTIONS[id],
            score,
            outcome,
            (CaseResult(f"{id}[a]", outcome, "the shape \ud800 is wrong"),),
        )
        for id, score in scores.items()
    )
    total = sum(scores.values())
    return SubmissionResult("w1", INFO, total, sum(QUESTIONS.values()), questions, 7, fingerprint="f", **more)


def test_what_goes_in_comes_out(address: str) -> None:
    result = result_of({"one": 3.0, "two": 2.75, "three": 0.0}, environment={"python": "3.11"})
    with Book.open(address) as book:
        number = book.add_submission("w1", "d1", INFO)
        assert book.add_submission("w1", "d1", INFO) == number
        run = book.add_run("w1", "suite", None, 2**53 - 1)
        assert book.add_run("w1", "suite", None, 5) == run
        grading = book.add_grading(run.id, number, result)
        assert book.add_grading(run.id, number, result) == grading
        read = book.result(grading, INFO)
        facts = book.facts()
    assert read.questions[0].cases[0].message == "the shape � is wrong"
    assert replace(read, questions=()) == replace(result, questions=())
    assert [(each.name, each.written) for each in facts.members] == [("Kim  Min�su", "2022-990111")]
    assert [(each.at, each.source, each.late) for each in facts.arrivals] == [("2022-12-03T00:00:00Z", "files", True)]
    assert [[score.cents for score in each.scores] for each in facts.gradings] == [[300, 275, 0]]
    assert [(each.key, len(each.code), each.active) for each in facts.students] == [("2022990111", 5, False)]


def test_results_hold_no_name(address: str) -> None:
    with Book.open(address) as book:
        number = book.add_submission("w1", "d1", INFO)
        grading = book.add_grading(book.add_run("w1", "s", None, 1).id, number, result_of({"one": 1.0}))
        nobody = book.result(grading, SubmissionInfo(""))
    assert "990111" not in json.dumps(nobody.to_json())


def test_runs(address: str) -> None:
    with Book.open(address) as book:
        first = book.add_run("w1", "s1", None, 1)
        assert book.add_run("w1", "s1", 1, 2).id == first.id
        assert book.add_run("w1", "s1", 3, 2).seed == 3
        assert book.add_run("w1", "s2", None, 4).seed == 4
        assert book.add_run("w1", "s2", None, 5, fresh=True).seed == 5
        assert book.add_run("w2", "s2", None, 6).seed == 6


def test_the_newest_suite_counts_and_a_grading_of_our_own_fault_never(address: str) -> None:
    with Book.open(address) as book:
        one, two = (book.add_submission("w1", name, replace(INFO, submission=name)) for name in ("a", "b"))
        old, new = book.add_run("w1", "s1", None, 1), book.add_run("w1", "s2", None, 1)
        stale = book.add_grading(old.id, one, result_of({"one": 1.0}))
        book.add_grading(old.id, two, result_of({"one": 1.0}))
        counts = book.add_grading(new.id, two, result_of({"one": 2.0}))
        book.add_grading(new.id, two, result_of({"one": 0.0}, Outcome.GRADER_ERROR), fills=counts)
        facts = book.facts()
    assert [(each and each.id, stale) for each, stale in map(facts.counting, (one, two))] == [
        (stale, True),
        (counts, False),
    ]


def test_roster(address: str) -> None:
    with Book.open(address) as book:
        book.add_submission("w1", "d", INFO)
        book.add_roster([Student("2022990111", "2022990111", "Kim"), Student("2", "2", "Han", "han@x", "han")])
        codes = {each.key: each.code for each in book.facts().students}
        book.add_roster([Student("2", "2", "Han")])
        students = {each.key: each for each in book.facts().students}
    assert {each.key: each.code for each in students.values()} == codes
    assert [key for key, each in students.items() if each.active] == ["2"]
    assert students["2"].email == "han@x"


def test_decisions_and_releases(address: str) -> None:
    with Book.open(address) as book:
        numbers = book.add_decisions(
            Decision(0, "", "kim", "command", "w1", "extension", "1", value=value, why="ill") for value in (48, None)
        )
        release = book.add_release(Release(0, "", "kim", "w1", "table", {"grace_minutes": 15}), ())
        assert [each.value for each in book.facts().decisions] == [48, None]
        assert book.releases("w1")[0].policy == {"grace_minutes": 15}
    assert numbers == (1, 2)
    assert release == 1


def test_all_decisions_or_none(address: str) -> None:
    def two():
        yield Decision(0, "", "kim", "command", "w1", "hold", "1", value="x", why="y")
        raise RuntimeError("the table's second row")

    with Book.open(address) as book:
        with pytest.raises(RuntimeError):
            book.add_decisions(two())
        assert not book.facts().decisions


def test_erase(address: str, tmp_path: Path) -> None:
    group = replace(INFO, submission="group", members=(("2", "Han"), ("2022-990111", "Kim")))
    with Book.open(address) as book:
        run = book.add_run("w1", "s", None, 1)
        alone, shared = book.add_submission("w1", "d1", INFO), book.add_submission("w1", "d2", group)
        for each in (alone, shared):
            book.add_grading(run.id, each, result_of({"one": 2.0}))
        held = [Decision(0, "", "lee", "page", "w1", "hold", "2022990111", value="copied from Kim", why="secret")]
        book.add_decisions([*held, Decision(0, "", "lee", "page", "w1", "note", submission=alone, value="of Kim")])
        before = [each.scores for each in book.facts().gradings]
        assert book.erase(["2022990111"]) == 2
        facts = book.facts()
        assert [each.scores for each in facts.gradings] == before
        with pytest.raises(Damaged):
            book.result(1, INFO)
        assert book.result(2, INFO).questions
        assert not any(word in repr(facts) for word in ("Kim", "990111", "kim-1", "secret"))
        assert {each.student for each in facts.members if each.submission == shared} >= {"2"}
        with pytest.raises(UsageError, match="nobody"):
            book.erase(["77"])
    if address.startswith("sqlite"):
        left = b"".join(path.read_bytes() for path in tmp_path.iterdir())
        assert b"990111" not in left
        assert b"secret" not in left


def drawn_term(book: Book, seed: int, students: int = 60) -> list[Terms]:
    """60 students, 4 assignments, 200 decisions; the same for the same seed."""
    random_ = random.Random(seed)
    steps = (LateStep(24, 10), LateStep(48, 30))
    policy = Policy(15, Of.POINTS, steps, 4, 2, random_.choice([*Counts]))
    due = [datetime.fromisoformat(f"2022-{month:02}-02T23:59:00+09:00") for month in (9, 10, 11, 12)]
    points = {id: round(value * 100) for id, value in QUESTIONS.items()}
    scales = {"1": 1.0, "2": 0.35}
    terms = [
        Terms(f"w{number}", stamp(at), sum(points.values()), points, scales, frozenset("2"), policy)
        for number, at in enumerate(due)
    ]
    people = [f"20229900{number:02}" for number in range(students)]
    book.add_roster(Student(key, key, f"P{key}") for key in people[:-2])
    submissions: dict[str, list[int]] = {}
    for each, at in zip(terms, due, strict=True):
        runs = [book.add_run(each.id, suite, None, 1) for suite in ("s1", "s2")]
        for person in people:
            for attempt in range(random_.choice([0, 1, 1, 1, 2])):
                came = at + timedelta(hours=random_.uniform(-40, 80))
                other = random_.choice(people)
                members = ((other, "Other"),) if random_.random() < 0.1 else ()
                info = SubmissionInfo(
                    f"{person}-{attempt}", "N", person, random_.choice("1112"), members, came.isoformat()
                )
                number = book.add_submission(each.id, f"{each.id}{person}{attempt}", info, "table")
                submissions.setdefault(each.id, []).append(number)
                for run in runs[random_.randrange(2) :]:
                    scores = {id: round(random_.uniform(0, value), 2) for id, value in QUESTIONS.items()}
                    book.add_grading(run.id, number, result_of(scores))
    kinds = [kind for kind in KINDS if kind not in ("counts", "owner")]
    decisions = []
    for _ in range(200):
        each, kind = random_.choice(terms), random_.choice(kinds)
        value = {
            "extension": random_.randrange(72),
            "excused": random_.random() < 0.3,
            "arrived": stamp(due[0]),
            "free_days": random_.randrange(3),
            "points": random_.randrange(150),
            "scale": random_.random(),
            "adjust": random_.randrange(-300, 300),
        }.get(kind, "words")
        on_person = KINDS[kind].about == "student"
        decisions.append(
            Decision(
                *(0, "", "kim", "command", each.id, kind),
                student=random_.choice(people) if on_person else "",
                submission=0 if on_person else random_.choice(submissions[each.id]),
                question=random_.choice([*QUESTIONS]) if KINDS[kind].question == "must" else "",
                value=random_.choice([value, value, None]),
                saw=1,
            )
        )
    book.add_decisions(decisions)
    return terms


def test_both_databases_give_the_same_grades(server: str, tmp_path: Path) -> None:
    found = []
    for address in (f"sqlite:///{tmp_path}/gradebook.db", server):
        with Book.open(address) as book:
            terms = drawn_term(book, 20221202)
            found.append(grades(book.facts(), terms))
    assert found[0] == found[1]
    states = {state: sum(grade.state is state for grade in found[0]) for state in State}
    assert 58 * 4 <= len(found[0]) <= 60 * 4  # two are not on the roster
    assert all(states.values()), states
    assert sum(grade.days for grade in found[0]) > 10


def test_a_copy_has_the_same_grades(server: str, tmp_path: Path) -> None:
    with Book.open(f"sqlite:///{tmp_path}/a.db") as first, Book.open(server) as second:
        terms = drawn_term(first, 3, students=8)
        release = first.add_release(
            Release(0, "", "kim", "w0", "table", {}), list(as_released(grades(first.facts(), terms[:1])))
        )
        first.copy_into(second)
        assert second.facts() == first.facts()
        assert second.released_grades(release) == first.released_grades(release)
        assert second.add_submission("w0", "new", INFO) > max(each.id for each in first.facts().submissions)
        with pytest.raises(UsageError, match="wanted an empty one"):
            first.copy_into(second)
        with Book.open(f"sqlite:///{tmp_path}/b.db") as third:
            second.copy_into(third)
            assert len(third.facts().submissions) == len(first.facts().submissions) + 1


def test_nobody_can_write_an_id_that_passes_for_an_erased_person(address: str) -> None:
    """A group's result stays while a member is there, whatever id that member wrote."""
    with Book.open(address) as book:
        written = SubmissionInfo("s1", "Kim", "11", "1", (("erased-abc", "Lee"),))
        number = book.add_submission("w1", "d1", written, "table")
        run = book.add_run("w1", "suite", 7, 7).id
        grading = book.add_grading(run, number, result_of({"one": 3.0}))
        book.erase(["11"])
        assert book.result(grading, written).score == 3
        assert older(book.facts(), "2031-01-01") == ["erasedabc"]
        book.erase(["erasedabc"])
        assert older(book.facts(), "2031-01-01") == []
        with pytest.raises(Damaged):
            book.result(grading, written)


def test_a_name_that_is_a_word_of_a_result_damages_nothing(address: str) -> None:
    """Whoever is called like an outcome, a question or a year leaves results and decisions of others readable."""
    with Book.open(address) as book:
        written = SubmissionInfo("s1", "passed", "2022", "1", (("11", "Lee"), ("one", "shape")))
        number = book.add_submission("w1", "d1", written, "table")
        run = book.add_run("w1", "suite", 7, 7).id
        grading = book.add_grading(run, number, result_of({"one": 3.0}))
        moved = Decision(0, "", "kim", "page", "w1", "extension", student="11", value="2022-12-05T00:00:00Z", why="ill")
        book.add_decisions([moved])
        book.erase(["2022", "one"])
        (question,) = book.result(grading, written).questions
        assert (question.id, question.outcome, question.cases[0].id) == ("one", Outcome.PASSED, "one[a]")
        assert "shape" not in question.cases[0].message
        assert [each.value for each in book.facts().decisions] == ["2022-12-05T00:00:00Z"]


def test_migrations_make_the_tables(address: str) -> None:
    with Book.open(address) as book, book.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_mode_and_versions(tmp_path: Path) -> None:
    file = tmp_path / "gradebook.db"
    with Book.open(file) as book:
        assert not book.facts().runs
        assert not file.exists(), "the first row makes the file"
        book.add_roster([])
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    connection = sqlite3.connect(file)
    connection.execute("update alembic_version set version_num = '999'")
    connection.commit()
    connection.close()
    with pytest.raises(UsageError, match="newer version"):
        Book.open(file)


def test_who_reads_waits_for_no_writer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "PATIENCE", 0.2)
    path = tmp_path / "gradebook.db"
    Book.open(path).add_roster([Student("11", "11", "Kim")])
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("begin immediate")
        with Book.open(path) as book:
            assert [each.name for each in book.facts().students] == ["Kim"]
            with pytest.raises(UsageError, match="another program has been writing into it for"):
                book.add_roster([])


def test_a_server_that_does_not_answer_is_said_on_one_line() -> None:
    with pytest.raises(UsageError, match="cannot be opened as a gradebook") as caught:
        Book.open("postgresql+psycopg://kim:secret@127.0.0.1:1/x").facts()
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)


def test_what_is_no_book(tmp_path: Path) -> None:
    file = tmp_path / "gradebook.db"
    with pytest.raises(UsageError, match="no gradebook here"):
        Book.open(file, create=False)
    file.write_bytes(b"this is not a database, and long enough to tell" * 100)
    with pytest.raises(UsageError, match="cannot be opened"):
        Book.open(file)
    other = tmp_path / "other.db"
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("create table bookmarks (url text)")
        connection.execute("create table alembic_version (version_num text)")
        connection.execute("insert into alembic_version values ('50a4d84c131a')")
        connection.commit()
        before = other.read_bytes()
        with pytest.raises(UsageError, match="another program: it has the table bookmarks"):
            Book.open(other)
        assert other.read_bytes() == before
        assert len(connection.execute("select name from sqlite_master").fetchall()) == 2
    for wrong in ("mysql://x/y", "graded", "sqlite://"):
        with pytest.raises(UsageError, match="wanted"):
            Book.open(wrong)


def test_a_flipped_byte_in_a_result_is_noticed(tmp_path: Path) -> None:
    file = tmp_path / "gradebook.db"
    with Book.open(file) as book:
        number = book.add_submission("w1", "d1", INFO)
        grading = book.add_grading(book.add_run("w1", "s", None, 1).id, number, result_of({"one": 1.0}))
        with book.engine.begin() as connection:
            data = bytearray(connection.execute(text("select result from grading")).scalar_one())
            data[len(data) // 2] ^= 8
            connection.execute(text("update grading set result = :data"), {"data": bytes(data)})
        with pytest.raises(Damaged):
            book.result(grading, INFO)


def test_a_network_file_system_is_seen(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text("/dev/sda / ext4 rw 0 0\nhost:/x /home/grader nfs4 rw 0 0\n")
    assert network(Path("/home/grader/a/gradebook.db"), mounts) == "nfs4"
    assert network(Path("/srv/gradebook.db"), mounts) == ""


def test_rows_are_added_and_never_changed() -> None:
    """The store updates two tables, as its docstring says; no other statement changes or removes a row."""
    tree = ast.parse(Path(store_module.__file__).read_text())
    found = sorted(
        f"{ast.unparse(node.func.value).removeprefix('tables.')}.{node.func.attr}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("update", "delete")
    )
    assert found == ["submission.update", "table.delete", "table.update", "table.update"]


def test_of_two_who_decide_at_once_one_is_told(address: str) -> None:
    def decide(value: int) -> int:
        with Book.open(address) as book:
            try:
                return book.add_decisions([replace(DECISION, value=value)], shown=0)[0]
            except Overtaken as error:
                return -error.newest

    with Book.open(address) as book:
        book.add_decisions([replace(DECISION, question="two")])  # another matter
    with ThreadPoolExecutor(4) as pool:
        numbers = sorted(pool.map(decide, range(4)))
    with Book.open(address) as book:
        made = [each for each in book.facts().decisions if each.question == "one"]
        assert numbers == [*[-made[0].id] * 3, made[0].id]
        (second,) = book.add_decisions([replace(DECISION, value=9)], shown=made[0].id)
        with pytest.raises(Overtaken):
            book.add_decisions([replace(DECISION, student="x"), DECISION], shown=0)
        assert [each.id for each in book.facts().decisions][-1] == second  # all or none


def test_what_is_added_together_is_there_whole_or_not_at_all(address: str) -> None:
    def fill(book: Book) -> None:
        number = book.add_submission("w1", "d1", INFO)
        book.add_grading(book.add_run("w1", "s", None, 1).id, number, result_of({"one": 1.0}))

    def fail(book: Book) -> None:
        with book.together():
            fill(book)
            raise RuntimeError

    with Book.open(address) as book:
        with pytest.raises(RuntimeError):
            fail(book)
        assert book.facts() == Facts()
        with book.together():
            fill(book)
        assert len(book.facts().gradings) == 1
