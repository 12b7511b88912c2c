"""The program that Alembic runs: it runs the migrations on the connection that the store has opened."""

from __future__ import annotations

from alembic import context

from autograder.gradebook.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transactional_ddl=True,
)
context.run_migrations()
