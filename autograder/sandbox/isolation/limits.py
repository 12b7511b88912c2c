"""Sets the resource limits of a worker's process."""

from __future__ import annotations

import os
import resource

from autograder.course.model import Limits

__all__ = ["THREADS", "limit_memory", "limit_resources"]

THREADS = 32
DESCRIPTORS = 64
# A CUDA context needs about thirty descriptors and some threads.
MORE_THREADS, MORE_DESCRIPTORS = 128, 1024
# Bytes of address space beside the submission's memory: stacks and arenas of a few threads, and imported modules.
SLACK = 192 << 20


def limit_resources(limits: Limits, *, own_user: bool, boundless: bool = False) -> None:
    """Apply `limits` to this process for good.

    The memory limit is one of address space: the memory that is mapped already, plus the budget. The kernel counts
    threads per user id, so their limit is exact only for a worker with its own id.

    Args:
        own_user: True if no other process has this user id.
        boundless: True for a worker with a GPU: no memory limit, and more threads and descriptors for the driver.
    """
    if not boundless:
        limit_memory((limits.memory_mb << 20) + SLACK)
    _limit(resource.RLIMIT_FSIZE, max(limits.disk_mb << 20, limits.output_kb << 10))
    threads = MORE_THREADS if boundless else THREADS
    _limit(resource.RLIMIT_NPROC, threads if own_user else _threads_of_user() + threads)
    _limit(resource.RLIMIT_NOFILE, MORE_DESCRIPTORS if boundless else DESCRIPTORS)
    for nothing in (resource.RLIMIT_CORE, resource.RLIMIT_MSGQUEUE):
        _limit(nothing, 0)
    if not boundless:
        _limit(resource.RLIMIT_MEMLOCK, 0)


def limit_memory(more: int) -> None:
    """Let this process map so many bytes more than it has mapped already."""
    with open("/proc/self/statm") as file:
        mapped = int(file.read().split()[0]) * resource.getpagesize()
    _limit(resource.RLIMIT_AS, mapped + more)


def _limit(what: int, value: int) -> None:
    _, hard = resource.getrlimit(what)
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(what, (value, value))


def _threads_of_user() -> int:
    """The number of this user id's threads that this process can see."""
    count = 0
    for name in os.listdir("/proc"):
        try:
            if name.isdigit() and os.stat(f"/proc/{name}").st_uid == os.getuid():
                count += len(os.listdir(f"/proc/{name}/task"))
        except OSError:
            continue
    return count
