"""The book: facts go in and are read back. The only module with SQL.

Rows are added and never changed, but for two tables: a `student` is what the roster says today, and a `submission`
holds what its archive says of itself, which a mended reader may read otherwise. `erase` removes a person.
"""

from __future__ import annotations

import getpass
import json
import secrets
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec
from sqlalchemy import URL, Connection, Engine, RowMapping, Select, Table, func, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError

from autograder.course.encodable import all_encodable
from autograder.course.outcome import Outcome
from autograder.course.plain import from_plain, to_plain
from autograder.course.result import SubmissionInfo, SubmissionResult
from autograder.errors import UsageError
from autograder.gradebook import opening, tables
from autograder.gradebook.erasing import erase
from autograder.gradebook.facts import (
    READ_IN,
    SOURCES,
    Arrival,
    BookedRun,
    Decision,
    Facts,
    Grading,
    Member,
    Release,
    Score,
    Student,
    Submission,
    Told,
    key,
    stamp,
)
from autograder.rounding import hundredths

__all__ = ["Book", "Damaged", "Overtaken", "who"]

ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # without what is mistaken for something else
SCALE = "scale set by review"
OUTCOMES = frozenset(Outcome)


class Damaged(ValueError):
    """A result in the book that cannot be read."""


class Overtaken(UsageError):
    """Somebody else decided meanwhile. `newest`: the number of the decision that stands now; 0 for none."""

    def __init__(self, newest: int) -> None:
        super().__init__(f"decision {newest} was made meanwhile")
        self.newest = newest


