"""Finds an assignment's modules, notebooks and artifacts among a submission's files."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from autograder.course.model import Assignment, Component
from autograder.submission.paths import plain_text, show
from autograder.submission.receive.filename import MAX_NAME
from autograder.submission.source.parse import MAX_BYTES, parse
from autograder.submission.source.same import same_text

__all__ = ["Located", "is_called", "locate", "plain_name"]

LIBRARY = "common/"
MAX_PARSED = 32  # files that are parsed to find a module under another name, or what the files import
MAX_PARSED_BYTES = 512 * 1024  # and their bytes
COPY_BEFORE = re.compile(r"^((copy_of|copy|복사본|사본)_)+")
# One digit at a time: `\d+` inside a repetition would take exponential time on a name full of digits.
COPY_AFTER = re.compile(r"(_?(\(\d+\)|copy|복사본|사본|final|최종|v?\d))+$")


@dataclass(frozen=True)
class Located:
    """The located files of a submission.

    Attributes:
        files: bytes by path relative to the first module's folder, with the modules under their proper names. Empty if
            no module was found.
        notebooks, artifacts: bytes by the assignment's file names.
        modules: the names of the modules in `files`, without `.py`.
        group: the content of `group.txt`, or None.
        edited: given files that the student changed.
        lacking: given files, or whole folders of them, that the modules may import and that were not handed in.
        given: the student's copies of given files, by path. Only a notebook that was not made from the handed-out one
            runs with them.
    """

    files: Mapping[str, bytes]
    notebooks: Mapping[str, bytes]
    artifacts: Mapping[str, bytes]
    modules: frozenset[str]
    group: bytes | None
    notes: tuple[str, ...]
    edited: tuple[str, ...] = ()
    lacking: tuple[str, ...] = ()
    given: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def names(self) -> frozenset[str]:
        """The assignment's names of the modules, notebooks and artifacts that were found."""
        return frozenset((*(f"{module}.py" for module in self.modules), *self.notebooks, *self.artifacts))


def locate(
    files: Mapping[str, bytes], assignment: Assignment, clean: Mapping[str, bytes], left_out: Collection[str] = ()
) -> Located:
    """Find the assignment's files in any folder, and under names that copying has changed.

    If several files may be a module, a file with the student's work wins over the untouched stub. Then the proper name
    wins over a changed one, then the file nearest to the root, then the first by path.

    Args:
        files: all files of the submission.
        clean: the handout's files. The student's copies of given files are left out: the course's own are used.
        left_out: handed-in files that could not be read. They are not noted as missing.
    """
    notes: list[str] = []
    modules: dict[str, str] = {}  # the assignment's file name → the path of the file
    for component in assignment.components:
        if path := _module(files, component, assignment, clean, modules, notes):
            modules[component.file] = path
    base = PurePosixPath(next(iter(modules.values()), "")).parent
    if base.parts:
        notes.append(f"the files are inside the folder {show(str(base))}")
    notebooks = _notebooks(files, assignment, base, notes)
    artifacts = {name: _named(files, name, base, notes) for name in assignment.artifacts}
    absent = [name for name in assignment.notebooks if name not in notebooks]
    absent += [name for name, path in artifacts.items() if path is None]
    if missing := [name for name in absent if not any(is_called(path, name) for path in left_out)]:
        notes.append(f"not handed in: {', '.join(missing)}")
    group = _named(files, "group.txt", base, notes)
    apart = {path for path in (group, *notebooks.values(), *artifacts.values()) if path}
    tree = _tree(files, modules, base, apart, assignment, clean, notes) if modules else _Tree()
    return Located(
        files=tree.files,
        notebooks={name: files[path] for name, path in notebooks.items()},
        artifacts={name: files[path] for name, path in artifacts.items() if path},
        modules=frozenset(component.module for component in assignment.components if component.file in modules),
        group=files[group] if group else None,
        notes=tuple(notes),
        edited=tuple(tree.edited),
        given=tree.given,
        lacking=_lacking(clean, assignment.given, tree.given),
    )


@dataclass
class _Tree:
    """The files that the modules may import and read, and the given files in the submission."""

    files: dict[str, bytes] = field(default_factory=dict)
    given: dict[str, bytes] = field(default_factory=dict)
    edited: list[str] = field(default_factory=list)


def is_called(path: str, wanted: str) -> bool:
    """True if a file's name is `wanted`, or a copy's name of it: `Two_Layers (1).PY` for `two_layers.py`."""
    return plain_name(path) == plain_name(wanted)


