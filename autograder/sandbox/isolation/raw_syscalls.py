"""System calls through ctypes, since no dependency of this package offers them. Each docstring names the man page.

Each function raises OSError with the call's name if the call fails. A call's number is the same on every architecture
unless a table here says otherwise.
"""

from __future__ import annotations

import ctypes
import os
import platform
from collections.abc import Iterator

__all__ = [
    "CLONE_NEWIPC",
    "CLONE_NEWNET",
    "CLONE_NEWNS",
    "CLONE_NEWPID",
    "CLONE_NEWUSER",
    "CLONE_NEWUTS",
    "MOUNT_NODEV",
    "MOUNT_NOEXEC",
    "MOUNT_NOSUID",
    "MOUNT_RDONLY",
    "MS_BIND",
    "MS_NODEV",
    "MS_NOEXEC",
    "MS_NOSUID",
    "MS_PRIVATE",
    "MS_RDONLY",
    "MS_REC",
    "MS_REMOUNT",
    "die_with_parent",
    "drop_bounding_set",
    "drop_capabilities",
    "landlock_add_path",
    "landlock_create",
    "landlock_restrict",
    "landlock_version",
    "load_filter",
    "mount",
    "mount_setattr",
    "no_new_privileges",
    "not_dumpable",
    "pivot_root",
    "setns",
    "umount_detached",
    "unshare",
]

# unshare(2), setns(2): linux/sched.h
CLONE_NEWNS = 0x0002_0000
CLONE_NEWUTS = 0x0400_0000
CLONE_NEWIPC = 0x0800_0000
CLONE_NEWUSER = 0x1000_0000
CLONE_NEWPID = 0x2000_0000
CLONE_NEWNET = 0x4000_0000

# mount(2): linux/mount.h
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC = 1, 2, 4, 8
MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 32, 4096, 16384, 1 << 18
MNT_DETACH = 2

# mount_setattr(2)
MOUNT_RDONLY, MOUNT_NOSUID, MOUNT_NODEV, MOUNT_NOEXEC = 1, 2, 4, 8
AT_FDCWD, AT_RECURSIVE = -100, 0x8000

SOCK_FILTER = 8  # bytes of one instruction: linux/filter.h
# prctl(2): linux/prctl.h
PR_SET_SECCOMP = 22
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_CAPBSET_DROP = 1, 4, 24
PR_SET_SECUREBITS, PR_SET_NO_NEW_PRIVS = 28, 38
SECUREBITS_NOROOT_LOCKED = 0b11

# Numbers that differ: on x86_64, and on newer architectures.
_OLD = platform.machine() == "x86_64"
NR_PIVOT_ROOT = 155 if _OLD else 41
NR_CAPSET = 126 if _OLD else 91
NR_MOUNT_SETATTR = 442
NR_LANDLOCK_CREATE, NR_LANDLOCK_ADD, NR_LANDLOCK_RESTRICT = 444, 445, 446

_libc = ctypes.CDLL(None, use_errno=True)


def unshare(flags: int) -> None:
    """unshare(2): leave the parent's namespaces."""
    _check(_libc.unshare(ctypes.c_int(flags)), "unshare")


def setns(descriptor: int, kind: int) -> None:
    """setns(2): enter the namespace of a descriptor."""
    _check(_libc.setns(ctypes.c_int(descriptor), ctypes.c_int(kind)), "setns")


def mount(source: str, target: str, kind: str, flags: int, options: str = "") -> None:
    """mount(2)."""
    result = _libc.mount(
        os.fsencode(source), os.fsencode(target), kind.encode(), ctypes.c_ulong(flags), options.encode() or None
    )
    _check(result, f"mount {target}")


def mount_setattr(target: str, attributes: int) -> None:
    """mount_setattr(2): set attributes on a mount and on all mounts below it (Linux 5.12)."""
    words = (ctypes.c_uint64 * 4)(attributes, 0, 0, 0)  # set, clear, propagation, user namespace
    arguments = (ctypes.c_int(AT_FDCWD), ctypes.c_char_p(os.fsencode(target)), ctypes.c_uint(AT_RECURSIVE))
    _syscall(NR_MOUNT_SETATTR, "mount_setattr", *arguments, ctypes.byref(words), ctypes.c_size_t(32))


def umount_detached(target: str) -> None:
    """umount2(2) with MNT_DETACH."""
    _check(_libc.umount2(os.fsencode(target), ctypes.c_int(MNT_DETACH)), f"umount {target}")


