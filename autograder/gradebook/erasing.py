"""Removes a person from the book. Scores stay, so the figures of the class do not change."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, Table, select

from autograder.errors import UsageError
from autograder.gradebook import tables
from autograder.gradebook.facts import ERASED, Facts, Submission

__all__ = ["erase", "is_erased", "older"]

SHORTEST = 3  # characters of a name that is looked for in a text; a shorter one is part of many words
TEXTS = ("request", "answer", "hold", "note", "comment")
EMPTY = '""'  # a text of no characters, as JSON


def erase(connection: Connection, student: str) -> int:
    """Remove the name, number, addresses, results and texts of a person; the number of their submissions.

    A group's result stays until all its members are erased, with a code in place of the person's name and id. The same
    holds for what was decided and told about others. Raises UsageError for an unknown key.
    """
    people, member, told = tables.student, tables.member, tables.told
    row = connection.execute(select(people).where(people.c.key == student)).mappings().first()
    if row is None:
        raise UsageError(f"{student}: nobody in the book has this id")
    anonymous = f"{ERASED}{row['code'].casefold()}"
    nothing = {"number": "", "name": "", "email": "", "login": "", "active": False}
    connection.execute(people.update().where(people.c.key == student).values(key=anonymous, **nothing))
    own = member.c.student == student
    theirs = connection.execute(select(member.c.submission).where(own).distinct()).scalars().all()
    written = [dict(each) for each in connection.execute(select(member).where(own)).mappings()]
    names = _Names(anonymous, [row["name"], row["number"], row["email"], row["login"], student], written)
    connection.execute(member.update().where(own).values(student=anonymous, name="", written=row["code"]))
    for number in theirs:
        if connection.execute(_others(number)).first():
            _rename(connection, number, names, row["code"])
        else:
            _empty(connection, number, row["code"])
    _decisions(connection, student, anonymous)
    connection.execute(told.update().where(told.c.student == student).values(student=anonymous, why="{}"))
    _texts(connection, tables.decision, ("value", "why"), names)
    _texts(connection, told, ("why",), names)
    return len(theirs)


class _Names:
    """Replaces the names of a person in texts by a code."""

    def __init__(self, code: str, names: Iterable[str], written: Iterable[Mapping[str, Any]]) -> None:
        known = {*names, *(each[name] for each in written for name in ("name", "written"))}
        self._code = code
        self._known = sorted((name for name in known if len(name) >= SHORTEST), key=lambda name: (-len(name), name))

    def __call__(self, value: Any) -> Any:
        """Plain data without the names, in whatever text they stand."""
        if isinstance(value, str):
            for name in self._known:
                value = value.replace(name, self._code)
            return value
        if isinstance(value, dict):
            return {self(name): self(each) for name, each in value.items()}
        return [self(each) for each in value] if isinstance(value, list) else value


def is_erased(submission: Submission) -> bool:
    """Whether all people of a submission are erased."""
    return submission.name.startswith(ERASED) and submission.digest.startswith(ERASED)


def older(facts: Facts, before: str) -> list[str]:
    """Keys of the people whose newest submission came in before a date, in UTC, without those who are erased.

    If no submission is newer, the term is over: then people who never handed in anything are included.

    Raises:
        UsageError: `before` is no date.
    """
    try:
        limit = date.fromisoformat(before).isoformat()
    except ValueError:
        raise UsageError(f"--before: found {before[:40]!r}, wanted a date: 2023-03-01") from None
    came: dict[int, str] = {}
    for each in facts.submissions:
        arrival = facts.arrival(each.id)
        came[each.id] = arrival.at if arrival and arrival.at else each.first_seen
    newest: dict[str, str] = {}
    for member in facts.members:
        newest[member.student] = max(newest.get(member.student, ""), came.get(member.submission, ""))
    over = all(at < limit for at in came.values())
    keys = [student.key for student in facts.students if not student.key.startswith(ERASED)]
    return [key for key in keys if (newest[key] < limit if key in newest else over)]


def _others(submission: int) -> Select[tuple[str]]:
    """Members of a submission who are not erased."""
    member = tables.member
    named = (member.c.student != "", member.c.student.not_like(f"{ERASED}%"))
    return select(member.c.student).where(member.c.submission == submission, *named)


def _decisions(connection: Connection, student: str, anonymous: str) -> None:
    decision = tables.decision
    own = decision.c.student == student
    connection.execute(decision.update().where(own, decision.c.kind.in_(TEXTS)).values(value=EMPTY))
    connection.execute(decision.update().where(own).values(student=anonymous, why=""))
    named = (decision.c.kind == "owner", decision.c.value.contains(f'"{student}"', autoescape=True))
    for row in connection.execute(select(decision).where(*named)).mappings():
        value = row["value"].replace(f'"{student}"', f'"{anonymous}"')
        connection.execute(decision.update().where(decision.c.id == row["id"]).values(value=value, why=""))


def _empty(connection: Connection, submission: int, code: str) -> None:
    """Remove the texts of a submission, of its gradings and of decisions on it. The scores stay."""
    table, grading, decision = tables.submission, tables.grading, tables.decision
    values = {"name": f"{ERASED}{code}-{submission}", "digest": f"{ERASED}{submission}", "notes": "[]"}
    connection.execute(table.update().where(table.c.id == submission).values(**values))
    connection.execute(grading.update().where(grading.c.submission == submission).values(result=b""))
    on_it = decision.c.submission == submission
    connection.execute(decision.update().where(on_it).values(why=""))
    connection.execute(decision.update().where(on_it, decision.c.kind.in_(TEXTS)).values(value=EMPTY))


def _rename(connection: Connection, submission: int, names: _Names, code: str) -> None:
    """Remove a person's names from a group's submission and from its results."""
    table, grading = tables.submission, tables.grading
    row = connection.execute(select(table).where(table.c.id == submission)).mappings().one()
    values = {"notes": json.dumps(names(json.loads(row["notes"])))}
    if names(row["name"]) != row["name"]:
        values["name"] = f"{ERASED}{code}-{submission}"
    connection.execute(table.update().where(table.c.id == submission).values(**values))
    for each in connection.execute(select(grading).where(grading.c.submission == submission)).mappings():
        if each["result"]:
            result = _without(each, names)
            connection.execute(grading.update().where(grading.c.id == each["id"]).values(result=result))


def _without(grading: RowMapping, names: _Names) -> bytes:
    """A packed result without the names; a damaged one is emptied, since it may hold them."""
    try:
        plain = json.loads(zlib.decompress(bytes(grading["result"])))
    except (ValueError, zlib.error):
        return b""
    return zlib.compress(json.dumps(names(plain), ensure_ascii=False).encode())


def _texts(connection: Connection, table: Table, columns: Iterable[str], names: _Names) -> None:
    """Remove a person's names from texts about others."""
    for row in connection.execute(select(table)).mappings().all():
        changed = {}
        for name in columns:
            is_text = table is tables.decision and name == "why"
            plain = row[name] if is_text else json.loads(row[name])
            if (now := names(plain)) != plain:
                changed[name] = now if is_text else json.dumps(now)
        if changed:
            same = (column == row[column.name] for column in table.primary_key.columns)
            connection.execute(table.update().where(*same).values(**changed))
