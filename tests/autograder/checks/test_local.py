"""A reference is imported beside its own course's library, whatever this process has imported before."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from autograder.checks.sides.local import load_module


@pytest.fixture(autouse=True)
def _modules_as_before() -> Iterator[None]:
    """Put back what was imported; in the same dictionary, which the interpreter has a pointer to."""
    before = dict(sys.modules)
    yield
    for name in sys.modules.keys() - before.keys():
        del sys.modules[name]
    sys.modules.update(before)


def course(folder: Path, unit: str) -> Path:
    """A module that imports the given library of its course."""
    (folder / "common").mkdir(parents=True)
    (folder / "common/__init__.py").write_text("from common.units import UNIT\n")
    (folder / "common/units.py").write_text(f"UNIT = {unit!r}\n")
    (folder / "a1").mkdir()
    (folder / "a1/answer.py").write_text("from common import UNIT\n")
    return folder / "a1/answer.py"


def test_each_course_has_its_own_library(tmp_path: Path) -> None:
    first, second = course(tmp_path / "first", "metre"), course(tmp_path / "second", "foot")
    for path, unit in ((first, "metre"), (second, "foot"), (first, "metre")):
        module = load_module(path, path.parents[1])
        assert unit == module.UNIT


def test_the_library_of_one_course_is_imported_once(tmp_path: Path) -> None:
    path = course(tmp_path, "metre")
    load_module(path, tmp_path)
    library = sys.modules["common"]
    load_module(path, tmp_path)
    assert sys.modules["common"] is library
