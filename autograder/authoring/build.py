"""Builds assignments/<name>/ from solutions/<name>/. All files are built in memory, then changed files are written.

assignments/common holds the given library once; each assignment's folder links to it. A handout contains the library
itself and the clean copy, which is not stored on disk here. `handout_files` puts a handout together.
"""

from __future__ import annotations

import difflib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path, PurePosixPath

from autograder.authoring.lent import lent_text
from autograder.authoring.notebooks import notebook_text
from autograder.authoring.otter import otter_test
from autograder.authoring.regions import find_regions, read_source, strip_module
from autograder.authoring.snapshot import record, settled
from autograder.checks.public.run import CHECKS, MANIFEST, RULES
from autograder.checks.sides.recorded import ANSWERS
from autograder.course.layout import Course
from autograder.course.model import Assignment
from autograder.errors import AuthoringError, UsageError
from autograder.submission.clean.read import CLEAN, clean_part

__all__ = ["Drift", "DriftKind", "build_assignment", "check_assignment", "handout_files"]

SHARED = "../common"  # relative to an assignment's folder
# Names that working in the folder leaves behind. They are never copied and never removed.
LEFT_ALONE = frozenset({"__pycache__", ".ipynb_checkpoints", ".pytest_cache", ".OTTER_LOG", "data"})


class DriftKind(StrEnum):
    """The difference between a file on disk and the built file."""

    MISSING = "missing"
    CHANGED = "changed"
    EXTRA = "extra"


@dataclass(frozen=True)
class Drift:
    """A file on disk that differs from the built file.

    Attributes:
        path: relative to the handout's folder, with forward slashes.
        found: the bytes on disk, or None.
        wanted: the bytes that the build makes, or None.
    """

    path: str
    found: bytes | None
    wanted: bytes | None

    @property
    def change(self) -> DriftKind:
        if self.found is None:
            return DriftKind.MISSING
        return DriftKind.EXTRA if self.wanted is None else DriftKind.CHANGED

    def diff(self) -> str:
        """A unified diff from the found text to the wanted text; one line for a binary or empty file."""
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
    """Bring an assignment's folder and the shared library up to date. Returns the files that were not.

    Writing starts after all files are built. Equal files stay untouched, and files that the build does not make are
    removed. Files lent by another assignment are written to the solution's folder first.

    Raises:
        UsageError: a source is missing or cannot be built (AuthoringError, with its line), or the reference does not
            pass a public check. The handout then stays as it was.
    """
    handout = course.handout(assignment)
    # Lent files come first: the reference imports them, and the reference answers the public checks below.
    lent = _lent(course, assignment)
    _write(course.solution(assignment), lent)
    drifts = _drifts(course, assignment)
    _write(handout, drifts)
    return [*lent, *drifts]


def check_assignment(course: Course, assignment: Assignment) -> str:
    """A unified diff from the folder and the library on disk to the built ones, "" if they are equal.

    Writes nothing.

    Raises as `build_assignment` does.
    """
    drifts = _lent(course, assignment) or _drifts(course, assignment)
    return "".join(drift.diff() for drift in drifts)


def handout_files(course: Course, assignment: Assignment, earlier: bytes | None = None) -> dict[str, bytes]:
    """The files of an assignment's handout, by path relative to its folder.

    Args:
        earlier: recorded answers of an earlier build. They are kept if the new ones are equal up to rounding.

    Raises as `build_assignment` does.
    """
    files = _own_files(course, assignment, earlier)
    files |= {f"common/{path}": data for path, data in _copied(course.common, list(assignment.by_id))}
    # The clean copy, onto which `autograder collect` carries a student's answers.
    files |= {f"{CLEAN}/{path}": files[path] for path in sorted(files) if clean_part(path, assignment)}
    return dict(sorted(files.items()))


def _own_files(course: Course, assignment: Assignment, earlier: bytes | None) -> dict[str, bytes]:
    """The files of this assignment alone, without the shared library."""
    source, questions = course.solution(assignment), list(assignment.by_id)
    files = {
        "README.md": read_source(source / "README.md").encode(),
        MANIFEST: (source / MANIFEST).read_bytes(),
    }
    for component in assignment.components:
        module, own = source / component.file, [question.id for question in assignment.questions_in(component.module)]
        files[module.name] = strip_module(read_source(module), module, own).encode()
        if component.notebook:
            files[component.notebook] = notebook_text(course.notebook_source(assignment, component), questions).encode()
    files |= {name: _whole(source / name, questions) for name in assignment.given}
    files |= {f"{CHECKS}/{path}": data for path, data in _copied(course.public(assignment), questions)}
    if rules := course.rules_of(assignment):
        files[RULES] = _excerpt(read_source(course.rules_file), [rule.name for rule in rules]).encode()
    snapshot = record(course, assignment)
    files[f"{CHECKS}/{ANSWERS}"] = settled(snapshot.recording, earlier)
    for question, cases in snapshot.cases.items():
        files[f"tests/{question}.py"] = otter_test(question, cases).encode("ascii")
    return files


