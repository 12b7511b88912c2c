"""A seccomp filter, through libseccomp: refuses the system calls that no answer to an assignment needs.

A deny-list by name, so that it reads the same on every architecture; calls of a foreign architecture (x32, i386)
kill the process, which is libseccomp's default.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Collection
from types import ModuleType

__all__ = ["REFUSED", "library", "refuse_syscalls"]

REFUSED: dict[str, str] = {
    "networks": "socket connect bind listen accept accept4",
    "other processes": (
        "ptrace process_vm_readv process_vm_writev kcmp pidfd_open pidfd_send_signal pidfd_getfd process_madvise"
        " process_mrelease tkill rt_sigqueueinfo rt_tgsigqueueinfo"
    ),
    "programs and processes": "execve execveat fork vfork",
    "namespaces and mounts": (
        "unshare setns mount umount2 pivot_root chroot open_tree move_mount mount_setattr fsopen fsconfig fsmount"
        " fspick"
    ),
    "kernel interfaces": (
        "bpf perf_event_open userfaultfd io_uring_setup io_uring_enter io_uring_register keyctl add_key request_key"
        " open_by_handle_at name_to_handle_at fanotify_init inotify_init1 quotactl quotactl_fd init_module finit_module"
        " delete_module kexec_load kexec_file_load reboot swapon swapoff acct syslog vhangup personality iopl ioperm"
        " modify_ldt lookup_dcookie"
    ),
    "memory that outlives its owner or escapes its limits": (
        "memfd_create memfd_secret shmget shmat shmctl msgget semget mq_open"
    ),
    "somebody else's share of the machine": (
        "sched_setaffinity sched_setscheduler sched_setparam sched_setattr setpriority ioprio_set migrate_pages"
        " move_pages mbind set_mempolicy"
    ),
    "clocks and names": "settimeofday clock_settime clock_adjtime adjtimex sethostname setdomainname",
}
NEW_NAMESPACES = 0x7E02_0080  # every CLONE_NEW* of clone(2)
CLONE_THREAD = 0x0001_0000
TERMINAL_INPUT = (0x5412, 0x541C)  # ioctl TIOCSTI, TIOCLINUX: type into the grader's terminal


def library() -> ModuleType | None:
    """The binding to libseccomp, or None. Looking for it runs `ldconfig`, so this comes before confinement."""
    try:
        import pyseccomp
    except (ImportError, RuntimeError, OSError):
        return None
    return pyseccomp  # type: ignore[no-any-return]


def refuse_syscalls(seccomp: ModuleType, allowed: Collection[str] = ()) -> None:
    """From here on, refused calls fail with EPERM, in every thread. Needs no_new_privs.

    Args:
        allowed: calls that are not refused here; with `bind` sockets of the family AF_UNIX are not either.
    """
    refuse = seccomp.ERRNO(errno.EPERM)
    rules = seccomp.SyscallFilter(seccomp.ALLOW)
    for names in REFUSED.values():
        for name in set(names.split()) - {"socket", *allowed}:
            _add(rules, refuse, name)
    local = (seccomp.Arg(0, seccomp.NE, socket.AF_UNIX),) if "bind" in allowed else ()
    _add(rules, refuse, "socket", *local)
    # glibc falls back to clone, whose flags a filter can see.
    _add(rules, seccomp.ERRNO(errno.ENOSYS), "clone3")
    _add(rules, refuse, "clone", seccomp.Arg(0, seccomp.MASKED_EQ, CLONE_THREAD, 0))
    for bit in range(32):
        if (flag := 1 << bit) & NEW_NAMESPACES:
            _add(rules, refuse, "clone", seccomp.Arg(0, seccomp.MASKED_EQ, flag, flag))
    # Signals to itself only (abort, raise, pthread_kill).
    for name in ("kill", "tgkill"):
        _add(rules, refuse, name, seccomp.Arg(0, seccomp.NE, os.getpid()))
    _add(rules, refuse, "prlimit64", seccomp.Arg(0, seccomp.NE, 0))
    for request in TERMINAL_INPUT:
        _add(rules, refuse, "ioctl", seccomp.Arg(1, seccomp.MASKED_EQ, 0xFFFF_FFFF, request))
    rules.load()


def _add(rules: object, action: int, name: str, *conditions: object) -> None:
    """Add a rule; a call that this architecture or this libseccomp does not know cannot be made by name either."""
    try:
        rules.add_rule(action, name, *conditions)  # type: ignore[attr-defined]
    except OSError as error:
        if error.errno not in (errno.EDOM, errno.EFAULT, errno.EINVAL) or conditions:
            raise