def who() -> str:
    """The login name of whoever runs this."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"


def _now() -> str:
    return stamp(datetime.now(UTC))


class Book:
    """An open book. Each method is one transaction, but for those within `together`."""

    def __init__(self, url: URL) -> None:
        self.url = url
        self._engine: Engine | None = None
        self._whole: Connection | None = None  # of a transaction over several methods

    @property
    def engine(self) -> Engine:
        """The database, opened, and made where it is missing, when it is first needed."""
        if self._engine is None:
            self._engine = opening.engine(self.url)
            opening.schema(self._engine)
        return self._engine

    @classmethod
    def open(cls, address: str | Path, *, create: bool = True) -> Book:
        """The book at an address, or in a file. Raises UsageError where it cannot be opened."""
        book = cls(opening.address(f"sqlite:///{address.absolute()}" if isinstance(address, Path) else address))
        if not create and book.absent:
            raise UsageError(f"{book.url.database}: no gradebook here; `autograder grade` makes one")
        if not book.absent:
            book.engine  # noqa: B018  what is wrong with it is said now
        return book

    @property
    def absent(self) -> bool:
        """Whether the book is a file that is not there yet: the first row makes it."""
        return self.url.get_backend_name() == "sqlite" and not Path(str(self.url.database)).exists()

    def __enter__(self) -> Book:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._engine is not None:
            self._engine.dispose()

    @property
    def address(self) -> str:
        return self.url.render_as_string(hide_password=True)

    @property
    def network(self) -> str:
        """The network file system that the book's file lies on; "" for none. SQLite's locks do not hold there."""
        sqlite_file = self.url.get_backend_name() == "sqlite" and self.url.database
        return opening.network(Path(sqlite_file)) if sqlite_file else ""

    # --- what comes in

    def add_roster(self, students: Iterable[Student]) -> int:
        """Take the roster: these people are in the course, and nobody else. Returns how many they are."""
        roster = list(students)
        with self._writing() as connection:
            table = tables.student
            connection.execute(table.update().values(active=False))
            for each in roster:
                self._add_student(connection, each)
                facts = {
                    name: value
                    for name, value in asdict(each).items()
                    if name not in ("key", "code", "active") and value
                }
                connection.execute(table.update().where(table.c.key == each.key).values(**facts, active=True))
        return len(roster)

    def add_submission(self, assignment: str, digest: str, info: SubmissionInfo, source: str = "files") -> int:
        """A submission with its members and its arrival; the number that it has, or had already.

        Args:
            source: what tells when it came in: `table`, `system` or `files`.
        """
        info = _clean(info)
        own = {"assignment": assignment, "digest": digest, "name": info.submission}
        notes = json.dumps([note for note in info.notes if not note.startswith(SCALE)], ensure_ascii=True)
        with self._writing() as connection:
            said = {"option": info.option, "notes": notes}
            self._insert(connection, tables.submission, {**own, **said, "first_seen": _now()})
            row = connection.execute(_where(tables.submission, own)).mappings().one()
            number = int(row["id"])
            if any(row[name] != value for name, value in said.items()):
                changed = tables.submission.update().where(tables.submission.c.id == number)
                connection.execute(changed.values(**said))
            self._add_members(connection, number, info)
            self._add_arrival(connection, number, info, source)
        return number

    def _add_members(self, connection: Connection, submission: int, info: SubmissionInfo) -> None:
        people = [(info.id, info.name), *info.members]
        rows = [
            {"submission": submission, "place": place, "student": key(id), "name": name, "written": id}
            for place, (id, name) in enumerate(people)
        ]
        table = tables.member
        stored = connection.execute(_where(table, {"submission": submission}).order_by(table.c.place)).mappings()
        if [dict(row) for row in stored] == rows:
            return
        connection.execute(table.delete().where(table.c.submission == submission))
        connection.execute(table.insert(), rows)
        for id, name in people:
            if key(id):
                self._add_student(connection, Student(key(id), id, name))

    def _add_arrival(self, connection: Connection, submission: int, info: SubmissionInfo, source: str) -> None:
        at = _instant(info.submitted_at)
        row = {"submission": submission, "at": at, "source": source, "late": info.late}
        table = tables.arrival
        newest = (
            connection.execute(
                _where(table, {"submission": submission, "source": source}).order_by(table.c.id.desc()).limit(1)
            )
            .mappings()
            .first()
        )
        if newest is None or any(newest[name] != value for name, value in row.items()):
            connection.execute(table.insert().values(**row, recorded=_now()))

    def _add_student(self, connection: Connection, student: Student) -> None:
        """Add a person who is not there yet, with a code of their own."""
        known = connection.execute(_where(tables.student, {"key": student.key})).first()
        while known is None:
            row = {**asdict(student), "code": "".join(secrets.choice(ALPHABET) for _ in range(5))}
            self._insert(connection, tables.student, row)
            known = connection.execute(_where(tables.student, {"key": student.key})).first()

    # --- what gradings find

    def add_run(self, assignment: str, suite: str, seed: int | None, drawn: int, *, fresh: bool = False) -> BookedRun:
        """Continue the newest run where suite and seed are the same, or begin one.

        Args:
            seed: None for any.
            drawn: the seed of a new run where none is wanted.
            fresh: begin a new run in any case.
        """
        table = tables.run
        with self._writing() as connection:
            rows = connection.execute(_where(table, {"assignment": assignment})).mappings()
            newest = max((BookedRun(**row) for row in rows), key=lambda run: run.age, default=None)
            if newest and not fresh and newest.suite == suite and seed in (None, newest.seed):
                return newest
            return self._begin(connection, assignment, suite, drawn if seed is None else seed, who())

    def add_old_run(self, assignment: str, suite: str, seed: int) -> BookedRun:
        """The run of a suite and a seed, for results from before the book. A new one is older than all others."""
        own = {"assignment": assignment, "suite": suite, "seed": seed}
        with self._writing() as connection:
            row = connection.execute(_where(tables.run, own).order_by(tables.run.c.id.desc())).mappings().first()
            return BookedRun(**row) if row else self._begin(connection, assignment, suite, seed, READ_IN)

    def _begin(self, connection: Connection, assignment: str, suite: str, seed: int, by: str) -> BookedRun:
        table = tables.run
        values = {"assignment": assignment, "suite": suite, "seed": seed, "who": by, "at": _now()}
        row = connection.execute(table.insert().values(**values).returning(*table.c)).mappings().one()
        return BookedRun(**row)

    def add_grading(self, run: int, submission: int, result: SubmissionResult, fills: int = 0) -> int:
        """A grading with its scores; its number, or that of the same one by another grader.

        Names, ids and lateness are not kept with it: they belong to the submission.

        Args:
            fills: the number of the grading of the same run that this one completes or replaces; 0 for none.
        """
        own = {"run": run, "submission": submission, "fills": fills}
        with self._writing() as connection:
            row = {"at": _now(), "seconds": result.seconds, "complete": result.graded, "result": _packed(result)}
            new = self._insert(connection, tables.grading, {**own, **row})
            number = int(connection.execute(_where(tables.grading, own)).mappings().one()["id"])
            if new and result.questions:
                scores = [
                    {
                        "grading": number,
                        "place": place,
                        "question": question.id,
                        "cents": hundredths(question.score),
                        "points": hundredths(question.points),
                        "outcome": str(question.outcome),
                    }
                    for place, question in enumerate(result.questions)
                ]
                connection.execute(tables.score.insert(), scores)
        return number

    def result(self, grading: int, info: SubmissionInfo) -> SubmissionResult:
        """The result of a grading, with whose it is. Raises Damaged where it cannot be read."""
        with self._reading() as connection:
            row = connection.execute(_where(tables.grading, {"id": grading})).mappings().first()
        if row is None:
            raise Damaged(f"grading {grading} is not in the book")
        return replace(_unpacked(bytes(row["result"]), grading), info=info)

    # --- what people decide, and what was told

    def add_decisions(self, decisions: Iterable[Decision], shown: int | None = None) -> tuple[int, ...]:
        """Decisions, all or none; their numbers. `id` and `at` of what is given do not count.

        Args:
            shown: the decision on the same matter that whoever decides has seen, 0 for none; None asks for nothing.

        Raises:
            Overtaken: another decision than `shown` stands now. Nothing is entered then.
        """
        numbers = []
        with self._writing() as connection:
            for decision in decisions:
                if shown is not None and (newest := _newest(connection, decision)) != shown:
                    raise Overtaken(newest)
                row = {**asdict(decision), "value": json.dumps(decision.value), "at": _now()}
                del row["id"]
                done = connection.execute(tables.decision.insert().returning(tables.decision.c.id).values(**row))
                numbers.append(int(done.scalar_one()))
        return tuple(numbers)

    def add_release(self, release: Release, told: Sequence[Told]) -> int:
        """What was told to whom. The number of the release."""
        with self._writing() as connection:
            row = {**asdict(release), "policy": json.dumps(dict(release.policy)), "at": _now()}
            del row["id"]
            made = connection.execute(tables.release.insert().returning(tables.release.c.id).values(**row))
            number = int(made.scalar_one())
            rows = [{**asdict(each), "release": number, "why": json.dumps(dict(each.why))} for each in told]
            if rows:
                connection.execute(tables.told.insert(), rows)
        return number

    # --- what is read

    def facts(self) -> Facts:
        """Everything but results and releases, as of one moment."""
        if self.absent:
            return Facts()
        with self._reading() as connection:
            scores: dict[int, list[Score]] = {}
            for row in connection.execute(select(tables.score).order_by("grading", "place")).mappings():
                score = Score(row["question"], row["cents"], row["points"], row["outcome"])
                scores.setdefault(row["grading"], []).append(score)
            damaged = {number for number, own in scores.items() if not all(each.outcome in OUTCOMES for each in own)}
            columns = [column for column in tables.grading.c if column.name != "result"]
            gradings = connection.execute(select(*columns).order_by("id")).mappings()
            return Facts(
                students=tuple(Student(**row) for row in _rows(connection, tables.student)),
                submissions=tuple(
                    Submission(**{**row, "notes": tuple(_plain("submission", row, "notes"))})
                    for row in _rows(connection, tables.submission)
                ),
                arrivals=tuple(
                    Arrival(row["submission"], _instant(row["at"]), row["source"], row["late"], row["recorded"])
                    for row in _rows(connection, tables.arrival)
                    if row["source"] in SOURCES
                ),
                members=tuple(Member(**row) for row in _rows(connection, tables.member)),
                runs=tuple(BookedRun(**row) for row in _rows(connection, tables.run)),
                gradings=tuple(
                    Grading(
                        **{**row, "complete": row["complete"] and row["id"] not in damaged},
                        scores=tuple(scores.get(row["id"], ())),
                    )
                    for row in gradings
                ),
                decisions=tuple(
                    Decision(**{**row, "value": _plain("decision", row, "value")})
                    for row in _rows(connection, tables.decision)
                ),
            )

    def releases(self, assignment: str = "") -> tuple[Release, ...]:
        """All releases, or an assignment's, the oldest first."""
        with self._reading() as connection:
            found = [
                Release(**{**row, "policy": _plain("release", row, "policy")})
                for row in _rows(connection, tables.release)
            ]
        return tuple(release for release in found if assignment in ("", release.assignment))

    def told(self, release: int) -> tuple[Told, ...]:
        """What a release told, in the order of students."""
        with self._reading() as connection:
            rows = connection.execute(_where(tables.told, {"release": release}).order_by("student")).mappings()
            return tuple(Told(**{**row, "why": _plain("told", row, "why")}) for row in rows)

    # --- the whole book

    def copy_into(self, other: Book) -> dict[str, int]:
        """Every row into another, empty book; how many of each table. Raises UsageError where it is not empty."""
        counts: dict[str, int] = {}
        with self._reading() as source, other._writing() as target:
            for table in tables.ALL:
                if target.execute(select(func.count()).select_from(table)).scalar_one():
                    raise UsageError(f"{other.address}: found a book with rows in {table.name}, wanted an empty one")
                rows = [dict(row) for row in source.execute(select(table)).mappings()]
                counts[table.name] = len(rows)
                if rows:
                    target.execute(table.insert(), rows)
                if rows and "id" in table.c and other.engine.dialect.name == "postgresql":
                    sequence = f"setval(pg_get_serial_sequence('{table.name}', 'id'), {max(row['id'] for row in rows)})"
                    target.execute(text(f"select {sequence}"))
        return counts

    def copy_to(self, address: str) -> dict[str, int]:
        """The whole book into the one at an address, as `copy_into`. A new file appears whole, or not at all."""
        other = Book.open(address)
        if not other.absent:
            with other:
                return self.copy_into(other)
        path = Path(str(other.url.database))
        part = path.with_name(f"{path.name}.part")
        try:
            opening.remove(part)  # of a copy that was killed
            with Book(other.url.set(database=str(part))) as new:
                counts = self.copy_into(new)
            part.replace(path)
        except OSError as error:
            raise UsageError(f"{path}: cannot be written: {error.strerror}") from None
        finally:
            with suppress(OSError):
                opening.remove(part)
        return counts

    def erase(self, students: Sequence[str]) -> int:
        """Remove people (`erasing.erase`), and what the file's pages still hold of them. How many submissions."""
        with self._writing() as connection:
            found = sum(erase(connection, student) for student in students)
        self.wipe()
        return found

    def wipe(self) -> None:
        """Overwrite what the file's pages still hold of people who were erased."""
        if self.engine.dialect.name == "sqlite":
            opening.rewrite(Path(str(self.engine.url.database)))

    @contextmanager
    def together(self) -> Iterator[None]:
        """What is added within is one transaction: all of it, or nothing."""
        with self._writing() as connection:
            self._whole = connection
            try:
                yield
            finally:
                self._whole = None

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        if self._whole is not None:
            yield self._whole
            return
        try:
            with self.engine.begin() as connection:
                if self.engine.dialect.name == "postgresql":
                    connection.execute(text(f"select pg_advisory_xact_lock({opening.LOCK})"))
                yield connection
        except DBAPIError as error:
            raise UsageError(f"{self.address}: cannot be written: {opening.trouble(error)}") from None

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        try:
            with self.engine.connect().execution_options(reading=True) as connection:
                if self.engine.dialect.name == "postgresql":
                    connection.execute(text("set transaction isolation level repeatable read"))
                yield connection
        except DBAPIError as error:
            raise UsageError(f"{self.address}: cannot be read: {opening.trouble(error)}") from None

    def _insert(self, connection: Connection, table: Table, values: Mapping[str, Any]) -> bool:
        """Insert a row unless one like it is there; whether it was inserted."""
        dialect = postgresql if self.engine.dialect.name == "postgresql" else sqlite
        statement = dialect.insert(table).values(**values).on_conflict_do_nothing()
        return connection.execute(statement.returning(*table.primary_key.columns)).first() is not None


