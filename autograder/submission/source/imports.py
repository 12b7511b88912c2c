"""What a module imports and does not find where it is graded; no code is run, and nothing imported."""

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

# Packages that files of such courses import for their notebooks' sake, and other packages of the field: what is none of
# these and not here is a module of the student's own.
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
MOST = 20


def absent_packages(trees: Mapping[str, ast.Module], files: Iterable[str]) -> tuple[str, ...]:
    """Known packages that something imports whatever comes, and that are not here.

    Args:
        trees: what was handed in and imports, by path.
        files: all that was handed in, by path.
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
    """All other modules that something imports whatever comes, and that are not here: name → file and line.

    Args:
        library: given modules by path; none where that is not known.
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
                if absent and len(missing) < MOST:
                    missing.setdefault(absent, (path, node.lineno))
    return missing


def library_modules(trees: Mapping[str, ast.Module], files: Iterable[str]) -> frozenset[str]:
    """Modules in installed packages that something imports whatever comes: `torch.utils.tensorboard`.

    Such a module is here, and what it needs itself may not be.
    """
    own = _modules(files)
    wanted = {name for path, tree in trees.items() for node in _statements(tree) for name in _modules_of(node, path)}
    deep = {name for name in wanted if "." in name and name.partition(".")[0] not in own}
    return frozenset(name for name in deep if is_installed(name.partition(".")[0]))


def broken_imports(module: str, files: Mapping[str, bytes], works: Callable[[str], bool]) -> frozenset[str]:
    """The student's modules for which one of them fails at its import, as far as others are to blame.

    A module that fails only because it imports a broken one is not among them.

    Args:
        works: whether a module can be imported by itself.
    """
    broken = {name for name in _files_imported(module, files) if not works(name)}
    return frozenset({name for name in broken if broken.isdisjoint(_files_imported(name, files))} or broken)


def _files_imported(module: str, files: Mapping[str, bytes]) -> tuple[str, ...]:
    """The student's modules that are imported whenever one of them is: at its top, and at the tops of these.

    Args:
        module: its name; it is not among the answer.
        files: all modules by path; those in folders are left out.
    """
    found = [module]
    for name in found:
        tree = parse(files.get(f"{name}.py", b""))
        for each in _imported(tree) if tree else ():
            if f"{each}.py" in files and each not in found and len(found) <= MOST:
                found.append(each)
    return tuple(found[1:])


def unknown_names(tree: ast.Module, library: Mapping[str, bytes]) -> tuple[tuple[str, str, int], ...]:
    """(module, name, line) of what a module imports from the given library, and no file of that module says a word of.

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
    return tuple(unknown[:MOST])


def _dotted(files: Iterable[str]) -> set[str]:
    """Full names of the modules and packages that were handed in."""
    names = set()
    for path in files:
        if path.endswith(".py"):
            parts = path.removesuffix(".py").removesuffix("/__init__").split("/")
            names |= {".".join(parts[:count]) for count in range(1, len(parts) + 1)}
    return names


def _modules_of(node: ast.stmt, path: str) -> Iterator[str]:
    """Full names of the modules that a statement imports, without names in them."""
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


def _imported(tree: ast.Module, path: str = "") -> Iterator[str]:
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
