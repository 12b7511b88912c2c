"""Packs the zip that students get: an assignment's handout, the filled-in template, and the wheel of this package.

The template is `student_template/`. Its placeholders (`@TITLE@`, `@WHEEL@`, …) are replaced for each assignment.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import autograder
from autograder.authoring.build import handout_files
from autograder.checks.public.run import CHECKS
from autograder.checks.sides.recorded import ANSWERS
from autograder.course.layout import Course
from autograder.course.model import Assignment
from autograder.errors import UsageError
from autograder.submission.collect.zip import zip_bytes

__all__ = ["Wheel", "build_wheel", "handout_name", "handout_zip", "portable"]

DISTRIBUTION = "autograder"
PLACEHOLDER = re.compile(r"@[A-Z]+@")
# 2 February 2020, hatchling's default. Any fixed time works that a zip can store.
EPOCH, MOMENT = "1580601600", (2020, 2, 2, 0, 0, 0)
LEFT_ALONE = {"__pycache__", ".DS_Store"}
# Device names that Windows refuses as file names, with any extension, and characters that it refuses in names.
DEVICES = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\.|$)")
FOREIGN = re.compile(r'[<>:"|?*\\\x00-\x1f]|[. ]$')
MAX_PATH = 120  # characters of a path in the zip: Windows allows 260 for the whole path


@dataclass(frozen=True)
class Wheel:
    """A built wheel: its file name, which pip needs unchanged, and its bytes."""

    name: str
    content: bytes

    @classmethod
    def read(cls, path: Path) -> Wheel:
        """The wheel of this package at `path`. Raises UsageError if that is no such wheel."""
        if not path.is_file() or not re.fullmatch(rf"{DISTRIBUTION}-[^-]+-py3-none-any\.whl", path.name):
            raise UsageError(f"{path}: not a wheel of {DISTRIBUTION}")
        return cls(path.name, path.read_bytes())


def build_wheel() -> Wheel:
    """Build the wheel of this package from its sources. Equal sources give equal bytes.

    Raises:
        UsageError: this package does not run from its sources, or the build tool hatchling is missing or fails.
    """
    source = Path(autograder.__file__).resolve().parents[1]
    if not _is_source(source):
        raise UsageError(f"{source}: not the sources of {DISTRIBUTION}: build a wheel there, and name it with --wheel")
    with tempfile.TemporaryDirectory(prefix="wheel-") as folder:
        command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder]
        env = os.environ | {"SOURCE_DATE_EPOCH": EPOCH}
        done = subprocess.run(command, cwd=source, env=env, capture_output=True, text=True)
        if done.returncode:
            why = (done.stderr.strip() or done.stdout.strip() or "no reason given").splitlines()[-1]
            raise UsageError(f"{source}: the wheel cannot be built: {why}")
        (path,) = Path(folder).glob("*.whl")
        return Wheel.read(path)


def _is_source(folder: Path) -> bool:
    try:
        return bool(tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"]["name"] == DISTRIBUTION)
    except (OSError, KeyError, tomllib.TOMLDecodeError):
        return False


def handout_name(assignment: Assignment) -> str:
    """The zip's file name."""
    return f"{assignment.name}-handout.zip"


def handout_zip(course: Course, assignment: Assignment, wheel: Wheel) -> bytes:
    """The zip for students, with one folder at its root. Equal sources give equal bytes.

    Raises:
        UsageError: a source is missing or cannot be built, the template has an unknown placeholder, two sources give
            the same file, or some system does not allow a file's name.
    """
    answers = course.handout(assignment) / CHECKS / ANSWERS
    parts = (
        handout_files(course, assignment, answers.read_bytes() if answers.is_file() else None),
        _surroundings(course, assignment, wheel),
        {wheel.name: wheel.content, course.constraints.name: _read(course.constraints).encode()},
    )
    names = Counter(name for part in parts for name in part)
    if twice := [name for name, times in names.items() if times > 1]:
        raise UsageError(f"{twice[0]}: both {course.template.name}/ and the assignment have it")
    portable(names)
    files = {name: data for part in parts for name, data in part.items()}
    return zip_bytes({f"{assignment.name}/{name}": files[name] for name in sorted(files)}, MOMENT)


def _surroundings(course: Course, assignment: Assignment, wheel: Wheel) -> dict[str, bytes]:
    """The files of the template with their placeholders replaced."""
    pins = dict(re.findall(r"^([\w.-]+)==(\S+)$", _read(course.constraints), re.MULTILINE))
    values = {
        "@NUMBER@": str(assignment.number),
        "@TITLE@": assignment.title,
        "@FOLDER@": assignment.name,
        "@ZIP@": handout_name(assignment),
        "@MODULES@": "`, `".join(assignment.files),
        "@NOTEBOOKS@": "`, `".join(assignment.notebooks),
        "@NOTEBOOK@": next(iter(assignment.notebooks), ""),
        "@QUESTION@": assignment.questions[0].id,
        "@WHEEL@": wheel.name,
        "@TORCH@": pins.get("torch"),
        "@OTTER@": pins.get("otter-grader"),
    }
    if not course.template.is_dir():
        raise UsageError(f"{course.template}: no such folder: the template of every handout belongs there")
    paths = (path for path in course.template.rglob("*") if path.is_file() and not LEFT_ALONE & set(path.parts))
    files = {path.relative_to(course.template).as_posix(): _read(path) for path in paths}
    return {name: _filled(course.template / name, text, values).encode() for name, text in files.items()}


def _filled(path: Path, text: str, values: Mapping[str, str | None]) -> str:
    def value(match: re.Match[str]) -> str:
        found = values.get(match[0])
        if found is None:
            raise UsageError(f"{path}: no value for the placeholder {match[0]}; known: {', '.join(values)}")
        return found

    return PLACEHOLDER.sub(value, text)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot be read as text: {error}") from None


def portable(names: Iterable[str]) -> None:
    """Check that every system can hold files of these names. They are relative, with forward slashes.

    Raises:
        UsageError: some system refuses a name, or two names differ only in case.
    """
    seen: dict[str, str] = {}
    for name in names:
        parts = PurePosixPath(name).parts
        if any(FOREIGN.search(part) or DEVICES.match(part) for part in parts) or len(name) > MAX_PATH:
            raise UsageError(f"{name}: not every system allows this file name")
        for end in range(1, len(parts) + 1):
            path = "/".join(parts[:end])
            if seen.setdefault(path.casefold(), path) != path:
                raise UsageError(
                    f"{path}: differs from {seen[path.casefold()]} only in case: the same file on some systems"
                )
