"""Makes a sample class from the reference and a recipe, the same bytes every time.

    python tests/submissions/make_sample.py a6 tests/submissions/a6

The recipe is a6.toml beside this file: one [[submission]] per student, with what is wrong in it. OUT is made anew.
"""

from __future__ import annotations

import argparse
import csv
import json
import shutil
import sys
import tomllib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from autograder.authoring.regions import find_regions, strip_regions
from autograder.course.layout import Course
from autograder.course.model import Assignment, Component
from autograder.errors import AutograderError, UsageError
from autograder.course.table import Wrong
from autograder.grading.mutants.edit import edit
from autograder.grading.mutants.artifacts import handed_in
from autograder.submission.receive.lateness import SUBMITTED
from autograder.submission.collect.zip import zip_bytes

__all__ = ["make_sample", "module"]

HERE = Path(__file__).parent
EVERYTHING = "*"
# The reference's line that a student's own imports are put before.
IMPORT = "import torch"
# What marks a folder as ours to replace; it stands beside the folder, which holds submissions only.
MARK = ".{}.made-by-make_sample"


def make_sample(course: Course, assignment: Assignment, out: Path) -> list[Path]:
    """Write a class's submissions and `submitted.csv` into the folder `out`, which is replaced.

    Returns:
        The zips and folders, in the recipe's order.

    Raises:
        UsageError: there is no recipe, `out` holds something that was not made here, or an edit no longer fits the
            reference.
    """
    recipe = _recipe(assignment)
    _clear(out)
    made, rows = [], []
    for entry in recipe["submission"]:
        path = out / _file_name(entry, assignment)
        files = _files(entry, course, assignment)
        when: datetime = entry["submitted_at"]
        match entry.get("form", "zip"):
            case "zip":
                path.write_bytes(zip_bytes(files, when.timetuple()[:6]))
            case "folder":
                path = path.with_suffix("")
                _write_folder(path, files)
            case "text":
                path.write_text(entry["text"], encoding="utf-8")
        made.append(path)
        rows.append((path.name, when.isoformat()))
    with (out / SUBMITTED).open("w", encoding="utf-8", newline="") as table:
        csv.writer(table, lineterminator="\n").writerows([("submission", "submitted_at"), *rows])
    return made


def _recipe(assignment: Assignment) -> dict[str, Any]:
    path = HERE / f"{assignment.id}.toml"
    if not path.is_file():
        raise UsageError(f"{path}: no such file: the recipe of the sample class belongs there")
    return tomllib.loads(path.read_text(encoding="utf-8"))


def _clear(out: Path) -> None:
    mark = out.with_name(MARK.format(out.name))
    if out.exists() and any(out.iterdir()) and not mark.exists():
        raise UsageError(f"{out}: holds something that was not made here; name another folder")
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    mark.touch()


def _file_name(entry: Mapping[str, Any], assignment: Assignment) -> str:
    return f"{entry['name']}-{entry['id']}-A{assignment.number}-O{entry.get('option', 1)}.zip"


def _files(entry: Mapping[str, Any], course: Course, assignment: Assignment) -> dict[str, bytes]:
    """What is handed in, by path inside the zip."""
    files = {}
    for component in assignment.components:
        files[component.file] = module(entry, course, assignment, component).encode()
        if component.notebook:
            files[component.notebook] = _notebook(entry, course.handout(assignment) / component.notebook)
    if misfits := [change for change in entry.get("edit", ()) if change.get("file", assignment.files[0]) not in files]:
        raise UsageError(f"{assignment.id}.toml: {entry['name']}: edit: there is no file {misfits[0]['file']}")
    files |= handed_in(assignment, course.solution(assignment), entry.get("artifacts", {}))
    files |= {name: text.encode() for name, text in entry.get("files", {}).items()}
    for name in entry.get("without", ()):
        files.pop(name, None)
    return {entry.get("inside", "") + name: data for name, data in files.items()}


def module(entry: Mapping[str, Any], course: Course, assignment: Assignment, component: Component) -> str:
    """The reference's module with what this student left out, and with this student's mistakes.

    An edit and `imports` are of the first module, unless `file` and `imports_in` name another.
    """
    path = course.solution(assignment) / component.file
    source = path.read_text(encoding="utf-8")
    for change in entry.get("edit", ()):
        if change.get("file", assignment.files[0]) != component.file:
            continue
        try:
            source = edit(source, change["within"], [change["find"]], [change["replace"]])
        except Wrong as misfit:
            raise UsageError(f"{assignment.id}.toml: {entry['name']}: {misfit}") from None
    regions = find_regions(source, path, assignment.by_id)
    left_out = entry.get("left_out", [])
    stub = strip_regions(
        source, [region for region in regions if EVERYTHING in left_out or region.question in left_out]
    )
    kept = [line for line in stub.splitlines() if "# BEGIN SOLUTION" not in line and "# END SOLUTION" not in line]
    imports = entry.get("imports", "") if entry.get("imports_in", assignment.files[0]) == component.file else ""
    if imports:
        if IMPORT not in kept:
            raise UsageError(f"{assignment.id}.toml: {entry['name']}: imports: the reference has no line `{IMPORT}`")
        kept.insert(kept.index(IMPORT), imports.removesuffix("\n"))
    return "\n".join(kept) + "\n"


def _notebook(entry: Mapping[str, Any], handed_out: Path) -> bytes:
    """The handout's notebook, its first code cell filled in."""
    notebook = json.loads(handed_out.read_text(encoding="utf-8"))
    first = next(cell for cell in notebook["cells"] if cell["cell_type"] == "code")
    text = "".join(first["source"])
    for key, value in (("name", entry["name"]), ("idnum", entry["id"])):
        text = text.replace(f'{key} = ""', f"{key} = {json.dumps(value, ensure_ascii=False)}")
    first["source"] = text.replace("option = 1", f"option = {entry.get('option', 1)}").splitlines(keepends=True)
    return json.dumps(notebook, indent=1, ensure_ascii=False).encode() + b"\n"


def _write_folder(path: Path, files: Mapping[str, bytes]) -> None:
    for name, data in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(data)


def main() -> int:
    parser = argparse.ArgumentParser(description="Make a sample class.")
    parser.add_argument("assignment", metavar="ASSIGNMENT", help="an id, for example a6")
    parser.add_argument("out", metavar="OUT", type=Path, help="folder to write; one made before is replaced")
    args = parser.parse_args()
    try:
        course = Course.find(HERE)
        made = make_sample(course, course.assignment(args.assignment), args.out)
    except AutograderError as error:
        print(f"make_sample: {error}", file=sys.stderr)
        return 2
    print(f"{len(made)} submissions in {args.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
