"""Removes a person from the book. Scores stay, so the figures of the class do not change."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from datetime import date
from typing import Any

from sqlalchemy import Connection, Select, select

from autograder.errors import UsageError
from autograder.gradebook import tables
from autograder.gradebook.decisions import TEXTS
from autograder.gradebook.facts import ERASED, Facts, StoredSubmission, coded

__all__ = ["erase", "is_erased", "older"]

FIXED = ("id", "outcome", "assignment", "fingerprint")  # in a result: values that are no text
EMPTY = '""'  # a text of no characters, as JSON


def erase(connection: Connection, student: str) -> int:
    """Remove a person's name, number, addresses, results and texts. Returns the number of their submissions.

    A group's result stays until all its members are erased, with a code in place of the person's name and id. The same
    holds for decisions and releases about others. Raises UsageError for an unknown key.
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
    written = [text for each in connection.execute(select(member).where(own)) for text in (each.name, each.written)]
    names = coded([row["name"], row["number"], row["email"], row["login"], student, *written], anonymous)
    connection.execute(member.update().where(own).values(student=anonymous, name="", written=row["code"]))
    for number in theirs:
        if connection.execute(_others(number)).first():
            _rename(connection, number, names, row["code"])
        else:
            _empty(connection, number, row["code"])
    _decisions(connection, student, anonymous)
    connection.execute(told.update().where(told.c.student == student).values(student=anonymous, why="{}"))
    _elsewhere(connection, names)
    return len(theirs)


def is_erased(submission: StoredSubmission) -> bool:
    """True if all people of a submission are erased."""
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


def _rename(connection: Connection, submission: int, names: Callable[[str], str], code: str) -> None:
    """Remove a person's names from a group's submission and from its results."""
    table, grading = tables.submission, tables.grading
    row = connection.execute(select(table).where(table.c.id == submission)).mappings().one()
    values = {"notes": json.dumps(_changed(json.loads(row["notes"]), names))}
    if names(row["name"]) != row["name"]:
        values["name"] = f"{ERASED}{code}-{submission}"
    connection.execute(table.update().where(table.c.id == submission).values(**values))
    for each in connection.execute(select(grading).where(grading.c.submission == submission)).mappings().all():
        if each["result"]:
            result = _without(bytes(each["result"]), names)
            connection.execute(grading.update().where(grading.c.id == each["id"]).values(result=result))


def _without(result: bytes, names: Callable[[str], str]) -> bytes:
    """A packed result without the names; a damaged one is emptied, since it may hold them."""
    try:
        plain = json.loads(zlib.decompress(result))
    except (ValueError, zlib.error):
        return b""
    return zlib.compress(json.dumps(_changed(plain, names), ensure_ascii=False).encode())


def _changed(value: Any, change: Callable[[str], str]) -> Any:
    """Plain data with its texts changed."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {name: each if name in FIXED else _changed(each, change) for name, each in value.items()}
    return [_changed(each, change) for each in value] if isinstance(value, list) else value


def _elsewhere(connection: Connection, names: Callable[[str], str]) -> None:
    """Remove a person's names from decisions and releases about others."""
    decision, told = tables.decision, tables.told
    for row in connection.execute(select(decision)).mappings().all():
        value = json.dumps(_changed(json.loads(row["value"]), names)) if row["kind"] in TEXTS else row["value"]
        if (value, (why := names(row["why"]))) != (row["value"], row["why"]):
            connection.execute(decision.update().where(decision.c.id == row["id"]).values(value=value, why=why))
    for row in connection.execute(select(told)).mappings().all():
        try:
            why = json.dumps(_changed(json.loads(row["why"]), names))
        except ValueError:  # damaged, so that its content is unknown
            why = "{}"
        if why != row["why"]:
            same = (told.c.release == row["release"], told.c.student == row["student"])
            connection.execute(told.update().where(*same).values(why=why))
