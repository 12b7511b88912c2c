"""Every assignment's handout, from the zip alone: it tells no answer, and works as a student unzips it.

The environment is a new one into which pip installs this package from the zip's wheel; what that depends on is taken
from the environment that runs the tests.
"""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from autograder.authoring.handout import build_wheel, handout_name, handout_zip, portable
from autograder.authoring.regions import find_regions
from autograder.course.layout import Course
from autograder.course.model import Assignment

ROOT = Path(__file__).parents[1]
COURSE = Course.find(ROOT)
ELSEWHERE = ROOT / "tests/elsewhere.py"
SHORT = 12  # characters: a line like `return out` gives nothing away
COMMAND_SECONDS = 300


@dataclass(frozen=True)
class Handout:
    """An assignment, its zip's bytes, and what is in them, the wheel's files too."""

    assignment: Assignment
    content: bytes
    members: dict[str, bytes]

    @property
    def module(self) -> str:
        return self.assignment.files[0]

    @property
    def solution(self) -> Path:
        return COURSE.solution(self.assignment)


@pytest.fixture(scope="module", params=COURSE.names())
def handout(request: pytest.FixtureRequest) -> Handout:
    assignment = COURSE.assignment(request.param)
    content = handout_zip(COURSE, assignment, build_wheel())
    return Handout(assignment, content, dict(_members(content)))


def _members(content: bytes, within: str = "") -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for name in archive.namelist():
            data = archive.read(name)
            yield within + name, data
            if name.endswith((".whl", ".zip")):
                yield from _members(data, f"{within}{name}!")


# --- It tells no answer --------------------------------------------------------------------------------------


def lines_of(texts: Iterable[str], shortest: int = SHORT) -> set[str]:
    return {line.strip() for text in texts for line in text.splitlines() if len(line.strip()) >= shortest}


def sources(folder: Path, *patterns: str) -> list[str]:
    return [path.read_text(encoding="utf-8") for pattern in patterns for path in sorted(folder.rglob(pattern))]


def shown(name: str, data: bytes) -> set[str]:
    """The lines that a reader of a file sees; of a notebook those of its cells. A binary file has lines too."""
    text = data.decode("utf-8", "replace")
    if name.endswith(".ipynb"):
        return lines_of("".join(cell["source"]) for cell in json.loads(text)["cells"])
    return lines_of([text])


def test_no_line_of_an_answer_is_in_it(handout: Handout) -> None:
    inside, outside = list[str](), list[str]()
    for path in sorted(handout.solution.glob("*.py")):
        text = path.read_text(encoding="utf-8")
        numbers = {
            number
            for region in find_regions(text, path, list(handout.assignment.by_id))
            for number in range(region.first, region.last + 1)
        }
        for number, line in enumerate(text.splitlines(), start=1):
            (inside if number in numbers else outside).append(line)
    secret = lines_of(inside) - lines_of(outside) - lines_of(sources(COURSE.common, "*.py"))
    assert len(secret) > 40, "the reference has answers"
    # The engine in the wheel has lines such as `return table` of its own.
    longer = {line for line in secret if len(line) >= 30}
    leaks = {
        name: found
        for name, data in handout.members.items()
        if (found := shown(name, data) & (longer if "!" in name else secret))
    }
    assert leaks == {}


def test_no_hidden_check_and_no_mutant_is_in_it(handout: Handout) -> None:
    """No file as a whole, and no line that is long enough to be of that file only. Imports are everybody's."""
    hidden, mutants = COURSE.hidden(handout.assignment), COURSE.mutants(handout.assignment)
    public = lines_of(sources(COURSE.public(handout.assignment), "*.py") + sources(COURSE.common, "*.py"))
    modules = {name: handout.members[f"{handout.assignment.name}/{name}"] for name in handout.assignment.files}
    given = public.union(*(shown(name, data) for name, data in modules.items()))
    secret = lines_of(sources(hidden, "*.py") + sources(mutants, "*.toml", "*.py"), 40) - given
    secret = {line for line in secret if not line.startswith(("import ", "from "))}
    assert len(secret) > 100
    files = {path.read_bytes() for folder in (hidden, mutants) for path in folder.rglob("*") if path.is_file()}
    assert not files & set(handout.members.values())
    leaks = {name: found for name, data in handout.members.items() if (found := shown(name, data) & secret)}
    assert leaks == {}


def test_no_hidden_check_and_no_mutant_is_named_in_it(handout: Handout) -> None:
    """What a check is called tells what it looks for."""
    named = re.compile(r"^def (?:test_)?(\w{16,})\(", re.MULTILINE)
    hidden = "\n".join(sources(COURSE.hidden(handout.assignment), "test_*.py"))
    public = "\n".join(sources(COURSE.public(handout.assignment), "*.py"))
    mutants = "\n".join(sources(COURSE.mutants(handout.assignment), "*.toml"))
    names = {name for name in named.findall(hidden) if name not in public}
    names |= set(re.findall(r'^id = "([\w-]{16,})"', mutants, re.MULTILINE))
    assert len(names) > 40
    everything = b"\n".join(handout.members.values())
    assert [name for name in sorted(names) if name.encode() in everything] == []


def test_the_folders_of_the_grader_are_not_in_it(handout: Handout) -> None:
    own = [name.partition("/")[2] for name in handout.members if "!" not in name]
    tops = {name.split("/")[0] for name in own}
    assert not tops & {"solutions", "hidden", "mutants", "submissions", "assignments", "autograder"}
    assert not [name for name in own if name.endswith((".nb.py", ".pyc", ".pt"))]
    portable(name for name in handout.members if "!" not in name)


# --- It works ------------------------------------------------------------------------------------------------


class Desk:
    """A student's folder, unzipped, with an environment of its own in `.venv`."""

    def __init__(self, handout: Handout, home: Path) -> None:
        zipped = home / handout_name(handout.assignment)
        zipped.write_bytes(handout.content)
        shutil.unpack_archive(zipped, home)
        self.handout = handout
        self.folder = home / handout.assignment.name
        self.python = self.folder / ".venv/bin/python"
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", ".venv"], cwd=self.folder, check=True)
        packages = sysconfig.get_paths(vars={"base": str(self.folder / ".venv")})["purelib"]
        (Path(packages) / "installed.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
        (wheel,) = self.folder.glob("*.whl")
        self.pip("install", "--quiet", "--no-deps", f"./{wheel.name}")
        (self.folder / ".venv/.ready").touch()

    def pip(self, *arguments: str) -> str:
        command = [sys.executable, "-m", "pip", "--python", str(self.python), *arguments, "--no-index"]
        done = self.run(command)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PIP_", "MAKE"))}
        return subprocess.run(
            command, cwd=self.folder, env=env, capture_output=True, text=True, timeout=COMMAND_SECONDS, encoding="utf-8"
        )

    def check(self, *how: str) -> tuple[int, dict[str, str]]:
        """Exit status and statuses by question of `autograder check`, started by `how`."""
        done = self.run([*how, "check", "--json"])
        assert done.stderr == ""
        data: dict[str, Any] = json.loads(done.stdout)
        return done.returncode, {question["id"]: question["status"] for question in data["questions"]}

    def every(self, status: str) -> dict[str, str]:
        return dict.fromkeys(self.handout.assignment.by_id, status)

    def solves(self) -> None:
        for name in (*self.handout.assignment.files, *self.handout.assignment.artifacts):
            shutil.copy(self.handout.solution / name, self.folder)


@pytest.fixture(scope="module")
def desk(handout: Handout, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return Desk(handout, tmp_path_factory.mktemp("과제 folder"))


def test_from_the_zip_alone(desk: Desk) -> None:
    """The stub is to do on this system. The solution passes on one without Linux's modules and calls."""
    where = desk.run([str(desk.python), "-c", "import autograder; print(autograder.__file__)"]).stdout
    assert Path(where.strip()).is_relative_to(desk.folder / ".venv"), "installed from the wheel"
    tool, elsewhere = str(desk.folder / ".venv/bin/autograder"), (str(desk.python), str(ELSEWHERE))
    assert desk.check(tool) == (1, desk.every("not_attempted"))
    desk.solves()
    assert desk.check(*elsewhere) == (0, desk.every("passed"))


def test_its_verbs(desk: Desk) -> None:
    desk.solves()
    question = next(iter(desk.handout.assignment.by_id))
    done = desk.run(["make", "check", f"QUESTION={question}"])
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(rf"passed +{question} ", done.stdout)
    printed = desk.run(["make"]).stdout
    assert {"setup", "check", "notebook", "submission"} <= set(re.findall(r"make (\w+)", printed))
    dry = desk.run(["make", "--dry-run", "notebook", "submission"]).stdout
    assert f"-m jupyterlab {desk.handout.assignment.notebooks[0]}" in dry
    assert "-m autograder collect" in dry


def test_what_it_collects_is_handed_in(desk: Desk) -> None:
    """The zip has everything at its root, where grading looks for it. What is in it, grading's own tests judge."""
    desk.solves()
    who = ("--name", "Hong Gildong", "--id", "20221234", "--option", "1")
    done = desk.run([str(desk.python), str(ELSEWHERE), "collect", "--no-run", "--json", *who])
    assert done.returncode in (0, 1), done.stderr
    assignment = desk.handout.assignment
    with zipfile.ZipFile(desk.folder / f"hong_gildong-20221234-A{assignment.number}-O1.zip") as archive:
        assert set(archive.namelist()) == {*assignment.files, *assignment.notebooks, *assignment.artifacts}


MET: dict[str, str] = {}  # what pip said about requirements: those of most handouts are the same


def test_its_requirements_are_the_versions_that_are_graded_with(desk: Desk) -> None:
    """pip, which takes nothing from anywhere else, finds every requirement met by what is installed."""
    pins = (desk.folder / "requirements.txt").read_text(encoding="utf-8")
    if pins not in MET:
        MET[pins] = desk.pip("install", "--dry-run", "--requirement", "requirements.txt")
    assert "Would install" not in MET[pins].replace("Would install autograder", "")
    (torch,) = re.findall(r"^torch==(\S+)$", pins, re.MULTILINE)
    assert f"torch=={torch}\n" in COURSE.constraints.read_text(encoding="utf-8")


def test_constraints_cover_what_is_asked_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["notebook"]]
    pinned = set(re.findall(r"^([\w.-]+)==", COURSE.constraints.read_text(encoding="utf-8").lower(), re.MULTILINE))
    assert {re.match(r"[\w.-]+", name)[0].lower() for name in wanted} <= pinned


def test_what_the_pages_name_is_there(desk: Desk) -> None:
    """README.md and SETUP.md send nobody to a file that is not in the folder."""
    for page in ("README.md", "SETUP.md"):
        text = (desk.folder / page).read_text(encoding="utf-8")
        for name in re.findall(r"`([\w./-]+\.(?:py|ipynb|md|txt|toml|yml|whl))`", text):
            handed_in_by_hand = name in ("group.txt",)
            assert handed_in_by_hand or (desk.folder / name).is_file(), f"{page} names {name}"


def test_what_needs_linux_says_so_elsewhere(tmp_path: Path) -> None:
    run = [sys.executable, str(ELSEWHERE), "grade", "a6", "submitted", "--out", "reports"]
    done = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, timeout=COMMAND_SECONDS)
    assert done.returncode == 2
    assert done.stderr.startswith("autograder: grading needs Linux; `check` and `collect`")
    assert done.stderr.count("\n") == 1