def _where(table: Table, values: Mapping[str, Any]) -> Select[Any]:
    return select(table).where(*(table.c[name] == value for name, value in values.items()))


def _newest(connection: Connection, decision: Decision) -> int:
    """The number of the newest decision on the same matter; 0 for none."""
    same = {name: getattr(decision, name) for name in ("assignment", "kind", "student", "submission", "question")}
    found = connection.execute(_where(tables.decision, same).order_by(tables.decision.c.id.desc()).limit(1)).first()
    return int(found.id) if found else 0


def _rows(connection: Connection, table: Table) -> Iterable[RowMapping]:
    return connection.execute(select(table).order_by(*table.primary_key.columns)).mappings()


def _plain(table: str, row: RowMapping, column: str) -> Any:
    """The plain data of a cell. Raises UsageError where it is damaged: a wrong guess would be a wrong grade."""
    try:
        return json.loads(row[column])
    except ValueError:
        which = next(iter(row.values()))
        raise UsageError(f"{table} {which}: {column} is damaged; take the book from a backup") from None


def _instant(text: str) -> str:
    """An instant for the book; "" for none, and for one that no calendar holds in UTC."""
    try:
        return stamp(datetime.fromisoformat(text)) if text else ""
    except (ValueError, OverflowError):
        return ""


def _clean(info: SubmissionInfo) -> SubmissionInfo:
    """With text that every database takes: no lone surrogate, and no NUL."""
    return from_plain(_without_nul(all_encodable(to_plain(info))), SubmissionInfo)


def _without_nul(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\0", "")
    if isinstance(value, Mapping):
        return {name: _without_nul(each) for name, each in value.items()}
    return [_without_nul(each) for each in value] if isinstance(value, list | tuple) else value


def _packed(result: SubmissionResult) -> bytes:
    nobody = SubmissionInfo("")
    plain = to_plain(replace(result, info=nobody, attachments={}))
    return zlib.compress(msgspec.json.encode(all_encodable(plain)))


def _unpacked(data: bytes, grading: int) -> SubmissionResult:
    try:
        return from_plain(msgspec.json.decode(zlib.decompress(data)), SubmissionResult)
    except (ValueError, zlib.error, msgspec.DecodeError) as error:
        raise Damaged(f"grading {grading} cannot be read: {error}") from None
