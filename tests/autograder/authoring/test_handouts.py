"""Every assignment of this course: its handout is up to date, tells no answer, and its public checks are fair."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import nbformat
import pytest

from autograder.authoring.build import handout_files
from autograder.authoring.regions import find_regions
from autograder.checks.public.run import public_results
from autograder.checks.public.standing import FINE
from autograder.course.layout import Course
from autograder.course.outcome import Outcome

COURSE = Course.find(Path(__file__))
# What work in a folder leaves there.
ALSO_THERE = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints", ".OTTER_LOG", "data", "*.pt")
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


def test_the_committed_folder_is_what_the_sources_make_and_can_be_copied(assignment, built, tmp_path):
    """All that a handout holds is in it, but for the clean copy, which is `collect`'s."""
    copied = shutil.copytree(COURSE.handout(assignment), tmp_path / "copy", ignore=ALSO_THERE)
    found = {path.relative_to(copied).as_posix(): path.read_bytes() for path in copied.rglob("*") if path.is_file()}
    wanted = {name: data for name, data in built.items() if not name.startswith(".clean/")}
    odd = [name for name in sorted(found.keys() | wanted.keys()) if found.get(name) != wanted.get(name)]
    assert odd == [], "run `make assignments` and commit what it changes"


def test_what_is_handed_out(assignment, built):
    """The library and, for `collect`, a clean copy of all that answers run with; checks, and the answers to them."""
    library = {f"common/{path.relative_to(COURSE.common).as_posix()}" for path in COURSE.common.rglob("*.py")}
    clean = {*assignment.files, *assignment.notebooks, *assignment.given, *library}
    public = {
        path.relative_to(COURSE.public(assignment)).as_posix() for path in COURSE.public(assignment).rglob("*.py")
    }
    assert built.keys() == {
        *("README.md", "assignment.toml", "public_checks/answers.bin"),
        *(["public_checks/rules.toml"] if COURSE.rules_of(assignment) else []),
        *clean,
        *(f".clean/{name}" for name in clean),
        *(f"public_checks/{name}" for name in public),
        *(f"tests/{question}.py" for question in assignment.by_id),
    }


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
    for notebook in assignment.notebooks:
        nbformat.validate(nbformat.reads(built[notebook].decode(), as_version=4))


def test_a_stub_is_not_attempted_in_every_public_check(assignment, folder):
    results = public_results(folder)
    assert list(results) == list(assignment.by_id), "every question has public checks"
    odd = [(q, case) for q, cases in results.items() for case in cases if case.outcome is not Outcome.NOT_ATTEMPTED]
    assert odd == []


def test_the_solution_passes_every_public_check_with_recorded_answers(assignment, folder):
    for name in (*assignment.files, *assignment.artifacts):
        shutil.copy(COURSE.solution(assignment) / name, folder / name)
    results = public_results(folder)
    assert [(q, case) for q, cases in results.items() for case in cases if case.outcome not in FINE] == []
    for question, cases in results.items():
        listed = (folder / f"tests/{question}.py").read_text()
        for case in cases:  # the notebook does not ask about files that it has yet to save
            asked = f'checks.require("{case.id}")' in listed
            assert asked is ((question, case.id) not in results.saved), case.id
