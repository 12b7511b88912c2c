"""Finds imports of a module that fail on the grading machine. No code is run, and nothing is imported."""

from __future__ import annotations

import ast
import re
import sys
import sysconfig
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from importlib.machinery import PathFinder
from pathlib import PurePosixPath

from autograder.course.model import Assignment
from autograder.submission.source.parse import parse

__all__ = ["absent_modules", "absent_packages", "broken_imports", "is_installed", "library_modules", "unknown_names"]

# Packages that notebooks of such courses import, and other packages of the field. A missing module that is none of
# these is the student's own.
PACKAGES = (
    *("IPython", "PIL", "cv2", "google.colab", "imageio", "ipywidgets", "matplotlib", "seaborn", "torchvision", "tqdm"),
    *(
        "accelerate",
        "albumentations",
        "datasets",
        "einops",
        "gdown",
        "h5py",
        "imgaug",
        "jax",
        "kaggle",
        "keras",
        "kornia",
    ),
    *("lightning", "numba", "opt_einsum", "pandas", "plotly", "prettytable", "pytorch_lightning", "requests", "scipy"),
    *(
        "skimage",
        "sklearn",
        "sympy",
        "tabulate",
        "tensorboard",
        "tensorboardX",
        "tensorflow",
        "thop",
        "timm",
        "torchaudio",
    ),
    *("torchinfo", "torchmetrics", "torchsummary", "torchtext", "torchviz", "transformers", "triton", "wandb", "yaml"),
)
MAX_NAMES = 20


def absent_packages(trees: Mapping[str, ast.Module], files: Iterable[str]) -> tuple[str, ...]:
    """The known packages that a file imports unconditionally, and that are not installed.

    Args:
        trees: the parse trees of the handed-in modules, by path.
        files: the paths of all handed-in files.
    """
    own = _modules(files)
    wanted = {name for path, tree in trees.items() for name in _imported(tree, path)}
    return tuple(
        name
        for name in PACKAGES
        if any(each == name or each.startswith(f"{name}.") for each in wanted) and not _is_here(name, own)
    )


def absent_modules(
    trees: Mapping[str, ast.Module], files: Iterable[str], library: Iterable[str], assignment: Assignment
) -> dict[str, tuple[str, int]]:
    """All other missing modules that a file imports unconditionally: name → file and line.

    Args:
        library: the paths of given modules; empty if they are unknown.
    """
    files, library = list(files), list(library)
    given = {name.removesuffix(".py") for name in assignment.given}
    own, there = _modules(files) | {"common", *given}, _dotted([*files, *library])
    unknown = given if library else {"common", *given}
    standing = {name.split(".")[0] for name in PACKAGES}
    missing: dict[str, tuple[str, int]] = {}
    for path, tree in trees.items():
        for node in _statements(tree):
            for name in _modules_of(node, path):
                top = name.split(".")[0]
                if top in own and top not in unknown:
                    absent = name if "." in name and name not in there else ""
                else:
                    absent = "" if top in standing or _is_here(top, own) else top
                if absent and len(missing) < MAX_NAMES:
                    missing.setdefault(absent, (path, node.lineno))
    return missing


def library_modules(trees: Mapping[str, ast.Module], files: Iterable[str]) -> frozenset[str]:
    """The submodules of installed packages that a file imports unconditionally: `torch.utils.tensorboard`.

    Such a module is installed, but its own imports may be missing.
    """
    own = _modules(files)
    wanted = {name for path, tree in trees.items() for node in _statements(tree) for name in _modules_of(node, path)}
    deep = {name for name in wanted if "." in name and name.partition(".")[0] not in own}
    return frozenset(name for name in deep if is_installed(name.partition(".")[0]))


def broken_imports(module: str, files: Mapping[str, bytes], works: Callable[[str], bool]) -> frozenset[str]:
    """The student's broken modules that `module` imports. A module that only imports a broken one is not among them.

    Args:
        works: returns True if a module can be imported by itself.
    """
    broken = {name for name in _files_imported(module, files) if not works(name)}
    return frozenset({name for name in broken if broken.isdisjoint(_files_imported(name, files))} or broken)


