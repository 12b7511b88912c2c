"""Landlock: limits the files that a process may use, whatever its user id. Needs Linux 5.13 and no privilege."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable

from autograder.sandbox.isolation import raw_syscalls

__all__ = ["restrict_files"]

# linux/landlock.h, LANDLOCK_ACCESS_FS_*
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
REMOVE_FILE, MAKE_CHAR, MAKE_REG, MAKE_SOCK, MAKE_BLOCK = 1 << 5, 1 << 6, 1 << 8, 1 << 9, 1 << 11
TRUNCATE, IOCTL_DEV = 1 << 14, 1 << 15
FOR_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV
# The number of rights that each ABI knows. It handles this many of the lowest bits.
RIGHTS_BY_ABI = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
NET_TCP = 0b11  # bind and connect, ABI 4
SCOPES = 0b11  # abstract sockets and signals, ABI 6

READ = READ_FILE | READ_DIR


def restrict_files(
    readable: Iterable[str],
    writable: Iterable[str],
    devices: Iterable[str],
    controlled: Iterable[str] = (),
    own: Iterable[str] = (),
) -> None:
    """Limit the files of this process for good. Needs no_new_privs.

    If the kernel's ABI supports it, the process also loses TCP and signals to processes outside.

    Args:
        readable: files and folders to read.
        writable: folders whose files it may create, change and remove.
        devices: device nodes to read and write.
        controlled: device nodes to use with their ioctls, too.
        own: folders whose files it may read, write, create and remove.

    Raises:
        OSError: the kernel has no Landlock. Paths that do not exist are skipped.
    """
    abi = raw_syscalls.landlock_version()
    handled = (1 << RIGHTS_BY_ABI[min(max(abi, 1), 5)]) - 1
    words = [handled, *([NET_TCP] if abi >= 4 else []), *([SCOPES] if abi >= 6 else [])]
    ruleset = raw_syscalls.landlock_create(struct.pack(f"={len(words)}Q", *words))
    change = handled & ~(EXECUTE | MAKE_CHAR | MAKE_SOCK | MAKE_BLOCK | IOCTL_DEV)
    try:
        use = READ_FILE | WRITE_FILE
        allowed = (
            *((readable, READ), (writable, change), (devices, use), (controlled, use | IOCTL_DEV)),
            (own, READ | WRITE_FILE | TRUNCATE | MAKE_REG | REMOVE_FILE),
        )
        for paths, rights in allowed:
            for path in paths:
                _allow(ruleset, path, rights & handled)
        raw_syscalls.landlock_restrict(ruleset)
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        rights &= -1 if os.path.isdir(path) else FOR_FILES
        raw_syscalls.landlock_add_path(ruleset, struct.pack("=Qi", rights, descriptor))
    finally:
        os.close(descriptor)
