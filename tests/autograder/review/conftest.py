"""The review page of a made-up class."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from autograder.gradebook.store import Book
from tests.autograder.review.serving import Reviewer, make_book, make_desk, serving


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The class's book, which no test writes into."""
    path = tmp_path_factory.mktemp("class") / "gradebook.db"
    with make_book(path):
        return path


@pytest.fixture
def book(made: Path, tmp_path: Path) -> Iterator[Book]:
    with closing(sqlite3.connect(made)) as source, closing(sqlite3.connect(tmp_path / "gradebook.db")) as copy:
        source.backup(copy)
    with Book.open(tmp_path / "gradebook.db") as book:
        yield book


@pytest.fixture
def reviewer(book: Book, tmp_path: Path) -> Iterator[Reviewer]:
    with serving(make_desk(book, tmp_path)) as reviewer:
        yield reviewer
