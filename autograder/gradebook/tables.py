"""The ten tables of the book, for SQLite and PostgreSQL alike.

Instants are text in UTC, scores whole hundredths of a point, plain data is JSON text.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

__all__ = [
    "ALL",
    "arrival",
    "decision",
    "grading",
    "member",
    "metadata",
    "release",
    "run",
    "score",
    "student",
    "submission",
    "told",
]

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False)


def _number() -> Column[int]:
    return Column("id", Integer, primary_key=True, autoincrement=True)


student = Table(
    "student",
    metadata,
    Column("key", Text, primary_key=True),
    *map(_text, ("number", "name", "email", "login")),
    Column("code", Text, nullable=False, unique=True),
    Column("active", Boolean, nullable=False),
)
submission = Table(
    "submission",
    metadata,
    _number(),
    *map(_text, ("assignment", "digest", "name", "option", "notes", "first_seen")),
    UniqueConstraint("assignment", "digest", "name"),
)
arrival = Table(
    "arrival",
    metadata,
    _number(),
    Column("submission", ForeignKey("submission.id"), nullable=False, index=True),
    *map(_text, ("at", "source")),
    Column("late", Boolean, nullable=False),
    _text("recorded"),
)
member = Table(
    "member",
    metadata,
    Column("submission", ForeignKey("submission.id"), primary_key=True),
    Column("place", Integer, primary_key=True, autoincrement=False),
    *map(_text, ("student", "name", "written")),
)
run = Table(
    "run",
    metadata,
    _number(),
    *map(_text, ("assignment", "suite")),
    Column("seed", BigInteger, nullable=False),
    *map(_text, ("who", "at")),
)
grading = Table(
    "grading",
    metadata,
    _number(),
    Column("run", ForeignKey("run.id"), nullable=False),
    Column("submission", ForeignKey("submission.id"), nullable=False, index=True),
    Column("fills", Integer, nullable=False),
    _text("at"),
    Column("seconds", Float, nullable=False),
    Column("complete", Boolean, nullable=False),
    Column("result", LargeBinary, nullable=False),
    UniqueConstraint("run", "submission", "fills"),
)
score = Table(
    "score",
    metadata,
    Column("grading", ForeignKey("grading.id"), primary_key=True),
    Column("place", Integer, primary_key=True, autoincrement=False),
    _text("question"),
    Column("cents", Integer, nullable=False),
    Column("points", Integer, nullable=False),
    _text("outcome"),
)
decision = Table(
    "decision",
    metadata,
    _number(),
    *map(_text, ("at", "who", "by", "assignment", "kind", "student")),
    Column("submission", Integer, nullable=False),
    *map(_text, ("question", "value", "why")),
    Column("saw", Integer, nullable=False),
)
release = Table("release", metadata, _number(), *map(_text, ("at", "who", "assignment", "target", "policy", "note")))
told = Table(
    "told",
    metadata,
    Column("release", ForeignKey("release.id"), primary_key=True),
    Column("student", Text, primary_key=True),
    _text("state"),
    Column("cents", Integer),
    _text("why"),
)
# In an order in which each refers to earlier ones only.
ALL = (student, submission, arrival, member, run, grading, score, decision, release, told)
