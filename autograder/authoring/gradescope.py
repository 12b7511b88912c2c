"""Packs the zip that an instructor uploads to Gradescope: one assignment, this package, and two shell scripts."""

from __future__ import annotations

import zipfile

import tomlkit

from autograder.authoring.handout import Wheel
from autograder.course.layout import Course
from autograder.course.model import Assignment
from autograder.errors import UsageError
from autograder.gradebook.settings import Settings
from autograder.submission.collect.zip import zip_bytes

__all__ = ["gradescope_zip"]

SKIPPED = {"__pycache__", ".ipynb_checkpoints", ".DS_Store"}
MOMENT = (2020, 2, 2, 0, 0, 0)
SETUP = """#!/usr/bin/env bash
# Runs once, when the image is built. Installs libseccomp, Python, and this package at the course's versions.
set -euo pipefail
cd /autograder/source
apt-get update
apt-get install --yes --no-install-recommends libseccomp2 python3-venv
PYTHON=python3
if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    apt-get install --yes --no-install-recommends python3.11 python3.11-venv
    PYTHON=python3.11
fi
rm -rf /var/lib/apt/lists/*
$PYTHON -m venv /autograder/venv
# The default index has torch with CUDA. For a far smaller image, set PIP_EXTRA_INDEX_URL here to PyTorch's index of CPU
# builds.
/autograder/venv/bin/python -m pip install --no-cache-dir --constraint constraints.txt "./{wheel}[grader]"
chown -R root:root /autograder/source
chmod -R go= /autograder/source
"""
RUN = """#!/usr/bin/env bash
# Runs for each submission, in /autograder. `doctor` tests the confinement: where it is too weak, nothing is graded.
export OMP_NUM_THREADS=1
PYTHON=${{AUTOGRADER_PYTHON:-/autograder/venv/bin/python}}
SOURCE=${{AUTOGRADER_SOURCE:-/autograder/source}}
"$PYTHON" -m autograder doctor > /dev/null || {{ echo "this container cannot confine a submission"; exit 1; }}
set -- --course "$SOURCE/course" --assignment {assignment} --minutes {minutes}
exec "$PYTHON" -m autograder.exports.gradescope_run "$@"
"""


def gradescope_zip(course: Course, assignment: Assignment, wheel: Wheel, minutes: int) -> bytes:
    """The zip's bytes: `setup.sh`, `run_autograder`, the wheel, constraints.txt, and `course/` with one assignment.

    Args:
        minutes: the limit for grading one submission; less than Gradescope's own limit.

    Raises:
        UsageError: a part of the course is missing.
    """
    files = {
        "setup.sh": SETUP.format(wheel=wheel.name).encode(),
        "run_autograder": RUN.format(assignment=assignment.name, minutes=minutes).encode(),
        wheel.name: wheel.content,
        "constraints.txt": course.constraints.read_bytes() if course.constraints.is_file() else b"",
        **{f"course/{name}": data for name, data in sorted(_course(course, assignment).items())},
    }
    return zip_bytes(files, MOMENT, zipfile.ZIP_DEFLATED)


def _course(course: Course, assignment: Assignment) -> dict[str, bytes]:
    """The files that grading one assignment reads, without other assignments, mutants and submissions."""
    folders = [course.solution(assignment), course.hidden(assignment), course.common, course.handout(assignment)]
    found = {}
    for folder in folders:
        for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
            if path.is_file() and not SKIPPED & set(path.parts):
                found[path.relative_to(course.root).as_posix()] = path.read_bytes()
    for path in (course.rules_file, *course.lenders(assignment).values()):
        if path.is_file():
            found[path.relative_to(course.root).as_posix()] = path.read_bytes()
    if not any(name.startswith("tests/hidden/") for name in found):
        raise UsageError(f"{course.hidden(assignment)}: no hidden checks here")
    found["course.toml"] = _policy(course)
    return found


def _policy(course: Course) -> bytes:
    """course.toml without its `[gradebook]` table: the container must not know the gradebook's address."""
    Settings.read(course)  # raises UsageError now if course.toml is wrong
    path = course.root / "course.toml"
    document = tomlkit.parse(path.read_text(encoding="utf-8")) if path.is_file() else tomlkit.document()
    document.pop("gradebook", None)
    return tomlkit.dumps(document).encode()
