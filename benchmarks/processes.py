"""Runs a command to its end and says what it took."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["ENVIRONMENT", "Ran", "run"]

# The same for every contestant: one thread each, since several run side by side, and no plugin that nobody asked for.
ENVIRONMENT = {
    **{key: value for key, value in os.environ.items() if key not in ("PYTEST_ADDOPTS", "PYTEST_PLUGINS")},
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    "COLUMNS": "120",
}

LOOK_EVERY = 0.05  # seconds


@dataclass(frozen=True)
class Ran:
    """A command that has ended.

    Attributes:
        began: when it was started, seconds since the epoch.
        seconds: from its start to its end.
        cpu: seconds of CPU time of it and of those of its descendants that were waited for.
    """

    began: float
    seconds: float
    cpu: float


def run(
    command: Sequence[str | Path],
    cwd: Path,
    extra: Mapping[str, str] | None = None,
    look: Callable[[int], None] | None = None,
) -> Ran:
    """Run it, with `extra` in its environment.

    Args:
        look: called with its process id, again and again while it runs.

    Raises RuntimeError with the end of what it printed where it does not end with status 0.
    """
    with tempfile.TemporaryFile() as log:
        began, clock = time.time(), time.perf_counter()
        process = subprocess.Popen(
            list(map(str, command)),
            cwd=cwd,
            env={**ENVIRONMENT, **(extra or {})},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        ended, status, usage = os.wait4(process.pid, os.WNOHANG if look else 0)
        while look and not ended:
            look(process.pid)
            time.sleep(LOOK_EVERY)
            ended, status, usage = os.wait4(process.pid, os.WNOHANG)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.perf_counter() - clock
        if process.returncode:
            size = log.seek(0, os.SEEK_END)
            log.seek(max(0, size - 4000))
            said = log.read().decode(errors="replace")
            raise RuntimeError(f"{' '.join(map(str, command))}\nended with status {process.returncode}:\n{said}")
    return Ran(began, seconds, usage.ru_utime + usage.ru_stime)
