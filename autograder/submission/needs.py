"""What a module imports and does not find where it is graded; no code is run, and nothing imported."""

from __future__ import annotations

import ast
import re
import sys
import sysconfig
from collections.abc import Container, Iterable, Iterator, Mapping
from importlib.machinery import PathFinder
from pathlib import PurePosixPath

from autograder.course.model import Assignment

__all__ = ["is_installed", "not_here", "stand_ins", "unknown_names"]

# What starter files of such courses import for their notebooks' sake: plots, pictures, progress, Colab.
FOR_NOTEBOOKS = (
    *("IPython", "PIL", "cv2", "google.colab", "imageio", "ipywidgets", "matplotlib", "seaborn"),
    *("torchvision", "tqdm"),
)
MOST = 20


def stand_ins(tree: ast.Module, files: Iterable[str]) -> tuple[str, ...]:
    """Packages that only a notebook needs, that a module imports whatever comes, and that are not here.

    Args:
        files: what was handed in, by path.
    """
    wanted, own = set(_imported(tree)), _modules(files)
    return tuple(
        name
        for name in FOR_NOTEBOOKS
        if any(each == name or each.startswith(f"{name}.") for each in wanted) and not _is_here(name, own)
    )


def not_here(tree: ast.Module, files: Iterable[str], assignment: Assignment) -> tuple[str, ...]:
    """First names of all other modules that a module imports whatever comes, and that are not here."""
    own = _modules(files) | {"common", assignment.module}
    tops = dict.fromkeys(name.split(".")[0] for name in _imported(tree))
    standing = {name.split(".")[0] for name in FOR_NOTEBOOKS}
    missing = [top for top in tops if top not in standing and not _is_here(top, own)]
    return tuple(missing[:MOST])


def unknown_names(tree: ast.Module, library: Mapping[str, bytes]) -> tuple[tuple[str, str], ...]:
    """(module, name) of what a module imports from the given library, and no file of that module says a word of.

    Args:
        library: given modules by path, `common/helpers.py`.
    """
    known = {
        path.removesuffix(".py").removesuffix("/__init__").replace("/", "."): data for path, data in library.items()
    }
    unknown = []
    for node in _statements(tree):
        if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module in known:
            words = set(re.findall(rb"\w+", known[node.module]))
            names = [alias.name for alias in node.names if alias.name != "*"]
            missing = [name for name in names if f"{node.module}.{name}" not in known and name.encode() not in words]
            unknown += [(node.module, name) for name in missing]
    return tuple(unknown[:MOST])


def _modules(files: Iterable[str]) -> set[str]:
    return {PurePosixPath(path).parts[0].removesuffix(".py") for path in files if path.endswith(".py")}


def _is_here(name: str, own: Container[str]) -> bool:
    """Whether a worker finds a module: the interpreter's, a package's, or one handed in."""
    return name.partition(".")[0] in own or is_installed(name)


def is_installed(name: str) -> bool:
    """Whether a module is the interpreter's, or that of a package."""
    top = name.partition(".")[0]
    if top in sys.stdlib_module_names:
        return True
    paths = sysconfig.get_paths()
    found = PathFinder.find_spec(top, [paths["purelib"], paths["platlib"]])
    return found is not None and "." not in name


def _imported(tree: ast.Module) -> Iterator[str]:
    """Full names of all modules that are imported when the module is; not those that it can do without."""
    for node in _statements(tree):
        match node:
            case ast.Import(names=aliases):
                yield from (alias.name for alias in aliases)
            case ast.ImportFrom(module=str(module), names=aliases, level=0):
                yield module
                yield from (f"{module}.{alias.name}" for alias in aliases)


def _statements(tree: ast.Module) -> Iterator[ast.stmt]:
    """What runs when a module is imported, but for functions, and for what a `try` may catch."""
    waiting: list[ast.stmt] = list(reversed(tree.body))
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, ast.If | ast.With | ast.ClassDef):
            waiting += [*reversed(getattr(node, "orelse", [])), *reversed(node.body)]
