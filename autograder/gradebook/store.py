"""The book: it stores facts and reads them back. With `erasing`, the only module with SQL.

Rows are added and never changed, with two exceptions. A `student` is as in today's roster. A `submission` holds
the content of its archive, and a corrected reader may read that differently. `erase` removes a person.
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

from autograder.course.encodable import all_encodable, all_text, encodable
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
    ReleasedGrade,
    Score,
    StoredSubmission,
    Student,
    key,
    stamp,
)
from autograder.rounding import hundredths

__all__ = ["Book", "Damaged", "Overtaken", "who"]

ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # without characters that look alike
SCALE = "scale set by review"
OUTCOMES = frozenset(Outcome)


class Damaged(ValueError):
    """A result in the book is unreadable."""


class Overtaken(UsageError):
    """Somebody else has decided in the meantime. `newest`: the number of the current decision; 0 for none."""

    def __init__(self, newest: int) -> None:
        super().__init__(f"decision {newest} was made meanwhile")
        self.newest = newest


def who() -> str:
    """The login name of the person who runs the program."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"


def _now() -> str:
    return stamp(datetime.now(UTC))


class Book:
    """An open book. Each method is one transaction, except within `together`."""

    def __init__(self, url: URL) -> None:
        self.url = url
        self._engine: Engine | None = None
        self._whole: Connection | None = None  # the connection of a transaction over several methods

    @property
    def engine(self) -> Engine:
        """The database. The first use opens it, and makes a missing one."""
        if self._engine is None:
            self._engine = opening.engine(self.url)
            opening.schema(self._engine)
        return self._engine

    @classmethod
    def open(cls, address: str | Path, *, create: bool = True) -> Book:
        """The book at an address, or in a file. Raises UsageError if it cannot be opened."""
        book = cls(opening.address(f"sqlite:///{address.absolute()}" if isinstance(address, Path) else address))
        if not create and book.absent:
            raise UsageError(f"{book.url.database}: no gradebook here; `autograder grade` makes one")
        if not book.absent:
            book.engine  # noqa: B018  errors appear now
        return book

    @property
    def absent(self) -> bool:
        """True if the book is a file that does not exist yet. The first row makes it."""
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
        """The network file system of the book's file; "" for none. SQLite's locks do not work there."""
        sqlite_file = self.url.get_backend_name() == "sqlite" and self.url.database
        return opening.network(Path(sqlite_file)) if sqlite_file else ""

    # --- submissions and people

    def add_roster(self, students: Iterable[Student]) -> int:
        """Replace the roster: these people are in the course, and nobody else. Returns their number."""
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
        """Add a submission with its members and its arrival, unless it is there. Returns its number.

        Args:
            source: the source of the time of handing in: `table`, `system` or `files`.
        """
        info = _clean(info)
        own = {"assignment": assignment, "digest": digest, "name": info.submission}
        notes = json.dumps([note for note in info.notes if not note.startswith(SCALE)], ensure_ascii=True)
        with self._writing() as connection:
            stated = {"option": info.option, "notes": notes}
            self._insert(connection, tables.submission, {**own, **stated, "first_seen": _now()})
            row = connection.execute(_where(tables.submission, own)).mappings().one()
            number = int(row["id"])
            if any(row[name] != value for name, value in stated.items()):
                changed = tables.submission.update().where(tables.submission.c.id == number)
                connection.execute(changed.values(**stated))
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
        """Add a person with a new code, unless the person is there."""
        known = connection.execute(_where(tables.student, {"key": student.key})).first()
        while known is None:
            row = {**asdict(student), "code": "".join(secrets.choice(ALPHABET) for _ in range(5))}
            self._insert(connection, tables.student, row)
            known = connection.execute(_where(tables.student, {"key": student.key})).first()

    # --- runs and gradings

    def add_run(self, assignment: str, suite: str, seed: int | None, drawn: int, *, fresh: bool = False) -> BookedRun:
        """Continue the newest run if suite and seed are the same, or begin one.

        Args:
            seed: None for any.
            drawn: the seed of a new run if `seed` is None.
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
        """Add a grading with its scores. Returns its number, or the number of the same grading by another process.

        Names, ids and lateness are stored with the submission, not here.

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
        """The result of a grading, with `info`. Raises Damaged if it is unreadable."""
        with self._reading() as connection:
            row = connection.execute(_where(tables.grading, {"id": grading})).mappings().first()
        if row is None:
            raise Damaged(f"grading {grading} is not in the book")
        return replace(_unpacked(bytes(row["result"]), grading), info=info)

    # --- decisions and releases

    def add_decisions(self, decisions: Iterable[Decision], shown: int | None = None) -> tuple[int, ...]:
        """Add decisions, all or none. Returns their numbers. Their `id` and `at` are ignored.

        Args:
            shown: the decision on the same matter that the person has seen, 0 for none; None checks nothing.

        Raises:
            Overtaken: the current decision is not `shown`. Nothing is entered then.
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

    def add_release(self, release: Release, grades: Sequence[ReleasedGrade]) -> int:
        """Add a release with its grades. Returns its number."""
        with self._writing() as connection:
            row = {**asdict(release), "policy": json.dumps(dict(release.policy)), "at": _now()}
            del row["id"]
            made = connection.execute(tables.release.insert().returning(tables.release.c.id).values(**row))
            number = int(made.scalar_one())
            rows = [{**asdict(each), "release": number, "why": json.dumps(dict(each.why))} for each in grades]
            if rows:
                connection.execute(tables.told.insert(), rows)
        return number

    # --- reading

    def facts(self) -> Facts:
        """Everything except results and releases, as of one moment."""
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
                    StoredSubmission(**{**row, "notes": _notes(row)}) for row in _rows(connection, tables.submission)
                ),
                arrivals=tuple(
                    Arrival(row["submission"], _instant(row["at"]), row["source"], row["late"], row["recorded"])
                    for row in _rows(connection, tables.arrival)
                    if row["source"] in SOURCES
                ),
                members=(members := tuple(Member(**row) for row in _rows(connection, tables.member))),
                runs=tuple(BookedRun(**row) for row in _rows(connection, tables.run)),
                gradings=tuple(
                    Grading(
                        **{**row, "complete": row["complete"] and row["id"] not in damaged},
                        scores=tuple(scores.get(row["id"], ())),
                    )
                    for row in gradings
                ),
                decisions=tuple(
                    decision for row in _rows(connection, tables.decision) for decision in _decisions(row, members)
                ),
            )

    def sound(self, facts: Facts) -> Facts:
        """The facts without gradings whose result is damaged: their submissions are held, and graded again."""
        if self.absent:
            return facts
        damaged = set()
        with self._reading() as connection:
            for id, result in connection.execute(select(tables.grading.c.id, tables.grading.c.result)):
                try:
                    zlib.decompress(result)
                except (zlib.error, TypeError):
                    damaged.add(id)
        gradings = tuple(replace(each, complete=each.complete and each.id not in damaged) for each in facts.gradings)
        return replace(facts, gradings=gradings)

    def releases(self, assignment: str = "") -> tuple[Release, ...]:
        """All releases, or an assignment's, the oldest first."""
        with self._reading() as connection:
            found = [
                Release(**{**row, "policy": _plain("release", row, "policy")})
                for row in _rows(connection, tables.release)
            ]
        return tuple(release for release in found if assignment in ("", release.assignment))

    def released_grades(self, release: int) -> tuple[ReleasedGrade, ...]:
        """The grades in a release, in the order of students."""
        with self._reading() as connection:
            rows = connection.execute(_where(tables.told, {"release": release}).order_by("student")).mappings()
            return tuple(ReleasedGrade(**{**row, "why": _plain("told", row, "why")}) for row in rows)

    # --- the whole book

    def copy_into(self, other: Book) -> dict[str, int]:
        """Copy every row into an empty book. Returns the number of rows by table.

        Raises UsageError if the other book is not empty.
        """
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
        """Copy the whole book to an address, like `copy_into`. A new file appears whole, or not at all."""
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
        """Remove people (`erasing.erase`) and overwrite their old pages. Returns the number of their submissions."""
        with self._writing() as connection:
            found = sum(erase(connection, student) for student in students)
        self.wipe()
        return found

    def wipe(self) -> None:
        """Overwrite the unused pages of the file, which may hold text of erased people."""
        if self.engine.dialect.name == "sqlite":
            opening.rewrite(Path(str(self.engine.url.database)))

    @contextmanager
    def together(self) -> Iterator[None]:
        """One transaction for everything that is added in this block: all or nothing."""
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
        """Insert a row unless the same is there. Returns True if it was inserted."""
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
    """The plain data of a cell. Raises UsageError if it is damaged: a guess could be a wrong grade."""
    try:
        return json.loads(row[column])
    except ValueError:
        which = next(iter(row.values()))
        raise UsageError(f"{table} {which}: {column} is damaged; restore the book from a backup") from None


