"""A seccomp filter, made with libseccomp: a worker can make only the system calls of the allow-list.

`isolation.allowed_syscalls` has the lists. A call of a foreign architecture (x32, i386) kills the process, by
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
LOW = 0xFFFF_FFFF  # mask of an int argument: the kernel reads only these bits
NEW_NAMESPACES = 0x7E02_0080  # every CLONE_NEW* of clone(2)


def library() -> ModuleType | None:
    """The binding to libseccomp, or None. Its search runs `ldconfig`, so this must come before confinement."""
    try:
        import pyseccomp
    except (ImportError, RuntimeError, OSError):
        return None
    return pyseccomp  # type: ignore[no-any-return]


def allow_syscalls(seccomp: ModuleType, opened: Collection[str] = ()) -> None:
    """Load the filter for this process: from here on, other system calls fail in every thread. Needs no_new_privs.

    Args:
        opened: for a worker that uses a GPU: refused calls that are allowed there. `bind` also allows AF_UNIX sockets.
            The calls of a GPU's driver are not documented, so that worker may make all other calls that are not
            refused, with any ioctl.
    """
    _by_argument(seccomp, seccomp.ERRNO(errno.EPERM)).load()
    raw_syscalls.load_filter(by_name(seccomp, tuple(opened)))  # last: it forbids loading another filter


@cache
def by_name(seccomp: ModuleType, opened: tuple[str, ...]) -> bytes:
    """The filter's program for the kernel. It is cached: making it takes ten times as long as loading it."""
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
    """A second filter, for calls that are refused only with some arguments. The stricter of both filters applies."""
    rules = seccomp.SyscallFilter(seccomp.ALLOW)
    # Threads are allowed, processes are not. clone3 hides its flags from a filter; without it glibc uses clone.
    _add(rules, seccomp.ERRNO(errno.ENOSYS), "clone3")
    _add(rules, refuse, "clone", seccomp.Arg(0, seccomp.MASKED_EQ, CLONE_THREAD, 0))
    for bit in range(32):
        if (flag := 1 << bit) & NEW_NAMESPACES:
            _add(rules, refuse, "clone", seccomp.Arg(0, seccomp.MASKED_EQ, flag, flag))
    # Only signals to itself (abort, raise, pthread_kill), and only its own limits.
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
    """Add a rule. An unknown call of this architecture or this libseccomp is skipped, if the rule has no conditions."""
    try:
        rules.add_rule(action, name, *conditions)
    except OSError as error:
        if error.errno not in (errno.EDOM, errno.EFAULT, errno.EINVAL) or conditions:
            raise
