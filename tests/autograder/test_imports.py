"""Arrows between the engine's parts run one way, and the engine knows no assignment."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ENGINE = ROOT / "autograder"
FILES = sorted(ENGINE.rglob("*.py"))

# From the top: a part may import what stands on a lower line, and its own modules.
LINES = (
    ("cli", "__main__"),
    ("commands",),
    ("grading", "authoring", "reports", "gradebook"),
    ("checks",),
    ("submission", "sandbox"),
    ("course",),
    ("errors", "__init__"),
)
HEIGHT = {part: -height for height, parts in enumerate(LINES) for part in parts}

# The worker's side, which runs beside a submission: nothing of the grader's may be in reach.
WORKER = ("worker", "session", "wire", "refs", "failures", "guards", "zygote")


def part_of(module: str) -> str:
    """`autograder.course.model` → `course`; the package itself → `__init__`."""
    return (module.split(".") + ["__init__"])[1]


def imports(path: Path) -> set[str]:
    """Dotted names of everything that a file imports from this package, inside functions too."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative import"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in names if name.split(".")[0] == "autograder"}


def own_part(path: Path) -> str:
    return path.relative_to(ENGINE).with_suffix("").parts[0]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ENGINE).as_posix())
def test_arrows_run_down(path: Path) -> None:
    mine = own_part(path)
    assert mine in HEIGHT, f"{mine} has no place in the order"
    for name in imports(path):
        other = part_of(name)
        if other in HEIGHT and other != mine:
            assert HEIGHT[other] < HEIGHT[mine], f"{path.relative_to(ROOT)} imports {name}, which runs up or across"


def test_worker_side_imports_nothing_of_the_graders() -> None:
    allowed = {f"autograder.sandbox.{name}" for name in (*WORKER, "isolation")} | {
        "autograder.errors",
        "autograder.course.model",
    }
    for name in WORKER:
        path = ENGINE / "sandbox" / f"{name}.py"
        for imported in imports(path):
            assert any(imported == known or imported.startswith(f"{known}.") for known in allowed), (
                f"{path}: {imported}"
            )


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ENGINE).as_posix())
def test_engine_knows_no_assignment(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
            assert not any(name.split(".")[0] in ("solutions", "assignments", "tests", "common") for name in names)
    code = re.sub(r"ASSIGNMENT|assignment", "", path.read_text(encoding="utf-8"))
    for name in (folder.name for folder in (ROOT / "solutions").iterdir() if (folder / "assignment.toml").exists()):
        assert name not in code, f"{path.relative_to(ROOT)} names {name}"
        short = name.split("_")[0]
        found = [line for line in code.splitlines() if re.search(rf"\b{short}\b", line) and not _is_example(line)]
        assert not found, f"{path.relative_to(ROOT)} names {short}: {found[0].strip()}"


def _is_example(line: str) -> bool:
    """An id in a help text or docstring is an example, not knowledge."""
    return "`a6`" in line or "autograder grade a6" in line or "an id (a6)" in line
