"""The files that a worker receives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

__all__ = ["Package"]


@dataclass(frozen=True)
class Package:
    """The files that a worker receives: the submission's own and the given library.

    Attributes:
        files: content by relative POSIX path, `convolutional_networks.py`, `common/__init__.py`.
        module: the module to import, `convolutional_networks`; "" if none is chosen.
        own: the paths of the student's files. Lines of tracebacks are located in these.
        code: marshalled code of files that are compiled already.
        stand_ins: dotted names of missing packages that stand-ins replace; see `session.standins`.
        lines: for each carried file by path, the numbers of its lines in the student's file; see `places`.
        broken: the student's modules that `module` imports and that fail. Stand-ins replace them.
    """

    files: Mapping[str, bytes]
    module: str
    own: frozenset[str]
    code: Mapping[str, bytes] = field(default_factory=dict)
    stand_ins: frozenset[str] = frozenset()
    lines: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    broken: frozenset[str] = frozenset()

    def importing(self, module: str, broken: frozenset[str] = frozenset()) -> Package:
        """A copy that imports another module."""
        return replace(self, module=module, broken=broken)
