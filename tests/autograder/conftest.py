"""A toy course to run the engine on: its reference, and submissions made from it by replacing a line or two."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from autograder.cli import main

collect_ignore = ["toy_course", "toy_parts"]  # their checks are checks, and each has a `common` of its own

TOY = Path(__file__).parent / "toy_course"
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Toy:
    """A copy of the toy course, with a folder of submissions."""

    root: Path

    @property
    def reference(self) -> str:
        return (self.root / "solutions/t1_toy/toy.py").read_text()

    @property
    def submitted(self) -> Path:
        return self.root / "submitted"

    def submit(self, name: str, *changes: tuple[str, str], source: str | None = None) -> Path:
        """A zip that holds the reference after the changes, each of which must change something."""
        text = self.reference if source is None else source
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        self.submitted.mkdir(exist_ok=True)
        path = self.submitted / f"{name}.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("toy.py", text)
        return path

    def command(self, *words: str | Path) -> list[str]:
        return [sys.executable, "-m", "autograder", "--course", str(self.root), *map(str, words)]

    def run(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        """`autograder WORDS…`, on this course."""
        environment = {**os.environ, "COLUMNS": "100"}
        return subprocess.run(
            self.command(*words), cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300
        )


def in_process(toy: Toy, *words: str | Path) -> tuple[int, str]:
    """`autograder WORDS…` in this process: its exit status and what it printed. For commands that grade nothing."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        status = main(["--course", str(toy.root), *map(str, words)])
    return status, printed.getvalue()


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """No test finds a verdict on a reference that somebody's earlier run kept."""
    os.environ["AUTOGRADER_CACHE"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(autouse=True, scope="module")
def _no_library_of_another_course() -> None:
    """Forget the given library that tests of the real course have imported: a toy course has one of the same name."""
    for name in [name for name in sys.modules if name.split(".")[0] == "common"]:
        del sys.modules[name]


@pytest.fixture
def toy(tmp_path: Path) -> Toy:
    shutil.copytree(TOY, tmp_path / "course", ignore=shutil.ignore_patterns("__pycache__"))
    return Toy(tmp_path / "course")
