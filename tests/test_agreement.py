"""The notebook's checks and `autograder check` say the same of submissions of a sample class, case by case."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.submissions import golden

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def said() -> dict[str, Any]:
    """What both ways say of one of each kind in the class of assignment 6; `python -m tests.agreement` has the rest."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "tests.agreement", "a6", "--few"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.stdout, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_both_ways_say_the_same(said: dict[str, Any]) -> None:
    assert {name: told["notebook"] for name, told in said.items()} == {
        name: told["command"] for name, told in said.items()
    }


def test_all_kinds_were_asked_and_all_kinds_of_answers_came(said: dict[str, Any]) -> None:
    graded = golden.read("a6")
    outcomes = [{outcome for _, outcome in graded[name]["questions"].values()} for name in said]
    everything = {outcome for of in graded.values() for _, outcome in of["questions"].values()}
    assert set().union(*outcomes) == everything
    answers = [answer for told in said.values() for answer in told["command"].values()]
    cases = [passed for answer in answers if isinstance(answer, dict) for passed in answer.values()]
    assert {True, False} == set(cases)
    assert {"did not end", "ended with status 0", "refused"} <= {
        answer for answer in answers if isinstance(answer, str)
    }
