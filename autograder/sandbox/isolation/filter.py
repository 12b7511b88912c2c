"""A seccomp filter, through libseccomp: a worker makes the system calls that answers need, and no other.

`isolation.allowed_syscalls` has the lists. Calls of a foreign architecture (x32, i386) kill the process, which is
libseccomp's default.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Collection
from functools import cache
from types import ModuleType
from typing import Any

from autograder.sandbox.isolation import raw_syscalls
from autograder.sandbox.isolation.allowed_syscalls import (
    ALLOWED,
    FCNTL_REFUSED,
    IOCTL_ALLOWED,
    PRCTL_ALLOWED,
    REFUSED,
    TERMINAL_INPUT,
)

__all__ = ["allow_syscalls", "by_name", "library"]

CLONE_THREAD = 0x0001_0000
LOW = 0xFFFF_FFFF  # arguments that are an int: the kernel looks at no more
NEW_NAMESPACES = 0x7E02_0080  # every CLONE_NEW* of clone(2)


def library() -> ModuleType | None:
    """The binding to libseccomp, or None. Looking for it runs `ldconfig`, so this comes before confinement."""
    try:
        import pyseccomp
    except (ImportError, RuntimeError, OSError):
        return None
    return pyseccomp  # type: ignore[no-any-return]


def allow_syscalls(seccomp: ModuleType, opened: Collection[str] = ()) -> None:
    """From here on, in every thread, calls that are not allowed fail. Needs no_new_privs.

    Args:
        opened: for a worker that uses a device: calls that are not refused there; with `bind` sockets of the family
            AF_UNIX are not either. Nobody knows what else the device's driver calls: all that is not refused may be
            called there, with any ioctl.
    """
    _by_argument(seccomp, seccomp.ERRNO(errno.EPERM)).load()
    raw_syscalls.load_filter(by_name(seccomp, tuple(opened)))  # last: it refuses to load another


@cache
def by_name(seccomp: ModuleType, opened: tuple[str, ...]) -> bytes:
    """The filter's program, as the kernel takes it: to make it takes ten times as long as to load it."""
    refuse = seccomp.ERRNO(errno.EPERM)
    if opened:
        rules = seccomp.SyscallFilter(seccomp.ALLOW)
    else:
        rules = seccomp.SyscallFilter(seccomp.ERRNO(errno.ENOSYS))
        for name in " ".join(ALLOWED.values()).split():
            _add(rules, seccomp.ALLOW, name)
        for request in IOCTL_ALLOWED:
            _add(rules, seccomp.ALLOW, "ioctl", seccomp.Arg(1, seccomp.MASKED_EQ, LOW, request))
        for option in PRCTL_ALLOWED:
            _add(rules, seccomp.ALLOW, "prctl", seccomp.Arg(0, seccomp.MASKED_EQ, LOW, option))
    refused = {name for names in REFUSED.values() for name in names.split()}
    for name in refused - set(opened) - ({"socket"} if "bind" in opened else set()):
        _add(rules, refuse, name)
    with open(os.memfd_create("filter"), "w+b") as file:
        rules.export_bpf(file)
        file.seek(0)
        return file.read()


def _by_argument(seccomp: ModuleType, refuse: int) -> Any:
    """A filter of its own for calls that are refused with some arguments only: the stricter of two holds."""
    rules = seccomp.SyscallFilter(seccomp.ALLOW)
    # Threads and no processes. glibc falls back to clone, whose flags a filter can see.
    _add(rules, seccomp.ERRNO(errno.ENOSYS), "clone3")
    _add(rules, refuse, "clone", seccomp.Arg(0, seccomp.MASKED_EQ, CLONE_THREAD, 0))
    for bit in range(32):
        if (flag := 1 << bit) & NEW_NAMESPACES:
            _add(rules, refuse, "clone", seccomp.Arg(0, seccomp.MASKED_EQ, flag, flag))
    # Signals to itself only (abort, raise, pthread_kill), and limits of its own only.
    for name in ("kill", "tgkill"):
        _add(rules, refuse, name, seccomp.Arg(0, seccomp.NE, os.getpid()))
    _add(rules, refuse, "prlimit64", seccomp.Arg(0, seccomp.NE, 0))
    for name in ("socket", "socketpair"):
        _add(rules, refuse, name, seccomp.Arg(0, seccomp.NE, socket.AF_UNIX))
    for request in TERMINAL_INPUT:
        _add(rules, refuse, "ioctl", seccomp.Arg(1, seccomp.MASKED_EQ, LOW, request))
    for command in FCNTL_REFUSED:
        _add(rules, refuse, "fcntl", seccomp.Arg(1, seccomp.MASKED_EQ, LOW, command))
    return rules


def _add(rules: Any, action: int, name: str, *conditions: object) -> None:
    """Add a rule; a call that this architecture or this libseccomp does not know cannot be made by name either."""
    try:
        rules.add_rule(action, name, *conditions)
    except OSError as error:
        if error.errno not in (errno.EDOM, errno.EFAULT, errno.EINVAL) or conditions:
            raise
