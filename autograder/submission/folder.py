"""Reads a folder into memory without following a link or waiting for a pipe."""

from __future__ import annotations

import os
import stat
from datetime import UTC, datetime
from pathlib import Path

from autograder.errors import ArchiveError
from autograder.submission.intake import Intake
from autograder.submission.names import decode_name, is_litter

__all__ = ["read_folder"]

# A file that turns into a link or a pipe between the look and the opening must neither be followed nor waited for.
OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def read_folder(path: Path, intake: Intake) -> None:
    """Take what is wanted of the folder at `path`. Raises ArchiveError if it cannot be listed or holds too much."""
    root = path.resolve()

    def shut(error: OSError) -> None:
        name = decode_name(os.fsencode(Path(error.filename).name)) if error.filename else "a folder"
        intake.note(name, f"left out: cannot be opened: {error.strerror}")

    try:
        os.scandir(root).close()  # a folder inside that is shut costs itself; this one costs the submission
        for here, folders, files, descriptor in os.fwalk(root, onerror=shut):
            inside = Path(here).relative_to(root)
            deep = len(inside.parts) + 1 >= intake.limits.depth
            folders[:] = [name for name in sorted(folders) if _enter(name, inside, deep, descriptor, intake)]
            for name in sorted(files):
                intake.count()
                _take(name, inside, descriptor, intake)
    except OSError as error:
        raise ArchiveError(f"{path.name}: cannot be read: {error.strerror}") from None


def _spelled(name: str, inside: Path) -> str:
    """The path as text, whatever encoding the file system's names are in."""
    return decode_name(os.fsencode(inside / name))


def _enter(name: str, inside: Path, deep: bool, parent: int, intake: Intake) -> bool:
    intake.count()
    spelled = _spelled(name, inside)
    if is_litter(spelled):
        return False
    if not stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode):
        intake.note(spelled, "left out: a link")
        return False
    if deep:
        intake.note(spelled, "left out: lies too deep in folders")
    return not deep


def _take(name: str, inside: Path, parent: int, intake: Intake) -> None:
    spelled = _spelled(name, inside)
    if is_litter(spelled):
        return
    mode = os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode
    if not stat.S_ISREG(mode):
        intake.note(spelled, f"left out: {'a link' if stat.S_ISLNK(mode) else 'not a plain file'}")
        return
    if (path := intake.admit(spelled)) is None:
        return
    try:
        descriptor = os.open(name, OPEN, dir_fd=parent)
    except OSError as error:
        intake.note(path, f"left out: cannot be opened: {error.strerror}")
        return
    with open(descriptor, "rb") as file:
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode):
            intake.note(path, "left out: not a plain file")
            return
        data = file.read(intake.most(path) + 1)
    if len(data) > intake.most(path):
        intake.too_large(path)
        return
    intake.spend(len(data))
    intake.add(path, data, datetime.fromtimestamp(facts.st_mtime, UTC))
