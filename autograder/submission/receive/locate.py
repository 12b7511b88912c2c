"""Finds an assignment's modules, notebooks and artifacts among a submission's files."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import PurePosixPath

from autograder.course.model import Assignment, Component
from autograder.submission.paths import show
from autograder.submission.receive.filename import MAX_NAME, is_called, plain_name
from autograder.submission.receive.intake import Files
from autograder.submission.source.imports import is_installed
from autograder.submission.source.parse import MAX_BYTES, parse
from autograder.submission.source.same import same_text

__all__ = ["Located", "locate"]

LIBRARY = "common/"
MAX_PARSED = 32  # files that are parsed to find a module under another name, or what the files import
MAX_PARSED_BYTES = 512 * 1024  # and their bytes
IMPORT = "import "
DEFINITIONS = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True)
class Located:
    """The located files of a submission.

    Attributes:
        files: bytes by path relative to the first module's folder, with the modules under their proper names. Empty if
            no module was found.
        notebooks, artifacts: bytes by the assignment's file names.
        modules: the names of the modules in `files`, without `.py`.
        answered: the number of questions that each module answers, by the module's name.
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
    answered: Mapping[str, int] = field(default_factory=dict)

    @property
    def names(self) -> frozenset[str]:
        """The assignment's names of the modules, notebooks and artifacts that were found."""
        return frozenset((*(f"{module}.py" for module in self.modules), *self.notebooks, *self.artifacts))


def locate(files: Files, assignment: Assignment, clean: Mapping[str, bytes]) -> Located:
    """Find the assignment's files in any folder, and under names that copying has changed.

    If several files may be a module, the one that answers the most questions wins. Then the proper name wins over a
    changed one, then the file nearest to the root, then the newest one, then the first by path.

    Args:
        files: all files of the submission. A file that was left out is not noted as missing.
        clean: the handout's files. The student's copies of given files are left out: the course's own are used.
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
    for name in assignment.artifacts:
        if artifacts[name] is None:
            free = [path for path in files if path not in artifacts.values()]
            artifacts[name] = _only_longer_name(free, name, assignment.artifacts, notes)
    absent = [name for name in assignment.notebooks if name not in notebooks]
    absent += [name for name, path in artifacts.items() if path is None]
    if missing := [name for name in absent if not any(is_called(path, name) for path in files.left_out)]:
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
        answered={
            component.module: _answers(files[modules[component.file]], clean, component, assignment)
            for component in assignment.components
            if component.file in modules
        },
    )


@dataclass
class _Tree:
    """The files that the modules may import and read, and the given files in the submission."""

    files: dict[str, bytes] = field(default_factory=dict)
    given: dict[str, bytes] = field(default_factory=dict)
    edited: list[str] = field(default_factory=list)


def _module(
    files: Files,
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
    base = PurePosixPath(next(iter(found.values()))).parent if found else None

    def place(path: str) -> tuple[bool, bool, bool, int, float, str]:
        here, changed = PurePosixPath(path), files.modified.get(path)
        untouched = not files[path].strip() or same_text(files[path], clean.get(wanted, b""))
        far, age = base not in (None, here.parent), -changed.timestamp() if changed else 0.0
        return untouched, here.name != wanted, far, path.count("/"), age, path

    candidates = sorted((path for path in free if is_called(path, wanted)), key=place)
    answers = {path: _answers(files[path], clean, component, assignment) for path in _to_parse(files, candidates)}
    hollow = (path in answers and _is_hollow(files[path], component, assignment) for path in candidates)
    if not any(answers.values()) and all(hollow):  # the module itself may have another name
        for path in _by_content(files, free, component, assignment, clean):
            answers[path] = _answers(files[path], clean, component, assignment)
            if path not in candidates and (answers[path] or not candidates):
                candidates.append(path)
    if not candidates:
        there = ", ".join(show(path, 60) for path in list(files)[:8]) or "nothing that grading uses"
        notes.append(f"{wanted} is missing; the submission holds: {there}{' …' if len(files) > 8 else ''}")
        return None
    candidates.sort(key=lambda path: (-answers.get(path, 0), place(path)))
    chosen, *others = candidates
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
    """The files of any name that define most components of the module's questions."""
    sources = [path for path in free if path.lower().endswith((".py", ".txt")) and not _is_given(path, clean)]
    return [path for path in _to_parse(files, sources) if _are_most(_defined(files[path]), component, assignment)]


def _are_most(names: Collection[str], component: Component, assignment: Assignment) -> bool:
    """True if the names are those of most components of a module's questions."""
    wanted = {name.partition(".")[0] for name in _asked(component, assignment)}
    return 2 * len(wanted.intersection(names)) > len(wanted)


def _asked(component: Component, assignment: Assignment) -> set[str]:
    """The functions, classes and methods that a module's questions ask for: `Conv.forward`."""
    return {question.component for question in assignment.questions_in(component.module)}


def _answers(source: bytes, clean: Mapping[str, bytes], component: Component, assignment: Assignment) -> int:
    """The number of a module's questions for which the source has other code than the stub, or an import of it."""
    theirs, ours = _code(source), _code(clean.get(component.file, b""))
    own = {name: code for name, code in theirs.items() if code not in (ours.get(name), IMPORT + component.module)}
    imported = {name for name, code in own.items() if code.startswith(IMPORT)}
    asked = _asked(component, assignment)
    stars = [name.removesuffix(".*") for name in imported if name.endswith(".*")]
    if not all(map(is_installed, stars)):  # `from layers import *` may bring every answer
        return len(asked)
    return sum(name in own or name.partition(".")[0] in imported for name in asked)


