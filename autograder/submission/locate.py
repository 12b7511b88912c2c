"""Finds, among a submission's files, the module, the notebook and the artifacts that an assignment asks for."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from autograder.course.model import Assignment
from autograder.submission.names import show
from autograder.submission.source import parse

__all__ = ["Located", "is_called", "locate"]

LIBRARY = "common/"
MOST_PARSED = 8  # files that are parsed to find a module under another name
COPY_BEFORE = re.compile(r"^((copy_of|copy|복사본|사본)_)+")
# One digit at a time: `\d+` inside a repetition would take exponential time on a name full of digits.
COPY_AFTER = re.compile(r"(_?(\(\d+\)|copy|복사본|사본|final|최종|v?\d))+$")


@dataclass(frozen=True)
class Located:
    """What was found.

    Attributes:
        files: paths relative to the module's folder → bytes; the module under its proper name. Empty without it.
        notebook: its bytes, None if there is none.
        artifacts: by the name that the assignment gives them.
        module_found: whether `files` holds the module.
        group: `group.txt`, None if there is none.
        edited: given files that were handed in otherwise than they were handed out.
        lacking: given files, or whole folders of them, that the module may import and that were not handed in.
    """

    files: Mapping[str, bytes]
    notebook: bytes | None
    artifacts: Mapping[str, bytes]
    module_found: bool
    group: bytes | None
    notes: tuple[str, ...]
    edited: tuple[str, ...] = ()
    lacking: tuple[str, ...] = ()


def locate(files: Mapping[str, bytes], assignment: Assignment, clean: Mapping[str, bytes]) -> Located:
    """Find what the assignment asks for, wherever it lies and whatever copying did to its name.

    Several files may pass for the module. One that the student has written in comes before the untouched stub, the
    proper name before a changed one, then the one nearest to the root, then the first by path.

    Args:
        files: all of the submission.
        clean: the handout's files. Those of them that students do not write are left out: the course's own are used.
    """
    notes: list[str] = []
    module = _module(files, assignment, clean, notes)
    base = PurePosixPath(module).parent if module else PurePosixPath()
    if base.parts:
        notes.append(f"the files are inside the folder {show(str(base))}")
    notebook = _named(files, assignment.notebook, base, notes) if assignment.notebook else None
    if assignment.notebook and notebook is None:
        notebook = _only_notebook(files, assignment.notebook, notes)
    artifacts = {name: _named(files, name, base, notes) for name in assignment.artifacts}
    if missing := [name for name, path in artifacts.items() if path is None]:
        notes.append(f"not handed in: {', '.join(missing)}")
    group = _named(files, "group.txt", base, notes)
    apart = {path for path in (notebook, group, *artifacts.values()) if path}
    tree = _tree(files, module, base, apart, assignment, clean, notes) if module else _Tree()
    return Located(
        files=tree.files,
        notebook=files[notebook] if notebook else None,
        artifacts={name: files[path] for name, path in artifacts.items() if path},
        module_found=module is not None,
        group=files[group] if group else None,
        notes=tuple(notes),
        edited=tuple(tree.edited),
        lacking=_lacking(clean, tree.given),
    )


@dataclass
class _Tree:
    """What the module may import and read, and the given files among what was handed in."""

    files: dict[str, bytes] = field(default_factory=dict)
    given: list[str] = field(default_factory=list)
    edited: list[str] = field(default_factory=list)


def is_called(path: str, wanted: str) -> bool:
    """Whether a file is called `wanted`, or was before it was copied, downloaded twice or capitalised."""
    return _plain(path) == _plain(wanted)


def _plain(path: str) -> tuple[str, str]:
    """Stem and suffix without what copying adds: `Two_Layers (1).PY`, `two-layers-2.py`, `two_layers.py.txt`."""
    name = PurePosixPath(path.casefold())
    if name.suffix == ".txt" and "." in name.stem:
        name = PurePosixPath(name.stem)
    stem = re.sub(r"[\s._-]+", "_", name.stem)
    return COPY_AFTER.sub("", COPY_BEFORE.sub("", stem)) or stem, name.suffix


def _module(
    files: Mapping[str, bytes], assignment: Assignment, clean: Mapping[str, bytes], notes: list[str]
) -> str | None:
    wanted = f"{assignment.module}.py"
    candidates = [path for path in files if is_called(path, wanted)] or _by_content(files, assignment, clean)
    if not candidates:
        there = ", ".join(show(path, 60) for path in list(files)[:8]) or "nothing that grading uses"
        notes.append(f"{wanted} is missing; the submission holds: {there}{' …' if len(files) > 8 else ''}")
        return None
    stub = _lines(clean.get(wanted, b""))

    def rank(path: str) -> tuple[bool, bool, int, str]:
        untouched = not files[path].strip() or _lines(files[path]) == stub
        return untouched, PurePosixPath(path).name != wanted, path.count("/"), path

    chosen, *others = sorted(candidates, key=rank)
    if others:
        rest = ", ".join(show(path, 60) for path in others[:3])
        notes.append(f"several files pass for {wanted}: took {show(chosen, 60)}, not {rest}")
    if PurePosixPath(chosen).name != wanted:
        notes.append(f"{show(PurePosixPath(chosen).name)} was taken for {wanted}")
    if not files[chosen].strip():
        notes.append(f"{wanted} is empty")
    return chosen


def _by_content(files: Mapping[str, bytes], assignment: Assignment, clean: Mapping[str, bytes]) -> list[str]:
    """The files that define most of what the questions ask for, whatever they are called."""
    wanted = {question.component.split(".")[0] for question in assignment.questions}
    sources = [path for path in files if path.lower().endswith(".py") and path not in clean]
    return [path for path in sources[:MOST_PARSED] if 2 * len(wanted & _defined(files[path])) > len(wanted)]


def _defined(source: bytes) -> set[str]:
    tree = parse(source)
    kinds = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in tree.body if isinstance(node, kinds)} if tree else set()


def _lines(data: bytes) -> list[bytes]:
    """Content without the line endings, which version control and editors change."""
    return data.removeprefix(b"\xef\xbb\xbf").splitlines()


def _named(files: Mapping[str, bytes], wanted: str, base: PurePosixPath, notes: list[str]) -> str | None:
    """The file called `wanted`, the one nearest to the module if there are several."""
    candidates = [path for path in files if is_called(path, wanted)]
    if not candidates:
        return None

    def rank(path: str) -> tuple[bool, bool, int, str]:
        place = PurePosixPath(path)
        return place.name != wanted, place.parent != base, path.count("/"), path

    chosen = min(candidates, key=rank)
    if PurePosixPath(chosen).name != wanted:
        notes.append(f"{show(PurePosixPath(chosen).name)} was taken for {wanted}")
    return chosen


def _only_notebook(files: Mapping[str, bytes], wanted: str, notes: list[str]) -> str | None:
    """The submission's only notebook whatever its name, since nothing else can be meant."""
    notebooks = [path for path in files if path.lower().endswith(".ipynb")]
    if len(notebooks) != 1:
        notes.append(f"not handed in: {wanted}")
        return None
    notes.append(f"{show(notebooks[0])} was taken for {wanted}")
    return notebooks[0]


