"""Arrows between the engine's parts run one way, and the engine knows no assignment."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import Counter
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ENGINE = ROOT / "autograder"
FILES = sorted(ENGINE.rglob("*.py"))

# From the top: a part may import what stands on a lower line, and its own modules.
LINES = (
    ("__main__",),
    ("cli",),
    ("commands",),
    ("review",),
    ("grading", "authoring"),
    ("exports",),
    ("reports",),
    ("checks",),
    ("submission", "sandbox"),
    ("gradebook",),
    ("course",),
    ("errors", "files", "phases", "rounding", "__init__"),
)
# Inside a part, which of its folders the modules of a folder may import beside their own; "" is the part's root.
INSIDE: dict[str, dict[str, tuple[str, ...]]] = {
    "commands": {"book": ("",), "": ()},
    "submission": {
        "collect": ("clean", "receive", "source", ""),
        "clean": ("receive", "source", ""),
        "receive": ("source", ""),
        "source": (),
        "": (),
    },
    "sandbox": {
        "": ("session", "channel", "grader", "isolation"),
        "worker": ("session", "channel", "isolation"),
        "session": ("channel",),
        "grader": ("channel", "isolation"),
        "channel": (),
        "isolation": (),
    },
    "checks": {
        "public": ("harness", "sides"),
        "harness": ("timing", "sides", "compare", ""),
        "timing": ("sides", ""),
        "modules": ("compare", ""),
        "": ("compare",),
        "compare": (),
        "sides": (),
    },
    "gradebook": {"migrations": ("",), "": ()},
    "grading": {"": ("mutants", "notebooks", "reference"), "mutants": (), "notebooks": (), "reference": ()},
    "reports": {
        "study": ("pages", "findings", ""),
        "files": ("pages", "findings", ""),
        "pages": ("findings", ""),
        "findings": ("",),
        "": (),
    },
}
MAX_FILES = 14  # in one folder: more are not taken in at one look
HEIGHT = {part: -height for height, parts in enumerate(LINES) for part in parts}


def part_of(module: str) -> str:
    """`autograder.course.model` → `course`; the package itself → `__init__`."""
    return [*module.split("."), "__init__"][1]


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


def folder_of(path: Path) -> str:
    """The folder that a module lies in, inside of its part: `checks/public/run.py` → `public`."""
    return "/".join(path.relative_to(ENGINE).parts[1:2][: len(path.relative_to(ENGINE).parts) - 2])


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ENGINE).as_posix())
def test_arrows_run_down(path: Path) -> None:
    mine = own_part(path)
    assert mine in HEIGHT, f"{mine} has no place in the order"
    for name in imports(path):
        other = part_of(name)
        if other in HEIGHT and other != mine:
            assert HEIGHT[other] < HEIGHT[mine], f"{path.relative_to(ROOT)} imports {name}, which runs up or across"


def test_worker_side_imports_nothing_of_the_graders() -> None:
    """What runs beside a submission reaches, whatever it imports, no check, no client and no other part."""
    reached, ahead = set[Path](), [ENGINE / "sandbox/worker/zygote.py", ENGINE / "sandbox/worker/serve.py"]
    while ahead:
        path = ahead.pop()
        if path in reached:
            continue
        reached.add(path)
        ahead += filter(None, map(file_of, imports(path)))
    names = {path.relative_to(ENGINE).with_suffix("").as_posix() for path in reached}
    assert {"sandbox/session/operations", "sandbox/worker/notebook"} <= names
    allowed = tuple(f"sandbox/{folder}/" for folder in ("worker", *INSIDE["sandbox"]["worker"]))
    assert not {name for name in names if not name.startswith(allowed)} - {"errors", "course/model", "course/rule"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ENGINE).as_posix())
def test_arrows_inside_a_part_run_one_way(path: Path) -> None:
    """In the sandbox this is the border of trust: the worker's side and the grader's never import each other."""
    part, mine = own_part(path), folder_of(path)
    if path.name == "__init__.py" and not mine:
        return  # the face of a part
    for other in filter(None, map(file_of, imports(path))):
        if own_part(other) == part and folder_of(other) != mine:
            where = f"{path.relative_to(ROOT)} imports {other.relative_to(ROOT)}"
            assert folder_of(other) in INSIDE.get(part, {}).get(mine, ()), where


def test_every_folder_has_a_place_in_its_part() -> None:
    for part, folders in INSIDE.items():
        found = {path.parent.name for path in (ENGINE / part).glob("*/*.py")}
        assert found == folders.keys() - {""}
        with_folders = {path.parts[-3] for path in ENGINE.glob("*/*/*.py")}
    assert with_folders == INSIDE.keys()


def test_modules_import_each_other_in_no_circle() -> None:
    graph = {path: {file_of(name) for name in imports(path)} - {None, path} for path in FILES}
    faces = {path for path in FILES if path.name == "__init__.py"}
    lazily = {path: {other for other in others if other not in faces} for path, others in graph.items()}
    TopologicalSorter(lazily).prepare()  # raises CycleError


def test_no_folder_holds_more_than_a_look_takes_in() -> None:
    paths = (path for path in ENGINE.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    counts = Counter(path.parent for path in paths)  # templates count as modules do
    assert {str(folder.relative_to(ROOT)): count for folder, count in counts.items() if count > MAX_FILES} == {}


@pytest.mark.parametrize("module", ["autograder.cli", "autograder.grading.server", "autograder.sandbox.worker.zygote"])
def test_torch_waits(module: str) -> None:
    """The zygote starts before torch is imported beside it, and the command line never needs it."""
    loaded = f"import sys, {module}; print(sorted({{'torch', 'numpy'}} & {{*sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


def file_of(name: str) -> Path | None:
    """The module that holds an imported name."""
    parts = name.split(".")[1:]
    for length in range(len(parts), 0, -1):
        place = ENGINE.joinpath(*parts[:length])
        for path in (place.with_suffix(".py"), place / "__init__.py"):
            if path.exists():
                return path
    return None


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
    return bool(re.search(r"`\w+`|an id \(\w+\)|^  autograder \w+ \w+", line))
