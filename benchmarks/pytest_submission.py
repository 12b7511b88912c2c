"""A pytest plugin that puts a submission under the hidden checks, in this process, and writes down its scores.

    pytest tests/hidden/a6_… -p autograder.checks.harness.plugin -p pytest_submission --handed-in FOLDER --verdicts FILE

Loaded by name into a fresh pytest; it stands for the plugin that a course would write for itself.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from inhouse import artifacts_in, inhouse_desk

from autograder.checks.harness.items import question_of
from autograder.checks.harness.plugin import DESK, case_of
from autograder.checks.sides.local import load_module
from autograder.course.layout import Course
from autograder.course.outcome import Outcome

__all__ = ["Verdicts"]


class Verdicts:
    """Every check's verdict, as data: {question: [[case, weight, passed], …]}."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        verdicts: dict[str, list[tuple[str, float, bool]]] = {}
        for item in session.items:
            case = case_of(item)
            verdicts.setdefault(str(question_of(item)), []).append(
                (case.id, case.weight, case.outcome is Outcome.PASSED)
            )
        self._path.write_text(json.dumps(verdicts), encoding="utf-8")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--handed-in", type=Path, required=True, help="folder of the unpacked submission")
    parser.addoption("--verdicts", type=Path, required=True, help="where the verdicts are written")


def pytest_configure(config: pytest.Config) -> None:
    import torch

    torch.set_num_threads(1)
    folder: Path = config.getoption("--handed-in")
    checks = Path(config.args[0])
    course = Course.find(checks)
    assignment = course.assignment(checks.name)
    module = load_module(folder / assignment.files[0], course.common.parent)
    files = artifacts_in(folder, assignment)
    config.stash[DESK] = inhouse_desk(course, assignment, module, files, config.getoption("--run-seed"))
    config.pluginmanager.register(Verdicts(config.getoption("--verdicts")))