def _is_hollow(source: bytes, component: Component, assignment: Assignment) -> bool:
    """True for a file that can be no answer: it is empty, has stubs, or imports the module, as a notebook does."""
    code = _code(source)
    stubs = not _asked(component, assignment).isdisjoint(code)
    return not source.strip() or stubs or IMPORT + component.module in code.values()


@lru_cache(maxsize=16)
def _code(source: bytes) -> Mapping[str, str]:
    """The code of each function, class and method at the top of a source, without comments and docstrings.

    An imported or assigned name has the module that it comes from in place of code, after `IMPORT`. The name of
    `from layers import *` is `layers.*`.
    """
    tree = parse(source)
    code = {}
    waiting = list(tree.body) if tree else []
    while waiting:
        node = waiting.pop(0)
        match node:
            case ast.If(body=body) | ast.Try(body=body) | ast.With(body=body):
                waiting += body
            case ast.ImportFrom(module=module, names=aliases):
                for alias in aliases:
                    name = f"{module}.*" if alias.name == "*" else alias.asname or alias.name
                    code[name] = f"{IMPORT}{module}"
            case ast.Import(names=aliases):
                code.update({alias.asname or alias.name: IMPORT + alias.name for alias in aliases})
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                code[name] = f"{IMPORT}{ast.unparse(value)[:MAX_NAME]}"
        if isinstance(node, DEFINITIONS):
            code[node.name] = _dumped(node)
            for inner in node.body if isinstance(node, ast.ClassDef) else ():
                if isinstance(inner, DEFINITIONS):
                    code[f"{node.name}.{inner.name}"] = _dumped(inner)
    return code


def _dumped(node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    body = node.body[1:] if ast.get_docstring(node, clean=False) is not None else node.body
    return "\n".join(_dumped(each) if isinstance(each, DEFINITIONS) else ast.dump(each) for each in body)


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
    return {node.name for node in tree.body if isinstance(node, DEFINITIONS)} if tree else set()


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
        path = path or _only_longer_name(free, wanted, assignment.notebooks, notes)
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


def _only_longer_name(paths: Iterable[str], wanted: str, asked: Collection[str], notes: list[str]) -> str | None:
    """The only file with `wanted` in its name, and with no other of the names that are asked for.

    Example: `kim_2022990101_best_layers.pt` for `best_layers.pt`.
    """
    stem, suffix = plain_name(wanted)
    others = [plain_name(name)[0] for name in asked if name != wanted]
    names = {path: plain_name(path) for path in paths}
    found = [path for path, (name, kind) in names.items() if stem in name and kind == suffix]
    found = [path for path in found if not any(other in names[path][0] for other in others if other not in stem)]
    if len(found) != 1:
        return None
    notes.append(f"{show(PurePosixPath(found[0]).name)} was taken for {wanted}")
    return found[0]


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
    """The files that the modules may import and read: all files below their folder that are not given.

    Helpers in a folder around it are taken where they are imported from there: `utils/` beside `src/`.
    """
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
        if _top(str(relative)) not in given:
            tree.files[str(relative)] = data
            continue
        tree.given[str(relative)] = data
        if relative.suffix == ".py" and not same_text(clean.get(str(relative), b""), data):
            tree.edited.append(str(relative))
            notes.append(f"{show(str(relative))} differs from the course's file, which is used instead")
    around = {path: place for path, place in _around(outside, base, imported).items() if _top(place) not in given}
    if lost := [path for path in outside if path.endswith(".py") and path not in around]:
        whose = "module's" if len(assignment.files) == 1 else "modules'"
        notes.append(f"outside the {whose} folder, so it cannot be imported: {_some(lost)}")
    below = dict(tree.files)
    for end in _packages(base, below, imported):
        if end.parts[0] not in given:
            tree.files = {**{str(end / path): data for path, data in below.items()}, **tree.files}
    tree.files = {**{place: files[path] for path, place in around.items()}, **tree.files}
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


def _around(outside: Iterable[str], base: PurePosixPath, imported: Collection[str]) -> dict[str, str]:
    """The files outside the modules' folder that the modules import, each with its path for an import.

    Example: `A6/utils/helpers.py` becomes `utils/helpers.py` if `A6/src/two_layers.py` imports `utils.helpers`.
    """
    tops = {name.partition(".")[0] for name in imported}
    own = {top for top in tops if not is_installed(top)}
    found: dict[str, str] = {}
    for path in outside:
        for folder in base.parents:
            if PurePosixPath(path).is_relative_to(folder):
                place = str(PurePosixPath(path).relative_to(folder))
                if _top(place) in own and ("/" in place or place.endswith(".py")) and place not in found.values():
                    found[path] = place
                    break
    return found


def _top(path: str) -> str:
    """The name under which the first part of a path is imported: `utils` for `utils/a.py` and `utils.py`."""
    return PurePosixPath(PurePosixPath(path).parts[0]).stem


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
