"""Books to test on: SQLite always, PostgreSQL where Debian's package is installed."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


def _programs() -> Path | None:
    """The folder with PostgreSQL's own programs, the newest version's."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The address of a private server: its own folder, its own user, a socket and no port."""
    programs = _programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    own = {}
    if os.geteuid() == 0:  # it refuses to run as root
        user = pwd.getpwnam("postgres")
        os.chown(folder, user.pw_uid, user.pw_gid)
        own = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    data = folder / "data"
    settings = ("fsync=off", "listen_addresses=", f"unix_socket_directories={folder}", "max_connections=20")

    def run(program: str, *words: str) -> None:
        done = subprocess.run(
            [programs / program, *words], cwd=folder, capture_output=True, text=True, timeout=120, check=False, **own
        )
        assert done.returncode == 0, done.stdout + done.stderr

    try:
        run("initdb", "-D", str(data), "-U", "grader", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
        options = " ".join(f"-c {setting}" for setting in settings)
        run("pg_ctl", "-D", str(data), "-w", "-t", "90", "-l", str(folder / "log"), "-o", options, "start")
        try:
            yield f"postgresql+psycopg://grader@/postgres?host={folder}"
        finally:
            run("pg_ctl", "-D", str(data), "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def server(postgresql: str) -> str:
    """The address of a database of the private server that nothing has been written into."""
    from sqlalchemy import create_engine, text

    engine = create_engine(postgresql, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        name = f"book{connection.execute(text('select count(*) from pg_database')).scalar_one()}"
        connection.execute(text(f"create database {name}"))
    engine.dispose()
    return postgresql.replace("/postgres?", f"/{name}?")


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty book's address, of each kind of database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/gradebook.db"
    return str(request.getfixturevalue("server"))
