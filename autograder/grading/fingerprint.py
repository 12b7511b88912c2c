"""Digests that tell if a result on disk still holds, because nothing that it depends on has changed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

import autograder
from autograder.course.layout import Course
from autograder.course.model import Assignment
from autograder.submission.paths import is_litter

__all__ = ["of_submission", "of_suite"]

# More than the limits of archives allow for any kind of file.
MAX_BYTES = 512 << 20
MAX_FILES = 100_000
HEAD = 1 << 20  # bytes of a file that is too large to be read
SKIPPED = {"__pycache__", ".ipynb_checkpoints"}


def of_suite(course: Course, assignment: Assignment) -> str:
    """The digest of everything that decides a score of an assignment: reference, hidden checks, handout, engine."""
    engine = Path(autograder.__file__).parent
    roots = (
        *(course.solution(assignment), course.hidden(assignment), course.common, course.handout(assignment)),
        engine,
    )
    state = hashlib.blake2b(digest_size=16)
    state.update(repr(course.rules_of(assignment)).encode())
    for root in roots:
        for path in _files(root):
            _feed(state, path, path.relative_to(root).as_posix())
    for path in _conftests(course, assignment):
        _feed(state, path, path.relative_to(course.root).as_posix())
    return state.hexdigest()


def _conftests(course: Course, assignment: Assignment) -> list[Path]:
    """The conftest.py files above an assignment's hidden checks, which pytest reads with the checks."""
    above = course.hidden(assignment).relative_to(course.root).parents
    return [path for folder in above if (path := course.root / folder / "conftest.py").is_file()]


def of_submission(path: Path) -> str:
    """The digest of a zip's bytes, or of a folder's regular files by name and bytes. An unreadable file counts by name.

    It reads no more than grading could read: beyond `MAX_BYTES` in all, a file counts by size and time, and beyond
    `MAX_FILES` files the rest does not count. So a sparse file of 200 GB costs no more than a small one.
    """
    state = hashlib.blake2b(digest_size=16)
    if path.is_dir():
        named = [(file, file.relative_to(path).as_posix()) for file in _handed_in(path)]
    else:
        named = [(path, path.name)] if path.is_file() else []
    left = MAX_BYTES
    for file, name in named:
        try:
            left -= _feed(state, file, name, left)
        except OSError:
            state.update(f"unreadable: {name}".encode("utf-8", "surrogateescape"))
    return state.hexdigest()


def _handed_in(root: Path) -> list[Path]:
    """The regular files below a folder in order, without litter, at most `MAX_FILES`."""
    found: list[Path] = []
    for here, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in SKIPPED and not is_litter(name))
        paths = (Path(here, name) for name in sorted(files))
        found += islice((path for path in paths if path.is_file() and not path.is_symlink()), MAX_FILES - len(found))
        if len(found) >= MAX_FILES:
            break
    return found


def _files(root: Path) -> Iterable[Path]:
    found = (path for path in root.rglob("*") if not SKIPPED & set(path.parts) and not path.is_symlink())
    return sorted(path for path in found if path.is_file())


def _feed(state: hashlib.blake2b, path: Path, name: str, most: int | None = None) -> int:
    """Add one file, at most `most` bytes of it. Returns how many bytes were read."""
    state.update(name.encode("utf-8", "surrogateescape") + b"\0")
    with path.open("rb") as stream:
        facts = os.fstat(stream.fileno())
        if most is None or facts.st_size <= most:
            state.update(hashlib.file_digest(stream, "blake2b").digest())
            return facts.st_size
        state.update(f"{facts.st_size} {facts.st_mtime_ns}\0".encode())
        head = stream.read(min(most, HEAD))
        state.update(head)
        return len(head)
