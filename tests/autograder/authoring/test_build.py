"""A course's sources to its handout: complete, deterministic, checked, and never half-written."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from autograder.authoring.build import DriftKind, build_assignment, check_assignment, handout_files
from autograder.course.layout import Course
from autograder.errors import AuthoringError, UsageError

OWN = {
    "README.md",
    "assignment.toml",
    "halves.ipynb",
    "halves.py",
    "public_checks/answers.bin",
    "public_checks/helpers.py",
    "public_checks/test_halves.py",
    "tests/half.py",
    "tests/quarter-of.py",
}
BUILT = {*OWN, "common", "../common/__init__.py"}
HANDED_OUT = {
    *OWN,
    "common/__init__.py",
    ".clean/common/__init__.py",
    ".clean/halves.ipynb",
    ".clean/halves.py",
}


def build(workshop):
    return build_assignment(workshop.course, workshop.assignment)


def check(workshop):
    return check_assignment(workshop.course, workshop.assignment)


def test_a_handout_holds_what_students_need_and_nothing_else(workshop):
    drifts = build(workshop)
    assert {drift.path for drift in drifts} == BUILT
    assert {drift.change for drift in drifts} == {DriftKind.MISSING}
    assert workshop.tree().keys() == OWN
    assert (workshop.handout / "common").readlink() == Path("../common")
    assert (workshop.handout / "common/__init__.py").read_text() == "TWO = 2.0\n"
    files = handout_files(workshop.course, workshop.assignment)
    assert files.keys() == HANDED_OUT
    everything = b"\n".join(files.values())
    for secret in (b"private_helper", b"secret_of_the_notebook", b"SECRET_CHECK", b"SOLUTION"):
        assert secret not in everything
    assert b'raise NotImplementedError("quarter-of")' in everything


def test_building_twice_gives_the_same_bytes_and_touches_nothing(workshop):
    first = handout_files(workshop.course, workshop.assignment)
    assert first == handout_files(workshop.course, workshop.assignment)
    build(workshop)
    assert workshop.tree() == {name: data for name, data in first.items() if name in OWN}
    before = {path: path.stat().st_mtime_ns for path in workshop.handout.rglob("*")}
    assert build(workshop) == []
    assert check(workshop) == ""
    assert before == {path: path.stat().st_mtime_ns for path in workshop.handout.rglob("*")}


def test_another_place_gives_the_same_bytes(workshop, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    for folder in ("solutions", "tests"):
        shutil.copytree(workshop.course.root / folder, elsewhere / folder)
    moved = Course(elsewhere)
    files = handout_files(workshop.course, workshop.assignment)
    assert files == handout_files(moved, moved.assignment("t1"))
    assert not any(str(tmp_path).encode() in data for data in files.values())


def test_check_shows_edits_extra_and_missing_files_and_writes_nothing(workshop):
    build(workshop)
    workshop.edit(workshop.handout / "halves.py", '"""Halves."""', '"""Halves, edited."""')
    (workshop.handout / "tests/half.py").unlink()
    (workshop.handout / "notes.txt").write_text("extra\n")
    (workshop.handout / "picture.png").write_bytes(b"\xff\x00")
    (workshop.handout / "common/__init__.py").write_text("TWO = 3.0\n")
    before = workshop.tree()
    diff = check(workshop)
    assert '-"""Halves, edited."""\n+"""Halves."""\n' in diff
    assert "+++ tests/half.py" in diff
    assert "--- notes.txt" in diff
    assert "-extra\n" in diff
    assert "Binary file picture.png: extra\n" in diff
    assert "-TWO = 3.0\n+TWO = 2.0\n" in diff
    assert "--- ../common/__init__.py" in diff
    assert workshop.tree() == before


def test_build_mends_edits_and_removes_stale_files_but_not_a_students_work(workshop):
    build(workshop)
    wanted = workshop.tree()
    workshop.edit(workshop.handout / "halves.py", '"""Halves."""', '"""Halves, edited."""')
    (workshop.handout / "old/deep").mkdir(parents=True)
    (workshop.handout / "old/deep/stale.py").write_text("x = 1\n")
    kept = ["__pycache__/halves.cpython-311.pyc", "data/images.bin", "halves.pt", ".OTTER_LOG"]
    for name in kept:
        (workshop.handout / name).parent.mkdir(exist_ok=True)
        (workshop.handout / name).write_text("mine")
    assert {drift.path: drift.change for drift in build(workshop)} == {
        "halves.py": DriftKind.CHANGED,
        "old/deep/stale.py": DriftKind.EXTRA,
    }
    assert {name: data for name, data in workshop.tree().items() if name not in kept} == wanted
    assert all((workshop.handout / name).read_text() == "mine" for name in kept)
    assert not (workshop.handout / "old").exists()
    assert check(workshop) == ""


@pytest.mark.parametrize("instead", ["nothing", "folder", "elsewhere"])
def test_the_link_to_what_is_shared_is_put_back(workshop, instead):
    build(workshop)
    link = workshop.handout / "common"
    link.unlink()
    if instead == "folder":
        (link / "__pycache__").mkdir(parents=True)
        (link / "__init__.py").write_text("TWO = 2.0\n")
    elif instead == "elsewhere":
        link.symlink_to("../../solutions/common")
    assert "+a link to ../common\n" in check(workshop)
    build(workshop)
    assert link.readlink() == Path("../common")
    assert check(workshop) == ""


def test_no_other_folder_is_touched(workshop):
    other = workshop.course.root / "assignments/other/file.txt"
    other.parent.mkdir(parents=True)
    other.write_text("here\n")
    before = sorted(path for path in workshop.course.root.rglob("*") if "t1_halves/" not in str(path))
    build(workshop)
    after = sorted(path for path in workshop.course.root.rglob("*") if "t1_halves/" not in str(path))
    shared = workshop.handout.parent / "common"
    assert set(after) - set(before) == {workshop.handout, shared, shared / "__init__.py"}


def spoil_solution(workshop):
    workshop.edit(workshop.source / "halves.py", "        # END SOLUTION\n", "")


def spoil_notebook(workshop):
    workshop.edit(workshop.source / "halves.nb.py", 'print("hello")', "print(")


def spoil_common(workshop):
    (workshop.course.common / "answers.py").write_text("# BEGIN SOLUTION\nx = 1\n# END SOLUTION\n")


def spoil_reference(workshop):
    workshop.edit(workshop.source / "halves.py", "return x / TWO", "return x / THREE")


def spoil_check(workshop):
    workshop.edit(workshop.checks / "test_halves.py", "from helpers import SIZES", "from helpers import NOTHING")


def forget_question(workshop):
    workshop.edit(workshop.checks / "test_halves.py", '@pytest.mark.question("half")\n', "")


def remove_readme(workshop):
    (workshop.source / "README.md").unlink()


def remove_checks(workshop):
    shutil.rmtree(workshop.checks)


WRONG = {
    "solution": (spoil_solution, r"halves\.py:28: this solution region is never closed"),
    "notebook": (spoil_notebook, r"halves\.nb\.py:21: a code cell is not Python"),
    "common": (spoil_common, r"answers\.py:1: a solution region in a file that students get unchanged"),
    "reference": (spoil_reference, r"does not pass on the reference: error"),
    "check": (spoil_check, r"the checks cannot be run"),
    "marker": (forget_question, r"no question marker"),
    "readme": (remove_readme, r"README\.md:1: cannot be read"),
    "checks": (remove_checks, r"no such folder"),
}


@pytest.mark.parametrize("spoil, problem", WRONG.values(), ids=WRONG)
@pytest.mark.parametrize("built", [False, True], ids=["first", "again"])
def test_what_cannot_be_built_leaves_the_handout_as_it_was(workshop, spoil, problem, built):
    if built:
        build(workshop)
    before = workshop.tree()
    spoil(workshop)
    with pytest.raises(UsageError, match=problem):
        build(workshop)
    assert workshop.tree() == before
    assert not list(workshop.course.root.glob("assignments/.build-*"))
    assert built or not workshop.handout.exists()


def test_an_authoring_error_is_one_line(workshop):
    spoil_solution(workshop)
    with pytest.raises(AuthoringError) as caught:
        build(workshop)
    assert "\n" not in str(caught.value)


def test_a_disk_that_fails_while_staging_leaves_the_handout_as_it_was(workshop, monkeypatch):
    build(workshop)
    workshop.edit(workshop.source / "README.md", "# Halves", "# Other halves")
    (workshop.course.common / "more.py").write_text("THREE = 3\n")
    (workshop.handout / "stale.txt").write_text("stale")
    before = workshop.tree()
    really_write, written = Path.write_bytes, []

    def write(self: Path, data: bytes) -> int:
        if written:
            raise OSError(28, "No space left on device")
        written.append(self)
        return really_write(self, data)

    monkeypatch.setattr(Path, "write_bytes", write)
    with pytest.raises(OSError, match="No space"):
        build(workshop)
    monkeypatch.undo()
    assert workshop.tree() == before
    assert not list(workshop.course.root.glob("assignments/.build-*"))


EIGHTHS = """\
import halves
import torch


