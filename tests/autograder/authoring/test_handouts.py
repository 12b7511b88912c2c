"""Every assignment of this course: its handout is up to date, tells no answer, and its public checks are fair."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import nbformat
import pytest

from autograder.authoring.build import handout_files
from autograder.authoring.regions import find_regions
from autograder.checks.public import public_results
from autograder.course.layout import Course
from autograder.course.outcome import Outcome

COURSE = Course.find(Path(__file__))
SHORT = 12  # characters: a line like `return out` gives nothing away


@pytest.fixture(scope="module", params=COURSE.names())
def assignment(request):
    return COURSE.assignment(request.param)


@pytest.fixture(scope="module")
def built(assignment):
    answers = COURSE.handout(assignment) / "public_checks/answers.bin"
    return handout_files(COURSE, assignment, answers.read_bytes() if answers.is_file() else None)


@pytest.fixture
def folder(assignment, built, tmp_path):
    """The handout as a student unzips it."""
    for name, data in built.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return tmp_path


def test_the_committed_handout_is_what_the_sources_make(assignment, built):
    committed = COURSE.handout(assignment)
    stale = [
        name
        for name, data in built.items()
        if not (committed / name).is_file() or (committed / name).read_bytes() != data
    ]
    assert stale == [], "run `make assignments` and commit what it changes"


def test_no_line_of_an_answer_is_handed_out(assignment, built):
    secret, given = set(), set()
    for source in COURSE.solution(assignment).glob("*.py"):
        text = source.read_text()
        lines = text.split("\n")
        inside = {
            number
            for region in find_regions(text, source, list(assignment.by_id))
            for number in range(region.first, region.last + 1)
        }
        for number, line in enumerate(lines, start=1):
            (secret if number in inside else given).add(line.strip())
    secret = {line for line in secret - given if len(line) >= SHORT}
    assert secret, "no solution region found"
    for name, data in built.items():
        if not name.endswith(".bin"):
            text = data.decode()
            lines = {line.strip() for line in text.split("\n")}
            if name.endswith(".ipynb"):
                cells = json.loads(text)["cells"]
                lines = {line.strip() for cell in cells for line in "".join(cell["source"]).split("\n")}
            assert not lines & secret, name


def test_no_hidden_check_is_handed_out(assignment, built):
    hidden = {path.read_bytes() for path in COURSE.hidden(assignment).rglob("*.py")}
    hidden |= {path.read_bytes() for path in COURSE.mutants(assignment).rglob("*.py")}
    assert not hidden & set(built.values())


def test_the_notebook_is_valid(assignment, built):
    if assignment.notebook:
        nbformat.validate(nbformat.reads(built[assignment.notebook].decode(), as_version=4))


def test_a_stub_is_not_attempted_in_every_public_check(assignment, folder):
    results = public_results(folder)
    assert list(results) == list(assignment.by_id), "every question has public checks"
    odd = [(q, case) for q, cases in results.items() for case in cases if case.outcome is not Outcome.NOT_ATTEMPTED]
    assert odd == []


def test_the_solution_passes_every_public_check_with_recorded_answers(assignment, folder):
    module = f"{assignment.module}.py"
    for name in (module, *assignment.artifacts):
        shutil.copy(COURSE.solution(assignment) / name, folder / name)
    results = public_results(folder)
    odd = [(q, case) for q, cases in results.items() for case in cases if case.outcome is not Outcome.PASSED]
    assert odd == []
    for question, cases in results.items():
        listed = (folder / f"tests/{question}.py").read_text()
        assert all(f'checks.require("{case.id}")' in listed for case in cases)
