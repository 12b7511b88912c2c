"""Runs in Gradescope's container: grades the files in `submission/` and writes `results/results.json`.

After a fault of ours there is no results.json. Gradescope then says that the autograder failed, not the student, and
records no 0. The file appears whole, by rename.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from autograder.course.layout import Course
from autograder.course.model import Assignment
from autograder.course.outcome import Outcome
from autograder.course.result import SubmissionResult
from autograder.errors import AutograderError
from autograder.exports.gradescope import lateness, results, unreadable
from autograder.files import whole
from autograder.gradebook.settings import Settings

__all__ = ["main"]

LEAST_MEMORY = 3 * 1024**3  # bytes: torch beside a grader and a worker
TO_END = 180  # seconds for writing the results after the time is over
READABLE = (".py", ".ipynb", ".zip", ".txt", ".tgz", ".gz", ".tar")
SETTING = "Settings → Autograder → Container specifications: choose 3 GB of memory or more, and a timeout of 40 minutes"


def main(argv: list[str] | None = None) -> int:
    """Grade the submission below the working folder. Returns 0, or 1 if nothing was written."""
    parser = argparse.ArgumentParser(prog="run_autograder")
    parser.add_argument("--course", type=Path, required=True)
    parser.add_argument("--assignment", required=True)
    parser.add_argument("--minutes", type=float, required=True)
    args = parser.parse_args(argv)
    root = Path.cwd()
    target = root / "results/results.json"
    target.unlink(missing_ok=True)
    try:
        if memory() < LEAST_MEMORY:
            return _fault(f"found {memory() / 1024**3:.1f} GB of memory. {SETTING}")
        course = Course.find(args.course)
        assignment = course.assignment(args.assignment)
        terms = Settings.read(course).terms(assignment)
        metadata = json.loads((root / "submission_metadata.json").read_text(encoding="utf-8"))
        late = lateness(metadata, terms.policy.grace_minutes)
        if not _handed_in(root / "submission"):
            data = unreadable(f"Nothing here can be graded: hand in {' and '.join(assignment.files)}, or a zip of it.")
        else:
            with tempfile.TemporaryDirectory(prefix="autograder-") as work:
                found = _graded(args.course, assignment, root / "submission", Path(work), args.minutes)
            data = results(found, assignment, terms, late)
    except (AutograderError, OSError, ValueError, subprocess.TimeoutExpired) as error:
        return _fault(str(error))
    _write(target, data)
    return 0


def memory() -> int:
    """The memory of this container, in bytes."""
    found = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for path in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        with suppress(OSError, ValueError):  # another version of cgroups, or "max"
            found.append(int(Path(path).read_text(encoding="ascii")))
    return min(found)


def _handed_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and path.name.lower().endswith(READABLE)]


def _graded(course: Path, assignment: Assignment, submission: Path, work: Path, minutes: float) -> SubmissionResult:
    """The result of the one submission. Checks that are undecided after so many minutes are pending.

    Raises:
        ValueError: there is no result, or no check was decided.
        TimeoutExpired: the grading did not end in time.
    """
    inside = [path for path in submission.iterdir() if not path.name.startswith(".")]
    given = work / "submitted"
    given.mkdir()
    if len(inside) == 1 and inside[0].is_file() and inside[0].suffix.lower() == ".zip":
        shutil.copy(inside[0], given / inside[0].name)  # the option may be in its name
    else:
        shutil.copytree(submission, given / "submission", symlinks=True)
    command = [sys.executable, "-m", "autograder", "--course", str(course), "grade", assignment.name, str(given)]
    command += ["--out", str(work / "graded"), "--book", f"sqlite:///{work}/gradebook.db", "--jobs", "1"]
    command += ["--minutes", str(minutes)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60 * minutes + TO_END, check=False)
    found = list(work.glob("graded/*/result.json"))
    if done.returncode or len(found) != 1:
        last_line = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["no word"]
        raise ValueError(f"grading ended with {done.returncode} and {len(found)} results: {last_line[0]}")
    result = SubmissionResult.from_json(json.loads(found[0].read_text(encoding="utf-8")))
    if all(question.outcome is Outcome.PENDING for question in result.questions):
        raise ValueError(f"nothing was decided in {minutes:g} minutes")
    return result


def _write(target: Path, data: dict[str, Any]) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with whole(target) as file:
        file.write((json.dumps(data, indent=1, allow_nan=False) + "\n").encode())


def _fault(why: str) -> int:
    """Print the reason. Only instructors see the standard output."""
    print(f"nothing was graded: {re.sub(r'[^ -~]', '?', why)}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