def pivot_root(new: str, old: str) -> None:
    """pivot_root(2): `new` becomes the root, the old root appears at `old`."""
    _syscall(NR_PIVOT_ROOT, "pivot_root", ctypes.c_char_p(os.fsencode(new)), ctypes.c_char_p(os.fsencode(old)))


def die_with_parent(signal: int) -> None:
    """prctl(2) PR_SET_PDEATHSIG. A change of the user id clears it, so call this afterwards."""
    _prctl(PR_SET_PDEATHSIG, int(signal))


def not_dumpable() -> None:
    """prctl(2) PR_SET_DUMPABLE 0: processes of the same user can neither trace this one nor read its memory."""
    _prctl(PR_SET_DUMPABLE, 0)


def no_new_privileges() -> None:
    """prctl(2) PR_SET_NO_NEW_PRIVS: set-user-id programs and file capabilities have no effect."""
    _prctl(PR_SET_NO_NEW_PRIVS, 1)


def load_filter(program: bytes) -> None:
    """prctl(2) PR_SET_SECCOMP: load a filter, a classic BPF program of `struct sock_filter` instructions."""
    code = ctypes.create_string_buffer(program, len(program))
    header = _Program(len(program) // SOCK_FILTER, ctypes.cast(code, ctypes.c_void_p))
    zero = ctypes.c_ulong(0)
    done = _libc.prctl(ctypes.c_int(PR_SET_SECCOMP), ctypes.c_ulong(2), ctypes.byref(header), zero, zero)
    _check(done, "prctl PR_SET_SECCOMP")


class _Program(ctypes.Structure):
    """`struct sock_fprog`."""

    _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_void_p))


def drop_bounding_set() -> None:
    """capabilities(7): empty the bounding set, and stop user id 0 from regaining capabilities. Needs CAP_SETPCAP."""
    for capability in _capabilities():
        _prctl(PR_CAPBSET_DROP, capability)
    _prctl(PR_SET_SECUREBITS, SECUREBITS_NOROOT_LOCKED)


def drop_capabilities() -> None:
    """capset(2): drop all effective, permitted and inheritable capabilities."""
    version_3 = 0x2008_0522
    header = (ctypes.c_uint32 * 2)(version_3, 0)
    nothing = (ctypes.c_uint32 * 6)()
    _syscall(NR_CAPSET, "capset", ctypes.byref(header), ctypes.byref(nothing))


def landlock_version() -> int:
    """landlock_create_ruleset(2) with LANDLOCK_CREATE_RULESET_VERSION: the kernel's ABI, 0 if it has no Landlock."""
    try:
        return _syscall(NR_LANDLOCK_CREATE, "landlock", None, ctypes.c_size_t(0), ctypes.c_uint32(1))
    except OSError:
        return 0


def landlock_create(attributes: bytes) -> int:
    """landlock_create_ruleset(2): a descriptor of a ruleset."""
    size = ctypes.c_size_t(len(attributes))
    return _syscall(
        NR_LANDLOCK_CREATE, "landlock_create_ruleset", ctypes.c_char_p(attributes), size, ctypes.c_uint32(0)
    )


def landlock_add_path(ruleset: int, rule: bytes) -> None:
    """landlock_add_rule(2) with LANDLOCK_RULE_PATH_BENEATH."""
    kind = ctypes.c_int(1)
    _syscall(
        NR_LANDLOCK_ADD, "landlock_add_rule", ctypes.c_int(ruleset), kind, ctypes.c_char_p(rule), ctypes.c_uint32(0)
    )


def landlock_restrict(ruleset: int) -> None:
    """landlock_restrict_self(2). Needs no_new_privs."""
    _syscall(NR_LANDLOCK_RESTRICT, "landlock_restrict_self", ctypes.c_int(ruleset), ctypes.c_uint32(0))


def _capabilities() -> Iterator[int]:
    with open("/proc/sys/kernel/cap_last_cap") as file:
        yield from range(int(file.read()) + 1)


def _prctl(option: int, value: int) -> None:
    zero = ctypes.c_ulong(0)
    _check(_libc.prctl(ctypes.c_int(option), ctypes.c_ulong(value), zero, zero, zero), f"prctl {option}")


def _syscall(number: int, name: str, *arguments: object) -> int:
    result = _libc.syscall(ctypes.c_long(number), *arguments)
    _check(result, name)
    return int(result)


def _check(result: int, what: str) -> None:
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error), what)
