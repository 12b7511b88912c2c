"""Imports a submission's modules from memory, so that a worker needs no folder for them."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import marshal
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from types import CodeType, ModuleType

from autograder.sandbox.session.importing.statements import Statements

__all__ = ["YOURS", "SubmissionFinder"]

# Before the name of a module of the submission, if another module has that name; see `own_names`.
YOURS = "your "


class SubmissionFinder(importlib.abc.MetaPathFinder, importlib.abc.SourceLoader):  # type: ignore[misc]  # two stubs of source_to_code
    """Finds modules among `files` as if they were in `folder` and `folder` were first on sys.path.

    Tracebacks, `inspect` and `linecache` find the source through the loader.

    Args:
        code: marshalled code of files that are compiled already.
        statements: runs the modules while the submission is imported; None to run each as a whole.
        only_yours: True to find only names that begin with `YOURS`.
    """

    def __init__(
        self,
        files: Mapping[str, bytes],
        folder: str,
        code: Mapping[str, bytes] | None = None,
        statements: Statements | None = None,
        *,
        only_yours: bool = False,
    ) -> None:
        self._folder, self._statements, self._only_yours = folder, statements, only_yours
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

    def exec_module(self, module: ModuleType) -> None:
        path = self.get_filename(module.__name__)
        run = partial(super().exec_module, module)
        if self._statements is None:
            run()
        else:
            self._statements.run(path, self._sources[path], vars(module), run)

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
