"""Gradescope: results.json by its documentation, and the zip in a folder that plays /autograder."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from autograder.authoring.gradescope import _policy
from autograder.course.layout import Course
from autograder.course.outcome import Outcome
from autograder.course.result import SubmissionInfo
from autograder.exports import gradescope_run
from autograder.exports.gradescope import lateness, results, unreadable
from autograder.gradebook.facts import Terms
from autograder.gradebook.late import LateStep, Policy
from tests.autograder.conftest import ROOT, TOY, Toy, in_process
from tests.autograder.exports.conftest import result

FORMATS = {"enum": ["text", "html", "simple_format", "md", "ansi"]}
VISIBILITY = {"enum": ["visible", "hidden", "after_due_date", "after_published"]}
TEXT, NUMBER = {"type": "string"}, {"type": "number"}
TEST = {
    "type": "object",
    "additionalProperties": False,
    "required": ["name", "score", "max_score"],
    "properties": {
        "score": NUMBER,
        "max_score": NUMBER,
        "status": {"enum": ["passed", "failed"]},
        **dict.fromkeys(("name", "number", "output"), TEXT),
        **dict.fromkeys(("name_format", "output_format"), FORMATS),
        "tags": {"type": "array", "items": TEXT},
        "visibility": VISIBILITY,
        "extra_data": {},
    },
}
SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["score", "output_format"],
    "properties": {
        "score": NUMBER,
        "execution_time": {"type": "integer", "minimum": 0},
        "output": TEXT,
        **dict.fromkeys(("output_format", "test_output_format", "test_name_format"), FORMATS),
        **dict.fromkeys(("visibility", "stdout_visibility"), VISIBILITY),
        "extra_data": {"type": "object"},
        "tests": {"type": "array", "items": TEST},
    },
}
HOSTILE = """
import os, json, pathlib
for place in (".", "/autograder", os.environ.get("PLACE", "."), "results", "../results", "../../results"):
    try:
        pathlib.Path(place, "results.json").write_text(json.dumps({"score": 100}))
    except OSError:
        pass