def _files_imported(module: str, files: Mapping[str, bytes]) -> tuple[str, ...]:
    """The student's modules that `module` imports at its top level, directly or through other modules.

    Args:
        module: the name of the module; the result leaves it out.
        files: all modules by path; those in folders are ignored.
    """
    found = [module]
    for name in found:
        tree = parse(files.get(f"{name}.py", b""))
        for each in _imported(tree) if tree else ():
            if f"{each}.py" in files and each not in found and len(found) <= MAX_NAMES:
                found.append(each)
    return tuple(found[1:])


def unknown_names(tree: ast.Module, library: Mapping[str, bytes]) -> tuple[tuple[str, str, int], ...]:
    """(module, name, line) of each import from the given library whose name the library's module does not contain.

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
            unknown += [(node.module, name, node.lineno) for name in missing]
    return tuple(unknown[:MAX_NAMES])


def _dotted(files: Iterable[str]) -> set[str]:
    """The full names of the handed-in modules and packages."""
    names = set()
    for path in files:
        if path.endswith(".py"):
            parts = path.removesuffix(".py").removesuffix("/__init__").split("/")
            names |= {".".join(parts[:count]) for count in range(1, len(parts) + 1)}
    return names


def _modules_of(node: ast.stmt, path: str) -> Iterator[str]:
    """The full names of the modules that a statement imports, without the names imported from them."""
    match node:
        case ast.Import(names=aliases):
            yield from (alias.name for alias in aliases)
        case ast.ImportFrom(module=str(module), level=0):
            yield module
        case ast.ImportFrom(module=str(module), level=level):
            around = PurePosixPath(path).parts[:-level]
            if around:
                yield ".".join((*around, module))


def _modules(files: Iterable[str]) -> set[str]:
    return {PurePosixPath(path).parts[0].removesuffix(".py") for path in files if path.endswith(".py")}


def _is_here(name: str, own: Container[str]) -> bool:
    """True if a worker finds a module: in the interpreter, in a package, or in the submission."""
    return name.partition(".")[0] in own or is_installed(name)


def is_installed(name: str) -> bool:
    """True if a module belongs to the interpreter or to an installed package."""
    top = name.partition(".")[0]
    if top in sys.stdlib_module_names:
        return True
    paths = sysconfig.get_paths()
    found = PathFinder.find_spec(top, [paths["purelib"], paths["platlib"]])
    return found is not None and "." not in name


def _imported(tree: ast.Module, path: str = "") -> Iterator[str]:
    """The full names of all modules that an import of this module imports unconditionally."""
    for node in _statements(tree):
        match node:
            case ast.Import(names=aliases):
                yield from (alias.name for alias in aliases)
            case ast.ImportFrom(module=str(module), names=aliases, level=0):
                yield module
                yield from (f"{module}.{alias.name}" for alias in aliases)


def _statements(tree: ast.Module) -> Iterator[ast.stmt]:
    """The statements that an import may run, without the bodies of functions, and without attempts to import."""
    waiting: list[ast.stmt] = list(reversed(tree.body))
    while waiting:
        node = waiting.pop()
        yield node
        inside: list[ast.stmt] = []
        match node:
            case ast.Try() | ast.TryStar():
                inside = [*([] if _attempts(node) else node.body), *node.orelse, *node.finalbody]
            case ast.Match(cases=cases):
                inside = [each for case in cases for each in case.body]
            case ast.If() | ast.For() | ast.While():
                inside = [*node.body, *node.orelse]
            case ast.With() | ast.ClassDef():
                inside = node.body
        waiting += reversed(inside)


def _attempts(node: ast.Try | ast.TryStar) -> bool:
    """True if a handler of a `try` statement catches the error of a failed import."""
    caught = [name for handler in node.handlers for name in _caught(handler.type)]
    return bool({"", "BaseException", "Exception", "ImportError", "ModuleNotFoundError"}.intersection(caught))


def _caught(kind: ast.expr | None) -> Iterator[str]:
    """The names of the exceptions that a handler catches; "" for all, and for those that are not named."""
    match kind:
        case ast.Tuple(elts=kinds):
            for each in kinds:
                yield from _caught(each)
        case ast.Name(id=name) | ast.Attribute(attr=name):
            yield name
        case _:
            yield ""
