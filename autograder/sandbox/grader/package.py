"""What a worker is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

__all__ = ["Package"]


@dataclass(frozen=True)
class Package:
    """What a worker is given: the submission's own files and the given library.

    Attributes:
        files: content by relative POSIX path, `convolutional_networks.py`, `common/__init__.py`.
        module: the module to import, `convolutional_networks`; "" where there is none, or none is chosen yet.
        own: those of `files` that are the student's; tracebacks are located in these.
        code: marshalled code of those of `files` that are compiled already, so that no worker needs to.
        stand_ins: dotted names of packages that are not here, and can be imported all the same; see `session.standins`.
        lines: by path, of files put together: for each line its number in the student's file; see `places`.
        broken: the student's modules that cannot be imported, while `module` imports them: stand-ins take their places.
    """

    files: Mapping[str, bytes]
    module: str
    own: frozenset[str]
    code: Mapping[str, bytes] = field(default_factory=dict)
    stand_ins: frozenset[str] = frozenset()
    lines: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    broken: frozenset[str] = frozenset()

    def importing(self, module: str, broken: frozenset[str] = frozenset()) -> Package:
        """The same files, of which another module is imported."""
        return replace(self, module=module, broken=broken)
