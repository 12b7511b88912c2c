"""The first schema: ten tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "1"
down_revision = None
branch_labels = None
depends_on = None


def _text(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


def _number() -> sa.Column[int]:
    return sa.Column("id", sa.Integer, autoincrement=True, nullable=False)


def _refers(table: str, name: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([name], [f"{to}.id"], name=f"fk_{table}_{name}_{to}")


def _key(table: str, *names: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint(*names, name=f"pk_{table}")


def upgrade() -> None:
    _people_and_submissions()
    _gradings()
    _decisions()


def _people_and_submissions() -> None:
    op.create_table(
        "student",
        *_text("key", "number", "name", "email", "login", "code"),
        sa.Column("active", sa.Boolean, nullable=False),
        _key("student", "key"),
        sa.UniqueConstraint("code", name="uq_student_code"),
    )
    op.create_table(
        "submission",
        _number(),
        *_text("assignment", "digest", "name", "option", "notes", "first_seen"),
        _key("submission", "id"),
        sa.UniqueConstraint("assignment", "digest", "name", name="uq_submission_assignment_digest_name"),
    )
    op.create_table(
        "arrival",
        _number(),
        sa.Column("submission", sa.Integer, nullable=False),
        *_text("at", "source"),
        sa.Column("late", sa.Boolean, nullable=False),
        *_text("recorded"),
        _key("arrival", "id"),
        _refers("arrival", "submission", "submission"),
    )
    op.create_index("ix_arrival_submission", "arrival", ["submission"])
    op.create_table(
        "member",
        sa.Column("submission", sa.Integer, nullable=False),
        sa.Column("place", sa.Integer, autoincrement=False, nullable=False),
        *_text("student", "name", "written"),
        _key("member", "submission", "place"),
        _refers("member", "submission", "submission"),
    )


def _gradings() -> None:
    op.create_table(
        "run",
        _number(),
        *_text("assignment", "suite"),
        sa.Column("seed", sa.BigInteger, nullable=False),
        *_text("who", "at"),
        _key("run", "id"),
    )
    op.create_table(
        "grading",
        _number(),
        sa.Column("run", sa.Integer, nullable=False),
        sa.Column("submission", sa.Integer, nullable=False),
        sa.Column("fills", sa.Integer, nullable=False),
        *_text("at"),
        sa.Column("seconds", sa.Float, nullable=False),
        sa.Column("complete", sa.Boolean, nullable=False),
        sa.Column("result", sa.LargeBinary, nullable=False),
        _key("grading", "id"),
        _refers("grading", "run", "run"),
        _refers("grading", "submission", "submission"),
        sa.UniqueConstraint("run", "submission", "fills", name="uq_grading_run_submission_fills"),
    )
    op.create_index("ix_grading_submission", "grading", ["submission"])
    op.create_table(
        "score",
        sa.Column("grading", sa.Integer, nullable=False),
        sa.Column("place", sa.Integer, autoincrement=False, nullable=False),
        *_text("question"),
        sa.Column("cents", sa.Integer, nullable=False),
        sa.Column("points", sa.Integer, nullable=False),
        *_text("outcome"),
        _key("score", "grading", "place"),
        _refers("score", "grading", "grading"),
    )


def _decisions() -> None:
    op.create_table(
        "decision",
        _number(),
        *_text("at", "who", "by", "assignment", "kind", "student"),
        sa.Column("submission", sa.Integer, nullable=False),
        *_text("question", "value", "why"),
        sa.Column("saw", sa.Integer, nullable=False),
        _key("decision", "id"),
    )
    op.create_table(
        "release",
        _number(),
        *_text("at", "who", "assignment", "target", "policy", "note"),
        _key("release", "id"),
    )
    op.create_table(
        "told",
        sa.Column("release", sa.Integer, nullable=False),
        *_text("student", "state"),
        sa.Column("cents", sa.Integer),
        *_text("why"),
        _key("told", "release", "student"),
        _refers("told", "release", "release"),
    )
