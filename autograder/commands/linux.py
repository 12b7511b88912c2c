"""Says, where a command needs Linux and this is another system, that it does: the command line itself runs anywhere."""

from __future__ import annotations

import platform

from autograder.errors import UsageError

__all__ = ["require_linux"]


def require_linux(what: str) -> None:
    """Raise UsageError on any other system. `what` is what cannot be done there."""
    if platform.system() != "Linux":
        raise UsageError(
            f"{what} needs Linux; `check` and `collect`, which students use, run on {platform.system()} too"
        )
