"""The zip that students get: what is in it, the same bytes every time, and what is refused."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import autograder
from autograder.authoring.build import handout_files
from autograder.authoring.handout import Wheel, build_wheel, handout_name, handout_zip, portable
from autograder.cli import main
from autograder.errors import UsageError

if TYPE_CHECKING:
    from tests.autograder.authoring.conftest import Workshop

WHEEL = Wheel("autograder-0.1.0-py3-none-any.whl", b"a wheel")
TEMPLATE = {
    "SETUP.md": "# @NUMBER@ @TITLE@: @MODULES@ @NOTEBOOKS@ @QUESTION@ @FOLDER@ @ZIP@ me@example.org\n",
    "requirements.txt": "./@WHEEL@[notebook]\ntorch==@TORCH@\notter-grader==@OTTER@\n",
    ".github/workflows/check.yml": "run: ${{ matrix.os }}\n",
}


@pytest.fixture
def packed(workshop: Workshop) -> Workshop:
    """The workshop with a template and constraints."""
    for name, text in TEMPLATE.items():
        path = workshop.course.template / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    workshop.course.constraints.write_text("# all\nnumpy==2.0\notter-grader==7.0.0\ntorch==2.13.0\n")
    return workshop


def content(workshop: Workshop) -> dict[str, bytes]:
    data = handout_zip(workshop.course, workshop.assignment, WHEEL)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def test_everything_is_in_one_folder(packed: Workshop) -> None:
    files = content(packed)
    assert handout_name(packed.assignment) == "t1_halves-handout.zip"
    built = handout_files(packed.course, packed.assignment)
    others = {*TEMPLATE, WHEEL.name, "constraints.txt"}
    assert files.keys() == {f"t1_halves/{name}" for name in {*built, *others}}
    assert {name: files[f"t1_halves/{name}"] for name in built} == built
    assert files[f"t1_halves/{WHEEL.name}"] == WHEEL.content
    assert files["t1_halves/constraints.txt"] == packed.course.constraints.read_bytes()


def test_placeholders_are_filled_and_nothing_else_is(packed: Workshop) -> None:
    files = content(packed)
    expected = "# 1 Halves: halves.py halves.ipynb half t1_halves t1_halves-handout.zip me@example.org\n"
    assert files["t1_halves/SETUP.md"].decode() == expected
    requirements = files["t1_halves/requirements.txt"].decode().splitlines()
    assert requirements == [f"./{WHEEL.name}[notebook]", "torch==2.13.0", "otter-grader==7.0.0"]
    assert files["t1_halves/.github/workflows/check.yml"].decode() == TEMPLATE[".github/workflows/check.yml"]


def test_no_answer_and_no_hidden_check(packed: Workshop) -> None:
    everything = b"".join(content(packed).values())
    for secret in (b"private_helper", b"secret_of_the_notebook", b"SECRET_CHECK", b"return half(half(x))"):
        assert secret not in everything


def test_the_same_sources_give_the_same_bytes(packed: Workshop) -> None:
    first = handout_zip(packed.course, packed.assignment, WHEEL)
    for path in packed.course.root.rglob("*.py"):
        path.touch()
    assert handout_zip(packed.course, packed.assignment, WHEEL) == first


@pytest.mark.parametrize(
    "name, text, problem",
    [
        ("SETUP.md", "@NAME@", r"SETUP\.md: no value for the placeholder @NAME@; known: @NUMBER@, @TITLE@"),
        ("README.md", "# Ours\n", r"README\.md: both student_template/ and the assignment have it"),
        ("readme.md", "# Ours\n", r"differs from \S+ only in case"),
        ("what?.md", "", r"what\?\.md: not every system allows this file name"),
    ],
)
def test_what_is_wrong_with_a_template(packed: Workshop, name: str, text: str, problem: str) -> None:
    (packed.course.template / name).write_text(text)
    with pytest.raises(UsageError, match=problem):
        content(packed)


def test_constraints_must_be_there_and_pin_what_the_template_names(packed: Workshop) -> None:
    packed.course.constraints.write_text("otter-grader==7.0.0\n")
    with pytest.raises(UsageError, match=r"requirements\.txt: no value for the placeholder @TORCH@"):
        content(packed)
    packed.course.constraints.unlink()
    with pytest.raises(UsageError, match=r"constraints\.txt: cannot be read"):
        content(packed)


@pytest.mark.parametrize("name", ["a:b", "tests/aux.py", "COM1", "con.d/x", "a\\b", "end.", "x " + "/y", "n" * 121])
def test_names_that_windows_does_not_have(name: str) -> None:
    with pytest.raises(UsageError, match="not every system"):
        portable(["fine.py", name])


def test_names_that_differ_in_case_are_one_file_somewhere() -> None:
    with pytest.raises(UsageError, match="only in case"):
        portable(["Tests/a.py", "tests/b.py"])
    portable(["tests/a.py", "tests/b.py", "console.py", "auxiliary/.github", "과제/채점.py"])


def test_the_command_writes_the_zip(packed: Workshop, capsys: pytest.CaptureFixture[str]) -> None:
    wheel = packed.course.root / WHEEL.name
    wheel.write_bytes(WHEEL.content)
    out = packed.course.root / "made" / "here"
    arguments = ["--course", str(packed.course.root), "handout", "t1", "--out", str(out), "--wheel", str(wheel)]
    assert main(arguments) == 0
    expected = handout_zip(packed.course, packed.assignment, WHEEL)
    assert (out / "t1_halves-handout.zip").read_bytes() == expected
    assert "t1_halves-handout.zip" in capsys.readouterr().out
    wheel.rename(wheel.with_name("other-1.0-py3-none-any.whl"))
    assert main([*arguments[:-1], str(wheel.with_name("other-1.0-py3-none-any.whl"))]) == 2
    assert "not a wheel of autograder" in capsys.readouterr().err


def test_the_wheel_holds_this_package_and_nothing_else() -> None:
    wheel = build_wheel()
    assert wheel == build_wheel(), "the same bytes every time"
    assert re.fullmatch(r"autograder-[\d.]+-py3-none-any\.whl", wheel.name)
    package = Path(autograder.__file__).parent
    with zipfile.ZipFile(io.BytesIO(wheel.content)) as archive:
        names = [name for name in archive.namelist() if ".dist-info/" not in name]
        modules = {path.relative_to(package.parent).as_posix() for path in package.rglob("*.py")}
        assert {name for name in names if name.endswith(".py")} == modules
        assert all(name.startswith("autograder/") for name in names)
        assert archive.read("autograder/cli.py") == (package / "cli.py").read_bytes()
