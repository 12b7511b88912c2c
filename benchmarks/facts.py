"""What was measured where: the machine and the versions that a figure depends on."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version

from autograder.grading.reference.verdict import cpu_name

__all__ = ["facts", "load"]

PACKAGES = ("torch", "numpy", "pytest", "otter-grader")


def facts() -> Mapping[str, str]:
    """The machine and the versions, each in a few words."""
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return {
        "CPU": f"{cpu_name()}, {len(os.sched_getaffinity(0))} cores for us",
        "system": f"{platform.system()} {platform.release()}",
        "versions": f"Python {platform.python_version()}, {packages}",
        "started": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "load at start": load(),
    }


def load() -> str:
    """How many processes wanted a core in the last minute; more than a few of ours spoil wall-clock times."""
    return f"{os.getloadavg()[0]:.1f}"
