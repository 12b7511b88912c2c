"""Sets a small mistake aside: one check takes points for it, and all others judge the rest of the answer.

For example, an answer in the wrong dtype is compared as it is, with the larger tolerance of the two dtypes; only
`keeps-float32` and checks that say `dtype_counts()` fail. A list in place of a tensor is set aside likewise. A note on
the student's page names the mistake.

Public checks on a student's machine keep no notes, and set nothing aside.
"""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from autograder.checks.compare.verbs import be

__all__ = ["dtype_counts", "kind_set_aside", "noting"]


@dataclass(frozen=True)
class _Notes:
    """Notes by question, and the question of the running check."""

    kept: MutableMapping[str, str]
    question: str


NOTES: ContextVar[_Notes | None] = ContextVar("NOTES", default=None)


@contextmanager
def noting(kept: MutableMapping[str, str] | None, question: str) -> Iterator[None]:
    """Keep one note per question of the mistakes that the block sets aside; with None, nothing is set aside."""
    token = NOTES.set(None if kept is None else _Notes(kept, question))
    try:
        yield
    finally:
        NOTES.reset(token)


@contextmanager
def dtype_counts() -> Iterator[None]:
    """In this block a wrong dtype or container is a mistake. The check that takes points for the dtype uses it."""
    token = NOTES.set(None)
    try:
        yield
    finally:
        NOTES.reset(token)


def kind_set_aside(what: str, found: object, wanted: object) -> bool:
    """Note that an answer's dtype, or its container, is set aside. Returns False if it is not set aside, but counts.

    >>> kind_set_aside("dx", "torch.float32", "torch.float64")
    False
    """
    notes = NOTES.get()
    if notes is None:
        return False
    differs = f"{what} {be(what)} {found}, wanted {wanted}"
    note = f"{notes.question}: {differs}; one check takes points for it, the others do not"
    notes.kept.setdefault(notes.question, note)
    return True
