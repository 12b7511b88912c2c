"""Time is somebody's: who sleeps, dies or works at odd moments spends their own time, and gains nothing by it.

The submissions stand in `submissions/hostile/time/`, one file each, to be put at the end of a toy module that is right.
Their class has eight seconds for each, and is graded in one run: everybody has a result, and it is nobody else's fault.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.autograder.conftest import TOY, Toy
from tests.autograder.test_running_time import speed, timed

SOURCES = {path.stem: path for path in sorted((Path(__file__).parent / "submissions/hostile/time").glob("*.py"))}
SECONDS = 8
# The grader's own numbers: denormal ones are zero there, since each takes a hundred times as long as another number.
DENORMAL = """


@pytest.mark.question("double")
def test_denormal_numbers_are_zero_here(student):
    student.double(torch.zeros(1))
    if torch.tensor(1e-42).mul(0.5) != 0:
        raise CheckFailed("there are denormal numbers")
"""


@dataclass(frozen=True)
class Class:
    done: subprocess.CompletedProcess[str]
    results: dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> Class:
    course = tmp_path_factory.mktemp("time") / "course"
    shutil.copytree(TOY, course, ignore=shutil.ignore_patterns("__pycache__"))
    toy = timed(Toy(course))
    manifest = course / "solutions/t1_toy/assignment.toml"
    manifest.write_text(manifest.read_text().replace("[limits]\n", f"[limits]\nsubmission_seconds = {SECONDS}\n"))
    with (course / "tests/hidden/t1_toy/test_toy.py").open("a") as file:
        file.write(DENORMAL)
    for name, path in SOURCES.items():
        toy.submit(name, source=f"{toy.reference}\n\n{path.read_text()}")
    toy.submit("statements", source=f"{toy.reference}\n\n{'x=1;' * 50_000}\n")
    toy.submit("honest")
    out = course / "reports"
    done = toy.run("grade", "t1", toy.submitted, "--out", out, "--jobs", "2")
    return Class(done, {path.parent.name: json.loads(path.read_text()) for path in out.glob("*/result.json")})


def cases(result: dict[str, Any]) -> list[dict[str, Any]]:
    return [case for question in result["questions"] for case in question["cases"]]


def test_everybody_has_a_result(graded: Class) -> None:
    assert graded.done.returncode == 0, graded.done.stdout + graded.done.stderr
    assert graded.results.keys() == {*SOURCES, "honest", "statements"}
    for name, result in graded.results.items():
        assert all(case["outcome"] != "grader_error" for case in cases(result)), name


def test_honest_work_is_untouched(graded: Class) -> None:
    assert {case["outcome"] for case in cases(graded.results["honest"])} <= {"passed", "pending", "too_noisy"}


def test_what_is_left_when_time_is_over_is_a_timeout(graded: Class) -> None:
    case = speed(graded.results["sleeps_everywhere"])["gpu"]
    assert case["outcome"] == "timeout"
    assert f"has used up the {SECONDS} s that it may take in all" in case["message"]
    assert speed(graded.results["sleeps_everywhere"])["score"] == 0


@pytest.mark.parametrize("name", ["closes_and_sleeps", "dies_each_time"])
def test_who_ends_the_process_is_not_waited_for(graded: Class, name: str) -> None:
    assert {case["outcome"] for case in cases(graded.results[name])} <= {"crashed", "timeout", "pending", "blocked"}
    assert graded.results[name]["score"] == 0


@pytest.mark.parametrize("name", ["work_in_the_digest", "work_while_laying", "two_speeds"])
def test_work_at_odd_moments_counts(graded: Class, name: str) -> None:
    case = speed(graded.results[name])["forward"]
    assert (case["outcome"], case["credit"]) == ("too_slow", 0.0), case


def test_a_source_of_many_statements_is_not_looked_at(graded: Class) -> None:
    """It is run all the same."""
    assert speed(graded.results["statements"])["forward"]["credit"] == 1.0
