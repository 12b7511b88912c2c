"""Refuses commands that need Linux on other systems. The command line itself runs on every system."""

from __future__ import annotations

import platform

from autograder.errors import UsageError

__all__ = ["require_linux"]


def require_linux(what: str) -> None:
    """Raise UsageError on any system but Linux. `what` names the operation, for example "grading"."""
    if platform.system() != "Linux":
        raise UsageError(
            f"{what} needs Linux; `check` and `collect`, which students use, run on {platform.system()} too"
        )
