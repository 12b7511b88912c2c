"""What all commands have in common."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HANDED_OUT, QUESTION = next(ROOT.glob("assignments/a6_*")), "conv-forward"


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["check", "--json", QUESTION, "--folder", str(HANDED_OUT)],
        ["check", QUESTION, "--folder", str(HANDED_OUT)],
        ["doctor", "--json"],
    ],
    ids=" ".join,
)
def test_a_reader_that_leaves_is_no_error(words: list[str]) -> None:
    command = [sys.executable, "-m", "autograder", *words]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout
    process.stdout.close()  # before anything is written, so that every write fails
    assert process.stderr
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait(60) == 1 or "--help" in words  # argparse takes no notice
