"""The Makefile that students get: what its verbs run, how they end, and what they say."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A student's folder whose environment is ready."""
    text = (ROOT / "student_template/Makefile").read_text(encoding="utf-8")
    (tmp_path / "Makefile").write_text(re.sub("@[A-Z]+@", "anything", text), encoding="utf-8")
    for name in ("requirements.txt", "constraints.txt", "anything"):
        (tmp_path / name).touch()
    shutil.copy(ROOT / "student_template/install.py", tmp_path)
    (tmp_path / ".venv/bin").mkdir(parents=True)
    return tmp_path


def answers(folder: Path, status: int) -> None:
    """An environment whose Python says its arguments and ends like this."""
    python = folder / ".venv/bin/python"
    python.write_text(f'#!/bin/sh\necho "$@"\nexit {status}\n', encoding="utf-8")
    python.chmod(0o755)
    (folder / ".venv/.ready").touch()


def make(folder: Path, *arguments: str) -> tuple[int, str, str]:
    done = subprocess.run(["make", *arguments], cwd=folder, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("verb, says", [("check", "-m autograder check\n"), ("submission", "-m autograder collect\n")])
def test_what_is_not_done_yet_ends_quietly(folder: Path, verb: str, says: str) -> None:
    """No `make: *** [Makefile:20: check] Error 1`: the command has said all there is to say."""
    for status in (0, 1):
        answers(folder, status)
        assert make(folder, verb) == (0, says, "")


@pytest.mark.parametrize("status", [2, 130])
def test_what_went_wrong_does_not(folder: Path, status: int) -> None:
    answers(folder, status)
    assert make(folder, "check", "QUESTION=no-such")[0] != 0


def install(folder: Path, *, version: tuple[int, int] = (3, 11)) -> tuple[int, str]:
    """Run install.py with a Python that says it is of this version, and with commands that only tell what they are."""
    program = f"""
import os, runpy, subprocess, sys
sys.version_info = ({version[0]}, {version[1]}, 0)
def call(command):
    print("$", *command[1:])
    if command[1:3] == ["-m", "venv"]:
        os.makedirs(".venv")
        open(".venv/pyvenv.cfg", "w").write("version = 3.11.4\\n")
    return 0
subprocess.call = subprocess.check_call = call
runpy.run_path("install.py", run_name="__main__")
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    return done.returncode, done.stdout


def test_a_wrong_python_is_named_before_anything_is_done(folder: Path) -> None:
    status, said = install(folder, version=(3, 9))
    assert status == 1
    assert "This is Python 3.9 (" in said
    assert "needs 3.11 or newer" in said
    assert "$" not in said


def test_setting_up_says_what_is_downloaded_and_shows_progress(folder: Path) -> None:
    shutil.rmtree(folder / ".venv")
    status, said = install(folder)
    assert status == 0
    assert re.search(r"The first download is about \d\.\d GB.*\. Unpacked, it takes \d\.\d GB\.", said)
    assert "$ -m venv .venv\n" in said
    assert "$ -m pip install --progress-bar on --requirement requirements.txt\n" in said
    assert (folder / ".venv/.ready").is_file()


@pytest.mark.parametrize("made_with", ["version = 3.9.1\n", "version_info = 3.10.0.final.0\n", ""])
def test_an_environment_of_a_wrong_python_is_made_anew(folder: Path, made_with: str) -> None:
    (folder / ".venv/pyvenv.cfg").write_text(made_with)
    (folder / ".venv/old").touch()
    status, said = install(folder)
    assert status == 0
    assert "It is created again" in said
    assert not (folder / ".venv/old").exists()


def test_an_environment_that_fits_is_kept(folder: Path) -> None:
    (folder / ".venv/pyvenv.cfg").write_text("version = 3.12.1\n")
    (folder / ".venv/old").touch()
    status, said = install(folder)
    assert (status, "created again" in said, (folder / ".venv/old").exists()) == (0, False, True)


def test_make_setup_names_a_missing_python(folder: Path) -> None:
    status, said, _ = make(folder, "setup", "PYTHON=")
    assert status != 0
    assert "There is no python3 here" in said
