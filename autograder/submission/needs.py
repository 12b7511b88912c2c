"""What a module imports and does not find where it is graded; no code is run, and nothing imported."""

from __future__ import annotations

import ast
import sys
import sysconfig
from collections.abc import Container, Iterable, Iterator
from importlib.machinery import PathFinder
from pathlib import PurePosixPath

from autograder.course.model import Assignment

__all__ = ["not_here", "stand_ins"]

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


def _modules(files: Iterable[str]) -> set[str]:
    return {PurePosixPath(path).parts[0].removesuffix(".py") for path in files if path.endswith(".py")}


def _is_here(name: str, own: Container[str]) -> bool:
    """Whether a worker finds a module: the interpreter's, a package's, or one handed in."""
    top = name.partition(".")[0]
    if top in own or top in sys.stdlib_module_names:
        return True
    paths = sysconfig.get_paths()
    found = PathFinder.find_spec(top, [paths["purelib"], paths["platlib"]])
    return found is not None and "." not in name


def _imported(tree: ast.Module) -> Iterator[str]:
    """Full names of all modules that are imported when the module is; not those that it can do without."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        match node := waiting.pop():
            case ast.Import(names=aliases):
                yield from (alias.name for alias in aliases)
            case ast.ImportFrom(module=str(module), names=aliases, level=0):
                yield module
                yield from (f"{module}.{alias.name}" for alias in aliases)
            case ast.Module() | ast.If() | ast.With() | ast.ClassDef():
                waiting.extend(reversed(node.body))
                waiting.extend(getattr(node, "orelse", ()))