def _notes(row: RowMapping) -> tuple[str, ...]:
    """The notes of a submission. Damaged ones cost nobody a grade."""
    try:
        return tuple(map(str, json.loads(row["notes"])))
    except (ValueError, TypeError):
        return ("the notes on this submission are damaged in the gradebook",)


def _decisions(row: RowMapping, members: Sequence[Member]) -> list[Decision]:
    """A decision. A damaged one holds the grades of its people: a guess could be a wrong grade."""
    try:
        return [Decision(**{**row, "value": json.loads(row["value"])})]
    except (ValueError, TypeError):
        why = (
            f"decision {row['id']} ({row['kind']}) is damaged in the gradebook; enter it again and take this hold back"
        )
        people = [row["student"]] if row["student"] else []
        people += [each.student for each in members if each.submission == row["submission"]]
        about = {"submission": 0, "question": "", "kind": "hold", "value": why}
        whom = list(dict.fromkeys(filter(None, people))) or [f"?{row['submission']}"]
        return [Decision(**{**row, **about, "student": student}) for student in whom]


def _instant(text: str) -> str:
    """An instant for the book; "" for none, and for one that UTC cannot express."""
    try:
        return stamp(datetime.fromisoformat(text)) if text else ""
    except (ValueError, OverflowError):
        return ""


def _clean(info: SubmissionInfo) -> SubmissionInfo:
    """The info with text that every database accepts: no lone surrogate, and no NUL."""
    return from_plain(all_text(to_plain(info), lambda text: encodable(text).replace("\0", "")), SubmissionInfo)


def _packed(result: SubmissionResult) -> bytes:
    nobody = SubmissionInfo("")
    plain = to_plain(replace(result, info=nobody, attachments={}))
    return zlib.compress(msgspec.json.encode(all_encodable(plain)))


def _unpacked(data: bytes, grading: int) -> SubmissionResult:
    try:
        return from_plain(msgspec.json.decode(zlib.decompress(data)), SubmissionResult)
    except (ValueError, zlib.error, msgspec.DecodeError) as error:
        raise Damaged(f"grading {grading} cannot be read: {error}") from None
