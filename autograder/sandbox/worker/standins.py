"""Empty packages that can be imported where the real ones are not, and that say what they are when they are used.

They keep an import that only a notebook needs from costing all of a module.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import sys
from collections.abc import Collection, Sequence
from types import ModuleType
from typing import Any

__all__ = ["StandInFinder"]

# What these do concerns nobody but Colab.
HARMLESS = "google.colab."


class StandInFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds what nothing else finds, among packages by these dotted names and below them."""

    def __init__(self, names: Collection[str]) -> None:
        self._names = names

    def install(self) -> None:
        """Come after everything else."""
        if self._names:
            sys.meta_path.append(self)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        known = any(f"{name}.".startswith(f"{fullname}.") or fullname.startswith(f"{name}.") for name in self._names)
        return importlib.machinery.ModuleSpec(fullname, self, is_package=True) if known else None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        return _StandIn(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """There is nothing in it."""


class _StandIn(ModuleType):
    def __getattr__(self, name: str) -> _Nothing:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Nothing(f"{self.__name__}.{name}")


class _Nothing:
    """Something of a package that is not here."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> _Nothing:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Nothing(f"{self._name}.{name}")

    def __repr__(self) -> str:
        return f"<a stand-in for {self._name}, which is not here>"

    def __setitem__(self, key: Any, value: Any) -> None:
        """A setting of what is not here: `plt.rcParams["figure.figsize"] = (10, 8)`."""

    def __mro_entries__(self, bases: tuple[Any, ...]) -> tuple[type, ...]:
        raise self._error()

    def __call__(self, *values: Any, **named: Any) -> None:
        if not self._name.startswith(HARMLESS):
            raise self._error()
        print(f"{self._name} does nothing here: this is not Colab")

    def _error(self) -> ModuleNotFoundError:
        top = self._name.partition(".")[0]
        text = f"No module named {top!r} here: what was imported is a stand-in, and {self._name} was used"
        return ModuleNotFoundError(text, name=top)