print("SHOUT", json.dumps({"score": 100}))
"""


def due(at: str, *own: str) -> dict[str, Any]:
    users = [{"id": number, "assignment": {"due_date": each}} for number, each in enumerate(own)]
    return {"created_at": at, "assignment": {"due_date": "2030-01-31T23:00:00.000000-07:00"}, "users": users}


def test_lateness_is_by_each_users_own_deadline() -> None:
    came = "2030-02-01T00:00:01.000000-07:00"
    assert lateness(due(came), 0) == 3601
    assert lateness(due(came), 60) == 1
    assert lateness(due(came, "2030-02-02T23:00:00-07:00"), 0) == 0
    assert lateness(due(came, "2030-01-30T23:00:00-07:00", "2030-01-31T23:30:00-07:00"), 0) == 1801
    assert lateness(due("2030-01-31T15:00:00+09:00"), 0) == 0
    for wrong in ({}, {"created_at": came}, {"created_at": came, "assignment": {"due_date": None}, "users": []}):
        with pytest.raises(ValueError, match="does not say"):
            lateness(wrong, 0)


def told(counter: Outcome, policy: Policy, late: int, **more: Any) -> dict[str, Any]:
    toy = Toy(TOY)
    assignment = Course.find(toy.root).assignment("t1")
    found = replace(result(toy, SubmissionInfo("s", option="1"), Outcome.PASSED, counter), **more)
    data = results(found, assignment, Terms.of(assignment, policy), late)
    jsonschema.validate(data, SCHEMA)
    text = json.dumps(data)
    assert "SECRET" not in text  # what is for instructors only
    assert '"seed"' not in text
    assert data["output_format"] == data["test_output_format"] == data["test_name_format"] == "text"
    assert not [test for test in data["tests"] if test.get("visibility", "visible") != "visible"]
    return data


def test_what_a_result_becomes() -> None:
    steps = Policy(steps=(LateStep(24, 10), LateStep(48, 30)))
    data = told(Outcome.FAILED, Policy(), 0, fingerprint="91bcffffffffffff-424242-abc", isolation={"level": "C"})
    assert data["score"] == 4
    assert [(test["name"], test["score"], test["status"]) for test in data["tests"]] == [
        ("Twice as much", 4, "passed"),
        ("A counter", 0, "failed"),
    ]
    assert data["tests"][0]["output"] == "2 of 2 checks passed"
    assert "Hint: Twice as much." in data["tests"][1]["output"]
    assert data["extra_data"] == {"autograder": {"suite": "91bcffffffff", "isolation": "C"}}
    assert "424242" not in json.dumps(data)
    late = told(Outcome.PASSED, steps, 3600)
    assert late["score"] == 9
    assert "Late by 1 h: 1 taken off." in late["output"]
    assert told(Outcome.PASSED, steps, 200 * 3600)["score"] == 0
    term = told(Outcome.PASSED, replace(steps, free_days=3), 3600)
    assert term["score"] == 10
    assert "counted over the term" in term["output"]
    assert told(Outcome.PENDING, Policy(), 0)["tests"][1]["output"] == "Not decided yet."
    with pytest.raises(ValueError, match="fault of the grader"):
        told(Outcome.GRADER_ERROR, Policy(), 0)
    jsonschema.validate(unreadable("nothing"), SCHEMA)


@dataclass(frozen=True)
class Container:
    """A folder that plays /autograder, with the zip unpacked in `source/`."""

    root: Path

    def run(self, source: str | None, created: str = "2030-01-31T22:00:00.000000-07:00", **environment: str) -> int:
        submission, target = self.root / "submission", self.root / "results"
        for folder in (submission, target):
            folder.mkdir(exist_ok=True)
            for path in folder.iterdir():
                path.unlink()
        if source is None:
            (submission / "notes.md").write_text("nothing")
        else:
            (submission / "toy.py").write_text(source)
        (self.root / "submission_metadata.json").write_text(json.dumps(due(created)))
        given = {"AUTOGRADER_PYTHON": sys.executable, "AUTOGRADER_SOURCE": str(self.root / "source")}
        words = {"PYTHONPATH": str(ROOT), "PLACE": str(target)}
        done = subprocess.run(
            ["bash", self.root / "source/run_autograder"],
            cwd=self.root,
            env={**os.environ, **given, **words, **environment},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        self.said.write_text(done.stdout + done.stderr)
        return done.returncode

    @property
    def said(self) -> Path:
        return self.root / "said"

    @property
    def results(self) -> dict[str, Any] | None:
        path = self.root / "results/results.json"
        return json.loads(path.read_text()) if path.exists() else None


@pytest.fixture(scope="module")
def container(tmp_path_factory: pytest.TempPathFactory) -> Container:
    folder = tmp_path_factory.mktemp("gradescope")
    shutil.copytree(TOY, folder / "course", ignore=shutil.ignore_patterns("__pycache__"))
    toy = Toy(folder / "course")
    (toy.root / "course.toml").write_text(
        '[gradebook]\nurl = "postgresql+psycopg://secret@host/x"\n\n[late]\nsteps = [{ hours = 24, percent = 10 }]\n'
    )
    wheel = folder / "autograder-0.1.0-py3-none-any.whl"
    wheel.write_bytes(b"a wheel")
    status, said = in_process(toy, "export", "gradescope", "t1", "--to", folder / "t1.zip", "--wheel", wheel)
    assert status == 0, said
    with zipfile.ZipFile(io.BytesIO((folder / "t1.zip").read_bytes())) as archive:
        archive.extractall(folder / "autograder/source")
        names = set(archive.namelist())
    assert {"setup.sh", "run_autograder", wheel.name, "constraints.txt", "course/course.toml"} <= names
    assert not [name for name in names if "mutants" in name or "submissions" in name]
    assert "secret" not in (folder / "autograder/source/course/course.toml").read_text()
    for script in ("setup.sh", "run_autograder"):
        subprocess.run(["bash", "-n", folder / "autograder/source" / script], check=True)
    return Container(folder / "autograder")


def test_it_grades_as_we_do(container: Container) -> None:
    reference = (TOY / "solutions/t1_toy/toy.py").read_text()
    assert container.run(reference) == 0, container.said.read_text()
    data = container.results
    assert data is not None
    jsonschema.validate(data, SCHEMA)
    assert (data["score"], data["extra_data"]["autograder"]["isolation"] in "ABC") == (10, True)
    half = reference.replace("return self.total", "return self.total + 1")
    assert container.run(half, "2030-02-01T00:00:01-07:00") == 0
    data = container.results
    assert data is not None
    assert data["score"] == 3  # 4, and 10 % of 10 taken off
    assert [test["score"] for test in data["tests"]] == [4, 0]


def test_a_hostile_submission_writes_no_result(container: Container) -> None:
    assert container.run(HOSTILE) == 0
    data = container.results
    assert data is not None
    jsonschema.validate(data, SCHEMA)
    assert data["score"] == 0
    assert "SHOUT" not in container.said.read_text()
    assert sorted(path.name for path in (container.root / "results").iterdir()) == ["results.json"]


def test_what_is_no_submission_is_said(container: Container, monkeypatch: pytest.MonkeyPatch) -> None:
    (container.root / "other/submission").mkdir(parents=True)
    (container.root / "other/submission/notes.md").write_text("nothing")
    (container.root / "other/submission_metadata.json").write_text(json.dumps(due("2030-01-31T22:00:00-07:00")))
    monkeypatch.chdir(container.root / "other")
    words = ["--course", str(container.root / "source/course"), "--assignment", "t1_toy", "--minutes", "9"]
    assert gradescope_run.main(words) == 0
    data = json.loads((container.root / "other/results/results.json").read_text())
    jsonschema.validate(data, SCHEMA)
    assert "hand in toy.py" in data["output"]


SLOW = (
    (TOY / "solutions/t1_toy/toy.py").read_text()
    + """

