"""Harm beyond one's own points: a class page, the grader's memory or its start, and inputs that a student would read.

Each attack is handed in beside the same work without it, in one class of the toy course that is graded with its
notebooks. Nobody loses a page or a point by it, and nothing that a submission chose stands on its student's page.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.autograder.conftest import ROOT, TOY, Toy
from tests.autograder.grading.notebooks import file_of, handed_out

HARM = Path(__file__).parent / "submissions/hostile/harm"
# By attack, the control: the same work without it.
CONTROLS = {
    "lone_surrogate": "reference",
    "sparse_file": "reference",
    "parameter_of_250_mb": "other_bias",
    "bias_of_60_million": "other_bias",
    "shape_that_spells": "wrong_shape",
    "line_that_spells": "wrong_shape",
}
NEIGHBOUR = "zz_honest"
SPARSE = 200 << 30  # bytes
MAX_MEMORY = 600_000  # KiB of any trusted process: one that has torch and no tensors takes half of that
# A question with a module and a question whose inputs are worth knowing, beside those of the toy course.
QUESTIONS = """
[[questions]]
id = "layer"
title = "A layer"
points = 10
component = "Layer"
"""
CHECKS = """

from autograder.checks import assert_matches, modules


@pytest.mark.question("layer")
def test_layer(student, reference, rng):
    x = rng.normal(2, 3, dtype=torch.float32)
    ours = reference.Layer()
    weights = modules.draw_weights(rng, ours, x, dtype=torch.float32)
    theirs = student.Layer()
    run = modules.run(theirs, x, weights=weights, training=False, set_aside_biases=True)
    assert_matches(run.output, modules.run(ours, x, weights=weights, training=False).output)
    modules.read(theirs, x, like=ours)


@pytest.mark.question("layer")
def test_secret(student, reference, rng):
    x = rng.uniform(4, dtype=torch.float32)
    assert_matches(student.double(x), reference.double(x))
"""
LAYER_SAYS = "super().__init__()\n        self.linear = torch.nn.Linear(3, 2)"
LAYER = f"""

class Layer(torch.nn.Module):
    def __init__(self):
        {LAYER_SAYS}

    def forward(self, x):
        return self.linear(x)
"""


@dataclass(frozen=True)
class Class:
    """A graded class: its pages, its exit status, what it printed, and the most memory of one process, in KiB."""

    out: Path
    status: int
    printed: str
    memory: int

    def result(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.out / name / "result.json").read_text())
        return found

    def page(self, name: str) -> str:
        return (self.out / name / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> Class:
    course = tmp_path_factory.mktemp("harm") / "course"
    shutil.copytree(TOY, course, ignore=shutil.ignore_patterns("__pycache__"))
    toy = Toy(course)
    _extend(toy)
    for name in (*CONTROLS, *CONTROLS.values(), NEIGHBOUR):
        code = HARM / f"{name}.py"
        source = f"{toy.reference}\n\n{code.read_text()}" if code.is_file() else toy.reference
        path = toy.submit(name, source=source)
        answered = handed_out()
        answered[-1]["source"] = "Because \ud800 it is so." if name == "lone_surrogate" else "Because it is so."
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr("toy.ipynb", file_of(answered))
    _unpack(toy.submitted / "sparse_file.zip")
    os.truncate(toy.submitted / "sparse_file/data.bin", SPARSE)
    return _grade(toy)


def _extend(toy: Toy) -> None:
    """A notebook and a question more."""
    solution, handout = toy.root / "solutions/t1_toy", toy.root / "assignments/t1_toy"
    manifest = (solution / "assignment.toml").read_text()
    manifest = manifest.replace('module = "toy"\n', 'module = "toy"\nnotebook = "toy.ipynb"\n')
    limits = manifest.replace("_seconds = 1\n", "_seconds = 4\n").replace("_seconds = 2\n", "_seconds = 8\n")
    (solution / "assignment.toml").write_text(limits.replace("memory_mb = 256", "memory_mb = 1024") + QUESTIONS)
    with (solution / "toy.py").open("a") as file:
        file.write(LAYER)
    with (toy.root / "tests/hidden/t1_toy/test_toy.py").open("a") as file:
        file.write(CHECKS)
    handout.mkdir(parents=True)
    stubs = toy.reference.replace("return SCALE * x", 'raise NotImplementedError("double")')
    stubs = stubs.replace(LAYER_SAYS, 'raise NotImplementedError("layer")')
    (handout / "toy.py").write_text(stubs.replace("return self.linear(x)", 'raise NotImplementedError("layer")'))
    (handout / "toy.ipynb").write_bytes(file_of(handed_out()))


def _unpack(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        archive.extractall(path.with_suffix(""))
    path.unlink()
    (path.with_suffix("") / "data.bin").touch()


def _grade(toy: Toy) -> Class:
    """In a process that has no other children, whose memory would be counted too."""
    out = toy.root / "reports"
    command = toy.command("grade", "t1", toy.submitted, "--out", out, "--jobs", "2", "--notebooks", "--seed", "3")
    program = (
        "import resource, subprocess, sys; status = subprocess.run(sys.argv[1:]).returncode; "
        "print(status, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *command], cwd=ROOT, capture_output=True, text=True, timeout=400
    )
    status, memory = done.stdout.split()[-2:]
    return Class(out, int(status), done.stdout + done.stderr, int(memory))


def test_everybody_has_pages(graded: Class) -> None:
    assert graded.status == 0, graded.printed
    index = (graded.out / "index.html").read_text(encoding="utf-8")
    for name in (*CONTROLS, *CONTROLS.values(), NEIGHBOUR):
        assert name in index
        assert (graded.out / name / "notebook.html").is_file(), graded.printed
        outcomes = {question["outcome"] for question in graded.result(name)["questions"]}
        assert "grader_error" not in outcomes
    answers = (graded.out / "answers.html").read_text(encoding="utf-8")
    assert answers.count("Because") == len({*CONTROLS, *CONTROLS.values(), NEIGHBOUR})


@pytest.mark.parametrize("attack", CONTROLS)
def test_an_attack_gains_and_harms_nothing(
    graded: Class, attack: str, record_property: Callable[[str, object], None]
) -> None:
    over = round(graded.result(attack)["score"] - graded.result(CONTROLS[attack])["score"], 2)
    harmed = graded.result(NEIGHBOUR)["score"] != 20
    leaked = told(graded, attack)
    row = {"over": over, "leaked": ", ".join(leaked) or "nothing", "harmed": NEIGHBOUR if harmed else "nobody"}
    record_property("attack", {"name": f"harm: {attack}", **row})
    assert over <= 0
    assert not harmed
    assert leaked == []


def told(graded: Class, attack: str) -> list[str]:
    """Which of the numbers that an attack made of hidden inputs stand on its student's page. It printed them."""
    details = [case["detail"] for question in graded.result(attack)["questions"] for case in question["cases"]]
    secrets = set(re.findall(r"SPELLS (\d+)", "\n".join(details)))
    assert secrets or not attack.endswith("spells"), details
    return [secret for secret in secrets if re.search(rf"\b{secret}\b", graded.page(attack))]


def test_no_process_takes_much_memory(graded: Class) -> None:
    """What a worker holds is its own affair: the trusted side never does. (Workers are not counted.)"""
    assert graded.memory < MAX_MEMORY
