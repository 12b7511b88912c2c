"""Builds assignments/<name>/ from solutions/<name>/: everything in memory first, then only what changed on disk."""

from __future__ import annotations

import difflib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path, PurePosixPath

from autograder.authoring.notebooks import notebook_text
from autograder.authoring.otter import otter_test
from autograder.authoring.regions import find_regions, read_source, strip_module
from autograder.authoring.snapshot import record, settled
from autograder.checks.public import CHECKS, MANIFEST
from autograder.checks.recorded import ANSWERS
from autograder.course.layout import Course
from autograder.course.model import Assignment
from autograder.errors import AuthoringError, UsageError
from autograder.submission.clean import CLEAN, clean_part

__all__ = ["Change", "Drift", "build_assignment", "check_assignment", "handout_files"]

# What work in the folder leaves there; it is nobody's source, and never removed.
LEFT_ALONE = frozenset({"__pycache__", ".ipynb_checkpoints", ".pytest_cache", ".OTTER_LOG", "data"})


class Change(StrEnum):
    """How a file on disk differs from what the build makes."""

    MISSING = "missing"
    CHANGED = "changed"
    EXTRA = "extra"


@dataclass(frozen=True)
class Drift:
    """One file that differs.

    Attributes:
        path: relative to the handout's folder, with forward slashes.
        found: the bytes on disk, or None.
        wanted: the bytes that the build makes, or None.
    """

    path: str
    found: bytes | None
    wanted: bytes | None

    @property
    def change(self) -> Change:
        if self.found is None:
            return Change.MISSING
        return Change.EXTRA if self.wanted is None else Change.CHANGED

    def diff(self) -> str:
        """A unified diff from what is there to what should be; one line for what is not text."""
        try:
            found, wanted = (
                (data or b"").decode("utf-8").splitlines(keepends=True) for data in (self.found, self.wanted)
            )
        except UnicodeDecodeError:
            return f"Binary file {self.path}: {self.change}\n"
        names = (
            self.path if self.found is not None else os.devnull,
            self.path if self.wanted is not None else os.devnull,
        )
        lines = [line if line.endswith("\n") else f"{line}\n" for line in difflib.unified_diff(found, wanted, *names)]
        return "".join(lines) or f"Empty file {self.path}: {self.change}\n"


def build_assignment(course: Course, assignment: Assignment) -> list[Drift]:
    """Bring an assignment's handout up to date, and tell what was not.

    Nothing is written before everything is built; files that are the same are not touched, files that the build does
    not make are removed. No other folder is written to.

    Raises:
        UsageError: a source is missing or cannot be built (AuthoringError, with its line), or the reference does not
            pass a public check. The handout is then as it was.
    """
    handout = course.handout(assignment)
    drifts = _drifts(course, assignment)
    if drifts:
        _write(handout, drifts)
    return drifts


def check_assignment(course: Course, assignment: Assignment) -> str:
    """A unified diff from the handout as it is to as it should be, "" if there is none. Writes nothing.

    Raises as `build_assignment` does.
    """
    return "".join(drift.diff() for drift in _drifts(course, assignment))


def handout_files(course: Course, assignment: Assignment, earlier: bytes | None = None) -> dict[str, bytes]:
    """Everything in an assignment's handout, by path relative to its folder.

    Args:
        earlier: the recorded answers that are kept where the reference still answers the same up to rounding.

    Raises as `build_assignment` does.
    """
    source, questions = course.solution(assignment), list(assignment.by_id)
    module = source / f"{assignment.module}.py"
    files = {
        "README.md": read_source(source / "README.md").encode(),
        MANIFEST: (source / MANIFEST).read_bytes(),
        module.name: strip_module(read_source(module), module, questions).encode(),
    }
    if assignment.notebook:
        notebook = source / f"{Path(assignment.notebook).stem}.nb.py"
        files[assignment.notebook] = notebook_text(notebook, questions).encode()
    files |= {f"common/{path}": data for path, data in _copied(course.common, questions)}
    # What `autograder collect` carries a student's answers onto.
    files |= {f"{CLEAN}/{path}": files[path] for path in sorted(files) if clean_part(path, assignment)}
    files |= {f"{CHECKS}/{path}": data for path, data in _copied(course.public(assignment), questions)}
    snapshot = record(course, assignment)
    files[f"{CHECKS}/{ANSWERS}"] = settled(snapshot.recording, earlier)
    for question, cases in snapshot.cases.items():
        files[f"tests/{question}.py"] = otter_test(question, cases).encode("ascii")
    return dict(sorted(files.items()))


def _copied(folder: Path, questions: list[str]) -> Iterator[tuple[str, bytes]]:
    """The files of a folder that students get as they are; nothing in there may be a solution."""
    if not folder.is_dir():
        raise UsageError(f"{folder}: no such folder")
    for path in sorted(folder.rglob("*")):
        if path.is_dir() or _left_alone(path.relative_to(folder)):
            continue
        if path.suffix == ".py":
            for region in find_regions(read_source(path), path, questions):
                raise AuthoringError(path, region.first, "a solution region in a file that students get whole")
        yield path.relative_to(folder).as_posix(), path.read_bytes()


def _left_alone(path: Path) -> bool:
    return path.suffix == ".pyc" or not LEFT_ALONE.isdisjoint(path.parts)


def _drifts(course: Course, assignment: Assignment) -> list[Drift]:
    handout = course.handout(assignment)
    found = _on_disk(handout, assignment)
    wanted = handout_files(course, assignment, found.get(f"{CHECKS}/{ANSWERS}"))
    paths = sorted(found.keys() | wanted.keys())
    return [Drift(path, found.get(path), wanted.get(path)) for path in paths if found.get(path) != wanted.get(path)]


def _on_disk(handout: Path, assignment: Assignment) -> dict[str, bytes]:
    paths = [path for path in handout.rglob("*") if not path.is_dir()] if handout.is_dir() else []
    relative = {path.relative_to(handout): path for path in paths}
    return {
        short.as_posix(): path.read_bytes()
        for short, path in relative.items()
        if not _left_alone(short) and short.as_posix() not in assignment.artifacts
    }


def _write(handout: Path, drifts: list[Drift]) -> None:
    """Stage beside the handout, on the same file system; removing and renaming, which come last, need no space."""
    handout.mkdir(parents=True, exist_ok=True)
    stage = Path(tempfile.mkdtemp(prefix=".build-", dir=handout.parent))
    try:
        staged = dict(_stage(stage, {drift.path: drift.wanted for drift in drifts if drift.wanted is not None}))
        for drift in drifts:
            if drift.wanted is None:
                (handout / drift.path).unlink()
                _prune((handout / drift.path).parent, handout)
        for path, file in staged.items():
            (handout / path).parent.mkdir(parents=True, exist_ok=True)
            os.replace(file, handout / path)
    finally:
        shutil.rmtree(stage)


def _stage(stage: Path, files: Mapping[str, bytes]) -> Iterator[tuple[PurePosixPath, Path]]:
    for number, (path, data) in enumerate(files.items()):
        file = stage / str(number)
        file.write_bytes(data)
        file.chmod(0o644)
        yield PurePosixPath(path), file


def _prune(folder: Path, top: Path) -> None:
    """Remove folders that hold nothing any more, from `folder` up to, not including, `top`."""
    while folder != top and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent
