"""How the grader names what lives on the other side: a handle or the submission's module, then a dotted path."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["LOCAL", "PLACED", "Ref"]

# Handles from here on are given by the grader, to what it places; a session's own count stays below.
PLACED = 1 << 32
# Handles from here on are no session's: they name the inputs and results of a plan (`sandbox.plan`).
LOCAL = 1 << 40


@dataclass(frozen=True)
class Ref:
    """Something a session holds.

    Attributes:
        handle: number of an object that the session keeps, or None for the submission's module.
        path: attribute names to follow from there; all digits means an index into a sequence.
    """

    handle: int | None = None
    path: tuple[str, ...] = ()

    def child(self, name: str) -> Ref:
        return Ref(self.handle, (*self.path, name))

    def __str__(self) -> str:
        start = "" if self.handle is None else f"<object {self.handle}>"
        return ".".join(filter(None, (start, *self.path))) or "the module"
