"""What is not there where code is graded, and says so in the same words everywhere: somebody who answers."""

from __future__ import annotations

import builtins
from typing import NoReturn

__all__ = ["forbid_questions", "no_input"]


def no_input(*_: object, **__: object) -> NoReturn:
    """In place of `input`."""
    raise EOFError("input() is not available")


def forbid_questions() -> None:
    """From now on `input()` raises EOFError in this process."""
    builtins.input = no_input