def eighth(x):
    # BEGIN SOLUTION eighth
    return halves.Quarter().of(x) / 2
    # END SOLUTION
"""


@pytest.fixture
def borrower(workshop):
    """A second assignment, which is given the first one's reference."""
    manifest = """\
number = 2
title = "Eighths"
due = 2030-02-28T23:59:00+09:00
module = "eighths"
given = ["t1_halves/halves.py"]

[[options]]
id = "1"
title = "Own work"

[[questions]]
id = "eighth"
title = "An eighth"
points = 10
component = "eighth"
"""
    check = """\
import pytest

from autograder.checks import assert_matches


@pytest.mark.question("eighth")
def test_eighth(student, reference, rng):
    x = rng.normal(3)
    assert_matches(student.eighth(x), reference.eighth(x))
"""
    files = {
        "solutions/t2_eighths/assignment.toml": manifest,
        "solutions/t2_eighths/README.md": "# Eighths\n",
        "solutions/t2_eighths/eighths.py": EIGHTHS,
        "tests/public/t2_eighths/test_eighths.py": check,
    }
    for name, text in files.items():
        path = workshop.course.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return workshop.course.assignment("t2")


def test_a_given_file_is_made_from_another_assignments_reference(workshop, borrower):
    drifts = build_assignment(workshop.course, borrower)
    assert drifts[0].path == "halves.py"
    own = (workshop.course.solution(borrower) / "halves.py").read_text()
    head, text = own.split("\n", 1)
    assert head.startswith("# Given: made from halves.py of t1_halves")
    assert text == "".join(
        f"{line}\n" for line in (workshop.source / "halves.py").read_text().split("\n")[:-1] if "SOLUTION" not in line
    )
    assert (workshop.course.handout(borrower) / "halves.py").read_text() == own
    assert build_assignment(workshop.course, borrower) == []
    assert check_assignment(workshop.course, borrower) == ""


def test_a_given_file_that_is_out_of_date_is_told(workshop, borrower):
    build_assignment(workshop.course, borrower)
    workshop.edit(workshop.source / "halves.py", "answer = private_helper(x)", "answer = private_helper(x) * 1")
    assert "+    answer = private_helper(x) * 1" in check_assignment(workshop.course, borrower)
    assert "* 1" not in (workshop.course.solution(borrower) / "halves.py").read_text()
    assert {drift.path for drift in build_assignment(workshop.course, borrower)} == {"halves.py"}
    assert check_assignment(workshop.course, borrower) == ""


def test_a_given_file_whose_lender_is_gone(workshop, borrower):
    (workshop.source / "halves.py").unlink()
    with pytest.raises(AuthoringError, match=r"halves\.py"):
        build_assignment(workshop.course, borrower)
