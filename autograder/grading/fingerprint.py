"""Digests that tell whether a result on disk still holds: nothing it depends on has changed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

import autograder
from autograder.course.layout import Course
from autograder.course.model import Assignment

__all__ = ["of_submission", "of_suite"]

SKIPPED = {"__pycache__", ".ipynb_checkpoints"}


def of_suite(course: Course, assignment: Assignment) -> str:
    """Of what decides every score of an assignment: reference, hidden checks, what was handed out, engine."""
    engine = Path(autograder.__file__).parent
    roots = (
        *(course.solution(assignment), course.hidden(assignment), course.common, course.handout(assignment)),
        engine,
    )
    state = hashlib.blake2b(digest_size=16)
    for root in roots:
        for path in _files(root):
            _feed(state, path, path.relative_to(root).as_posix())
    return state.hexdigest()


def of_submission(path: Path) -> str:
    """Of a zip's bytes, or of the names and bytes of a folder's regular files. What cannot be read counts by name."""
    state = hashlib.blake2b(digest_size=16)
    if path.is_dir():
        named = [(file, file.relative_to(path).as_posix()) for file in _files(path)]
    else:
        named = [(path, path.name)] if path.is_file() else []
    for file, name in named:
        try:
            _feed(state, file, name)
        except OSError:
            state.update(f"unreadable: {name}".encode("utf-8", "surrogateescape"))
    return state.hexdigest()


def _files(root: Path) -> Iterable[Path]:
    found = (path for path in root.rglob("*") if not SKIPPED & set(path.parts) and not path.is_symlink())
    return sorted(path for path in found if path.is_file())


def _feed(state: hashlib.blake2b, path: Path, name: str) -> None:
    state.update(name.encode("utf-8", "surrogateescape") + b"\0")
    with path.open("rb") as stream:
        state.update(hashlib.file_digest(stream, "blake2b").digest())