def plain_name(path: str) -> tuple[str, str]:
    """Stem and suffix without the additions of copying: `Two_Layers (1).PY`, `two-layers-2.py`, `two_layers.py.txt`.

    macOS writes `복사본` in parts (NFD).
    """
    name = PurePosixPath(plain_text(path).casefold())
    if name.suffix == ".txt" and "." in name.stem:
        name = PurePosixPath(name.stem)
    stem = re.sub(r"[\s._-]+", "_", name.stem)
    if len(stem) > MAX_NAME:
        return stem, name.suffix
    return COPY_AFTER.sub("", COPY_BEFORE.sub("", stem)) or stem, name.suffix


def _module(
    files: Mapping[str, bytes],
    component: Component,
    assignment: Assignment,
    clean: Mapping[str, bytes],
    found: Mapping[str, str],
    notes: list[str],
) -> str | None:
    """The path of a component's module. `found` holds the paths of the earlier components' modules."""
    wanted = component.file
    named_otherwise = {*assignment.files, *assignment.given} - {wanted}
    free = [path for path in files if path not in found.values() and PurePosixPath(path).name not in named_otherwise]
    candidates = [path for path in free if is_called(path, wanted)]
    candidates = candidates or _by_content(files, free, component, assignment, clean)
    if not candidates:
        there = ", ".join(show(path, 60) for path in list(files)[:8]) or "nothing that grading uses"
        notes.append(f"{wanted} is missing; the submission holds: {there}{' …' if len(files) > 8 else ''}")
        return None
    base = PurePosixPath(next(iter(found.values()))).parent if found else None

    def rank(path: str) -> tuple[bool, bool, bool, int, str]:
        place = PurePosixPath(path)
        untouched = not files[path].strip() or same_text(files[path], clean.get(wanted, b""))
        return untouched, place.name != wanted, base not in (None, place.parent), path.count("/"), path

    chosen, *others = sorted(candidates, key=rank)
    if others:
        rest = ", ".join(show(path, 60) for path in others[:3])
        notes.append(f"several files pass for {wanted}: took {show(chosen, 60)}, not {rest}")
    if PurePosixPath(chosen).name != wanted:
        notes.append(f"{show(PurePosixPath(chosen).name)} was taken for {wanted}")
    if not files[chosen].strip():
        notes.append(f"{wanted} is empty")
    return chosen


def _by_content(
    files: Mapping[str, bytes],
    free: Iterable[str],
    component: Component,
    assignment: Assignment,
    clean: Mapping[str, bytes],
) -> list[str]:
    """The files of any name that define the most components of the module's questions."""
    sources = [path for path in free if path.lower().endswith(".py") and not _is_given(path, clean)]
    return [path for path in _to_parse(files, sources) if _are_most(_defined(files[path]), component, assignment)]


def _are_most(names: Collection[str], component: Component, assignment: Assignment) -> bool:
    """True if the names are those of most components of a module's questions."""
    wanted = {question.component.split(".")[0] for question in assignment.questions_in(component.module)}
    return 2 * len(wanted.intersection(names)) > len(wanted)


def _to_parse(files: Mapping[str, bytes], paths: Iterable[str]) -> list[str]:
    """The first of these files, as many as may be parsed."""
    chosen: list[str] = []
    left = MAX_PARSED_BYTES
    for path in paths:
        size = len(files[path])
        if size <= min(left, MAX_BYTES) and len(chosen) < MAX_PARSED:
            chosen.append(path)
            left -= size
    return chosen


def _is_given(path: str, clean: Mapping[str, bytes]) -> bool:
    """True for a file of the handout, in any folder: `A6/common/grad.py`."""
    parts = PurePosixPath(path).parts
    return any("/".join(parts[start:]) in clean for start in range(len(parts)))


def _defined(source: bytes) -> set[str]:
    tree = parse(source)
    kinds = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in tree.body if isinstance(node, kinds)} if tree else set()


def _notebooks(
    files: Mapping[str, bytes], assignment: Assignment, base: PurePosixPath, notes: list[str]
) -> dict[str, str]:
    """The paths of the notebooks, by the assignment's file names."""
    found: dict[str, str] = {}
    for wanted in assignment.notebooks:
        other = [name for name in assignment.notebooks if name != wanted]
        free = [path for path in files if path not in found.values() and PurePosixPath(path).name not in other]
        path = _named(free, wanted, base, notes)
        if path is None and not other:
            path = _only_notebook(files, wanted, notes)
        if path is not None:
            found[wanted] = path
    return found


def _named(files: Iterable[str], wanted: str, base: PurePosixPath, notes: list[str]) -> str | None:
    """The file with the name `wanted`; if there are several, the one nearest to the modules."""
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
    """The submission's only notebook, whatever its name."""
    notebooks = [path for path in files if path.lower().endswith(".ipynb")]
    if len(notebooks) != 1:
        return None
    notes.append(f"{show(notebooks[0])} was taken for {wanted}")
    return notebooks[0]


