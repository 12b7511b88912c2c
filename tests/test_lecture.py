"""docs/lecture.md: beside every slide stands something that a student writes, and a check that grades it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from autograder.authoring.regions import find_regions

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/lecture.md"
ROWS = [
    [cell.strip() for cell in line.strip().strip("|").split(" | ")]
    for line in PAGE.read_text(encoding="utf-8").splitlines()
    if line.startswith("| ") and not line.startswith("| slide ")
]
FEWEST = 71


def test_no_row_is_empty() -> None:
    assert len(ROWS) >= FEWEST
    assert [row for row in ROWS if len(row) != 4 or not all(row)] == []


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0].replace(" ", "-"))
def test_what_a_row_names_is_there(row: list[str]) -> None:
    """The student's part lies in a region that a handout leaves out; the check is a hidden test with a question."""
    _, file, written, check = row
    id, name = file.split(" ", 1)
    (solution,) = (ROOT / "solutions").glob(f"{id}_*")
    source = solution / name.strip("`")
    text = source.read_text(encoding="utf-8")
    tree = ast.parse(text)
    (node,) = (one for one in tree.body if getattr(one, "name", None) == written.strip("`"))
    regions = find_regions(text, source)
    assert any(node.lineno <= region.first and region.last <= (node.end_lineno or 0) + 2 for region in regions)
    test, function = (part.strip("`") for part in check.split(" ", 1))
    checks = (ROOT / "tests/hidden" / solution.name / test).read_text(encoding="utf-8")
    hidden = ast.parse(checks)
    (found,) = (one for one in hidden.body if getattr(one, "name", None) == f"test_{function}")
    assert isinstance(found, ast.FunctionDef)
    assert found.decorator_list
    assert "mark.question" in checks
