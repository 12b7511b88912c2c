"""Puts functions of the grader in place of a submission's own, so that a function that calls them can be judged alone.

A submission whose `nms` calls its own `box_iou` gets another `box_iou`: not the right one, but one whose effect on a
right `nms` the grader knows. A mistake in `box_iou` then does not count again, and no answer enters this process.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from types import FunctionType, ModuleType
from typing import Any

import torch

__all__ = ["Substitution"]


class Substitution:
    """The functions of a submission that are replaced at present.

    Args:
        module: the imported module of the submission. All modules from its folder belong to the submission.
    """

    def __init__(self, module: ModuleType) -> None:
        self._module = module
        self._replaced: list[tuple[dict[str, Any], str, Any]] = []  # namespace, name, the submission's function

    def put(self, sources: Mapping[str, str]) -> None:
        """Replace functions wherever the submission's modules have them, under any name. Earlier ones are restored.

        Args:
            sources: Python source of each function by the name of the function that it replaces. The source may use
                `torch`. A name that the submission does not define is skipped.
        """
        self.restore()
        namespaces = list(self._namespaces())
        for name, source in sources.items():
            made = _made(source)
            own = [each[name] for each in namespaces if type(each.get(name)) is FunctionType]
            for namespace in namespaces:
                for key, value in list(namespace.items()):
                    if any(value is function for function in own):
                        self._replaced.append((namespace, key, value))
                        namespace[key] = made

    def restore(self) -> None:
        """Put the submission's own functions back."""
        for namespace, key, value in reversed(self._replaced):
            namespace[key] = value
        self._replaced.clear()

    def _namespaces(self) -> Iterator[dict[str, Any]]:
        """The dictionary of each module of the submission: imported ones, and those that its functions belong to."""
        folder = _folder(vars(self._module))
        found = [vars(self._module), *(vars(each) for each in list(sys.modules.values()) if type(each) is ModuleType)]
        seen: set[int] = set()
        while found:
            namespace = found.pop(0)
            if id(namespace) in seen or _folder(namespace) != folder:
                continue
            seen.add(id(namespace))
            for value in list(namespace.values()):
                if type(value) is FunctionType:
                    found.append(value.__globals__)
                elif type(value) is ModuleType:
                    found.append(vars(value))
            yield namespace


def _folder(namespace: Mapping[str, Any]) -> str | None:
    """The folder of a module's file, by its dictionary; None without a file."""
    file = namespace.get("__file__")
    return file.rpartition("/")[0] if type(file) is str else None


def _made(source: str) -> FunctionType:
    """The function that a source defines."""
    namespace: dict[str, Any] = {"__name__": "substitute", "torch": torch}
    before = set(namespace)
    exec(compile(source, "<substitute>", "exec", dont_inherit=True), namespace)
    (made,) = [value for key, value in namespace.items() if key not in before and type(value) is FunctionType]
    return made