def _excerpt(toml: str, names: list[str]) -> str:
    """The text of the tables with these names in a TOML file, with their subtables."""
    tables = re.split(r"(?m)^(?=\[)", toml)[1:]
    return "".join(table for table in tables if re.split(r"[].]", table[1:])[0] in names).rstrip() + "\n"


def _copied(folder: Path, questions: list[str]) -> Iterator[tuple[str, bytes]]:
    """The files of a folder that students get unchanged. Raises AuthoringError if one holds a solution region."""
    if not folder.is_dir():
        raise UsageError(f"{folder}: no such folder")
    for path in sorted(folder.rglob("*")):
        if path.is_dir() or _left_alone(path.relative_to(folder)):
            continue
        yield path.relative_to(folder).as_posix(), _whole(path, questions)


def _whole(path: Path, questions: list[str]) -> bytes:
    """A file that students get unchanged. Raises AuthoringError if it holds a solution region."""
    if path.suffix == ".py":
        for region in find_regions(read_source(path), path, questions):
            raise AuthoringError(path, region.first, "a solution region in a file that students get unchanged")
    return path.read_bytes()


def _left_alone(path: Path) -> bool:
    return path.suffix == ".pyc" or not LEFT_ALONE.isdisjoint(path.parts)


def _drifts(course: Course, assignment: Assignment) -> list[Drift]:
    handout = course.handout(assignment)
    found = _on_disk(handout, assignment)
    wanted = _own_files(course, assignment, found.get(f"{CHECKS}/{ANSWERS}"))
    wanted |= {f"{SHARED}/{path}": data for path, data in _copied(course.common, list(assignment.by_id))}
    wanted["common"] = _as_text(SHARED)
    paths = sorted(found.keys() | wanted.keys())
    return [Drift(path, found.get(path), wanted.get(path)) for path in paths if found.get(path) != wanted.get(path)]


def _lent(course: Course, assignment: Assignment) -> list[Drift]:
    """The drift of lent files: given files beside the reference that come from another assignment's reference."""
    drifts = []
    for name, lender in course.lenders(assignment).items():
        own, wanted = course.solution(assignment) / name, lent_text(lender).encode()
        found = own.read_bytes() if own.is_file() else None
        if found != wanted:
            drifts.append(Drift(name, found, wanted))
    return drifts


def _on_disk(handout: Path, assignment: Assignment) -> dict[str, bytes]:
    shared = handout.parent / PurePosixPath(SHARED).name
    found = {f"{SHARED}/{path}": data for path, data in _files_in(shared).items()}
    return found | {path: data for path, data in _files_in(handout).items() if path not in assignment.artifacts}


def _files_in(folder: Path) -> dict[str, bytes]:
    """The files of a folder. A link counts as a file with a text of its own, see `_as_text`."""
    found = {path.relative_to(folder): path for path in folder.rglob("*") if path.is_symlink() or path.is_file()}
    return {
        short.as_posix(): _as_text(os.readlink(path)) if path.is_symlink() else path.read_bytes()
        for short, path in found.items()
        if not _left_alone(short)
    }


def _as_text(target: str) -> bytes:
    """The text that stands for a link when files are compared."""
    return f"a link to {target}\n".encode()


def _write(handout: Path, drifts: list[Drift]) -> None:
    """Write all new files to a folder beside the handout first. After that, only removing and renaming are left.

    These need no space, so a full disk leaves the handout as it was.
    """
    if not drifts:
        return
    handout.mkdir(parents=True, exist_ok=True)
    stage = Path(tempfile.mkdtemp(prefix=".build-", dir=handout.parent))
    try:
        made = {drift.path: drift.wanted for drift in drifts if drift.wanted is not None}
        staged = dict(_stage(stage, made))
        for drift in drifts:
            if drift.wanted is None:
                (handout / drift.path).unlink()
                _prune((handout / drift.path).parent, handout)
        for path, file in staged.items():
            (handout / path).parent.mkdir(parents=True, exist_ok=True)
            if file.is_symlink() and (handout / path).is_dir() and not (handout / path).is_symlink():
                shutil.rmtree(handout / path)  # only caches are left in it: all other files have been removed above
            os.replace(file, handout / path)
    finally:
        shutil.rmtree(stage)


def _stage(stage: Path, files: Mapping[str, bytes]) -> Iterator[tuple[PurePosixPath, Path]]:
    for number, (path, data) in enumerate(files.items()):
        file = stage / str(number)
        if data == _as_text(SHARED):
            file.symlink_to(SHARED, target_is_directory=True)
            yield PurePosixPath(path), file
            continue
        file.write_bytes(data)
        file.chmod(0o644)
        yield PurePosixPath(path), file


def _prune(folder: Path, top: Path) -> None:
    """Remove empty folders, from `folder` upwards, but never `top`."""
    while folder != top and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent
