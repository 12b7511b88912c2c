"""What GitHub Actions makes of what `check` prints: the runner restated, and texts that try to be commands."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.cli import main
from autograder.exports import github
from tests.autograder.conftest import ROOT

HANDOUT = ROOT / "assignments"
SHOUT = 'print("::error file=x.py::from the student")\nprint("##[error]from the student")\n'


@dataclass
class Runner:
    """actions/runner: ActionCommandManager.TryProcessCommand and ActionCommand.TryParseV2."""

    shown: list[tuple[dict[str, str], str]] = field(default_factory=list)
    _token: str = ""

    def read(self, lines: Iterable[str]) -> list[tuple[dict[str, str], str]]:
        for line in lines:
            text = line.strip()
            if self._token:
                if text == f"::{self._token}::":
                    self._token = ""
                continue
            if "##[error]" in text:  # the older form counts anywhere in a line
                self.shown.append(({}, text))
            match = re.fullmatch(r"::([a-z-]+)(?: (.*?))?::(.*)", text, re.DOTALL)
            if match and match[1] == "stop-commands":
                self._token = match[3]
            elif match and match[1] == "error":
                pairs = (pair.partition("=") for pair in (match[2] or "").split(",") if "=" in pair)
                self.shown.append(({key: _property(value) for key, _, value in pairs}, _message(match[3])))
        return self.shown


def _message(text: str) -> str:
    return text.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")


def _property(text: str) -> str:
    for escaped, plain in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        text = text.replace(escaped, plain)
    return text


TEXTS = st.text(st.sampled_from("ab:,%\r\n=25CA0D3"), max_size=12)


@given(TEXTS, TEXTS)
def test_what_is_escaped_is_read_again(title: str, message: str) -> None:
    command = github.remark(github.Remark("a.py", 3, title, message))
    assert "\n" not in command
    ((properties, found),) = Runner().read([command])
    assert found.strip() == message.strip()
    assert properties == {"file": "a.py", "line": "3"} | ({"title": title} if title else {})


def test_a_table_is_cut_and_its_text_is_no_markdown() -> None:
    whole = github.summary("A | b", [("<img src=x>", "failed", "0 of 1", "`@team` [x](y)\n| a")])
    assert whole.count("\n") == 5
    assert not {"<", "`", "@", "["} & set(whole)
    assert whole.splitlines()[-1].count("|") == 5
    long = github.summary("A", [("x" * 400, "failed", "0 of 1", "가" * 400)] * 100)
    assert 50_000 < len(long.encode()) <= 60_000
    assert "cut" in long


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A student's repository with an assignment in it, on GitHub Actions; the code shouts commands and is wrong."""
    import shutil

    place = tmp_path / "work/a6"
    shutil.copytree(HANDOUT / "a6_convolutional_networks", place, ignore=shutil.ignore_patterns("__pycache__"))
    module = place / "convolutional_networks.py"
    stub = 'raise NotImplementedError("conv-forward")'
    text = module.read_text(encoding="utf-8")
    assert stub in text
    shout = SHOUT.replace("\n", "; ").rstrip("; ")
    module.write_text(text.replace(stub, f'{shout}; raise ValueError("50 %, a: b | c")', 1), encoding="utf-8")
    for name, value in (
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_WORKSPACE", str(tmp_path / "work")),
        ("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md")),
    ):
        monkeypatch.setenv(name, value)
    return place


@pytest.mark.parametrize("more", [(), ("--json",)])
def test_check_on_github(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], more: tuple[str, ...]
) -> None:
    words = ["check", "conv-forward", "--folder", str(folder), "--junit", str(tmp_path / "junit.xml"), *more]
    assert main(words) == 1
    out, err = capsys.readouterr()
    assert "from the student" in out  # it was printed, and was no command
    if more:
        json.loads(out)
    shown = Runner().read((err if more else out).splitlines())
    assert 1 <= len(shown) <= github.MAX_REMARKS
    for properties, message in shown:
        assert "from the student" not in message
        assert properties["file"] == "a6/convolutional_networks.py"
        assert int(properties["line"]) > 1
        assert "50 %, a: b | c" in message
    table = (tmp_path / "summary.md").read_text(encoding="utf-8")
    assert "| failed |" in table
    assert "a: b &#124; c" in table
    ((suite,),) = [list(ElementTree.parse(tmp_path / "junit.xml").getroot())]
    assert suite.get("errors") == suite.get("tests") != "0"


def test_it_needs_no_package_of_the_grading_machine(folder: Path, tmp_path: Path) -> None:
    """A workflow installs what students install: there is no database."""
    words = ["check", "conv-forward", "--folder", str(folder), "--junit", str(tmp_path / "junit.xml")]
    run = [sys.executable, str(ROOT / "tests/elsewhere.py"), *words]
    done = subprocess.run(run, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 1, done.stderr
    assert "::error" in done.stdout
    assert "| failed |" in (tmp_path / "summary.md").read_text(encoding="utf-8")
    assert ElementTree.parse(tmp_path / "junit.xml").getroot().tag == "testsuites"


def test_elsewhere_it_says_nothing(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GITHUB_ACTIONS")
    assert main(["check", "conv-forward", "--folder", str(folder)]) == 1
    assert not [line for line in capsys.readouterr().out.splitlines() if line.startswith("::")]
    assert not (tmp_path / "summary.md").exists()
