"""Lets a submission import its own `queue.py`, although Python or the grader has a module of that name."""

from __future__ import annotations

import builtins
import sys
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType
from typing import Any

__all__ = ["own_names"]


@contextmanager
def own_names(files: Mapping[str, bytes], own: Collection[str]) -> Iterator[None]:
    """Inside this block, the submission's code that imports one of these names gets its own file.

    All other code gets the module that was there before.

    Args:
        files: sources of single-file modules, by the path of their code, `/work/queue.py`.
        own: the paths of all files of the submission.
    """
    taken = {_name(path): path for path in files if _is_taken(_name(path), path)}
    original, modules = builtins.__import__, dict[str, ModuleType]()

    def import_(name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0) -> ModuleType:
        if level == 0 and name in taken and globals and globals.get("__file__") in own:
            return modules[name] if name in modules else _loaded(name)
        return original(name, globals, locals, fromlist, level)

    def _loaded(name: str) -> ModuleType:
        module = modules[name] = ModuleType(name)
        module.__file__ = taken[name]
        try:
            exec(compile(files[taken[name]], taken[name], "exec", dont_inherit=True), module.__dict__)
        except BaseException:
            del modules[name]
            raise
        return module

    if taken:
        builtins.__import__ = import_
    try:
        yield
    finally:
        builtins.__import__ = original


def _name(path: str) -> str:
    return path.replace("\\", "/").rpartition("/")[2].removesuffix(".py")


def _is_taken(name: str, path: str) -> bool:
    """True if a module outside the submission has this name."""
    there = sys.modules.get(name)
    return there is not None and getattr(there, "__file__", None) != path
