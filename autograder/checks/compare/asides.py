"""Sets a slip aside: a check of its own charges for it once, and all others judge the rest of the answer.

An answer in the wrong dtype, for example, is compared as it is, with room for the fewer digits; only `keeps-float32`
and checks that say `dtype_counts()` fail. What was set aside is told in a note on the student's page.

Where nobody keeps notes, in the student's own checks at home, nothing is set aside.
"""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

__all__ = ["dtype_counts", "dtype_set_aside", "noting"]


@dataclass(frozen=True)
class _Notes:
    """Notes by question, and the question of the running check."""

    kept: MutableMapping[str, str]
    question: str


NOTES: ContextVar[_Notes | None] = ContextVar("NOTES", default=None)


@contextmanager
def noting(kept: MutableMapping[str, str] | None, question: str) -> Iterator[None]:
    """Keep notes of what the block sets aside under this question, one for each; None sets nothing aside."""
    token = NOTES.set(None if kept is None else _Notes(kept, question))
    try:
        yield
    finally:
        NOTES.reset(token)


@contextmanager
def dtype_counts() -> Iterator[None]:
    """In this block a wrong dtype is a fault: for the check that charges for it."""
    token = NOTES.set(None)
    try:
        yield
    finally:
        NOTES.reset(token)


def dtype_set_aside(what: str, found: object, wanted: object) -> bool:
    """Note that an answer's dtype is set aside; False where it is not, and counts.

    >>> dtype_set_aside("dx", "torch.float32", "torch.float64")
    False
    """
    notes = NOTES.get()
    if notes is None:
        return False
    said = (
        f"{notes.question}: {what} is {found}, wanted {wanted}; one check charges for that, the others look at values"
    )
    notes.kept.setdefault(notes.question, said)
    return True
