"""Imports a submission's modules from memory, so that a worker needs no folder for them."""

from __future__ import annotations

import ast
import importlib.abc
import importlib.machinery
import importlib.util
import marshal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import CodeType, ModuleType

__all__ = ["SubmissionFinder"]


class SubmissionFinder(importlib.abc.MetaPathFinder, importlib.abc.SourceLoader):  # type: ignore[misc]  # two stubs of source_to_code
    """Finds modules among `files` as if they were in `folder` and `folder` were first on sys.path.

    Tracebacks, `inspect` and `linecache` find the source through the loader.

    Args:
        code: marshalled code of files that are compiled already.
        excused: returns True if the failure of a statement may be ignored, inside `by_statements`.
    """

    def __init__(
        self,
        files: Mapping[str, bytes],
        folder: str,
        code: Mapping[str, bytes] | None = None,
        excused: Callable[[], bool] = lambda: False,
    ) -> None:
        self._folder, self._excused, self._by_statements = folder, excused, False
        self._code = {f"{folder}/{name}": content for name, content in (code or {}).items()}
        self._sources = {f"{folder}/{name}": content for name, content in files.items() if name.endswith(".py")}

    def install(self) -> None:
        """Insert this finder after built-in and frozen modules and before sys.path."""
        position = sys.meta_path.index(importlib.machinery.PathFinder)
        sys.meta_path.insert(position, self)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        stem = f"{self._folder}/{fullname.replace('.', '/')}"
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
        for statement in ast.parse(self._sources[path], path).body:
            try:
                exec(compile(ast.Module([statement], []), path, "exec", dont_inherit=True), vars(module))
            except Exception:
                if not self._excused():
                    raise

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
