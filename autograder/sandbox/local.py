"""A session in this very process: for the reference, which is trusted, and on a student's own machine."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import ModuleType
from typing import Any

from autograder.sandbox.channel.failures import describe, student_error
from autograder.sandbox.session.operations import Session

__all__ = ["LocalChannel"]


class LocalChannel:
    """A `Channel` with nothing in between. Confines nothing, and cannot end a call that hangs.

    Args:
        module: what was imported.
        own: file names whose lines count as the submission's own.
        files: what was handed in besides code.
    """

    def __init__(self, module: ModuleType, own: Collection[str] = (), files: Mapping[str, bytes] | None = None) -> None:
        self._session = Session(module, files)
        self._own = frozenset(own) or frozenset({str(module.__file__)})

    def request(self, op: str, payload: dict[str, Any], timeout: float | None = None) -> Any:
        try:
            return self._session.perform(op, payload)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            raise student_error(describe(error, self._own)) from error
