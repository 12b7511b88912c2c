"""A session in the calling process: for the trusted reference, and for checks on a student's own machine."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import ModuleType
from typing import Any

from autograder.sandbox.channel.failures import describe, student_error
from autograder.sandbox.session.operations import Session

__all__ = ["LocalChannel"]


class LocalChannel:
    """A `Channel` that calls the session directly. It confines nothing and cannot end a call that hangs.

    Args:
        module: the imported module.
        own: file names whose lines count as the submission's own; by default the module's file.
        files: the handed-in files other than code, by name.
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
