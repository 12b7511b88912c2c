"""Lets a submission import its own `queue.py` or `token/`, although Python or the grader has a module of that name."""

from __future__ import annotations

import builtins
import sys
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from autograder.sandbox.session.importing.importer import YOURS

__all__ = ["own_names"]


@contextmanager
def own_names(files: Collection[str], folder: str, main: Collection[str] = ()) -> Iterator[Callable[[str], str]]:
    """Inside this block, the submission's code that imports one of these names gets its own file or package.

    All other code gets the module that was there before. A handed-in package may take the name of a module of Python's
    own library, but not of an installed package: a folder `torch/` is only a copy of the installed one. A finder of
    `importer` has to be installed. Yields a function from a module's name to the name under which the submission's own
    module is imported.

    Args:
        files: the paths of the submission's modules below `folder`, those inside packages included.
        main: names of the submission's modules that are always imported under their own names.
    """
    own = {f"{folder}/{path}" for path in files}
    mine = {_top(path) for path in files if "/" not in path or _top(path) in sys.stdlib_module_names}
    taken = {name for name in mine if name not in main and _is_taken(name, folder)}
    original = builtins.__import__

    def called(name: str) -> str:
        return f"{YOURS}{name}" if name.partition(".")[0] in taken else name

    def import_(name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0) -> ModuleType:
        if level == 0 and globals and globals.get("__file__") in own:
            name = called(name)
        return original(name, globals, locals, fromlist, level)

    if taken:
        builtins.__import__ = import_
    try:
        yield called
    finally:
        builtins.__import__ = original


def _top(path: str) -> str:
    """The name of the module or package that a file is, or lies in."""
    return path.partition("/")[0].removesuffix(".py")


def _is_taken(name: str, folder: str) -> bool:
    """True if a module outside the submission has this name."""
    there = sys.modules.get(name)
    if there is None:
        return name in sys.builtin_module_names
    places = [getattr(there, "__file__", None), *getattr(there, "__path__", ())]
    return not any(str(place).startswith(f"{folder}/") for place in places)
