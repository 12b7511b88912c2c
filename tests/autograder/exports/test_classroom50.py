"""Classroom 50 takes what its script writes: the rules of its schema and of its validator, restated."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from tests.autograder.conftest import ROOT

TEXT = {"type": "string", "minLength": 1}
COUNT = {"type": "integer", "minimum": 0}
TEST = {
    "type": "object",
    "required": ["test-name", "passed", "score", "max-score"],
    "properties": {"test-name": TEXT, "passed": {"type": "boolean"}, "score": COUNT, "max-score": COUNT},
}
PROPERTIES = {
    "schema": {"const": "classroom50/result/v1"},
    **dict.fromkeys(("classroom", "assignment", "owner", "commit", "release", "review"), TEXT),
    "assignment_type": {"enum": ["individual", "group"]},
    "submission": {"type": "string", "pattern": "^submit/"},
    "datetime": {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}T([01]\d|2[0-3]):[0-5]\d:[0-5]\dZ$"},
    **dict.fromkeys(("score", "max-score"), COUNT),
    "tests": {"type": "array", "items": TEST},
}
SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": list(PROPERTIES),
    "properties": PROPERTIES,
}
GIVEN = {
    "CLASSROOM": "gev6135",
    "ASSIGNMENT": "w6",
    "OWNER": "kimms",
    "SUBMISSION_TAG": "submit/20221202T145900Z-1a2b3c4",
    "COMMIT_URL": "https://example.org/commit",
    "RELEASE_URL": "https://example.org/release",
}


def validate_result(found: dict) -> None:
    """runner.py and collect_scores.py, validate_result: what the schema cannot say."""
    jsonschema.validate(found, SCHEMA)
    assert found["score"] <= found["max-score"]
    for each in found["tests"]:
        assert each["score"] <= each["max-score"]
    assert (found["classroom"], found["assignment"], found["owner"]) == ("gev6135", "w6", "kimms")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    place = tmp_path / "repository"
    shutil.copytree(ROOT / "assignments/a6_convolutional_networks", place, ignore=shutil.ignore_patterns("__pycache__"))
    return place


def run(repository: Path) -> subprocess.CompletedProcess[str]:
    script = ROOT / "student_template/classroom50/autograder.py"
    environment = {**os.environ, **GIVEN, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, script],
        cwd=repository,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_one_answer_of_several(repository: Path) -> None:
    """The reference, with one function that is yet to be written."""
    module = repository / "convolutional_networks.py"
    reference = (ROOT / "solutions/a6_convolutional_networks" / module.name).read_text(encoding="utf-8")
    first = "class MaxPool"
    assert first in reference
    module.write_text(reference.split(first)[0], encoding="utf-8")
    assert run(repository).returncode == 0
    found = json.loads((repository / "result.json").read_text())
    validate_result(found)
    right = {each["test-name"]: each["passed"] for each in found["tests"]}
    assert right["conv-forward"]
    assert not right["pool-forward"]
    assert 0 < found["score"] < found["max-score"]


def test_what_cannot_be_checked_is_no_zero(repository: Path) -> None:
    (repository / "public_checks").rename(repository / "gone")
    done = run(repository)
    assert done.returncode
    assert done.stderr.strip()
    assert not (repository / "result.json").exists()
