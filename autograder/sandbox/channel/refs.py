"""References to objects on the other side: a handle or the submission's module, then a dotted path."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["LOCAL", "PLACED", "Ref"]

# The grader chooses handles from here on, for tensors that it places. A session chooses smaller ones.
PLACED = 1 << 32
# Handles from here on name the inputs and results of a plan (`sandbox.plan`).
LOCAL = 1 << 40


@dataclass(frozen=True)
class Ref:
    """A reference to an object in a session.

    Attributes:
        handle: the number of an object that the session keeps, or None for the submission's module.
        path: attribute names to follow from that object. A name of digits is an index into a sequence.
    """

    handle: int | None = None
    path: tuple[str, ...] = ()

    def child(self, name: str) -> Ref:
        return Ref(self.handle, (*self.path, name))

    def __str__(self) -> str:
        start = "" if self.handle is None else f"<object {self.handle}>"
        return ".".join(filter(None, (start, *self.path))) or "the module"