import time


class Counter:
    def __init__(self):
        time.sleep(600)
"""
)


def test_what_is_not_finished_is_pending_and_the_rest_is_written(
    container: Container, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A question that takes ten minutes, where less is given: the other one has its points."""
    shutil.copytree(container.root / "source/course", container.root / "patient")
    manifest = container.root / "patient/solutions/t1_toy/assignment.toml"
    text = manifest.read_text().replace("call_seconds = 1", "call_seconds = 900")
    manifest.write_text(text.replace("question_seconds = 2", "question_seconds = 900"))
    (container.root / "slow/submission").mkdir(parents=True)
    (container.root / "slow/submission/toy.py").write_text(SLOW)
    (container.root / "slow/submission_metadata.json").write_text(json.dumps(due("2030-01-31T22:00:00-07:00")))
    monkeypatch.chdir(container.root / "slow")
    course = ["--course", str(container.root / "patient"), "--assignment", "t1_toy"]
    target = container.root / "slow/results/results.json"
    for minutes in ("0.001", "0.2", "0.5", "2", "5"):  # on a busy machine, starting takes most of it
        status = gradescope_run.main([*course, "--minutes", minutes])
        assert status == int(not target.exists())
        if target.exists():
            break
        assert "nothing was decided" in capsys.readouterr().out
    assert minutes != "0.001"
    data = json.loads(target.read_text())
    jsonschema.validate(data, SCHEMA)
    assert data["score"] == 4
    assert [(test["score"], test["output"].splitlines()[0]) for test in data["tests"]] == [
        (4, "3 of 3 checks passed"),
        (0, "Not decided yet."),
    ]
    assert "Not final" in data["output"]


def test_our_own_fault_writes_nothing(
    container: Container, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(container.root)
    course = ["--course", str(container.root / "source/course"), "--assignment", "t1_toy"]
    (container.root / "submission").mkdir(exist_ok=True)
    (container.root / "submission/toy.py").write_text((TOY / "solutions/t1_toy/toy.py").read_text())
    (container.root / "submission_metadata.json").write_text(json.dumps(due("2030-01-31T22:00:00-07:00")))
    target = container.root / "results/results.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text("{}")  # of a run before
    assert gradescope_run.main([*course, "--minutes", "0.0001"]) == 1  # no time at all: stopped in the middle
    assert not target.exists()
    monkeypatch.setattr(gradescope_run, "memory", lambda: 768 * 1024**2)
    assert gradescope_run.main([*course, "--minutes", "9"]) == 1
    assert "found 0.8 GB of memory. Settings" in capsys.readouterr().out
    monkeypatch.undo()
    monkeypatch.chdir(container.root)
    (container.root / "submission_metadata.json").write_text("{}")
    assert gradescope_run.main([*course, "--minutes", "9"]) == 1
    assert "does not say" in capsys.readouterr().out
    assert not target.exists()


def test_memory_is_known() -> None:
    assert 2**28 < gradescope_run.memory() <= os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


@pytest.mark.parametrize(
    "gradebook",
    [
        '[gradebook]\nurl = "secret"',
        'gradebook = { url = "secret" }',
        'gradebook.url = "secret"',
        '[ gradebook ]\nurl = "secret"',
    ],
)
def test_the_address_of_the_gradebook_stays_here(tmp_path: Path, gradebook: str) -> None:
    """However course.toml writes it. The rest says the same."""
    policy = '[late]\ngrace_minutes = 15\nsteps = [{ hours = 24, percent = 10.5 }, { percent = 30 }]\nof = "score"\n'
    shutil.copytree(TOY, tmp_path / "course")
    text = f"{gradebook}\n{policy}" if not gradebook.startswith("[") else f"{policy}{gradebook}\n"
    (tmp_path / "course/course.toml").write_text(text.replace('"secret"', '"sqlite:///secret.db"'))
    found = _policy(Course.find(tmp_path / "course")).decode()
    assert "secret" not in found
    assert tomllib.loads(found) == tomllib.loads(policy)