def _tree(
    files: Mapping[str, bytes],
    modules: Mapping[str, str],
    base: PurePosixPath,
    apart: Collection[str],
    assignment: Assignment,
    clean: Mapping[str, bytes],
    notes: list[str],
) -> _Tree:
    """The files that the modules may import and read: all files below their folder that are not given."""
    given = _given(clean, {*assignment.files, *assignment.notebooks, *assignment.artifacts})
    tree, outside = _Tree({wanted: files[path] for wanted, path in modules.items()}), []
    imported = _imported(files, modules, base)
    helpers = _helpers(files, base, imported, assignment)
    for path, data in files.items():
        place = PurePosixPath(path)
        if path in apart or path in modules.values():
            continue
        if path not in helpers and any(is_called(path, wanted) for wanted in assignment.files):
            continue
        if not place.is_relative_to(base):
            outside.append(path)
            continue
        relative = place.relative_to(base)
        if str(relative) in modules:
            continue  # the untouched file beside the copy that was taken for it
        if PurePosixPath(relative.parts[0]).stem not in given:
            tree.files[str(relative)] = data
            continue
        tree.given[str(relative)] = data
        if relative.suffix == ".py" and not same_text(clean.get(str(relative), b""), data):
            tree.edited.append(str(relative))
            notes.append(f"{show(str(relative))} differs from the course's file, which is used instead")
    if lost := [path for path in outside if path.endswith(".py")]:
        whose = "module's" if len(assignment.files) == 1 else "modules'"
        notes.append(f"outside the {whose} folder, so it cannot be imported: {_some(lost)}")
    below = dict(tree.files)
    for around in _packages(base, below, imported):
        if around.parts[0] not in given:
            tree.files = {**{str(around / path): data for path, data in below.items()}, **tree.files}
    return tree


def _helpers(
    files: Mapping[str, bytes], base: PurePosixPath, imported: Collection[str], assignment: Assignment
) -> set[str]:
    """The files with a module's name that are not versions of it: they are imported, or define other names.

    Example: `two_layers_v2.py` with a function of its own.
    """
    called = {path: [each for each in assignment.components if is_called(path, each.file)] for path in files}
    kept = {path for path, components in called.items() if components and _dotted(path, base) in imported}
    for path in _to_parse(files, (path for path, components in called.items() if components and path not in kept)):
        names = _defined(files[path])
        if names and not any(_are_most(names, component, assignment) for component in called[path]):
            kept.add(path)
    return kept


def _imported(files: Mapping[str, bytes], modules: Mapping[str, str], base: PurePosixPath) -> frozenset[str]:
    """The full names that the modules, and the files below their folder, may import: `src.helpers`."""
    below = (path for path in files if path.endswith(".py") and PurePosixPath(path).is_relative_to(base))
    names: set[str] = set()
    for path in _to_parse(files, dict.fromkeys((*modules.values(), *below))):
        tree = parse(files[path])
        for node in ast.walk(tree) if tree else ():
            match node:
                case ast.Import(names=aliases):
                    names.update(alias.name for alias in aliases)
                case ast.ImportFrom(module=str(module), names=aliases, level=0):
                    names.update((module, *(f"{module}.{alias.name}" for alias in aliases)))
    return frozenset(names)


def _packages(base: PurePosixPath, files: Iterable[str], imported: Collection[str]) -> list[PurePosixPath]:
    """The ends of the folder's path that its files import from: `src` of `A6/src` for `from src.helpers import f`."""
    ends = [PurePosixPath(*base.parts[start:]) for start in range(len(base.parts))]
    places = [PurePosixPath(path) for path in files if path.endswith(".py")]
    return [end for end in ends if any(_dotted(str(end / place), PurePosixPath()) in imported for place in places)]


def _dotted(path: str, base: PurePosixPath) -> str:
    """The full name under which a module's file is imported; "" outside the folder."""
    place = PurePosixPath(path)
    return ".".join(place.relative_to(base).with_suffix("").parts) if place.is_relative_to(base) else ""


def _lacking(clean: Mapping[str, bytes], given: Collection[str], handed_in: Collection[str]) -> tuple[str, ...]:
    """The given files that the modules may import and that were not handed in. A missing library counts as one."""
    library = [path for path in clean if path.endswith(".py") and path.startswith(LIBRARY)]
    missing = [path for path in library if path not in handed_in]
    beside = [path for path in clean if path in given and path not in handed_in]
    return *((LIBRARY,) if library and missing == library else missing), *beside


def _given(clean: Mapping[str, bytes], written: Collection[str]) -> frozenset[str]:
    """The top-level names of the given packages and modules of the handout."""
    tops = (PurePosixPath(path).parts[0] for path in clean if path not in written)
    return frozenset(PurePosixPath(top).stem for top in tops)


def _some(paths: Iterable[str]) -> str:
    shown = [show(path, 60) for path in paths]
    return ", ".join(shown[:3]) + (f" and {len(shown) - 3} more" if len(shown) > 3 else "")
