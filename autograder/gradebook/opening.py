"""Opens the book's database: address, mode of the file, transactions, version of the schema."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.pool import NullPool

from autograder.errors import UsageError
from autograder.files import private
from autograder.gradebook import tables

__all__ = ["FILE", "LOCK", "address", "beside", "engine", "network", "remove", "rewrite", "schema", "trouble"]

FILE = "gradebook.db"
PATIENCE = 30  # seconds that a writer waits for another writer
ANSWER = 10  # seconds in which a server has to answer
MIGRATIONS = Path(__file__).parent / "migrations"
NETWORK = ("nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "lustre", "beegfs", "ceph", "afs", "gpfs")
HERE = "sqlite"
SUFFIXES = ("", "-wal", "-shm", "-journal")
LOCK = 0x67726164  # PostgreSQL's advisory lock while the schema is checked and migrated


def address(text: str) -> URL:
    """The address of a book. `~` is expanded in `sqlite:///~/…`. Raises UsageError for another kind of database."""
    try:
        url = make_url(text)
        kind = url.get_backend_name()
    except (ArgumentError, NoSuchModuleError):
        kind = ""
    if kind not in (HERE, "postgresql"):
        raise UsageError(f"book: found {text[:80]!r}, wanted sqlite:///PATH or postgresql+psycopg://USER@HOST/NAME")
    if kind == HERE:
        if not url.database or url.database == ":memory:":
            raise UsageError(f"book: found {text[:80]!r}, wanted a file: sqlite:///PATH")
        return url.set(database=str(Path(url.database).expanduser()))
    if url.drivername == "postgresql":
        return url.set(drivername="postgresql+psycopg")
    return url


def engine(url: URL) -> Engine:
    """The database at an address; a file is made for its owner only.

    Raises:
        UsageError: it cannot be made, or its driver is not installed.
    """
    if url.get_backend_name() == HERE:
        _file(Path(str(url.database)))
        # Without a pool, no fork inherits an open connection.
        made = create_engine(url, connect_args={"timeout": PATIENCE}, poolclass=NullPool)
        event.listen(made, "connect", _on_connect)
        event.listen(made, "begin", _on_begin)
        return made
    try:
        patience = {} if "connect_timeout" in url.query else {"connect_timeout": ANSWER}
        return create_engine(url, pool_pre_ping=True, connect_args=patience)
    except ModuleNotFoundError as error:
        raise UsageError(f"book: {error.name} is not installed; pip install 'autograder[postgresql]'") from None


def _file(path: Path) -> None:
    if path.exists():
        return
    try:
        private(path.parent)
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:  # another grader was faster
        pass
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}") from None


def _on_connect(connection: sqlite3.Connection, _: Any) -> None:
    connection.isolation_level = None  # transactions are begun below, and by nobody else
    connection.text_factory = partial(str, encoding="utf-8", errors="replace")  # a damaged byte is shown as �
    for pragma in ("synchronous = full", "foreign_keys = on", "secure_delete = on"):
        connection.execute(f"pragma {pragma}")
    if connection.execute("pragma journal_mode").fetchone() != ("wal",):
        names = (name for (name,) in connection.execute("select name from sqlite_master where type = 'table'"))
        if not _another_programs(name for name in names if not name.startswith("sqlite_")):
            connection.execute("pragma journal_mode = wal")  # this setting stays in the file, so only a book gets it


def _another_programs(names: Iterable[str]) -> str:
    """The first table of a database that another program made; "" for a book and for an empty database."""
    there = sorted({*names} - {"alembic_version"})
    return there[0] if there and tables.told.name not in there else ""


def _on_begin(connection: Connection) -> None:
    reading = connection.get_execution_options().get("reading")
    connection.exec_driver_sql("begin" if reading else "begin immediate")


def network(path: Path, mounts: Path = Path("/proc/self/mounts")) -> str:
    """The type of the network file system of a path; "" for a local or unknown one."""
    try:
        lines = [line.split() for line in mounts.read_text(encoding="utf-8", errors="replace").splitlines()]
    except OSError:
        return ""
    place = path.absolute()
    over = [(len(at), kind) for _, at, kind, *_ in lines if place.is_relative_to(at.replace("\\040", " "))]
    kind = max(over, default=(0, ""))[1]
    return kind if kind in NETWORK else ""


def schema(made: Engine) -> None:
    """Bring the tables to this program's version; an older file is copied to `….before-N` first.

    Raises:
        UsageError: the file is no book, or a newer version made it.
    """
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    scripts = ScriptDirectory.from_config(config)
    known, head = [each.revision for each in scripts.walk_revisions()], scripts.get_current_head()
    where = made.url.render_as_string(hide_password=True)
    try:
        with made.connect().execution_options(reading=True) as connection:  # a reader waits for no writer
            if MigrationContext.configure(connection).get_current_revision() == head:
                return
        with made.begin() as connection:
            if made.dialect.name != HERE:
                connection.execute(text(f"select pg_advisory_xact_lock({LOCK})"))
            now = MigrationContext.configure(connection).get_current_revision()
            if now == head:
                return
            other = _another_programs(inspect(connection).get_table_names())
            if other and made.dialect.name == HERE:
                raise UsageError(f"{where}: a database of another program: it has the table {other}")
            if now is not None and now not in known:
                raise UsageError(
                    f"{where}: made by a newer version of autograder (schema {now}; this one knows {head})"
                )
            if now is not None and made.dialect.name == HERE:
                _keep(Path(str(made.url.database)), now)
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except DBAPIError as error:
        raise UsageError(f"{where}: cannot be opened as a gradebook: {trouble(error)}") from None


def trouble(error: DBAPIError) -> str:
    """The database's error message, on one line."""
    message = " ".join(str(error.orig).split())
    explained = {
        "database is locked": f"another program has been writing into it for {PATIENCE} s",
        "disk I/O error": "disk I/O error; is the disk full?",
    }
    return explained.get(message, message)


def _keep(path: Path, version: str) -> None:
    """Copy an older book beside itself before it changes."""
    copy = path.with_name(f"{path.name}.before-{version}")
    copy.touch(mode=0o600)
    with closing(sqlite3.connect(path)) as old, closing(sqlite3.connect(copy)) as new:
        old.backup(new)


def remove(path: Path) -> None:
    """Remove a book's file, and its log."""
    for suffix in SUFFIXES:
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def beside(url: URL) -> list[Path]:
    """The book's file and those that SQLite keeps beside it; none for a server."""
    path = Path(str(url.database))
    return [path.with_name(path.name + suffix) for suffix in SUFFIXES] if url.get_backend_name() == HERE else []


def rewrite(path: Path) -> None:
    """Write the pages of a file again. No removed text stays in the file or in its log."""
    with closing(sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)) as connection:
        for words in ("pragma wal_checkpoint(truncate)", "vacuum", "pragma wal_checkpoint(truncate)"):
            connection.execute(words).fetchall()
