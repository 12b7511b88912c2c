"""Imports a submission's modules from memory, so that a worker needs no folder for them."""

from __future__ import annotations
import __future__

import ast
import importlib.abc
import importlib.machinery
import importlib.util
import marshal
import sys
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import chain
from types import CodeType, ModuleType
from typing import Any

from autograder.sandbox.session.standins import MAX_ADDED, excuse, lost, uses

__all__ = ["YOURS", "SubmissionFinder"]

# Before the name of a module of the submission, if another module has that name; see `own_names`.
YOURS = "your "


class SubmissionFinder(importlib.abc.MetaPathFinder, importlib.abc.SourceLoader):  # type: ignore[misc]  # two stubs of source_to_code
    """Finds modules among `files` as if they were in `folder` and `folder` were first on sys.path.

    Tracebacks, `inspect` and `linecache` find the source through the loader.

    Args:
        code: marshalled code of files that are compiled already.
        excused: returns True if the failure of a statement may be ignored, inside `by_statements`. A failure because of
            a stand-in is always ignored.
        add: adds a stand-in for the missing module that an error names, and returns True if it did.
        only_yours: True to find only names that begin with `YOURS`.
    """

    def __init__(
        self,
        files: Mapping[str, bytes],
        folder: str,
        code: Mapping[str, bytes] | None = None,
        excused: Callable[[], bool] = lambda: False,
        add: Callable[[BaseException], bool] = lambda _: False,
        *,
        only_yours: bool = False,
    ) -> None:
        self._only_yours = only_yours
        self._folder, self._excused, self._add, self._by_statements = folder, excused, add, False
        self._code = {f"{folder}/{name}": content for name, content in (code or {}).items()}
        self._sources = {f"{folder}/{name}": content for name, content in files.items() if name.endswith(".py")}

    def install(self) -> None:
        """Insert this finder after built-in and frozen modules and before sys.path."""
        position = sys.meta_path.index(importlib.machinery.PathFinder)
        sys.meta_path.insert(position, self)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if self._only_yours and not fullname.startswith(YOURS):
            return None
        stem = f"{self._folder}/{fullname.removeprefix(YOURS).replace('.', '/')}"
        if f"{stem}/__init__.py" in self._sources:
            return importlib.util.spec_from_file_location(
                fullname, f"{stem}/__init__.py", loader=self, submodule_search_locations=[stem]
            )
        if f"{stem}.py" in self._sources:
            return importlib.util.spec_from_file_location(
                fullname, f"{stem}.py", loader=self, submodule_search_locations=None
            )
        if any(name.startswith(f"{stem}/") for name in self._sources):
            spec = importlib.machinery.ModuleSpec(fullname, None, is_package=True)
            spec.submodule_search_locations = [stem]
            return spec
        return None

    def has(self, fullname: str) -> bool:
        """True if the files hold a module or package of this dotted name."""
        return self.find_spec(fullname, None) is not None

    @contextmanager
    def by_statements(self) -> Iterator[None]:
        """Inside this block, run modules one statement at a time, and skip a failing statement if it is excused."""
        self._by_statements = True
        try:
            yield
        finally:
            self._by_statements = False

    def exec_module(self, module: ModuleType) -> None:
        if not self._by_statements:
            super().exec_module(module)
            return
        path = self.get_filename(module.__name__)
        tree, names = ast.parse(self._sources[path], path), vars(module)
        flags = compile(tree, path, "exec", dont_inherit=True).co_flags & __future__.annotations.compiler_flag
        for statement in chain.from_iterable(map(_parts, tree.body)):
            before = uses()
            try:
                self._execute(compile(ast.Module([statement], []), path, "exec", flags, dont_inherit=True), names)
            except Exception as error:
                if why := excuse(error, before, self.has):
                    names.update({name: lost(name, why) for name in _bound(statement)})
                elif not self._excused():
                    raise

    def _execute(self, code: CodeType, names: dict[str, Any]) -> None:
        """Execute a statement. If it does not find a module, add a stand-in and execute it again."""
        for _ in range(MAX_ADDED):
            try:
                exec(code, names)
                return
            except Exception as error:
                if not self._add(error):
                    raise
        exec(code, names)

    def get_filename(self, fullname: str) -> str:
        spec = self.find_spec(fullname, None)
        if spec is None or spec.origin is None:
            raise ImportError(f"no module {fullname!r} in the submission", name=fullname)
        return spec.origin

    def get_code(self, fullname: str) -> CodeType | None:
        compiled = self._code.get(self.get_filename(fullname))
        return marshal.loads(compiled) if compiled is not None else super().get_code(fullname)

    def get_data(self, path: str | bytes) -> bytes:
        try:
            return self._sources[str(path)]
        except KeyError:
            raise FileNotFoundError(f"no file {path!r} in the submission") from None


def _parts(statement: ast.stmt) -> Sequence[ast.stmt]:
    """The statement itself; for an import of several names, one statement for each name."""
    match statement:
        case ast.Import(names=aliases):
            parts: list[ast.stmt] = [ast.Import([alias]) for alias in aliases]
        case ast.ImportFrom(module=module, names=aliases, level=level):
            parts = [ast.ImportFrom(_holding(module, alias.name), [alias], level) for alias in aliases]
        case _:
            return [statement]
    return [ast.copy_location(part, statement) for part in parts]


def _holding(module: str | None, name: str) -> str | None:
    """The module to import a name from: `typing_extensions` for a name that only a later `typing` has."""
    if module != "typing" or hasattr(typing, name):
        return module
    with suppress(ImportError):
        if hasattr(importlib.import_module("typing_extensions"), name):
            return "typing_extensions"
    return module


def _bound(statement: ast.stmt) -> Iterator[str]:
    """The names that a statement of a module binds, without those of `import torch` and the like."""
    waiting: list[ast.AST] = [statement]
    while waiting:
        node = waiting.pop()
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
                continue
            case ast.Name(id=name, ctx=ast.Store()) | ast.alias(asname=str(name)):
                yield name
            case ast.ImportFrom(names=aliases):
                yield from (alias.name for alias in aliases if alias.asname is None and alias.name != "*")
        if not isinstance(node, ast.Lambda):
            waiting += ast.iter_child_nodes(node)
