"""The processes of a running `autograder grade` that live as long as it does, and what the kernel says of each."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

__all__ = ["PARTS", "cpu_seconds", "parts", "peak_mb"]

PARTS = ("command line", "grading process", "zygote")
TICK = os.sysconf("SC_CLK_TCK")


def parts(cli: int) -> Iterator[tuple[str, int]]:
    """Name and process id of each part that is there at this moment; the zygote is one process or two."""
    yield "command line", cli
    for server in _children(cli, "autograder.grading.server"):
        yield "grading process", server
        for zygote in _children(server, "autograder.sandbox.worker.zygote"):
            inner = _children(zygote, "autograder.sandbox.worker.zygote")  # in a process namespace of its own
            yield "zygote", inner[0] if len(inner) == 1 else zygote


def peak_mb(pid: int) -> float:
    """The most memory that was resident, MB of 10^6 bytes; 0 for a process that has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith("VmHWM:")), 0.0)


def cpu_seconds(pid: int) -> float:
    """CPU time of a process and of the children that it has waited for; 0 for a process that has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) / TICK  # utime, stime, cutime, cstime


def _children(pid: int, word: str) -> list[int]:
    """Child processes with this word in their command line."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
        return [int(child) for child in children if word in Path(f"/proc/{child}/cmdline").read_text()]
    except OSError:  # ended meanwhile
        return []