def _tree(
    files: Mapping[str, bytes],
    module: str,
    base: PurePosixPath,
    apart: Collection[str],
    assignment: Assignment,
    clean: Mapping[str, bytes],
    notes: list[str],
) -> _Tree:
    """What the module may import and read: everything in and below its folder that the course does not give."""
    wanted = f"{assignment.module}.py"
    given = _given(clean, {wanted, assignment.notebook, *assignment.artifacts})
    tree, outside = _Tree({wanted: files[module]}), []
    for path, data in files.items():
        place = PurePosixPath(path)
        if path in apart or path == module or is_called(path, wanted):
            continue
        if not place.is_relative_to(base):
            outside.append(path)
            continue
        relative = place.relative_to(base)
        if PurePosixPath(relative.parts[0]).stem not in given:
            tree.files[str(relative)] = data
            continue
        tree.given.append(str(relative))
        if relative.suffix == ".py" and _lines(clean.get(str(relative), b"")) != _lines(data):
            tree.edited.append(str(relative))
            notes.append(f"{show(str(relative))} is not the course's; the course's is used")
    if lost := [path for path in outside if path.endswith(".py")]:
        notes.append(f"outside the module's folder, cannot be imported: {_some(lost)}")
    return tree


def _lacking(clean: Mapping[str, bytes], handed_in: Collection[str]) -> tuple[str, ...]:
    """Given files below folders that the module may import from and that were not handed in; such a folder as one."""
    wanted = [path for path in clean if path.endswith(".py") and path.startswith(LIBRARY)]
    missing = [path for path in wanted if path not in handed_in]
    return (LIBRARY,) if wanted and missing == wanted else tuple(missing)


def _given(clean: Mapping[str, bytes], written: Collection[str]) -> frozenset[str]:
    """Top-level names of what the handout brings and students do not write: its packages and modules."""
    tops = (PurePosixPath(path).parts[0] for path in clean if path not in written)
    return frozenset(PurePosixPath(top).stem for top in tops)


def _some(paths: Iterable[str]) -> str:
    shown = [show(path, 60) for path in paths]
    return ", ".join(shown[:3]) + (f" and {len(shown) - 3} more" if len(shown) > 3 else "")
