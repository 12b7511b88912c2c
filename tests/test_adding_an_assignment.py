"""docs/add-an-assignment.md, followed to the letter in a copy of what every assignment shares, and nothing else.

The page's blocks are files, each under its path in bold, and commands with what they print.
"""

from __future__ import annotations

import csv
import dataclasses
import doctest
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from autograder import checks
from autograder.course.model import Assignment, Component, Limits, NotebookLimits, Option, Question
from autograder.grading.mutants.file import MutantTable

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/add-an-assignment.md"
# What is there before an author begins: settings, the given library, and what is asked of every assignment.
SHARED = (
    "pyproject.toml",
    "solutions/common",
    "tests/autograder/authoring/test_handouts.py",
    "tests/submissions/golden.py",
    "tests/submissions/make_sample.py",
    "tests/test_course.py",
    "tests/test_notebooks.py",
)
BLOCK = re.compile(
    r"(?:^\*\*`(?P<path>[^`\n]+)`\*\*\n\n)?^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
BIN = ".venv/bin/"
COMMAND_SECONDS = 300


@dataclass(frozen=True)
class File:
    """A file that the page gives, by its path in the course."""

    path: str
    text: str


@dataclass(frozen=True)
class Command:
    """A command that the page gives, and all that it should print."""

    line: str
    printed: str

    def __str__(self) -> str:
        return self.line


def read(page: str) -> list[File | Command]:
    """The page's files and commands, in order."""
    steps: list[File | Command] = []
    for block in BLOCK.finditer(page):
        if block["path"]:
            steps.append(File(block["path"], block["text"]))
        else:
            assert block["language"] == "console", f"neither a file nor a command: {block['text'][:80]!r}"
            for part in re.split(r"^\$ ", block["text"], flags=re.MULTILINE)[1:]:
                line, _, printed = part.partition("\n")
                steps.append(Command(line, printed))
    return steps


STEPS = read(PAGE.read_text(encoding="utf-8"))
COMMANDS = [step for step in STEPS if isinstance(step, Command)]


@dataclass(frozen=True)
class Followed:
    """A course in which the page was followed, and how each command ended."""

    root: Path
    done: dict[Command, subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Followed:
    """Follows the page up to the first command that fails."""
    root = tmp_path_factory.mktemp("course")
    for name in SHARED:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, root / name)
    done: dict[Command, subprocess.CompletedProcess[str]] = {}
    for step in STEPS:
        if isinstance(step, File):
            (root / step.path).parent.mkdir(parents=True, exist_ok=True)
            (root / step.path).write_text(step.text, encoding="utf-8")
            continue
        done[step] = run(step.line, root)
        if done[step].returncode:
            break
    return Followed(root, done)


def run(line: str, root: Path) -> subprocess.CompletedProcess[str]:
    """Run a command of the page in the environment that these tests run in."""
    assert line.startswith(BIN)
    program, *words = line.split()
    settings = {**os.environ, "COLUMNS": "100", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    for name in ("PYTEST_ADDOPTS", "PYTEST_CURRENT_TEST"):
        settings.pop(name, None)
    return subprocess.run(
        [Path(sys.executable).with_name(program.removeprefix(BIN)), *words],
        cwd=root,
        env=settings,
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
    )


@pytest.mark.parametrize("command", COMMANDS, ids=str)
def test_every_command_prints_what_the_page_says(followed: Followed, command: Command) -> None:
    assert command in followed.done, "an earlier command failed"
    done = followed.done[command]
    assert done.returncode == 0, done.stdout + done.stderr
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    fits = doctest.OutputChecker().check_output(command.printed, done.stdout, flags)
    assert fits, f"wanted:\n{command.printed}\nprinted:\n{done.stdout}"


def test_the_reference_has_full_marks_and_the_stub_none(followed: Followed) -> None:
    with (followed.root / "reports/grades.csv").open(encoding="utf-8-sig", newline="") as table:
        scores = {row["name"]: float(row["score"]) for row in csv.DictReader(table)}
    assert scores["han_dana"] == 100
    assert scores["jang_min"] == 0


def test_every_mutant_is_caught(followed: Followed) -> None:
    done = run(f"{BIN}autograder mutants a99 --json --seed 1", followed.root)
    mutants = json.loads(done.stdout)["mutants"]
    assert len(mutants) >= 2
    assert [mutant["id"] for mutant in mutants if not mutant["caught"]] == []


def test_every_place_that_the_page_names_is_there(followed: Followed) -> None:
    rows = re.findall(r"^\| `([^`]+/[^`]+)` \|", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert len(rows) >= 6
    assert [row for row in rows if not (followed.root / row).exists()] == []


def defaults(kind: type) -> dict[str, object]:
    return {field.name: field.default for field in dataclasses.fields(kind)}


@pytest.mark.parametrize("kind", [Assignment, Component, Limits, Option, Question], ids=lambda kind: kind.__name__)
def test_every_key_of_the_manifest_is_explained(kind: type) -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \|.*\| ([^|]+) \|$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE))
    tables = {"id", "name", "questions", "options", "limits", "notebook_limits", "lent"}  # `lent` follows from `given`
    made_elsewhere = tables if kind is Assignment else set()
    for key, default in defaults(kind).items():
        if key not in made_elsewhere:
            assert key in rows
            if isinstance(default, (int, float)) and not isinstance(default, bool):
                assert float(rows[key]) == default, key


def test_every_limit_of_a_notebook_is_explained() -> None:
    page = PAGE.read_text(encoding="utf-8")
    said = [f"`{key}` ({default:g})" for key, default in defaults(NotebookLimits).items()]
    assert [words for words in said if words not in page] == []


def test_every_name_that_an_author_may_use_is_explained() -> None:
    page = PAGE.read_text(encoding="utf-8")
    names = [*checks.__all__, *defaults(MutantTable)]
    assert [name for name in names if f"`{name}" not in page] == []
