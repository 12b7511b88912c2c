"""Builds assignments/<name>/ from solutions/<name>/: everything in memory first, then only what changed on disk.

The given library stands in assignments/common once; each assignment's folder holds a link to it. A handout holds the
library itself, and the clean copy, which lies in no folder here: `handout_files` puts all of it together.
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

SHARED = "../common"  # from an assignment's folder
# What work in the folder leaves there: never copied, never removed.
LEFT_ALONE = frozenset({"__pycache__", ".ipynb_checkpoints", ".pytest_cache", ".OTTER_LOG", "data"})


class DriftKind(StrEnum):
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
    def change(self) -> DriftKind:
        if self.found is None:
            return DriftKind.MISSING
        return DriftKind.EXTRA if self.wanted is None else DriftKind.CHANGED

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
    """Bring an assignment's folder and the library that all assignments share up to date, and tell what was not.

    Nothing is written before everything is built; files that are the same are not touched, files that the build does
    not make are removed. No other folder is written to.

    Raises:
        UsageError: a source is missing or cannot be built (AuthoringError, with its line), or the reference does not
            pass a public check. The handout is then as it was.
    """
    handout = course.handout(assignment)
    # These first: the reference imports them, and it answers the public checks below.
    lent = _lent(course, assignment)
    _write(course.solution(assignment), lent)
    drifts = _drifts(course, assignment)
    _write(handout, drifts)
    return [*lent, *drifts]


def check_assignment(course: Course, assignment: Assignment) -> str:
    """A unified diff from the folder and the library as they are to as they should be, "" if there is none.

    Writes nothing.

    Raises as `build_assignment` does.
    """
    drifts = _lent(course, assignment) or _drifts(course, assignment)
    return "".join(drift.diff() for drift in drifts)


def handout_files(course: Course, assignment: Assignment, earlier: bytes | None = None) -> dict[str, bytes]:
    """Everything in an assignment's handout, by path relative to its folder.

    Args:
        earlier: the recorded answers that are kept where the reference still answers the same up to rounding.

    Raises as `build_assignment` does.
    """
    files = _own_files(course, assignment, earlier)
    files |= {f"common/{path}": data for path, data in _copied(course.common, list(assignment.by_id))}
    # What `autograder collect` carries a student's answers onto.
    files |= {f"{CLEAN}/{path}": files[path] for path in sorted(files) if clean_part(path, assignment)}
    return dict(sorted(files.items()))


def _own_files(course: Course, assignment: Assignment, earlier: bytes | None) -> dict[str, bytes]:
    """What no other assignment has."""
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
    """The tables of these names in a TOML file, and those inside of them, as they are written."""
    tables = re.split(r"(?m)^(?=\[)", toml)[1:]
    return "".join(table for table in tables if re.split(r"[].]", table[1:])[0] in names).rstrip() + "\n"


def _copied(folder: Path, questions: list[str]) -> Iterator[tuple[str, bytes]]:
    """The files of a folder that students get as they are; nothing in there may be a solution."""
    if not folder.is_dir():
        raise UsageError(f"{folder}: no such folder")
    for path in sorted(folder.rglob("*")):
        if path.is_dir() or _left_alone(path.relative_to(folder)):
            continue
        yield path.relative_to(folder).as_posix(), _whole(path, questions)


def _whole(path: Path, questions: list[str]) -> bytes:
    """A file that students get as it is."""
    if path.suffix == ".py":
        for region in find_regions(read_source(path), path, questions):
            raise AuthoringError(path, region.first, "a solution region in a file that students get whole")
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
    """The given files that another assignment's reference is made into, and that lie beside this one's."""
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
    """A folder's files, and as text the links in it."""
    found = {path.relative_to(folder): path for path in folder.rglob("*") if path.is_symlink() or path.is_file()}
    return {
        short.as_posix(): _as_text(os.readlink(path)) if path.is_symlink() else path.read_bytes()
        for short, path in found.items()
        if not _left_alone(short)
    }


def _as_text(target: str) -> bytes:
    """What stands for a link, where files are compared."""
    return f"a link to {target}\n".encode()


def _write(handout: Path, drifts: list[Drift]) -> None:
    """Stage beside the handout, on the same file system; removing and renaming, which come last, need no space."""
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
                shutil.rmtree(handout / path)  # a folder of caches: whatever else was in it has been removed
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
    """Remove folders that hold nothing any more, from `folder` up to, not including, `top`."""
    while folder != top and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent
